import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Sweeper, Watch, type Watched } from '../src/deadlines.ts'
import { resolveLimits } from '../src/limits.ts'

const limits = resolveLimits({
  headTimeoutMs: 30,
  idleTimeoutMs: 300,
  bodyIdleTimeoutMs: 60,
  bodyRateWindowMs: 100,
  minBodyBytesPerS: 1_000,
  writeTimeoutMs: 50,
  minReplyBytesPerS: 1_000,
  replyRateWindowMs: 100,
  lingerTimeoutMs: 20,
})
const calm: Watched = { waiting: 'request', requestsSeen: 0, bytesIn: 0, bytesQueued: 0, bytesOut: 0 }

/** What each sweep, 10 ms after the one before it, saw and said. */
function sweep(seen: (turn: number) => Partial<Watched>, turns = 40): [turn: number, expiry: string] | undefined {
  const watch = new Watch()
  for (let turn = 0; turn < turns; turn++) {
    const expiry = watch.check({ ...calm, ...seen(turn) }, turn * 10, limits)
    if (expiry !== undefined) return [turn, expiry]
  }
  return undefined
}

describe('Watch', () => {
  const cases: [
    row: string,
    what: string,
    seen: (turn: number) => Partial<Watched>,
    expected: [number, string] | undefined,
  ][] = [
    ['K5', 'an idle connection ends at its time', () => ({}), [30, 'idle']],
    ['K5', 'each request starts the idle time anew', (turn) => ({ requestsSeen: Math.floor(turn / 10) }), undefined],
    [
      'L2',
      'heads that do not end fall, though bytes come',
      (turn) => ({ waiting: 'heads', bytesIn: turn }),
      [3, 'head'],
    ],
    ['L3', 'a body that stands still falls', () => ({ waiting: 'body' }), [6, 'body']],
    [
      'L3',
      'a body that trickles falls at the end of its window',
      (turn) => ({ waiting: 'body', bytesIn: turn }),
      [10, 'body'],
    ],
    ['L3', 'a body at its rate lives', (turn) => ({ waiting: 'body', bytesIn: turn * 11 }), undefined],
    ['L3', 'while we do not ask for bytes none are late', () => ({ waiting: 'nothing' }), undefined],
    [
      'L3',
      'waiting that is interrupted starts anew',
      (turn) => ({ waiting: turn % 5 === 0 ? 'nothing' : 'body' }),
      undefined,
    ],
    [
      'K10',
      'a peer that takes nothing is cut',
      () => ({ waiting: 'nothing', bytesQueued: 99, bytesOut: 5 }),
      [5, 'write'],
    ],
    [
      'K10',
      'a peer that takes something lives',
      (turn) => ({ waiting: 'nothing', bytesQueued: 999 - 11 * turn, bytesOut: 999 }),
      undefined,
    ],
    [
      'K10',
      'a peer that takes next to nothing is cut at the end of its window',
      (turn) => ({ waiting: 'nothing', bytesQueued: 99 - turn, bytesOut: 99 }),
      [10, 'write'],
    ],
    [
      'K10',
      'a peer that has taken all is not slow, however little it gets',
      (turn) => ({ waiting: 'nothing', bytesQueued: turn % 5 === 0 ? 0 : 1, bytesOut: turn }),
      undefined,
    ],
    [
      'K10',
      'a full queue that is refilled has moved',
      (turn) => ({ waiting: 'nothing', bytesQueued: 99, bytesOut: 99 + 11 * turn }),
      undefined,
    ],
    ['K9', 'a peer that does not hang up is cut', () => ({ waiting: 'hang-up' }), [2, 'linger']],
  ]
  for (const [row, what, seen, expected] of cases) it(`${row}: ${what}`, () => assert.deepEqual(sweep(seen), expected))
})

describe('Sweeper', () => {
  it('ticks while it is started, and counts a stall of the event loop as one turn', async () => {
    const seen: number[] = []
    const sweeper = new Sweeper(resolveLimits({ lingerTimeoutMs: 40 }), (nowMs) => void seen.push(nowMs))
    sweeper.start()
    sweeper.start()
    const until = performance.now() + 300
    while (performance.now() < until);
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setTimeout(resolve, 60))
    sweeper.stop()
    const ticks = seen.length
    assert.ok(ticks >= 2)
    assert.ok((seen[0] ?? 0) <= 21, `the first turn counted ${seen[0]} ms`)
    await new Promise((resolve) => setTimeout(resolve, 40))
    assert.equal(seen.length, ticks)
  })
})
