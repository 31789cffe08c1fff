import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CachedScan, VerdictCache } from '../../src/scan/verdict-cache.ts'

const CLEAN: CachedScan = { results: [{ outcome: 'clean', engine: 'yara' }], members: [] }
const found = (name: string): CachedScan => ({
  results: [
    { outcome: 'detected', engine: 'yara', detections: [{ engine: 'yara', name, risk: 'high', about: 'file' }] },
  ],
  members: [],
})

describe('the verdict cache', () => {
  it('keeps what is used again, and forgets what is not', () => {
    const cache = new VerdictCache({ maxEntries: 2 })
    cache.set('a', 'v1', CLEAN)
    cache.set('b', 'v1', CLEAN)
    assert.equal(cache.get('a', 'v1'), CLEAN)
    cache.set('c', 'v1', CLEAN)
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => cache.get(key, 'v1') !== undefined),
      [true, false, true],
    )
  })

  it('never holds more than its entries, and always the last half of them', () => {
    const cache = new VerdictCache({ maxEntries: 100 })
    for (let i = 0; i < 1000; i++) {
      cache.set(`key ${i}`, 'v1', CLEAN)
      assert.ok(cache.size <= 100)
      for (let back = 0; back < 50 && back <= i; back++) assert.equal(cache.get(`key ${i - back}`, 'v1'), CLEAN)
    }
  })

  it('is empty for any other version of the engines, and for the old one afterwards', () => {
    const cache = new VerdictCache({ maxEntries: 10 })
    cache.set('a', 'v1', CLEAN)
    assert.equal(cache.get('a', 'v2'), undefined)
    cache.set('b', 'v2', CLEAN)
    assert.equal(cache.get('a', 'v1'), undefined)
    assert.equal(cache.size, 1)
  })

  it('stays within its bytes, whatever the results hold, and gives them back', () => {
    const cache = new VerdictCache({ maxEntries: 1_000_000, maxBytes: 20_000 })
    for (let i = 0; i < 500; i++) {
      cache.set(`key ${i}`, 'v', found('x'.repeat(i)))
      assert.ok(cache.bytes <= 20_000, `${cache.bytes} bytes after ${i}`)
    }
    cache.set('key 499', 'v', CLEAN)
    assert.ok(cache.size > 1)
    cache.clear('v')
    assert.equal(cache.bytes, 0)
  })

  it('keeps nothing when it has no entries, nor what is larger than all of it', () => {
    const none = new VerdictCache({ maxEntries: 0 })
    none.set('a', 'v', CLEAN)
    const small = new VerdictCache({ maxEntries: 10, maxBytes: 1000 })
    small.set('a', 'v', found('x'.repeat(1000)))
    assert.deepEqual([none.size, small.size], [0, 0])
  })
})
