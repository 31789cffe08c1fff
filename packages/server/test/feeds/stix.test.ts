import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FeedFault } from '../../src/feeds/feed-fault.ts'
import { readStixBundle } from '../../src/feeds/stix-bundle.ts'
import { readPattern } from '../../src/feeds/stix-pattern.ts'
import { isXml, readStix1 } from '../../src/feeds/stix1.ts'
import { collect, NOW } from './collect.ts'

const SHA256 = 'ab'.repeat(32)
const SHA1 = 'cd'.repeat(20)

/** Values of a pattern, and how many comparisons were left. */
const patterns: readonly (readonly [why: string, pattern: string, values: readonly string[], left: number])[] = [
  ['a hash', `[file:hashes.'SHA-256' = '${SHA256}']`, [`sha256 ${SHA256}`], 0],
  ['a hash without quotes around its kind', `[file:hashes.SHA1='${SHA1}']`, [`sha1 ${SHA1}`], 0],
  ['an MD5', "[file:hashes.MD5 = 'abc']", [], 1],
  ['a domain', "[domain-name:value = 'bad.example']", ['domain bad.example'], 0],
  ['a URL with a quote in it', String.raw`[url:value = 'http://a/\'b\\']`, [String.raw`url http://a/'b\ `.trim()], 0],
  ['addresses', "[ipv4-addr:value = '1.2.3.4' OR ipv6-addr:value = '2001::1']", ['ip 1.2.3.4', 'ip 2001::1'], 0],
  ['a network', "[ipv4-addr:value ISSUBSET '1.2.3.0/24']", ['ip 1.2.3.0/24'], 0],
  ['a set', "[domain-name:value IN ('a.example', 'b.example')]", ['domain a.example', 'domain b.example'], 0],
  ['sights of one or the other', "[url:value = 'a'] OR [domain-name:value = 'b']", ['url a', 'domain b'], 0],
  ['parentheses', "([url:value = 'a'] OR ([(url:value = 'b')]))", ['url a', 'url b'], 0],
  ['a sight within a time', "[url:value = 'a'] WITHIN 300 SECONDS", ['url a'], 0],
  ['lower-case operators', "[url:value = 'a' or url:value = 'b']", ['url a', 'url b'], 0],
  ['comments', "[url:value /* which? */ = 'a'] // done", ['url a'], 0],
  ['both at once: neither says it alone', "[url:value = 'a' AND domain-name:value = 'b']", [], 2],
  ['both sights: neither says it alone', "[url:value = 'a'] AND [domain-name:value = 'b']", [], 2],
  ['one after the other', "[url:value = 'a'] FOLLOWEDBY [url:value = 'b']", [], 2],
  ['more than once', "[url:value = 'a'] REPEATS 5 TIMES", [], 1],
  ['in a time that is over', "[url:value = 'a'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'", [], 1],
  ['what it is not', "[url:value != 'a' OR url:value NOT = 'b']", [], 2],
  ['likeness', "[url:value LIKE 'a%' OR url:value MATCHES '^a' OR file:size > 5]", [], 3],
  ['something about another thing', "[email-message:subject = 'x' OR windows-registry-key:key = 'y']", [], 2],
  ['a path with an index', "[process:opened_connection_refs[*].dst_ref.value = '1.2.3.4']", [], 1],
  [
    'a file by two hashes and its name',
    `[file:hashes.'SHA-1' = '${SHA1}' AND file:hashes.'SHA-256' = '${SHA256}' AND file:name = 'x']`,
    [`sha1 ${SHA1}`, `sha256 ${SHA256}`],
    1,
  ],
  ['a hash bound to an address', `[file:hashes.'SHA-1' = '${SHA1}' AND ipv4-addr:value = '1.2.3.4']`, [], 2],
  ['AND before OR', "[url:value = 'a' AND url:value = 'b' OR url:value = 'c']", ['url c'], 2],
  ['existence', '[EXISTS file:name]', [], 1],
]

