import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createPermitPool, createPermitPurse, type PermitPool, type PermitPurse } from '../../src/supervisor/permits.ts'

/** A pool and its workers joined by a queue that delivers in the order chosen by the test, as IPC would per worker. */
function cluster(limit: number, workers: number) {
  const toWorker: (() => void)[][] = Array.from({ length: workers }, () => [])
  const toPool: (() => void)[][] = Array.from({ length: workers }, () => [])
  const pool: PermitPool = createPermitPool(limit, {
    grant: (worker, count) => toWorker[worker]?.push(() => purses[worker]?.granted(count)),
    recall: (worker, keep) => toWorker[worker]?.push(() => purses[worker]?.recalled(keep)),
  })
  const purses: PermitPurse[] = toPool.map((queue, worker) =>
    createPermitPurse({
      want: () => queue.push(() => pool.want(worker)),
      giveBack: (count, asked) => queue.push(() => pool.giveBack(worker, count, asked)),
    }),
  )
  for (let worker = 0; worker < workers; worker++) pool.addWorker(worker)
  const pump = (pick: (n: number) => number) => {
    const queues = [...toWorker, ...toPool].filter((queue) => queue.length > 0)
    queues[pick(queues.length)]?.shift()?.()
    return queues.length > 0
  }
  const settle = () => {
    while (pump(() => 0));
  }
  return { pool, purses, pump, settle, inUse: () => purses.reduce((sum, purse) => sum + purse.inUse, 0) }
}

async function outcome(admitted: boolean | Promise<boolean>, settle: () => void): Promise<boolean> {
  settle()
  return admitted
}

describe('connection permits', () => {
  it('admits exactly the limit, whichever worker the connections reach', async () => {
    const { purses, settle } = cluster(10, 2)
    const answers: boolean[] = []
    for (let n = 0; n < 14; n++) answers.push(await outcome(purses[n % 2]?.take() ?? false, settle))
    assert.equal(answers.filter(Boolean).length, 10)
    assert.deepEqual(answers.slice(10), [false, false, false, false])
  })

  it('lends what one worker does not use to the other', async () => {
    const { purses, settle } = cluster(4, 2)
    assert.equal(await outcome(purses[0]?.take() ?? false, settle), true)
    purses[0]?.release()
    for (let n = 0; n < 4; n++) assert.equal(await outcome(purses[1]?.take() ?? false, settle), true, `connection ${n}`)
  })

  it('takes a dead worker’s permits back', async () => {
    const { pool, purses, settle } = cluster(3, 2)
    for (let n = 0; n < 3; n++) await outcome(purses[0]?.take() ?? false, settle)
    pool.removeWorker(0)
    assert.equal(await outcome(purses[1]?.take() ?? false, settle), true)
  })

  it('lowers the limit as connections close', async () => {
    const { pool, purses, settle } = cluster(8, 1)
    for (let n = 0; n < 8; n++) await outcome(purses[0]?.take() ?? false, settle)
    pool.setLimit(2)
    settle()
    for (let n = 0; n < 6; n++) {
      purses[0]?.release()
      settle()
    }
    assert.equal(await outcome(purses[0]?.take() ?? false, settle), false)
    purses[0]?.release()
    settle()
    assert.equal(await outcome(purses[0]?.take() ?? false, settle), true)
  })

  it('never has more in use than the limit, in any order of messages', () => {
    const step = fc.record({ worker: fc.nat(2), take: fc.boolean(), pumps: fc.nat(4), pick: fc.nat(5) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 120 }), (limit, steps) => {
        const { purses, pump, inUse, settle } = cluster(limit, 3)
        for (const { worker, take, pumps, pick } of steps) {
          const purse = purses[worker] as PermitPurse
          if (take) void purse.take()
          else if (purse.inUse > 0) purse.release()
          for (let n = 0; n < pumps; n++) pump((queues) => (queues > 0 ? pick % queues : 0))
          assert.ok(inUse() <= limit)
        }
        settle()
        assert.ok(inUse() <= limit)
      }),
      { numRuns: 200 },
    )
  })
})
