import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { transactionIds } from '../../src/domain/transaction-id.ts'

describe('transaction ids', () => {
  it('sort by time, and within a millisecond by order', () => {
    let now = 1_795_000_000_000
    const next = transactionIds('w1', () => now)
    const ids: string[] = []
    for (let n = 0; n < 500; n++) {
      if (n % 40 === 39) now++
      ids.push(next())
    }
    assert.deepEqual([...ids].sort(), ids)
    assert.equal(new Set(ids).size, ids.length)
  })

  it('never go back with the clock', () => {
    let now = 2_000
    const next = transactionIds('w1', () => now)
    const first = next()
    now = 1_000
    assert.ok(next() > first)
  })

  it('differ between writers of the same millisecond', () => {
    const ids = ['w1', 'w2'].map((instance) => transactionIds(instance, () => 5)())
    assert.notEqual(ids[0], ids[1])
  })
})