describe('a STIX pattern', () => {
  for (const [why, pattern, values, left] of patterns) {
    it(`says ${why}`, () => {
      const result = readPattern(pattern)
      assert.ok(result.ok, JSON.stringify(result))
      assert.deepEqual(
        result.objects.map(({ type, value }) => `${type} ${value}`),
        values,
      )
      assert.equal(result.left, left)
    })
  }

  const damaged: readonly (readonly [pattern: string, fault: RegExp])[] = [
    ['', /ends early|missing/],
    ['[url:value = ]', /value is missing/],
    ["[url:value = 'a'", /\] is missing/],
    ["[url:value = 'a']]", /goes on/],
    ["[url:value = 'a", /not understood/],
    ['url:value', /is missing/],
    [`${'('.repeat(1000)}[url:value = 'a']`, /deeper than 32/],
    [`[${'('.repeat(1000)}url:value = 'a']`, /deeper than 32/],
    [`[url:value = 'a'${" OR url:value = 'a'".repeat(1000)}]`, /more than 1000/],
    ['x'.repeat(70_000), /longer than/],
  ]
  for (const [pattern, fault] of damaged) {
    it(`is refused: ${pattern.slice(0, 30)}`, () => {
      const result = readPattern(pattern)
      assert.equal(result.ok, false)
      assert.match(result.ok ? '' : result.fault, fault)
    })
  }

  it('of any characters ends in a result', () => {
    const words = [
      '[',
      ']',
      '(',
      ')',
      "'a'",
      ' AND ',
      ' OR ',
      ' NOT ',
      '=',
      'url:value',
      'file:hashes.',
      "t'x'",
      ' WITHIN ',
      '5',
      '.',
      ',',
      'IN',
    ]
    const any = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(any, (pattern) => void readPattern(pattern)),
      { numRuns: 3000 },
    )
  })
})

