import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordIdFloor, recordIdTime } from '../../src/domain/record-id.ts'
import { transactionIds } from '../../src/domain/transaction-id.ts'

describe('a record id', () => {
  it('tells its time, and a span of time is a span of ids', () => {
    let now = 1_700_000_000_000
    const nextId = transactionIds('w1', () => now)
    const first = nextId()
    now += 5
    const second = nextId()
    assert.equal(recordIdTime(first), 1_700_000_000_000)
    assert.ok(recordIdFloor(1_700_000_000_000) < first && first < recordIdFloor(1_700_000_000_001))
    assert.ok(first < second && recordIdFloor(now) < second)
  })

  it('of another maker tells none', () => {
    for (const id of ['', 'zzz', '0190a1b2-c3d4-7000-8000-000000000000', 'ABCDEFGHI-x'])
      assert.equal(recordIdTime(id), undefined, id)
  })
})
