import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type AddFeed, addFeedSchema, type FeedView } from '../../src/api/contract.ts'
import { runFeed } from '../../src/composition/feed-runner.ts'
import { createFeedsService, type FeedsService, type FeedsServiceOptions } from '../../src/composition/feeds-service.ts'
import { openSecretBox } from '../../src/store/secret-box.ts'
import { type Answered, type FeedServer, feedServer, jsonAnswer } from '../feeds/feed-server.ts'
import { openStore, type StoreRig } from './store-rig.ts'

let rig: StoreRig
let source: FeedServer
let service: FeedsService
let published = 0
let inUse = false
let logged: string[] = []
let names = 0
let name = ''

before(async () => {
  rig = await openStore()
  source = await feedServer(() => ({}))
})
after(() => rig.close())

beforeEach(async () => {
  published = 0
  inUse = false
  logged = []
  source.asked.splice(0)
  name = `source${++names}`
})

const options = (): FeedsServiceOptions => ({
  store: rig.writer,
  box: openSecretBox(rig.folder),
  run: runFeed,
  published: async () => void published++,
  isInUse: () => inUse,
  log: (level, text, facts) => void logged.push(`${level} ${text} ${JSON.stringify(facts)}`),
  tickMs: 50,
})

async function started<T>(work: () => Promise<T>): Promise<T> {
  service = createFeedsService(options())
  await service.load()
  service.start()
  try {
    return await work()
  } finally {
    await service.close()
    for (const { feed } of await service.deps.list()) await rig.writer.feeds.remove(feed.name)
  }
}

function given(more: Partial<AddFeed['feed']> = {}, secret = ''): AddFeed & { by: string } {
  const feed = { name, kind: 'text', url: `${source.url}/list.txt`, ...more }
  return { ...addFeedSchema.parse({ feed, secret }), by: 'cli' }
}

const gives = (answer: Answered) => {
  source.answer = () => answer
}

/** Read once more, or as it stands once the reading under way has ended. */
async function settled(): Promise<FeedView> {
  for (;;) {
    const view = await service.deps.get(name)
    assert.ok(view)
    if (!view.running && view.attemptMs > 0) return view
    await sleep(20)
  }
}

async function syncAgain(more: { confirm?: boolean; whole?: boolean } = {}): Promise<FeedView> {
  const outcome = await service.deps.sync({ name, confirm: false, whole: false, by: 'cli', ...more })
  assert.equal(outcome.ok, true)
  return settled()
}

async function addAndRead(more: Partial<AddFeed['feed']> = {}, secret = ''): Promise<FeedView> {
  const outcome = await service.deps.add(given(more, secret))
  assert.equal(outcome.ok, true, JSON.stringify(outcome))
  return settled()
}

const listed = async () =>
  (await rig.writer.objects.page({ list: 'synchronized', limit: 1000 })).map(({ type, value }) => `${type} ${value}`)

