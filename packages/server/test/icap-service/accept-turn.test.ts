import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAcceptTurn } from '../../src/icap-service/accept-turn.ts'

/** Milliseconds that so many accepts slept. */
function slept(own: number, others: number, workers = 2): number {
  const turn = createAcceptTurn({ workers, own: () => own, others: () => others })
  const from = performance.now()
  for (let n = 0; n < 100; n++) turn()
  return performance.now() - from
}

describe('accept turn', () => {
  const cases = [
    { own: 0, others: 0, waits: false, because: 'nobody is ahead' },
    { own: 2, others: 0, waits: false, because: 'two connections are no burst' },
    { own: 3, others: 0, waits: true, because: 'the other has none yet' },
    { own: 30, others: 30, waits: false, because: 'they are even' },
    { own: 40, others: 30, waits: true, because: 'it is ahead' },
    { own: 30, others: 90, workers: 4, waits: false, because: 'each of the others has as many' },
    { own: 500, others: 0, workers: 1, waits: false, because: 'there is nobody else' },
  ]
  for (const { own, others, workers, waits, because } of cases)
    it(`${waits ? 'lets the others go first' : 'goes on'} because ${because}`, () => {
      // A sleep of 20 us a call is 2 ms at least; calls that do not sleep take microseconds.
      assert.equal(slept(own, others, workers) > 1.5, waits)
    })
})