const ID = (n: number) => `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const indicator = (n: number, more: object = {}) => ({
  type: 'indicator',
  spec_version: '2.1',
  id: ID(n),
  created: '2026-11-20T00:00:00Z',
  modified: '2026-11-20T00:00:00Z',
  valid_from: '2026-11-20T00:00:00Z',
  pattern_type: 'stix',
  pattern: `[domain-name:value = 'site${n}.example']`,
  ...more,
})
const bundleOf = (...objects: unknown[]) => Buffer.from(JSON.stringify({ type: 'bundle', id: 'bundle--1', objects }))
const bundle = (bytes: Buffer, changes: object = {}) =>
  collect((collector) => readStixBundle(bytes, { minConfidence: 0, ...changes }, collector), { expiryDays: 30 })

describe('a STIX 2 bundle', () => {
  it('gives what its indicators convict, under their ids', () => {
    const { objects, values } = bundle(bundleOf(indicator(1, { name: 'a name' }), indicator(2)))
    assert.deepEqual(values, ['domain site1.example', 'domain site2.example'])
    assert.deepEqual([objects[0]?.ref, objects[0]?.note], [ID(1), 'a name'])
  })

  const left: readonly (readonly [why: string, more: object, reason: string])[] = [
    ['revoked', { revoked: true }, 'revoked'],
    ['no longer valid', { valid_until: '2026-11-24T00:00:00Z' }, 'expired'],
    ['too old for us', { modified: '2026-01-01T00:00:00Z' }, 'expired'],
    ['not sure enough', { confidence: 20 }, 'confidence'],
    ['of another language', { pattern_type: 'yara', pattern: 'rule x {}' }, 'pattern of another language'],
    ['benign', { indicator_types: ['benign'] }, 'benign'],
    ['bound', { pattern: "[url:value = 'http://a.example/' AND file:size = 5]" }, 'pattern that no list can hold'],
  ]
  for (const [why, more, reason] of left) {
    it(`leaves out what is ${why}`, () => {
      const { values, tally } = bundle(bundleOf(indicator(1, more), indicator(2)), { minConfidence: 50 })
      assert.deepEqual(values, ['domain site2.example'])
      assert.ok((tally.ignored[reason] ?? 0) > 0, JSON.stringify(tally.ignored))
    })
  }

  it('keeps the end that comes first', () => {
    const soon = Date.parse('2026-11-26T00:00:00Z')
    const { objects } = bundle(bundleOf(indicator(1, { valid_until: '2026-11-26T00:00:00Z' }), indicator(2)))
    assert.deepEqual([objects[0]?.expiresMs, objects[1]?.expiresMs], [soon, NOW + 25 * 86_400_000])
  })

  it('counts the later of two versions only', () => {
    const newer = indicator(1, { modified: '2026-11-21T00:00:00Z', revoked: true })
    assert.deepEqual(bundle(bundleOf(newer, indicator(1))).values, [])
  })

  it('tells of damaged objects', () => {
    const { tally } = bundle(
      bundleOf(5, null, indicator(1, { id: 'x' }), indicator(2, { pattern: '[' }), { type: 'malware' }),
    )
    assert.deepEqual([tally.bad, tally.ignored], [4, { 'no indicator': 1 }])
  })

  for (const [why, text] of [
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no bundle', '{"type":"report"}'],
    ['objects that are none', '{"type":"bundle","objects":5}'],
    ['a web page', '<!doctype html><p>'],
    ['depth', `{"type":"bundle","objects":${'['.repeat(100_000)}`],
  ] as const) {
    it(`is refused: ${why}`, () => assert.throws(() => bundle(Buffer.from(text)), FeedFault))
  }

  it('cut anywhere is refused', () => {
    const bytes = bundleOf(indicator(1), indicator(2))
    for (let cut = 0; cut < bytes.length; cut++)
      assert.throws(() => bundle(bytes.subarray(0, cut)), FeedFault, `cut at ${cut}`)
  })

  it('of any JSON ends in what is known', () => {
    const odd = fc.object({ key: fc.constantFrom('type', 'id', 'pattern', 'modified', 'x'), maxDepth: 2 })
    fc.assert(
      fc.property(
        fc.array(
          odd.map((more) => ({ ...indicator(1), ...more })),
          { maxLength: 5 },
        ),
        (objects) => void bundle(bundleOf(...objects)),
      ),
      { numRuns: 500 },
    )
  })
})

const HEAD = `<?xml version="1.0"?><stix:STIX_Package xmlns:stix="s" xmlns:indicator="i" xmlns:cybox="c" xmlns:xsi="x"`
const packageOf = (body: string, version = '1.2') =>
  Buffer.from(`${HEAD} version="${version}">${body}</stix:STIX_Package>`)
const watch = (properties: string, more = '') =>
  `<stix:Indicators><stix:Indicator id="i-1" xsi:type="indicator:IndicatorType"><indicator:Title>T &amp; t</indicator:Title>${more}
  <indicator:Observable><cybox:Object>${properties}</cybox:Object></indicator:Observable></stix:Indicator></stix:Indicators>`
const props = (type: string, inner: string, attributes = '') =>
  `<cybox:Properties xsi:type="${type}" ${attributes}>${inner}</cybox:Properties>`
const EQUALS = 'condition="Equals" apply_condition="ANY"'
const uri = (value: string, condition = EQUALS, type = 'type="URL"') =>
  props('URIObj:URIObjectType', `<URIObj:Value ${condition}>${value}</URIObj:Value>`, type)
const stix1 = (bytes: Buffer) => collect((collector) => readStix1(bytes, collector))

const watchlists: readonly (readonly [why: string, body: string, values: readonly string[]])[] = [
  [
    'hashes',
    watch(
      props(
        'FileObj:FileObjectType',
        `<FileObj:Hashes><c:Hash><c:Type>SHA256</c:Type><c:Simple_Hash_Value ${EQUALS}>${SHA256}##comma##${SHA1}</c:Simple_Hash_Value></c:Hash>
    <c:Hash><c:Simple_Hash_Value ${EQUALS}>${'ab'.repeat(16)}</c:Simple_Hash_Value></c:Hash></FileObj:Hashes>`,
      ),
    ),
    [`sha256 ${SHA256}`, `sha1 ${SHA1}`],
  ],
  ['URLs', watch(uri('http://bad.example/a?b=1&amp;c=2')), ['url http://bad.example/a?b=1&c=2']],
  ['domains as URIs', watch(uri('bad.example', EQUALS, 'type="Domain Name"')), ['domain bad.example']],
  [
    'domains',
    watch(props('DomainNameObj:DomainNameObjectType', `<D:Value ${EQUALS}>bad.example</D:Value>`)),
    ['domain bad.example'],
  ],
  [
    'host names',
    watch(props('HostnameObj:HostnameObjectType', `<D:Hostname_Value ${EQUALS}>h.bad.example</D:Hostname_Value>`)),
    ['domain h.bad.example'],
  ],
  [
    'addresses',
    watch(
      props(
        'AddressObj:AddressObjectType',
        `<A:Address_Value ${EQUALS}>198.41.0.4</A:Address_Value>`,
        'category="ipv4-addr"',
      ),
    ),
    ['ip 198.41.0.4'],
  ],
  [
    'mail addresses',
    watch(
      props(
        'AddressObj:AddressObjectType',
        `<A:Address_Value ${EQUALS}>a@b.example</A:Address_Value>`,
        'category="e-mail"',
      ),
    ),
    [],
  ],
  [
    'one value without apply_condition',
    watch(uri('http://bad.example/', 'condition="Equals"')),
    ['url http://bad.example/'],
  ],
  [
    'ALL of several',
    watch(uri('http://a.example/##comma##http://b.example/', 'condition="Equals" apply_condition="ALL"')),
    [],
  ],
  ['another condition', watch(uri('http://bad.example/', 'condition="StartsWith"')), []],
  ['no condition', watch(uri('http://bad.example/', '')), []],
  [
    'what is over',
    watch(
      uri('http://bad.example/'),
      '<indicator:Valid_Time_Position><indicator:End_Time>2026-01-01T00:00:00Z</indicator:End_Time></indicator:Valid_Time_Position>',
    ),
    [],
  ],
  ['other objects', watch(props('MutexObj:MutexObjectType', '<M:Name>x</M:Name>')), []],
  ['what is negated', watch(uri('http://bad.example/')).replace('id="i-1"', 'id="i-1" negate="true"'), []],
  [
    'observables by reference',
    `<stix:Observables><cybox:Observable id="o-1"><cybox:Object>${uri('http://bad.example/')}</cybox:Object></cybox:Observable></stix:Observables>
    <stix:Indicators><stix:Indicator id="i-1"><indicator:Observable idref="o-1"/></stix:Indicator></stix:Indicators>`,
    ['url http://bad.example/'],
  ],
  [
    'observables by no indicator',
    `<stix:Observables><cybox:Observable id="o-1"><cybox:Object>${uri('http://bad.example/')}</cybox:Object></cybox:Observable></stix:Observables>`,
    [],
  ],
]
const composed = (operator: string) =>
  packageOf(`<stix:Indicators><stix:Indicator id="i-1"><indicator:Observable><cybox:Observable_Composition operator="${operator}">
    ${['a', 'b'].map((x) => `<cybox:Observable><cybox:Object>${uri(`http://${x}.example/`)}</cybox:Object></cybox:Observable>`).join('')}
    </cybox:Observable_Composition></indicator:Observable></stix:Indicator></stix:Indicators>`)

describe('a STIX 1 package', () => {
  for (const [why, body, values] of watchlists) {
    it(`has ${why}`, () => assert.deepEqual(stix1(packageOf(body)).values, values))
  }

  it('is taken in the three versions of the appliance', () => {
    for (const version of ['1.0.1', '1.1.1', '1.2'])
      assert.equal(stix1(packageOf(watch(uri('http://bad.example/')), version)).values.length, 1)
    assert.throws(() => stix1(packageOf('', '1.3')), /not one of 1.0.1, 1.1.1, 1.2/)
  })

  it('takes what is joined by OR, not by AND', () => {
    assert.deepEqual([...stix1(composed('OR')).values].sort(), ['url http://a.example/', 'url http://b.example/'])
    assert.deepEqual(stix1(composed('AND')).values, [])
  })

  it('keeps id and title', () => {
    const [object] = stix1(packageOf(watch(uri('http://bad.example/')))).objects
    assert.deepEqual([object?.ref, object?.note], ['i-1', 'T & t'])
  })

  const circle = `<stix:Observables><cybox:Observable id="o-1" idref="o-1"/></stix:Observables>
    <stix:Indicators><stix:Indicator id="i-1"><indicator:Observable idref="o-1"/></stix:Indicator></stix:Indicators>`
  it('that refers to itself comes to an end', () => assert.equal(stix1(packageOf(circle)).tally.bad, 1))

  for (const [why, text] of [
    ['a DTD', `<!DOCTYPE x [<!ENTITY a "${'b'.repeat(100)}">]><stix:STIX_Package version="1.2"/>`],
    ['no XML', '<'],
    ['another document', '<rss version="2.0"/>'],
    ['a web page', '<html></html>'],
    ['depth', `${HEAD} version="1.2">${'<a>'.repeat(20_000)}`],
  ] as const) {
    it(`is refused: ${why}`, () => assert.throws(() => stix1(Buffer.from(text)), FeedFault))
  }

  it('cut anywhere, or with a byte changed, ends in what is known', () => {
    const bytes = packageOf(watch(uri('http://bad.example/')))
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 7))
      for (const input of [bytes.subarray(0, at), changed]) {
        try {
          assert.ok(stix1(input).values.length <= 1)
        } catch (error) {
          assert.ok(error instanceof FeedFault, `${at}: ${error}`)
        }
      }
    }
  })

  it('is told from JSON', () => {
    assert.deepEqual(
      [isXml(packageOf('')), isXml(Buffer.from('\ufeff \n<a/>')), isXml(bundleOf())],
      [true, true, false],
    )
  })
})
