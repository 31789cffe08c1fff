import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FeedConfig, FeedCursor, FeedObject } from '../../src/domain/feed.ts'
import { createEgress } from '../../src/egress.ts'
import { FeedFault } from '../../src/feeds/feed-fault.ts'
import { readFeed } from '../../src/feeds/read-feed.ts'
import { NOW } from './collect.ts'
import { feedConfig } from './feed-config.ts'
import { type Answered, type Asked, feedServer, jsonAnswer } from './feed-server.ts'

const egress = createEgress({ namedHosts: ['127.0.0.1'] })
const server = await feedServer(() => ({ status: 500 }))

interface Read {
  readonly cursor?: FeedCursor
  readonly confirmed?: boolean
}

/** Reads from the server of this file by the real client. */
async function read(changes: Partial<FeedConfig>, { cursor = {}, confirmed = false }: Read = {}) {
  const objects: FeedObject[] = []
  const reading = await readFeed({
    config: feedConfig({ ...changes, url: server.url + (changes.url ?? '/') }),
    secret: '',
    cursor,
    confirmed,
    fetch: egress,
    signal: new AbortController().signal,
    nowMs: NOW,
    emit: (object) => void objects.push(object),
  })
  return { ...reading, values: objects.map(({ type, value }) => `${type} ${value}`), objects }
}

function answers(pages: Readonly<Record<string, Answered | ((asked: Asked) => Answered)>>): void {
  server.asked.splice(0)
  server.answer = (asked) => {
    const page = pages[asked.path]
    return typeof page === 'function' ? page(asked) : (page ?? { status: 404 })
  }
}

const faultOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => assert.fail('it was read'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof FeedFault, String(error))
  return `${error.code}: ${error.message}`
}

