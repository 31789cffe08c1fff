import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { ContentsPool, type ContentsPoolOptions } from '../../../src/scan/contents/contents-pool.ts'

const pools: ContentsPool[] = []

async function poolOf(options: Partial<ContentsPoolOptions> = {}): Promise<ContentsPool> {
  const pool = await ContentsPool.start({
    entry: new URL('./odd-thread.ts', import.meta.url),
    data: undefined,
    threads: 1,
    graceMs: 100,
    maxHeapMb: 64,
    onThreadDead: (detail) => assert.fail(detail),
    ...options,
  })
  pools.push(pool)
  return pool
}

function job(fileName: string, { client = 'a', deadlineMs = 20_000 } = {}) {
  const bytes = Buffer.from('x')
  const sample = { content: { kind: 'memory', bytes } as const, size: 1, sha256: '', fileName, declaredType: '' }
  return { sample, client, timeoutMs: deadlineMs, signal: AbortSignal.timeout(deadlineMs) }
}

const answerOf = async (pool: ContentsPool, name: string, options = {}) =>
  (await pool.scan(job(name, options))).members[0]?.sha256

const unscanned = (reason: string) => (error: unknown) => error instanceof Unscanned && error.reason === reason

describe('the threads that look inside', () => {
  after(() => Promise.all(pools.map((pool) => pool.close())))

  it('answer one job after the other', async () => {
    const pool = await poolOf()
    const names = ['one', 'two', 'three']
    assert.deepEqual(await Promise.all(names.map((name) => answerOf(pool, name))), names)
  })

  it('end a thread that hangs past its deadline, and go on with another', async () => {
    const pool = await poolOf()
    await assert.rejects(pool.scan(job('hang', { deadlineMs: 50 })), unscanned('timeout'))
    assert.equal(await answerOf(pool, 'next'), 'next')
    assert.equal(pool.restarts, 1)
  })

  it('call a sample a bomb that takes all of the heap', async () => {
    const pool = await poolOf()
    await assert.rejects(pool.scan(job('eat')), unscanned('bomb'))
    assert.equal(await answerOf(pool, 'next'), 'next')
  })

  it('answer engine-down for the one job that kills its thread', async () => {
    const pool = await poolOf()
    await assert.rejects(pool.scan(job('throw')), unscanned('engine-down'))
    assert.equal(await answerOf(pool, 'next'), 'next')
  })

  it('keep what a thread found that listens when it is told to stop', async () => {
    const pool = await poolOf({ graceMs: 10_000 })
    assert.equal(await answerOf(pool, 'obey', { deadlineMs: 50 }), 'told')
    assert.equal(pool.restarts, 0)
  })

  it('let a waiting job go at its deadline, and refuse one when too many wait', async () => {
    const pool = await poolOf({ maxQueued: 1 })
    const slow = answerOf(pool, 'slow')
    const waiting = pool.scan(job('late', { deadlineMs: 50 }))
    await assert.rejects(pool.scan(job('more')), unscanned('engine-down'))
    await assert.rejects(waiting, unscanned('timeout'))
    assert.equal(await slow, 'slow')
  })

  it('take the client with the fewest walks under way first', async () => {
    const pool = await poolOf({ threads: 2 })
    const order: string[] = []
    const ask = (name: string, client: string) =>
      pool.scan(job(name, { client })).then(({ members }) => void order.push(`${client} ${members[0]?.sha256}`))
    await Promise.all([ask('slow', 'busy'), ask('slow', 'busy'), ask('slow', 'busy'), ask('quick', 'other')])
    assert.ok(order.indexOf('other quick') < 3, order.join(', '))
  })

  it('finish what they have before they close', async () => {
    const pool = await poolOf()
    const slow = answerOf(pool, 'slow')
    await pool.close()
    assert.equal(await slow, 'slow')
    await assert.rejects(pool.scan(job('late')), unscanned('engine-down'))
  })
})
