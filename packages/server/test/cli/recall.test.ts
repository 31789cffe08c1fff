import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Listening, listenApi } from '../../src/api/http-server.ts'
import { memoryServer, sampleFinding, temporaryFolder } from '../api/fixture.ts'
import { run } from './fixture.ts'

const folder = temporaryFolder()
const memory = memoryServer()
let api: Listening
before(async () => {
  api = await listenApi(memory.deps, { dataFolder: folder.path, version: '1' })
})
after(async () => {
  await api.close()
  folder.remove()
})

const at = (...words: string[]) => run([...words, '--data', folder.path])

describe('assay recall', () => {
  it('prints every page, a line each', async () => {
    const { code, out } = await at('recall', '--since', '2h')
    assert.equal(code, 0)
    assert.match(
      out,
      /^2023-11-14T22:13:20\.000Z +2 +192\.0\.2\.1 +ann +http:\/\/files\.example\/a\.zip +a\.zip +UserDefined.*b\.exe\n.* 1 +192/,
    )
    const query = memory.calls.at(-1)?.input as { sinceMs: number } | undefined
    assert.ok(Math.abs(Date.now() - 7_200_000 - (query?.sinceMs ?? 0)) < 60_000)
  })

  it('prints JSON lines', async () => {
    const { out } = await at('recall', '--json')
    assert.deepEqual(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [sampleFinding('2'), sampleFinding('1')],
    )
  })
})

describe('assay transactions recheck', () => {
  it('looks at slice after slice, says how many, and exits 1 where something would be blocked', async () => {
    const { code, out, err } = await at('transactions', 'recheck', '--json', '--since', '2023-01-01')
    assert.equal(code, 1)
    assert.deepEqual(JSON.parse(out), sampleFinding('1'))
    assert.match(err, /^507 records looked at, 1 would be blocked today$/m)
    assert.deepEqual(memory.calls.at(-1)?.input, { sinceMs: Date.parse('2023-01-01'), cursor: '2' })
  })
})
