import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { needsWhole, nextAttemptMs, shrinkFault } from '../../src/feeds/schedule.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const NOW = 1_700_000_000_000

describe('the next attempt at a source', () => {
  const wait = (failures: number, scheduleMinutes = 1440, retryMs = 0) =>
    nextAttemptMs({ name: 'a', attemptMs: NOW, scheduleMinutes, state: { failures, retryMs } }) - NOW

  it('is at once where there was none', () => {
    assert.equal(nextAttemptMs({ name: 'a', attemptMs: 0, scheduleMinutes: 60, state: { failures: 0, retryMs: 0 } }), 0)
  })

  it('comes by the schedule, and never all at the same time', () => {
    const times = new Set<number>()
    for (let n = 0; n < 50; n++) {
      const next = nextAttemptMs({
        name: `s${n}`,
        attemptMs: NOW,
        scheduleMinutes: 60,
        state: { failures: 0, retryMs: 0 },
      })
      assert.ok(next > NOW + 53 * MINUTE && next <= NOW + 60 * MINUTE)
      times.add(next)
    }
    assert.ok(times.size > 40)
  })

  it('waits longer after each failure, never longer than six hours or the schedule', () => {
    const within = (ms: number, minutes: number) =>
      assert.ok(ms > minutes * 0.89 * MINUTE && ms <= minutes * MINUTE, `${ms}`)
    for (const [failures, minutes] of [
      [1, 5],
      [2, 10],
      [3, 20],
      [7, 320],
      [8, 360],
      [100, 360],
    ] as const)
      within(wait(failures), minutes)
    within(wait(100, 15), 15)
  })

  it('is not before the source wants it', () => assert.equal(wait(1, 60, NOW + 2 * DAY), 2 * DAY))

  it('is always later', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(1000), fc.integer({ min: 1, max: 43_200 }), (name, failures, scheduleMinutes) => {
        const next = nextAttemptMs({ name, attemptMs: NOW, scheduleMinutes, state: { failures, retryMs: 0 } })
        assert.ok(Number.isSafeInteger(next) && next > NOW)
      }),
    )
  })
})

describe('everything is read', () => {
  const rows = [
    ['the first time', 'text', 0, 0, true],
    ['before the objects of a list come to their end', 'text', DAY * 1.1, 30, true],
    ['sooner where that is soon', 'text', DAY / 3, 1, true],
    ['not where nothing has to be renewed', 'text', DAY * 300, 0, false],
    ['not again at once', 'text', DAY / 2, 30, false],
    ['once a week where a server only tells what is new', 'taxii', DAY * 7.1, 0, true],
    ['not before', 'misp', DAY * 6, 1, false],
    ['never of a manifest, which tells everything', 'misp-feed', DAY * 300, 1, false],
  ] as const
  for (const [why, kind, agoMs, expiryDays, expected] of rows) {
    it(why, () => {
      const wholeMs = why === 'the first time' ? 0 : NOW - agoMs
      assert.equal(needsWhole({ wholeMs }, { kind, expiryDays, nowMs: NOW }), expected)
    })
  }
})

describe('a source that shrinks', () => {
  for (const [before, after, isFault] of [
    [0, 0, false],
    [1, 0, true],
    [10, 1, false],
    [100, 9, true],
    [100, 10, false],
    [5, 500, false],
  ] as const)
    it(`from ${before} to ${after} is ${isFault ? '' : 'not '}kept out`, () =>
      assert.equal(shrinkFault({ before, after }) !== undefined, isFault))
})
