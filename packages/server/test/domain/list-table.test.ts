import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { buildListTable, ListTableDamaged, matchesPattern, openListTable } from '../../src/domain/list-table.ts'
import { canonicalObject } from '../../src/domain/object-value.ts'
import type { SuspiciousObject } from '../../src/domain/suspicious-object.ts'

const NOW = 1_700_000_000_000

function entry(type: SuspiciousObject['type'], input: string, more: Partial<SuspiciousObject> = {}): SuspiciousObject {
  const canonical = canonicalObject(type, input)
  assert.ok(canonical.ok, input)
  const rest = { list: 'generated', risk: 'high', expiresMs: 0, addedMs: 0, source: '', note: '' } as const
  return { ...rest, type, value: canonical.value, ...more }
}

function tableOf(...objects: SuspiciousObject[]) {
  return openListTable(buildListTable(objects, 'r1'))
}

const SHA256 = 'ab'.repeat(32)
const SHA1 = 'cd'.repeat(20)

describe('a list table', () => {
  it('finds a file by either hash', () => {
    const table = tableOf(entry('sha256', SHA256, { risk: 'medium' }), entry('sha1', SHA1))
    assert.equal(table.revision, 'r1')
    assert.equal(table.count, 2)
    assert.equal(table.needsSha1, true)
    const bySha256 = { list: 'generated', type: 'sha256', value: SHA256, risk: 'medium' }
    const bySha1 = { list: 'generated', type: 'sha1', value: SHA1, risk: 'high' }
    assert.deepEqual(table.findFile({ sha256: SHA256 }, NOW), [bySha256])
    assert.deepEqual(table.findFile({ sha256: '00'.repeat(32), sha1: SHA1 }, NOW), [bySha1])
    assert.deepEqual(table.findFile({ sha256: SHA256, sha1: SHA1 }, NOW), [bySha256, bySha1])
    assert.deepEqual(table.findFile({ sha256: SHA1.padEnd(64, '0') }, NOW), [], 'a SHA-1 is no SHA-256')
  })

  it('gives the matches of all lists', () => {
    const lists = ['generated', 'user-defined', 'trusted'] as const
    const table = tableOf(...lists.map((list) => entry('sha256', SHA256, { list })))
    assert.deepEqual(
      table
        .findFile({ sha256: SHA256 }, NOW)
        .map((match) => match.list)
        .sort(),
      [...lists].sort(),
    )
  })

  it('never matches an expired entry', () => {
    const objects = [
      entry('sha256', SHA256, { expiresMs: NOW }),
      entry('ip', '10.0.0.0/8', { expiresMs: NOW }),
      entry('url', 'h.example/a*', { expiresMs: NOW }),
    ]
    const table = tableOf(...objects)
    assert.equal(table.findFile({ sha256: SHA256 }, NOW - 1).length, 1)
    assert.equal(table.findFile({ sha256: SHA256 }, NOW).length, 0)
    assert.equal(table.findUrl('http://h.example/ab', NOW - 1).length, 1)
    assert.equal(table.findUrl('http://h.example/ab', NOW).length, 0)
    assert.equal(table.findHost('10.1.1.1', NOW - 1).length, 1)
    assert.equal(table.findHost('10.1.1.1', NOW).length, 0)
  })

  const urlCases: readonly (readonly [type: 'url' | 'domain' | 'ip', entry: string, url: string, found: boolean])[] = [
    ['url', 'http://h.example/a', 'https://H.example:443/a#x', true],
    ['url', 'http://h.example/a', 'http://h.example/a?x', false],
    ['url', 'http://h.example/a', 'http://h.example:8080/a', false],
    ['url', 'http://h.example/%2A', 'http://h.example/*', true],
    ['url', 'h.example/*.exe', 'http://h.example/x/y.exe', true],
    ['url', 'h.example/*.exe', 'http://h.example/x/y.exe?z', false],
    ['url', 'h.example/a*c*e', 'http://h.example/abcde', true],
    ['url', 'h.example/a*c*e', 'http://h.example/aecd', false],
    ['url', '*.h.example/x', 'http://a.b.h.example/x', true],
    ['url', '*.h.example/x', 'http://h.example/x', false],
    ['url', '*.h.example/x', 'http://ah.example/x', false],
    ['url', '*.h.example:8080/x*', 'http://a.h.example:8080/xy', true],
    ['url', '*.h.example:8080/x*', 'http://a.h.example/xy', false],
    ['url', 'http://[2001:db8::1]/*', 'http://[2001:DB8:0::1]/x', true],
    ['url', 'http://__proto__/a*', 'http://__proto__/ab', true],
    ['domain', 'h.example', 'http://h.example:99/x', true],
    ['domain', 'h.example', 'http://a.h.example/', false],
    ['domain', '*.example', 'http://a.h.example/', true],
    ['domain', '*.example', 'http://*.example/', true],
    ['domain', '*.com', 'http://com/', false],
    ['ip', '192.0.2.1', 'http://[::ffff:c000:201]/', true],
    ['ip', '192.0.2.1', 'http://3221225985/', true],
    ['ip', '192.0.2.0-192.0.2.9', 'http://192.0.2.5/', true],
    ['ip', '192.0.2.0-192.0.2.9', 'http://192.0.2.10/', false],
    ['ip', '2001:db8::/32', 'http://[2001:db8:1::1]/', true],
    ['ip', '::/0', 'http://192.0.2.1/', false],
  ]
  for (const [type, input, url, found] of urlCases) {
    it(`${found ? 'finds' : 'does not find'} ${type} ${input} in ${url}`, () => {
      const matches = tableOf(entry(type, input)).findUrl(url, NOW)
      assert.equal(matches.length, found ? 1 : 0)
      if (found) assert.equal(matches[0]?.value, entry(type, input).value)
    })
  }

  it('costs nothing and finds nothing when empty', () => {
    const table = tableOf()
    assert.equal(table.needsSha1, false)
    assert.deepEqual(table.findUrl('not a url', NOW), [])
    assert.deepEqual(table.findHost('a.example', NOW), [])
    assert.deepEqual(table.findFile({ sha256: SHA256, sha1: SHA1 }, NOW), [])
  })

  it('finds every overlapping range', () => {
    const hex = fc.nat(255)
    const ranges = fc.array(fc.tuple(hex, hex), { maxLength: 40 })
    fc.assert(
      fc.property(ranges, hex, (pairs, at) => {
        const objects = pairs.map(([a, b], i) =>
          entry('ip', `10.0.0.${Math.min(a, b)}-10.0.${i}.${i === 0 ? Math.max(a, b) : b}`),
        )
        const expected = new Set(
          objects.filter((o) => tableOf(o).findHost(`10.0.0.${at}`, NOW).length > 0).map((o) => o.value),
        )
        const found = tableOf(...objects).findHost(`10.0.0.${at}`, NOW)
        assert.deepEqual(new Set(found.map((match) => match.value)), expected)
      }),
      { numRuns: 60 },
    )
  })

  it('holds many entries with one beginning', () => {
    const hashes = Array.from({ length: 5000 }, (_, i) => `${'00'.repeat(12)}${i.toString(16).padStart(40, '0')}`)
    const table = tableOf(...hashes.map((value) => entry('sha256', value)))
    // All share their first 12 bytes and the next 4 too: the 16-byte key is the same, and the later entry replaces it.
    assert.equal(table.findFile({ sha256: hashes[0] ?? '' }, NOW).length, 1)
  })

  it('finds exactly what was put in', () => {
    const hash = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 })
    fc.assert(
      fc.property(fc.uniqueArray(hash, { minLength: 2, maxLength: 100 }), (hashes) => {
        const half = hashes.slice(0, hashes.length >> 1)
        const table = tableOf(...half.map((value) => entry('sha256', value)))
        for (const sha256 of hashes) {
          assert.equal(table.findFile({ sha256 }, NOW).length, half.includes(sha256) ? 1 : 0)
        }
      }),
    )
  })

  it('refuses any damage by name', () => {
    const good = buildListTable([entry('sha256', SHA256), entry('ip', '10.0.0.0/8')], 'r1')
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good)
      bad[at] = (bad[at] ?? 0) ^ 0x10
      assert.throws(() => openListTable(bad), ListTableDamaged, `byte ${at}`)
    }
    for (let length = 0; length < good.length; length += 7) {
      assert.throws(() => openListTable(good.subarray(0, length)), ListTableDamaged, `length ${length}`)
    }
  })

  it('opens a buffer that is not aligned', () => {
    const good = buildListTable([entry('sha256', SHA256)], 'r1')
    const shifted = Buffer.alloc(good.length + 1)
    good.copy(shifted, 1)
    assert.equal(openListTable(shifted.subarray(1)).findFile({ sha256: SHA256 }, NOW).length, 1)
  })
})

describe('matchesPattern', () => {
  it('agrees with a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 10 })
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, text, (glob, path) => {
        assert.equal(matchesPattern(glob, path), new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(path))
      }),
      { numRuns: 5000 },
    )
  })

  it('does not blow up on a hostile pair', () => {
    assert.equal(matchesPattern(`/${'*a'.repeat(500)}b`, `/${'a'.repeat(60_000)}`), false)
  })
})
