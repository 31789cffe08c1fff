import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { countBytes, entropyOf } from '../../../src/scan/scanners/predictive/byte-statistics.ts'
import { murmur3 } from '../../../src/scan/scanners/predictive/murmur.ts'
import { STRING_PATTERNS } from '../../../src/scan/scanners/predictive/string-patterns.ts'
import { countStrings } from '../../../src/scan/scanners/predictive/string-statistics.ts'

/** thrember's expressions as it writes them, for those that are matched by hand here. */
const EXPRESSIONS: Readonly<Record<string, RegExp>> = {
  url: /\b(?:http|https|ftp):\/\/[a-zA-Z0-9\-._~:?#[\]@!$&'()*+,;=]+/,
  ipv4_addr: /\b(?:(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\.){3}(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)\b/,
  ipv6_addr:
    /\b(?:[A-Fa-f0-9]{1,4}:){7}[A-Fa-f0-9]{1,4}\b|\b(?:[A-Fa-f0-9]{1,4}:){1,7}:\b|\b:[A-Fa-f0-9]{1,4}(?::[A-Fa-f0-9]{1,4}){1,6}\b/,
  mac_addr: /\b(?:[0-9A-Fa-f]{2}[:-]){5}(?:[0-9A-Fa-f]{2})\b/,
  email_addr: /\b(?:[0-9A-Fa-f]{2}[:-]){5}(?:[0-9A-Fa-f]{2})\b/,
  btc_wallet: /[13][a-km-zA-HJ-NP-Z1-9]{25,34}/,
  file_path: /\bC:\//,
  registry_key: /\b(?:KHEY_|KHLM|HKCU)/,
  base64string: /ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+\//,
  '.click(': /.click/i,
}

function expressionOf(pattern: (typeof STRING_PATTERNS)[number]): RegExp {
  const own = EXPRESSIONS[pattern.name]
  if (own !== undefined) return own
  assert.ok('literal' in pattern, pattern.name)
  return new RegExp(pattern.literal.replace(/[/.*+?^${}()|[\]\\]/g, '\\$&'), pattern.fold ? 'i' : '')
}

function expectedMatches(bytes: Buffer): number[] {
  const strings = bytes.toString('latin1').match(/[\x20-\x7f]{5,}/g) ?? []
  return STRING_PATTERNS.map((pattern) => strings.filter((text) => expressionOf(pattern).test(text)).length)
}

const PIECES = [
  ...[
    'http://',
    'https://',
    'HTTP/',
    'ftp:',
    'ftp://',
    '//',
    'x',
    ' ',
    '_',
    '.',
    ':',
    '::',
    '-',
    '/',
    'C:/',
    'HKCU',
    'KHLM',
    'KHEY_',
  ],
  ...[
    '1',
    '10',
    '255',
    '256',
    '25',
    '1.2.3.4',
    '10.0.0.256',
    '12:34:56',
    'fe80::1',
    'a::b',
    'dead:',
    'abcde',
    'AA-BB-CC-DD-EE-FF',
  ],
  ...[
    '00:11:22:33:44:55',
    '\0',
    '\x01\x02',
    '\x7f',
    'é',
    '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy',
    '1'.repeat(30),
    'click',
    'on',
  ],
  ...[
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
    '9',
    '+/',
    'PassWord',
    'Invoke-Command',
    'invoke-',
  ],
]

describe('strings', () => {
  it('counts what the original expressions count', () => {
    const text = fc
      .array(fc.constantFrom(...PIECES), { maxLength: 14 })
      .map((parts) => Buffer.from(parts.join(''), 'latin1'))
    fc.assert(
      fc.property(text, (bytes) => {
        assert.deepEqual([...countStrings(bytes).matches], expectedMatches(bytes))
      }),
      { numRuns: 3000 },
    )
  })

  it('has thrember’s 77 patterns in its order', () => {
    const names = STRING_PATTERNS.map(({ name }) => name)
    assert.equal(names.length, 77)
    assert.deepEqual(names, [...names].sort())
  })

  it('counts printable bytes of runs of five and more only', () => {
    const { count, printables, histogram } = countStrings(Buffer.from('abcd\0abcde\0\x7fzzzz\n1234'))
    assert.deepEqual([count, printables, histogram['z'.charCodeAt(0) - 32], histogram[95]], [2, 10, 4, 1])
  })

  it('takes a megabyte of one character for one string', () => {
    const { count, printables } = countStrings(Buffer.alloc(1 << 20, 0x31))
    assert.deepEqual([count, printables], [1, 1 << 20])
  })
})

describe('bytes', () => {
  it('counts whole and in overlapping ranges what counting each alone gives', () => {
    const range = fc.record({ at: fc.nat(5000), size: fc.nat(3000) })
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 6000 }),
        fc.array(range, { maxLength: 6 }),
        fc.nat(3),
        (data, wanted, shift) => {
          // A buffer that does not lie on a border of four takes the other way.
          const bytes = Buffer.concat([Buffer.alloc(shift), data]).subarray(shift)
          const ranges = wanted.map(({ at, size }) => {
            const from = Math.min(at, bytes.length)
            return { at: from, size: Math.min(size, bytes.length - from) }
          })
          const { histogram, entropies } = countBytes(bytes, ranges)
          assert.deepEqual([...histogram], countsOf(bytes))
          for (const [index, { at, size }] of ranges.entries()) {
            const alone = entropyOf(countsOf(bytes.subarray(at, at + size)), size)
            assert.ok(Math.abs((entropies[index] ?? Number.NaN) - alone) < 1e-9)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('puts windows into entropy bins as thrember does', () => {
    const even = Buffer.from({ length: 4096 } as ArrayLike<number>).fill(0)
    assert.equal(countBytes(even, []).byteEntropy[0], 3 * 2048)
    const all = Buffer.from(Array.from({ length: 2048 }, (_, index) => (index % 16) << 4))
    const bins = countBytes(all, []).byteEntropy
    assert.deepEqual([...bins.subarray(240)], Array(16).fill(128), 'entropy 8.0 falls into the last bin')
    assert.equal(
      countBytes(Buffer.from('short'), []).byteEntropy.reduce((a, b) => a + b),
      5,
    )
  })
})

function countsOf(bytes: Uint8Array): number[] {
  const counts: number[] = Array(256).fill(0)
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1
  return counts
}

describe('murmur3', () => {
  const cases = [
    { text: '', hash: 0 },
    { text: 'hello', hash: 0x248bfa47 },
    { text: 'test', hash: 0xba6bd213 | 0 },
    { text: 'The quick brown fox jumps over the lazy dog', hash: 0x2e4ff723 },
  ]
  for (const { text, hash } of cases)
    it(`hashes "${text}" as the reference does`, () => assert.equal(murmur3(text), hash))
  it('hashes UTF-8, not UTF-16', () => assert.notEqual(murmur3('é'), murmur3('\u00c3')))
})
