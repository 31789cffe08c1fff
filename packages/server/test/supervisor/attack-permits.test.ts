import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPermitPool } from '../../src/supervisor/permits.ts'

describe('a worker that lies about its permits', () => {
  for (const count of [-1000, Number.NaN, 1e9, 0.5, Number.POSITIVE_INFINITY]) {
    it(`neither makes nor loses any: gives back ${count}`, () => {
      const granted = new Map<number, number>()
      const pool = createPermitPool(10, {
        grant: (worker, permits) => granted.set(worker, (granted.get(worker) ?? 0) + permits),
        recall: () => {},
      })
      pool.addWorker(1)
      pool.addWorker(2)
      pool.want(1)
      pool.giveBack(1, count, false)
      for (let n = 0; n < 20; n++) pool.want(2)
      assert.equal(pool.lentTo(1) + pool.lentTo(2), 10)
      assert.equal(granted.get(2), pool.lentTo(2))
    })
  }
})
