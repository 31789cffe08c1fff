import assert from 'node:assert/strict'
import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Listening, listenApi } from '../../src/api/http-server.ts'
import { memoryServer, temporaryFolder } from '../api/fixture.ts'

const COMMAND = new URL('../../../../bin/assay.ts', import.meta.url).pathname
const NOBODY = 65_534
const folder = temporaryFolder()
const data = join(folder.path, 'x'.repeat(150))
let api: Listening

before(async () => {
  chmodSync(folder.path, 0o755)
  mkdirSync(data, { mode: 0o755 })
  api = await listenApi(memoryServer().deps, { dataFolder: data, version: '1' })
})
after(async () => {
  await api.close()
  folder.remove()
})

function start(words: readonly string[], options: SpawnOptions = {}) {
  const child = spawn(process.execPath, [COMMAND, ...words], { stdio: ['pipe', 'pipe', 'pipe'], ...options })
  let err = ''
  child.stderr?.on('data', (chunk) => {
    err += String(chunk)
  })
  return { child, err: () => err }
}

async function finish(words: readonly string[], input = '', options: SpawnOptions = {}) {
  const { child, err } = start(words, options)
  let out = ''
  child.stdout?.on('data', (chunk) => {
    out += String(chunk)
  })
  child.stdin?.end(input)
  const [code] = await once(child, 'close')
  return { code, out, err: err() }
}

describe('bin/assay.ts', () => {
  it('talks to a server whose data folder has a long path', async () => {
    const { code, out, err } = await finish(['status', '--data', data])
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^Assay 9\.8\.7 is ready/)
  })

  it('reads stdin to its end', async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `host${i}.example\n`).join('')
    const ran = await finish(['lists', 'import', 'user-defined', 'domain', '-', '--data', data], lines)
    assert.deepEqual([ran.code, ran.out, ran.err], [0, '50000 added\n', ''])
  })

  it('ends quietly when its reader goes away', async () => {
    const { child, err } = start(['transactions', '--limit', '1500', '--json', '--data', data])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const [code] = await once(child, 'exit')
    assert.deepEqual([code, err()], [141, ''])
  })

  it('is 77 for another user than the server', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('NEEDS ROOT: cannot become another user')
    const { code, err } = await finish(['status', '--data', data], '', { uid: NOBODY, gid: NOBODY })
    if (err.includes('MODULE_NOT_FOUND') || err.includes('EACCES: permission denied, open'))
      return t.skip('the checkout is not readable for others')
    assert.equal(code, 77, err)
    assert.match(err, /^assay: only the user that the server of \S+ runs as may talk to it\n$/)
  })
})
