import { gzipSync } from 'node:zlib'
import type { FeedConfig } from '../../packages/server/src/domain/feed.ts'
import { FeedFault } from '../../packages/server/src/feeds/feed-fault.ts'
import { readFeed } from '../../packages/server/src/feeds/read-feed.ts'
import { readPattern } from '../../packages/server/src/feeds/stix-pattern.ts'
import { feedConfig } from '../../packages/server/test/feeds/feed-config.ts'
import { type Input, plainSeed, type Seed, type Target } from './target.ts'

const ID = 'indicator--11111111-2222-4333-8444-555555555555'
const indicator = (pattern: string) => ({
  type: 'indicator',
  id: ID,
  pattern,
  pattern_type: 'stix',
  confidence: 80,
  valid_until: '2030-01-01T00:00:00Z',
  modified: '2026-01-01T00:00:00Z',
  labels: ['malicious-activity'],
})
const PATTERNS = [
  "[domain-name:value = 'evil.example']",
  "[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8aa' OR url:value IN ('http://a.example/x', 'http://b.example/')]",
  "([ipv4-addr:value ISSUBSET '203.0.113.0/24'] AND [url:value LIKE 'x']) WITHIN 5 SECONDS REPEATS 2 TIMES",
  "[file:name MATCHES '^a(b' AND file:hashes.MD5 = h'00ff'] FOLLOWEDBY [x:y NOT = t'2026-01-01T00:00:00Z']",
]
const STIX1_OBJECT = (type: string, field: string, value: string) =>
  `<cybox:Object><cybox:Properties xsi:type="${type}"><x:${field} condition="Equals" apply_condition="ANY">${value}</x:${field}></cybox:Properties></cybox:Object>`
const STIX1 = `<stix:STIX_Package version="1.2" xmlns:stix="s" xmlns:cybox="c"><stix:Indicators><stix:Indicator id="i1"><indicator:Title>t</indicator:Title><indicator:Valid_Time_Position><indicator:End_Time>2030-01-01T00:00:00Z</indicator:End_Time></indicator:Valid_Time_Position><indicator:Observable idref="o1"/><indicator:Observable><cybox:Observable_Composition operator="OR"><cybox:Observable>${STIX1_OBJECT('DomainNameObj:DomainNameObjectType', 'Value', 'evil.example')}</cybox:Observable><cybox:Observable idref="o2"/></cybox:Observable_Composition></indicator:Observable><indicator:Composite_Indicator_Expression operator="AND"><indicator:Indicator negate="true"/></indicator:Composite_Indicator_Expression></stix:Indicator></stix:Indicators><stix:Observables><cybox:Observable id="o1">${STIX1_OBJECT('URIObj:URIObjectType', 'Value', 'http://a.example/x##comma##http://b.example/')}</cybox:Observable><cybox:Observable id="o2">${STIX1_OBJECT('AddressObj:AddressObjectType', 'Address_Value', '203.0.113.9')}<cybox:Object><cybox:Properties xsi:type="FileObj:FileObjectType"><FileObj:Hashes><Common:Hash><Common:Type>SHA256</Common:Type><Common:Simple_Hash_Value condition="Equals">${'a'.repeat(64)}</Common:Simple_Hash_Value></Common:Hash></FileObj:Hashes></cybox:Properties></cybox:Object></cybox:Observable></stix:Observables></stix:STIX_Package>` // biome-ignore format: one document
const ATTRIBUTE = {
  uuid: '11111111-2222-4333-8444-555555555555',
  type: 'domain|ip',
  value: 'evil.example|203.0.113.9',
  to_ids: true,
  deleted: false,
  timestamp: '1760000000',
  comment: 'x',
  Tag: [{ name: 'tlp:clear' }],
}
const EVENT = {
  Event: {
    uuid: ATTRIBUTE.uuid,
    info: 'an event',
    published: true,
    Attribute: [ATTRIBUTE],
    Object: [{ Attribute: [{ ...ATTRIBUTE, type: 'sha256', value: 'a'.repeat(64) }] }],
  },
}
const BUNDLE = { type: 'bundle', id: 'bundle--1', objects: [...PATTERNS.map(indicator), { type: 'identity' }, 7] }

