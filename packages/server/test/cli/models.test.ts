import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type Listening, listenApi } from '../../src/api/http-server.ts'
import { memoryServer, temporaryFolder } from '../api/fixture.ts'
import { run } from './fixture.ts'

const folder = temporaryFolder()
const data = join(folder.path, 'data')
const memory = memoryServer()
let api: Listening

before(async () => {
  mkdirSync(data)
  api = await listenApi(memory.deps, { dataFolder: data, version: '1' })
})
beforeEach(() => void memory.calls.splice(0))
after(async () => {
  await api.close()
  folder.remove()
})

const models = (...words: string[]) => run(['models', ...words, '--data', data])

function file(name: string, text: string): string {
  const path = join(folder.path, name)
  writeFileSync(path, text)
  return path
}

describe('assay models', () => {
  it('installs a file, and knows from its name which model it is', async () => {
    const ran = await models('install', file('EMBER2024_Win64.model', 'tree\n'))
    assert.deepEqual([ran.code, ran.err], [0, ''])
    assert.match(ran.out, /^win64 +abababab.* 500 trees/)
    const { input } = memory.calls[0] as { input: { name: string; bytes: number } }
    assert.deepEqual([input.name, input.bytes], ['win64', 5])
  })

  it('installs every model of a folder', async () => {
    const place = join(folder.path, 'three')
    mkdirSync(place)
    for (const name of ['A_PE.model', 'A_Win32.model', 'other.txt']) writeFileSync(join(place, name), 'tree\n')
    assert.equal((await models('install', place)).code, 0)
    assert.deepEqual(
      memory.calls.map(({ input }) => (input as { name: string }).name),
      ['pe', 'win32'],
    )
  })

  it('has the server fetch a URL or what the publisher gives out', async () => {
    await models('install', 'ember2024')
    await models('install', 'https://models.example/a', '--name', 'pe', '--sha256', 'ab'.repeat(32))
    assert.deepEqual(
      memory.calls.map(({ input }) => input),
      [
        { from: 'ember2024', by: 'cli' },
        { from: 'https://models.example/a', name: 'pe', sha256: 'ab'.repeat(32), by: 'cli' },
      ],
    )
  })

  const wrong: readonly (readonly [why: string, words: string[], code: number, says: RegExp])[] = [
    ['no such file', ['install', '/does/not/exist.model', '--name', 'pe'], 66, /ENOENT/],
    ['a name that says nothing', ['install', file('m.model', 'x')], 64, /--name/],
    ['a name that is none', ['install', file('m.model', 'x'), '--name', 'elf'], 64, /name/],
    ['an empty file', ['install', file('empty_pe.model', '')], 1, /no model/],
    ['a folder without any', ['install', data], 66, /no file that ends in \.model/],
  ]
  for (const [why, words, code, says] of wrong) {
    it(`refuses ${why}`, async () => {
      const ran = await models(...words)
      assert.equal(ran.code, code, ran.err)
      assert.match(ran.err, says)
    })
  }

  it('lists and removes', async () => {
    assert.match((await models('list')).out, /^pe /)
    assert.match((await models('remove', 'pe')).out, /^removed/)
    assert.match((await models('remove', 'win32')).out, /^nothing changed/)
  })

  it('shows what the engine sees in a file', async () => {
    const seen = {
      features: [1, 2],
      scores: { pe: 0.25 },
      risk: 'none',
      topFeatures: [{ name: 'imports', contribution: -1.5 }],
      signature: 'not signed',
    }
    const tools = { modelFeatures: async () => seen }
    const plain = await run(['models', 'features', 'a.exe', '--data', data], { tools })
    assert.match(plain.out, /score pe +0\.25[\s\S]*imports +-1\.500/)
    const json = await run(['models', 'features', 'a.exe', '--json', '--data', data], { tools })
    assert.deepEqual(JSON.parse(json.out), seen)
  })
})