describe('sources of the synchronized list', () => {
  it('are read at once when they are set up, and their objects are published', () =>
    started(async () => {
      gives({ body: '# list\nbad.example\n198.41.0.4\n10.0.0.1\nnonsense!\n' })
      const view = await addAndRead()
      assert.deepEqual([view.state, view.counts, view.failures], ['ok', { domain: 1, ip: 1 }, 0])
      assert.deepEqual(view.tally.ignored, { private: 1 })
      assert.match(view.tally.faults[0] ?? '', /^line 5: /)
      assert.deepEqual(await listed(), ['domain bad.example', 'ip 198.41.0.4'])
      assert.equal(published, 1)
      assert.equal(service.hasSource(), true)
      assert.deepEqual(service.summary(), { ok: 1, failing: 0, disabled: 0 })
    }))

  it('are not asked for what they gave already', () =>
    started(async () => {
      source.answer = ({ headers }) =>
        headers['if-none-match'] === '"v1"'
          ? { status: 304 }
          : { body: 'bad.example\n', headers: { etag: '"v1"', 'last-modified': 'Tue, 24 Nov 2026 00:00:00 GMT' } }
      await addAndRead()
      const view = await syncAgain()
      assert.equal(view.state, 'ok')
      assert.equal(source.asked[1]?.headers['if-modified-since'], 'Tue, 24 Nov 2026 00:00:00 GMT')
      assert.deepEqual(await listed(), ['domain bad.example'])
      await syncAgain({ whole: true })
      assert.equal(source.asked[2]?.headers['if-none-match'], undefined)
    }))

  const failures: readonly (readonly [why: string, answer: Answered, says: RegExp])[] = [
    ['the source is down', { status: 500 }, /status: the source answers 500/],
    ['the source is busy', { status: 503, headers: { 'retry-after': '7200' } }, /busy/],
    ['it refuses the credentials', { status: 401 }, /refused: .* credentials/],
    ['the page is gone', { status: 404 }, /not-found/],
    ['the answer is cut short', { body: 'bad.example\n', claims: 500 }, /unreachable/],
    ['it has become empty', { body: '' }, /shrunk: the source has 0 entries and had 20/],
    ['it has lost nearly all', { body: 'site1.example\n' }, /shrunk: the source has 1 entries and had 20/],
    ['it is a web page', { type: 'text/html', body: '<!DOCTYPE html><html>sign in</html>' }, /wrong-type: .* web page/],
    ['it is something else', { body: 'hello world\nthis is\nno list at all\n' }, /damaged/],
    ['it is too large', { body: `${'x'.repeat(60)}.example\n`.repeat(100) }, /too-large/],
    ['it packs a bomb', { body: gzipSync(Buffer.alloc(3_000_000)) }, /too-large: unpacked/],
    ['its packing is damaged', { body: gzipSync(Buffer.from('x'.repeat(999))).subarray(0, 25) }, /damaged: .*gzip/],
    ['it is binary', { body: Buffer.from([1, 0, 2, 3]) }, /wrong-type: .* binary/],
    ['it leads inside', { status: 302, headers: { location: 'http://192.168.1.1/list' } }, /unreachable: 192.168.1.1/],
  ]
  for (const [why, answer, says] of failures) {
    it(`keep what they gave when ${why}`, () =>
      started(async () => {
        gives({ body: Array.from({ length: 20 }, (_, n) => `site${n}.example\n`).join('') })
        await addAndRead({ maxBytes: 4096 })
        gives(answer)
        const view = await syncAgain()
        assert.match(view.fault, says)
        assert.deepEqual([view.state, view.failures, view.counts], ['failing', 1, { domain: 20 }])
        assert.equal((await listed()).length, 20)
        assert.ok(view.nextMs > Date.now())
        if (why.includes('busy')) assert.ok(view.nextMs > Date.now() + 7_000_000, 'Retry-After is kept')
      }))
  }

  it('may shrink where somebody says so', () =>
    started(async () => {
      gives({ body: Array.from({ length: 20 }, (_, n) => `site${n}.example\n`).join('') })
      await addAndRead()
      gives({ body: 'site1.example\n' })
      assert.equal((await syncAgain()).state, 'failing')
      const view = await syncAgain({ confirm: true })
      assert.deepEqual([view.state, view.counts, view.fault], ['ok', { domain: 1 }, ''])
    }))

  it('come gzipped too', () =>
    started(async () => {
      gives({ body: gzipSync('bad.example\n') })
      assert.deepEqual((await addAndRead()).counts, { domain: 1 })
    }))

  it('get their secret, and nobody else does', () =>
    started(async () => {
      const other = await feedServer(() => ({ body: 'bad.example\n' }))
      gives({ status: 302, headers: { location: `${other.url.replace('127.0.0.1', 'localhost')}/` } })
      const view = await addAndRead({ auth: 'header', header: 'X-Api-Key' }, 's3cret')
      assert.equal(source.asked[0]?.headers['x-api-key'], 's3cret')
      assert.match(view.fault, /unreachable/) // localhost is not the host that was named
      assert.equal(other.asked.length, 0)
      assert.equal(view.hasSecret, true)
      const stored = await rig.writer.feeds.get(name)
      assert.match(stored?.secret ?? '', /^sealed:1:/)
      for (const text of [JSON.stringify(view), JSON.stringify(stored), logged.join()])
        assert.doesNotMatch(text, /s3cret/)
    }))

  it('say who they are by name and password, or by a token', () =>
    started(async () => {
      gives({ body: 'bad.example\n' })
      await addAndRead({ auth: 'basic', user: 'ann' }, 'pä:ss')
      assert.equal(source.asked[0]?.headers.authorization, `Basic ${Buffer.from('ann:pä:ss').toString('base64')}`)
      name = `source${++names}`
      await addAndRead({ auth: 'bearer' }, 'tok')
      assert.equal(source.asked[1]?.headers.authorization, 'Bearer tok')
    }))

  const wrong: readonly (readonly [why: string, feed: Partial<AddFeed['feed']>, secret: string, says: RegExp])[] = [
    ['a URL that is none', { url: 'ftp://h.example/' }, '', /^url: /],
    ['credentials in the URL', { url: 'http://a:b@h.example/' }, '', /^url: holds credentials/],
    ['no secret for one', { auth: 'bearer' }, '', /^secret: /],
    ['a secret for none', {}, 'x', /^auth: /],
    ['a secret that breaks a header', { auth: 'bearer' }, 'a\r\nb', /^secret: /],
    ['basic without a user', { auth: 'basic' }, 'x', /^user: /],
    ['a header that a redirect would carry away', { auth: 'header', header: 'X-Me' }, 'x', /^header: /],
    ['an authority that is none', { ca: 'nonsense' }, '', /^ca: /],
    ['a collection of a text', { collection: 'x' }, '', /^collection: /],
    ['tags of a text', { tags: ['x'] }, '', /^tags: /],
    ['no types', { types: [] }, '', /^types: /],
    ['column 0', { kind: 'csv', column: '0' }, '', /^column: /],
    ['a delimiter that is none', { kind: 'csv', delimiter: '"' }, '', /^delimiter: /],
  ]
  for (const [why, feed, secret, says] of wrong) {
    it(`are not set up with ${why}`, () =>
      started(async () => {
        const outcome = await service.deps.add(given(feed, secret))
        assert.match((outcome.ok === false && outcome.faults[0]) || '', says)
        assert.equal(service.hasSource(), false)
      }))
  }

  it('have one name each; in place of one another begins anew', () =>
    started(async () => {
      gives({ body: 'bad.example\n' })
      await addAndRead()
      assert.equal((await service.deps.add(given())).ok, false)
      gives({ body: 'other.example\n' })
      assert.equal((await service.deps.add({ ...given(), replace: true })).ok, true)
      await settled()
      assert.deepEqual(await listed(), ['domain other.example'])
    }))

  it('take what only they named with them', () =>
    started(async () => {
      gives({ body: 'both.example\nfirst.example\n' })
      await addAndRead()
      const first = name
      name = `source${++names}`
      gives({ body: 'both.example\n' })
      await addAndRead()
      assert.deepEqual(await service.deps.remove({ name: first, by: 'cli' }), { ok: true, removed: true })
      assert.deepEqual(await listed(), ['domain both.example'])
      inUse = true
      assert.equal((await service.deps.remove({ name, by: 'cli' })).ok, false)
    }))

  it('rest while they are switched off, and are read by hand all the same', () =>
    started(async () => {
      gives({ body: 'bad.example\n' })
      await service.deps.add({ ...given(), enabled: false })
      await sleep(200)
      assert.equal(source.asked.length, 0)
      assert.equal((await syncAgain()).state, 'disabled')
      assert.equal(source.asked.length, 1)
      await service.deps.setEnabled({ name, enabled: true, by: 'cli' })
      assert.equal((await service.deps.get(name))?.state, 'ok')
    }))

  it('are given up when the server stops, and nothing of that is kept', () =>
    started(async () => {
      gives({ never: true })
      await service.deps.add(given())
      while (source.asked.length === 0) await sleep(20)
      await service.close()
      const stored = await rig.writer.feeds.get(name)
      assert.deepEqual([stored?.state.failures, stored?.state.successMs], [0, 0])
    }))

  it('are tried again later after a start, not all at once', () =>
    started(async () => {
      gives({ body: 'bad.example\n' })
      await addAndRead()
      await service.close()
      service = createFeedsService(options())
      await service.load()
      service.start()
      await sleep(300)
      assert.equal(source.asked.length, 1)
    }))

  it('can be looked at without keeping anything', () =>
    started(async () => {
      gives({ body: Array.from({ length: 30 }, (_, n) => `site${n}.example\n`).join('') })
      const outcome = await service.deps.preview(given())
      assert.ok(outcome.ok)
      assert.deepEqual([outcome.counts, outcome.objects.length, outcome.tally.taken], [{ domain: 30 }, 20, 30])
      assert.deepEqual(await listed(), [])
      gives({ status: 500 })
      const failed = await service.deps.preview(given())
      assert.deepEqual(failed, { ok: false, faults: ['status: the source answers 500'] })
    }))

  it('whose secret cannot be opened with this key say so', () =>
    started(async () => {
      gives({ body: 'bad.example\n' })
      await addAndRead({ auth: 'bearer' }, 'tok')
      const stored = await rig.writer.feeds.get(name)
      assert.ok(stored)
      await rig.writer.feeds.put({ ...stored, secret: `${stored.secret.slice(0, -4)}AAAA` })
      assert.match((await syncAgain()).fault, /sealed secret cannot be opened/)
      const preview = await service.deps.previewOf(name)
      assert.match((preview.ok === false && preview.faults[0]) || '', /sealed secret cannot be opened/)
      assert.deepEqual(await listed(), ['domain bad.example'])
    }))

  it('of TAXII go on where they stopped, and take back what is revoked', () =>
    started(async () => {
      const indicator = (id: number, value: string, more = {}) => ({
        type: 'indicator',
        id: `indicator--00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
        pattern_type: 'stix',
        pattern: `[domain-name:value = '${value}']`,
        modified: '2026-11-01T00:00:00Z',
        ...more,
      })
      const envelope = (objects: unknown[]): Answered =>
        jsonAnswer(
          { objects },
          {
            type: 'application/taxii+json;version=2.1',
            headers: { 'X-TAXII-Date-Added-Last': '2026-11-02T00:00:00.000Z' },
          },
        )
      gives(envelope([indicator(1, 'one.example'), indicator(2, 'two.example')]))
      await addAndRead({ kind: 'taxii', url: `${source.url}/root/collections/c1/` })
      assert.deepEqual(await listed(), ['domain one.example', 'domain two.example'])
      gives(envelope([indicator(1, 'one.example', { revoked: true }), indicator(3, 'three.example')]))
      await syncAgain()
      assert.equal(source.asked[1]?.query.get('added_after'), '2026-11-02T00:00:00.000Z')
      assert.deepEqual(await listed(), ['domain three.example', 'domain two.example'])
    }))
})