/** By what reads them; the kind stands as the declared type. */
const SEEDS: readonly (readonly [kind: string, text: string])[] = [
  ['text', '# a list\nevil.example\nhxxp://a[.]example/x\n203.0.113.0/24\n203.0.113.1-203.0.113.9\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n*.b.example ; note\n1.2.3.4:8080\n'],
  ['csv', 'first,"url, quoted","a ""b"""\r\n1,http://a.example/x,"line\nbreak"\r\n2,evil.example,\r\n#comment\r\n'],
  ['hosts', '127.0.0.1 localhost\n0.0.0.0 evil.example ads.example # note\n::1 ip6-localhost\nfe80::1%lo0 x\n'],
  ['stix', JSON.stringify(BUNDLE)],
  ['stix', STIX1],
  ['taxii', JSON.stringify({ more: true, next: 'n', objects: BUNDLE.objects })],
  ['taxii', JSON.stringify({ title: 'd', default: 'https://feed.example/api/', api_roots: ['https://feed.example/api/'], versions: ['application/taxii+json;version=2.1'], collections: [{ id: '9', title: 'c', can_read: true }] })],
  ['misp', JSON.stringify({ response: { Attribute: [{ ...ATTRIBUTE, Event: EVENT.Event }] } })],
  ['misp-feed', JSON.stringify({ [ATTRIBUTE.uuid]: { timestamp: 1760000000, info: 'x', Tag: [{ name: 'a' }] }, ...EVENT })],
  ['pattern', PATTERNS[0] ?? ''], ['pattern', PATTERNS[1] ?? ''], ['pattern', PATTERNS[2] ?? ''], ['pattern', PATTERNS[3] ?? ''],
] // biome-ignore format: one source a line

const feedSeeds = (): Seed[] => [
  ...SEEDS.map(([kind, text], at) => plainSeed(`${kind} ${at}`, Buffer.from(text), { declaredType: kind })),
  { name: 'packed', parts: [Buffer.from(JSON.stringify(BUNDLE))], build: ([bytes = Buffer.alloc(0)]) => gzipSync(bytes), declaredType: 'stix' },
] // biome-ignore format: one list

const TOKENS = ['"', '{', '}', '[', ']', ',', ':', '\n', '\r\n', '\\', '\\u0000', "'", '(', ')', ' AND ', ' OR ', ' NOT ', ' IN ', ' FOLLOWEDBY ', ' REPEATS 5 TIMES', ' START t', '[file:hashes.MD5 = ', '##comma##', '<a>', '</a>', '<![CDATA[', '&amp;', '&#0;', '__proto__', '"constructor":', '"more":true,"next":"x"', '0.0.0.0 ', '/0', '-', '*', '[.]', 'null', '1e400', '\xef\xbb\xbf', '\x1f\x8b'] // biome-ignore format: one list

/** The source answers the same bytes to every question; a reading ends by FeedFault or well. */
async function run({ bytes, declaredType }: Input): Promise<void> {
  if (declaredType === 'pattern') return void readPattern(bytes.toString('utf8'))
  const kind = declaredType as FeedConfig['kind']
  let asked = 0
  const headers = {
    'content-type': kind === 'taxii' ? 'application/taxii+json;version=2.1' : 'text/plain',
    etag: '"x"',
  }
  const options = {
    config: feedConfig({ kind, column: kind === 'csv' ? '2' : '1' }),
    secret: '',
    cursor: {},
    confirmed: false,
    signal: new AbortController().signal,
    nowMs: 1_790_000_000_000,
    emit: () => {},
    fetch: async ({ url }: { url: string }, sink: (chunk: Buffer) => void | Promise<void>) => {
      // Pages without end are another limit's matter (2,000 pages): here they would cost every input the same.
      if (++asked > 8) throw new Error('no more')
      await sink(Buffer.from(bytes))
      return { status: 200, headers, url }
    },
  }
  try {
    await readFeed(options)
  } catch (error) {
    if (!(error instanceof FeedFault)) throw error
  }
}

export const FEED_TARGETS: readonly Target[] = [
  {
    name: 'feeds',
    about: 'lists of the synchronized objects: text, CSV, hosts, STIX 1 and 2, patterns, TAXII, MISP',
    share: 600,
    prepare: () => ({ seeds: feedSeeds(), tokens: TOKENS, keptBytes: 1, run }),
  },
]
