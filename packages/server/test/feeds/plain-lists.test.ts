import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FeedConfig } from '../../src/domain/feed.ts'
import { readCsvList } from '../../src/feeds/csv-list.ts'
import { FeedFault } from '../../src/feeds/feed-fault.ts'
import { checkMostlyGood, readHostsFile, readTextList } from '../../src/feeds/plain-lists.ts'
import { collect, NOW } from './collect.ts'
import { feedConfig } from './feed-config.ts'

const SHA256 = 'ab'.repeat(32)
const SHA1 = 'cd'.repeat(20)

const text = (body: string, changes: Partial<FeedConfig> = {}) =>
  collect((collector) => readTextList(Buffer.from(body), feedConfig(changes), collector), changes)
const csv = (body: string, changes: Partial<FeedConfig> = {}) =>
  collect((collector) => readCsvList(Buffer.from(body), feedConfig(changes), collector), changes)
const hosts = (body: string) => collect((collector) => readHostsFile(Buffer.from(body), collector))

const lines: readonly (readonly [why: string, line: string, values: readonly string[], more?: Partial<FeedConfig>])[] =
  [
    ['a SHA-256, in capitals', SHA256.toUpperCase(), [`sha256 ${SHA256}`]],
    ['a SHA-1', SHA1, [`sha1 ${SHA1}`]],
    ['an MD5, which no list here holds', 'ab'.repeat(16), []],
    ['an address', '198.41.0.4', ['ip 198.41.0.4']],
    ['a v6 address', '2001:500:2::C', ['ip 2001:500:2::c']],
    ['a network with a remark (Spamhaus DROP)', '45.67.88.0/22 ; SBL123', ['ip 45.67.88.0/22']],
    ['a range with spaces', '45.67.88.1 - 45.67.88.9', ['ip 45.67.88.1-45.67.88.9']],
    ['an address with a port', '45.67.88.1:8443', ['ip 45.67.88.1']],
    ['a domain', 'Bad.Example', ['domain bad.example']],
    ['a domain and all below it, as blocklists write it', '.bad.example', ['domain *.bad.example']],
    ['a URL', 'https://bad.example:8080/a?b=1', ['url http://bad.example:8080/a?b=1']],
    ['a URL without a scheme', 'bad.example/x.exe', ['url http://bad.example/x.exe']],
    [
      'a URL with a fragment: # begins no comment within a word',
      'http://bad.example/a#b',
      ['url http://bad.example/a'],
    ],
    ['a defanged URL', 'hxxps[:]//bad[.]example/x(.)php', ['url http://bad.example/x.php']],
    ['another one', 'hxxp://bad[dot]example/', ['url http://bad.example/']],
    ['a defanged address', '198[.]41[.]0[.]4', ['ip 198.41.0.4']],
    ['a comment', '# bad.example', []],
    ['other comments', '; x\n// y\n! z\n\n   ', []],
    ['a line of a Windows editor', 'bad.example\r', ['domain bad.example']],
    ['a private address', '192.168.0.7', []],
    ['a network that holds private ones', '192.0.0.0/8', []],
    ['everything', '0.0.0.0/0', []],
    ['a network that is too wide', '64.0.0.0/6', []],
    ['a resolver', '8.8.8.8', []],
    ['a documentation network', '203.0.113.9', []],
    ['localhost', 'http://localhost/x', []],
    ['a page of a private host', 'http://10.1.2.3/x', []],
    ['a top-level domain', '*.com', []],
    ['a registry', '*.co.uk', []],
    ['a site of everybody', 'www.google.com', []],
    ['its front page', 'https://google.com/', []],
    ['one page of it', 'https://drive.google.com/uc?id=1', ['url http://drive.google.com/uc?id=1']],
    ['a page of the site itself', 'https://github.com/evil/x', ['url http://github.com/evil/x']],
    ['the empty file', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', []],
    ['a domain where only URLs are listed', 'bad.example', ['url http://bad.example/'], { types: ['url'] }],
    ['another type than those that are taken', 'bad.example', [], { types: ['ip', 'url'] }],
  ]

describe('a plain list', () => {
  for (const [why, line, values, more] of lines) {
    it(`has ${why}`, () => assert.deepEqual(text(line, more).values, values))
  }

  it('tells the first damaged lines by number, and counts the others', () => {
    const { tally } = text(`bad.example\n${'???\n'.repeat(12)}`)
    assert.deepEqual([tally.taken, tally.bad, tally.faults.length], [1, 12, 10])
    assert.equal(tally.faults[0], 'line 2: "???" is no object that is known here')
  })

  it('counts what it leaves out, by reason', () => {
    const { tally } = text(`10.0.0.1\n8.8.8.8\n${'ab'.repeat(16)}\nbad.example\nbad.example\n`)
    assert.deepEqual(tally.ignored, { private: 1, common: 1, md5: 1, duplicate: 1 })
  })

  it('does not hold a line of megabytes', () => {
    const { tally, values } = text(`${'a'.repeat(100_000)}\nbad.example`)
    assert.deepEqual([tally.bad, values], [1, ['domain bad.example']])
  })

  it('ends at the limit of its entries', () => {
    const tooMany = () => text('a.example\nb.example\nc.example\n', { maxEntries: 2 })
    assert.throws(tooMany, (error) => error instanceof FeedFault && error.code === 'too-large')
  })

  it('gives its objects an end, in whole days', () => {
    const [object] = text('bad.example', { expiryDays: 7 }).objects
    assert.equal(object?.expiresMs, NOW + 7 * 86_400_000)
    assert.equal(text('bad.example', { expiryDays: 0 }).objects[0]?.expiresMs, 0)
  })

  it('is none where most of it is damaged', () => {
    assert.throws(() => checkMostlyGood({ taken: 3, bad: 4 }), FeedFault)
    checkMostlyGood({ taken: 4, bad: 4 })
    checkMostlyGood({ taken: 0, bad: 0 })
  })
})

describe('a hosts file', () => {
  it('lists the names, and not the host itself', () => {
    const body =
      '127.0.0.1 localhost\n::1 ip6-localhost\n0.0.0.0 bad.example ads.example # both\nfe80::1%lo0 localhost\n'
    const { values, tally } = hosts(body)
    assert.deepEqual(values, ['domain bad.example', 'domain ads.example'])
    assert.deepEqual(tally.ignored, { 'the host itself': 3 })
  })

  it('tells what is no such line', () => {
    assert.equal(hosts('bad.example\n0.0.0.0\n0.0.0.0 bad.example').tally.bad, 2)
  })
})

const tables: readonly (readonly [why: string, body: string, more: Partial<FeedConfig>, values: readonly string[]])[] =
  [
    [
      'the first column by default',
      'bad.example,1\nworse.example,2\n',
      {},
      ['domain bad.example', 'domain worse.example'],
    ],
    ['a header above it', 'domain,score\nbad.example,1\n', {}, ['domain bad.example']],
    ['a column by its name', 'id,url\n1,http://bad.example/a\n', { column: 'URL' }, ['url http://bad.example/a']],
    [
      'its name in the last comment (abuse.ch)',
      '# x\n# id,url\n"1","http://bad.example/a"\n',
      { column: 'url' },
      ['url http://bad.example/a'],
    ],
    ['spaces before quotes', '"2026-01-01", "bad.example"\n', { column: '2' }, ['domain bad.example']],
    ['a comma within quotes', '1,"http://bad.example/a,b"\n', { column: '2' }, ['url http://bad.example/a,b']],
    ['quotes doubled', '"a ""b"" c",bad.example\n', { column: '2' }, ['domain bad.example']],
    [
      'line breaks within quotes',
      '"a\nb",bad.example\n1,worse.example',
      { column: '2' },
      ['domain bad.example', 'domain worse.example'],
    ],
    ['another delimiter', 'x;bad.example\n', { column: '2', delimiter: ';' }, ['domain bad.example']],
    ['tabs', 'x\tbad.example\r\n', { column: '2', delimiter: '\t' }, ['domain bad.example']],
    ['empty cells', 'x,\ny,bad.example\n', { column: '2' }, ['domain bad.example']],
  ]

describe('a table', () => {
  for (const [why, body, more, values] of tables) {
    it(`has ${why}`, () => assert.deepEqual(csv(body, more).values, values))
  }

  it('tells of damaged records, and goes on at the next line', () => {
    const { values, tally } = csv('bad.example\n"x"y,1\nworse.example\n"never closed\nlast.example\n')
    assert.deepEqual(values, ['domain bad.example', 'domain worse.example', 'domain last.example'])
    assert.deepEqual(tally.faults, ['line 2: has text after a closing quote', 'line 4: has a quote that is not closed'])
  })

  it('tells of records that lack the column', () => {
    assert.match(csv('a.example,1\nb.example\n', { column: '2' }).tally.faults.join(), /line 2: has 1 columns/)
  })

  it('is none without the named column', () => {
    assert.throws(() => csv('a,b\n1,2\n', { column: 'c' }), /no column is named "c"/)
  })
})

describe('any bytes', () => {
  const changes = [{}, { column: 'x' }, { column: '2', delimiter: ';' }] as const
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', '#', ' ', 'a', '.', ';', 'x', '1'), maxLength: 300 }),
  )

  it('as a list, a table or a hosts file end in what is known', () => {
    fc.assert(
      fc.property(bytes, fc.nat(2), (input, which) => {
        const buffer = Buffer.from(input as string)
        for (const read of [
          () => text(buffer.toString('latin1')),
          () => csv(buffer.toString('latin1'), changes[which]),
          () => hosts(buffer.toString('latin1')),
        ]) {
          try {
            for (const { value } of read().objects) assert.ok(value.length > 0)
          } catch (error) {
            if (!(error instanceof FeedFault)) throw error
          }
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('cut anywhere give no object that the whole does not have, but at the cut', () => {
    const whole = `id,url\n1,"http://bad.example/a,b"\n2,http://worse.example/"x\n3,"c\nd",e\n4,${SHA256}\n`
    const all = new Set(csv(whole, { column: '2' }).values)
    for (let cut = 0; cut < whole.length; cut++) {
      const odd = csv(whole.slice(0, cut), { column: '2' }).values.filter((value) => !all.has(value))
      assert.ok(odd.length <= 1, `cut at ${cut}: ${odd}`)
    }
  })
})
