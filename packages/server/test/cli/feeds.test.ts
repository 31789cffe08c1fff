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

const feeds = (words: readonly string[], stdin = '') => run(['feeds', ...words, '--data', data], { stdin })

function file(name: string, text: string): string {
  const path = join(folder.path, name)
  writeFileSync(path, text)
  return path
}

const URL_OF = 'https://feed.example/list'

describe('assay feeds', () => {
  it('sets a source up with what is usual', async () => {
    const ran = await feeds(['add', 'abuse', 'text', URL_OF])
    assert.deepEqual([ran.code, ran.err], [0, ''])
    assert.match(ran.out, /state +new/)
    const { name, input } = memory.calls[0] as { name: string; input: Record<string, unknown> }
    assert.equal(name, 'feeds.add')
    const { feed, secret, enabled, replace } = input as { feed: Record<string, unknown> } & Record<string, unknown>
    assert.deepEqual([secret, enabled, replace], [0, true, false])
    assert.deepEqual([feed.scheduleMinutes, feed.expiryDays, feed.risk, feed.auth], [60, 90, 'high', 'none'])
  })

  it('hands over everything that can be said of one', async () => {
    const flags =
      '--column 3 --delimiter ; --auth basic --user ann --every 6h --expiry 7 --risk medium --type url --type domain'
    const more = ['--max-entries', '10', '--max-bytes', '2048', '--min-confidence', '50', '--disabled', '--replace']
    const ca = ['--ca', file('ca.pem', 'PEM'), '--secret', '-']
    const ran = await feeds(['add', 'a', 'csv', URL_OF, ...flags.split(' '), ...more, ...ca], 's3cret\n')
    assert.equal(ran.code, 0, ran.err)
    assert.doesNotMatch(ran.out, /s3cret/)
    const { input } = memory.calls[0] as { input: { feed: object } }
    assert.deepEqual(input, {
      by: 'cli',
      secret: 6,
      enabled: false,
      replace: true,
      feed: {
        ...{
          name: 'a',
          kind: 'csv',
          url: URL_OF,
          collection: '',
          tags: [],
          column: '3',
          delimiter: ';',
          auth: 'basic',
        },
        ...{ user: 'ann', header: '', scheduleMinutes: 360, expiryDays: 7, risk: 'medium', types: ['url', 'domain'] },
        ...{ minConfidence: 50, maxEntries: 10, maxBytes: 2048, ca: 'PEM' },
      },
    })
  })

  const wrong: readonly (readonly [why: string, words: string[], code: number, says: RegExp])[] = [
    ['a secret as an argument: others see it', ['add', 'a', 'text', URL_OF, '--secret', 'abc'], 64, /@FILE or -/],
    ['a span that is none', ['add', 'a', 'text', URL_OF, '--every', 'often'], 64, /no span/],
    ['a number that is none', ['add', 'a', 'text', URL_OF, '--expiry', '-3'], 64, /whole number/],
    ['a kind that is none', ['add', 'a', 'rss', URL_OF], 1, /kind/],
    ['a name with a slash', ['add', 'a/b', 'text', URL_OF], 1, /name/],
    ['an authority that is not there', ['add', 'a', 'text', URL_OF, '--ca', '/does/not/exist'], 66, /ENOENT/],
    ['a source that is not there', ['show', 'none'], 1, /no source/],
    ['switching on what is not there', ['enable', 'none'], 1, /no source none/],
    ['reading what is not there', ['sync', 'none'], 1, /no source none/],
    ['looking at what is not there', ['preview', 'none'], 1, /no source none/],
  ]
  for (const [why, words, code, says] of wrong) {
    it(`refuses ${why}`, async () => {
      const ran = await feeds(words)
      assert.equal(ran.code, code, ran.err)
      assert.match(ran.err, says)
    })
  }

  it('lists them with counts, time and fault', async () => {
    const ran = await feeds(['list'])
    assert.match(ran.out, /^good +text +ok +2 sha256, 1 domain +read 2023-11-14T/m)
    assert.match(ran.out, /^broken .* failing .*busy: the source is busy/m)
    assert.equal(JSON.parse((await feeds(['list', '--json'])).out).length, 2)
  })

  it('shows one with what was left out', async () => {
    const ran = await feeds(['show', 'good'])
    assert.match(ran.out, /not taken +2 private/)
    assert.match(ran.out, /damaged +1\n +line 4/)
  })

  it('switches on and off, and removes', async () => {
    assert.match((await feeds(['disable', 'good'])).out, /state +disabled/)
    assert.match((await feeds(['enable', 'good'])).out, /state +ok/)
    assert.equal((await feeds(['remove', 'good'])).out, 'removed\n')
    assert.equal((await feeds(['remove', 'none'])).out, 'nothing changed\n')
  })

  it('reads one now, and fails where that fails', async () => {
    assert.match((await feeds(['sync', 'good', '--confirm', '--whole'])).out, /state +reading/)
    assert.deepEqual(memory.calls[0]?.input, { name: 'good', confirm: true, whole: true, by: 'cli' })
    assert.equal((await feeds(['sync', 'good', '--wait'])).code, 0)
    const failed = await feeds(['sync', 'broken', '--wait'])
    assert.equal(failed.code, 1)
    assert.match(failed.err, /broken was not read: busy/)
  })

  it('looks at what one would give', async () => {
    assert.match((await feeds(['preview', 'good'])).out, /domain +bad\.example +high +a note/)
    const ran = await feeds(['add', 'new', 'hosts', URL_OF, '--preview', '--json'])
    assert.equal(JSON.parse(ran.out).objects[0].value, 'bad.example')
    assert.deepEqual(
      memory.calls.map(({ name }) => name),
      ['feeds.preview'],
    )
  })
})