const TAXII = 'application/taxii+json;version=2.1'
const taxii = (value: unknown, more: Answered = {}) => jsonAnswer(value, { type: TAXII, ...more })
const indicator = (n: number) => ({
  type: 'indicator',
  id: `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  pattern_type: 'stix',
  pattern: `[domain-name:value = 'site${n}.example']`,
})
const collections = taxii({
  collections: [
    { id: 'c-1', title: 'First', can_read: true },
    { id: 'c-2', title: 'Second', alias: 'two', can_read: true },
    { id: 'c-3', title: 'Locked', can_read: false },
  ],
})

describe('a TAXII 2.1 server', () => {
  it('is read from its discovery page, page by page', async () => {
    answers({
      '/taxii2/': taxii({ title: 'x', default: '/root/', api_roots: ['/other/', '/root/'] }),
      '/root/collections/': collections,
      '/root/collections/c-2/objects/': ({ query }) =>
        query.get('next') === null
          ? taxii(
              { more: true, next: 'p2', objects: [indicator(1)] },
              { headers: { 'x-taxii-date-added-last': '2026-11-01T00:00:00Z' } },
            )
          : taxii(
              { objects: [indicator(2), { type: 'malware' }] },
              { headers: { 'x-taxii-date-added-last': '2026-11-02T00:00:00Z' } },
            ),
    })
    const got = await read({ kind: 'taxii', url: '/taxii2', collection: 'two' })
    assert.deepEqual(got.values, ['domain site1.example', 'domain site2.example'])
    assert.deepEqual([got.outcome, 'cursor' in got && got.cursor.since], ['whole', '2026-11-02T00:00:00Z'])
    assert.deepEqual(
      server.asked.map(({ headers, path }) => `${path} ${headers.accept}`),
      ['/taxii2/', '/root/collections/', '/root/collections/c-2/objects/', '/root/collections/c-2/objects/'].map(
        (path) => `${path} ${TAXII}`,
      ),
    )
    assert.equal(server.asked[3]?.query.get('match[type]'), 'indicator')
  })

  it('is read from an API root with one collection', async () => {
    answers({
      '/root/': taxii({ title: 'x', versions: [TAXII], max_content_length: 1 }),
      '/root/collections/': taxii({ collections: [{ id: 'c-1', title: 'First' }] }),
      '/root/collections/c-1/objects/': taxii({}),
    })
    assert.deepEqual((await read({ kind: 'taxii', url: '/root/' })).values, [])
  })

  it('is asked only for what was added since', async () => {
    answers({ '/r/collections/c/objects/': taxii({ objects: [indicator(1)] }) })
    const got = await read({ kind: 'taxii', url: '/r/collections/c' }, { cursor: { since: '2026-11-02T00:00:00Z' } })
    assert.equal(server.asked[0]?.query.get('added_after'), '2026-11-02T00:00:00Z')
    assert.deepEqual(got.outcome === 'changes' && [got.refs, got.cursor.since], [
      [indicator(1).id],
      '2026-11-02T00:00:00Z',
    ])
  })

  const objects = '/r/collections/c/objects/'
  const bad: readonly (readonly [why: string, pages: Parameters<typeof answers>[0], url: string, says: RegExp])[] = [
    [
      'several collections and none named',
      { '/r/': taxii({ versions: [] }), '/r/collections/': collections },
      '/r/',
      /not-found: several.*c-1 \(First\)/,
    ],
    ['a page of another kind', { '/r/': { type: 'text/html', body: '<html>' } }, '/r/', /wrong-type/],
    ['a discovery page without roots', { '/r/': taxii({ title: 'x' }) }, '/r/', /wrong-type/],
    [
      'a root on another host',
      { '/r/': taxii({ api_roots: ['http://other.example/'] }) },
      '/r/',
      /refused: .* another host/,
    ],
    ['more pages and no next', { [objects]: taxii({ more: true, objects: [] }) }, '/r/collections/c', /damaged/],
    [
      'the same next again',
      { [objects]: taxii({ more: true, next: 'x', objects: [indicator(1)] }) },
      '/r/collections/c',
      /damaged: .* end/,
    ],
    [
      'empty pages for ever',
      { [objects]: ({ query }) => taxii({ more: true, next: `${query.get('next')}x`, objects: [] }) },
      '/r/collections/c',
      /damaged: .* end/,
    ],
    ['JSON cut short', { [objects]: taxii({}, { body: '{"objects":[' }) }, '/r/collections/c', /damaged/],
    ['an answer cut short', { [objects]: taxii({}, { claims: 1000 }) }, '/r/collections/c', /unreachable/],
    ['a refusal', { [objects]: { status: 403 } }, '/r/collections/c', /refused/],
  ]
  for (const [why, pages, url, says] of bad) {
    it(`is a fault with ${why}`, async () => {
      answers(pages)
      assert.match(await faultOf(read({ kind: 'taxii', url })), says)
    })
  }
})

const UUID = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const attribute = (n: number, type: string, value: string, more: object = {}) => ({
  uuid: UUID(n),
  type,
  value,
  to_ids: true,
  timestamp: '1764000000',
  Event: { info: 'an event' },
  ...more,
})
const SHA256 = 'ab'.repeat(32)

describe('a MISP server', () => {
  it('gives attributes for detection', async () => {
    const given = [
      attribute(1, 'sha256', SHA256),
      attribute(2, 'filename|sha1', `x.exe|${'cd'.repeat(20)}`),
      attribute(3, 'ip-dst|port', '198.41.0.4|443'),
      attribute(4, 'domain|ip', 'bad.example|198.41.0.5'),
      attribute(5, 'hostname', 'h[.]bad.example'),
      attribute(6, 'url', 'hxxp://bad.example/x'),
      attribute(7, 'md5', 'ab'.repeat(16)),
      attribute(8, 'email-src', 'a@b.example'),
      attribute(9, 'domain', 'context.example', { to_ids: false }),
      attribute(10, 'domain', 'gone.example', { deleted: true }),
      attribute(11, 'ip-src', '10.0.0.1'),
    ]
    answers({ '/misp/attributes/restSearch': jsonAnswer({ response: { Attribute: given } }) })
    const got = await read({ kind: 'misp', url: '/misp', tags: ['tlp:white'] })
    assert.deepEqual(got.values, [
      `sha256 ${SHA256}`,
      `sha1 ${'cd'.repeat(20)}`,
      'ip 198.41.0.4',
      'domain bad.example',
      'ip 198.41.0.5',
      'domain h.bad.example',
      'url http://bad.example/x',
    ])
    assert.deepEqual([got.objects[0]?.ref, got.objects[0]?.note], [UUID(1), 'an event'])
    const { method, body } = server.asked[0] as Asked
    const { to_ids, published, enforceWarninglist, tags, timestamp } = JSON.parse(body)
    assert.deepEqual(
      [method, to_ids, published, enforceWarninglist, tags, timestamp],
      ['POST', true, true, true, ['tlp:white'], undefined],
    )
    assert.equal('cursor' in got && got.cursor.since, '1764000000')
  })

  it('is asked for what changed since, deleted ones too', async () => {
    answers({
      '/attributes/restSearch': jsonAnswer({
        response: { Attribute: [attribute(1, 'domain', 'a.example', { deleted: '1' })] },
      }),
    })
    const got = await read({ kind: 'misp' }, { cursor: { since: '1764000000' } })
    assert.deepEqual(got.outcome === 'changes' && got.refs, [UUID(1)])
    const { timestamp, deleted, to_ids } = JSON.parse(server.asked[0]?.body ?? '')
    assert.deepEqual([timestamp, deleted, to_ids], ['1763999700', [0, 1], undefined])
  })

  it('is read page by page', async () => {
    const page = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => attribute(from + n, 'domain', `s${from + n}.example`))
    answers({
      '/attributes/restSearch': ({ body }) =>
        jsonAnswer({ response: { Attribute: JSON.parse(body).page === 1 ? page(0, 5000) : page(5000, 3) } }),
    })
    const got = await read({ kind: 'misp', maxBytes: 10_000_000 })
    assert.deepEqual([got.values.length, server.asked.length], [5003, 2])
  })

  it('is a fault where the answer is none of MISP', async () => {
    answers({ '/attributes/restSearch': jsonAnswer({ message: 'Authentication failed' }, { status: 403 }) })
    assert.match(await faultOf(read({ kind: 'misp' })), /refused/)
    answers({ '/attributes/restSearch': jsonAnswer({ message: 'x' }) })
    assert.match(await faultOf(read({ kind: 'misp' })), /wrong-type/)
  })
})

const event = (...attributes: object[]) =>
  jsonAnswer({
    Event: { info: 'an event', Attribute: attributes.slice(0, 1), Object: [{ Attribute: attributes.slice(1) }] },
  })

describe('a folder in MISP feed format', () => {
  const manifest = (events: Readonly<Record<string, number>>) =>
    jsonAnswer(
      Object.fromEntries(
        Object.entries(events).map(([uuid, timestamp]) => [
          uuid,
          { timestamp: String(timestamp), info: 'x', Tag: [{ name: 'tlp:white' }] },
        ]),
      ),
    )
  const one = event(attribute(1, 'domain', 'one.example'), attribute(2, 'url', 'http://one.example/x'))
  const two = event(attribute(3, 'domain', 'two.example'))

  it('is read event by event, objects included', async () => {
    answers({
      '/f/manifest.json': manifest({ [UUID(1)]: 5, [UUID(2)]: 6 }),
      [`/f/${UUID(1)}.json`]: one,
      [`/f/${UUID(2)}.json`]: two,
    })
    const got = await read({ kind: 'misp-feed', url: '/f' })
    assert.deepEqual(got.values, ['domain one.example', 'url http://one.example/x', 'domain two.example'])
    assert.equal(got.objects[1]?.ref, UUID(1))
    const since = 'cursor' in got ? got.cursor.since : ''
    assert.deepEqual(JSON.parse(since ?? ''), { [UUID(1)]: 5, [UUID(2)]: 6 })
  })

  it('is asked only for events that changed, and tells which are gone', async () => {
    answers({ '/f/manifest.json': manifest({ [UUID(1)]: 5, [UUID(2)]: 7 }), [`/f/${UUID(2)}.json`]: two })
    const since = JSON.stringify({ [UUID(1)]: 5, [UUID(2)]: 6, [UUID(3)]: 1 })
    const got = await read({ kind: 'misp-feed', url: '/f/manifest.json' }, { cursor: { since } })
    assert.deepEqual(
      server.asked.map(({ path }) => path),
      ['/f/manifest.json', `/f/${UUID(2)}.json`],
    )
    assert.deepEqual(got.outcome === 'changes' && got.refs, [UUID(3), UUID(2)])
  })

  it('keeps what an event gave that cannot be read now, and tries it again', async () => {
    answers({ '/f/manifest.json': manifest({ [UUID(1)]: 6, [UUID(2)]: 7 }), [`/f/${UUID(2)}.json`]: two })
    const since = JSON.stringify({ [UUID(1)]: 5, [UUID(2)]: 6 })
    const got = await read({ kind: 'misp-feed', url: '/f' }, { cursor: { since } })
    assert.ok(got.outcome === 'changes')
    assert.deepEqual(got.refs, [UUID(2)])
    assert.deepEqual(JSON.parse(got.cursor.since ?? ''), { [UUID(2)]: 7 })
    assert.match(got.tally.faults[0] ?? '', /event .*404/)
  })

  it('takes only what has a wanted tag', async () => {
    answers({ '/f/manifest.json': manifest({ [UUID(1)]: 5 }) })
    assert.deepEqual((await read({ kind: 'misp-feed', url: '/f', tags: ['tlp:red'] })).values, [])
  })

  it('is a fault where nearly all events are gone, unless somebody says so', async () => {
    const since = JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, n) => [UUID(n), 1])))
    answers({ '/f/manifest.json': manifest({ [UUID(1)]: 1 }) })
    assert.match(await faultOf(read({ kind: 'misp-feed', url: '/f' }, { cursor: { since } })), /shrunk/)
    const got = await read({ kind: 'misp-feed', url: '/f' }, { cursor: { since }, confirmed: true })
    assert.equal(got.outcome === 'changes' && got.refs.length, 19)
  })

  it('never asks for a file that a manifest makes up', async () => {
    answers({ '/f/manifest.json': jsonAnswer({ '../../etc/passwd': {}, 'http://x/': {}, [UUID(1)]: 5 }) })
    assert.match(await faultOf(read({ kind: 'misp-feed', url: '/f' })), /damaged/)
    assert.equal(server.asked.length, 1)
  })
})

describe('a file', () => {
  it('may be STIX 2, STIX 1, a table or a hosts file', async () => {
    answers({ '/x': jsonAnswer({ type: 'bundle', objects: [indicator(1)] }) })
    assert.deepEqual((await read({ kind: 'stix', url: '/x' })).values, ['domain site1.example'])
    answers({ '/x': { type: 'application/xml', body: '<STIX_Package version="1.2"/>' } })
    assert.deepEqual((await read({ kind: 'stix', url: '/x' })).values, [])
    answers({ '/x': { body: 'a,bad.example' } })
    assert.deepEqual((await read({ kind: 'csv', url: '/x', column: '2' })).values, ['domain bad.example'])
    answers({ '/x': { body: '0.0.0.0 bad.example' } })
    assert.deepEqual((await read({ kind: 'hosts', url: '/x' })).values, ['domain bad.example'])
  })

  it('is a fault where it answers 304 to no such question', async () => {
    answers({ '/x': { status: 304 } })
    assert.match(await faultOf(read({ url: '/x' })), /status: the source answers 304/)
  })
})
