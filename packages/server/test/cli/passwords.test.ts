import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Listening, listenApi } from '../../src/api/http-server.ts'
import { memoryServer, temporaryFolder } from '../api/fixture.ts'
import { run } from './fixture.ts'

const folder = temporaryFolder()
const data = join(folder.path, 'data')
let api: Listening
let saved: readonly string[] = ['infected', 'virus']

const memory = memoryServer({
  async readSettings() {
    const setting = { key: 'unpack.passwords', value: saved, source: 'saved', readOnly: false, secret: false, help: '' }
    return { revision: 1, settings: [setting] } as Awaited<ReturnType<typeof memory.deps.readSettings>>
  },
  async saveSettings({ updates }) {
    const next = JSON.parse(String(updates['unpack.passwords'])) as string[]
    const changed = next.join() === saved.join() ? [] : ['unpack.passwords']
    saved = next
    return { ok: true, revision: 2, changed, warnings: [] }
  },
})

before(async () => {
  mkdirSync(data)
  api = await listenApi(memory.deps, { dataFolder: data, version: '1' })
})
after(async () => {
  await api.close()
  folder.remove()
})

const passwords = (...words: string[]) => run(['passwords', ...words, '--data', data])

describe('assay passwords', () => {
  const steps: readonly (readonly [words: string[], list: string[], says: RegExp])[] = [
    [['list'], ['infected', 'virus'], /^infected\nvirus\n$/],
    [['add', 'new'], ['infected', 'virus', 'new'], /1 added, 3 passwords/],
    [['add', 'new', 'virus'], ['infected', 'virus', 'new'], /nothing changed/],
    [['add', '--first', '0815'], ['0815', 'infected', 'virus', 'new'], /1 added/],
    [['move', 'new', '1'], ['new', '0815', 'infected', 'virus'], /moved/],
    [['remove', '0815', 'virus'], ['new', 'infected'], /2 removed, 2 passwords/],
  ]
  for (const [words, list, says] of steps) {
    it(`${words.join(' ')}`, async () => {
      const ran = await passwords(...words)
      assert.deepEqual([ran.code, ran.err], [0, ''])
      assert.match(ran.out, says)
      assert.deepEqual(saved, list)
    })
  }

  it('import takes the lines of a text, each once', async () => {
    const ran = await run(['passwords', 'import', '-', '--data', data], { stdin: 'a b\r\nnew\n\nc\n' })
    assert.equal(ran.code, 0)
    assert.deepEqual(saved, ['new', 'infected', 'a b', 'c'])
  })

  it('refuses a place that is none, and a password that is not there', async () => {
    assert.equal((await passwords('move', 'c', '0')).code, 64)
    assert.equal((await passwords('move', 'unknown', '1')).code, 1)
  })
})
