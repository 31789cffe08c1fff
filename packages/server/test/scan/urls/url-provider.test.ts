import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { ScanResult } from '../../../src/domain/verdict.ts'
import { createProviderRater, type ProviderOptions, type ProviderRating } from '../../../src/scan/urls/url-provider.ts'

const short = (result: ScanResult) =>
  result.outcome === 'detected'
    ? result.detections.map(({ name, risk, evidence }) => `${name} ${risk} (${evidence})`).join()
    : result.outcome === 'unscanned'
      ? `${result.reason}: ${result.detail}`
      : result.outcome

type Rate = (url: string, signal: AbortSignal) => Promise<ProviderRating>
const BAD: ProviderRating = { risk: 'medium', name: 'Phish', detail: 'since today' }

/** One provider, and how often it was asked. */
function rig(rate: Rate, options: ProviderOptions = {}) {
  const asked: string[] = []
  const provider = {
    name: 'rated',
    version: '1',
    rate(url: string, signal: AbortSignal) {
      asked.push(url)
      return rate(url, signal)
    },
  }
  return { asked, provider, rater: createProviderRater(provider, options) }
}

describe('A provider of URL ratings', () => {
  const ANSWERS: readonly (readonly [rate: Rate, optional: string, required: string, because: string])[] = [
    [
      async () => BAD,
      'SuspiciousURL.Phish medium (rated: since today)',
      'SuspiciousURL.Phish medium (rated: since today)',
      'it knows the URL',
    ],
    [async () => ({ risk: 'none' }), 'clean', 'clean', 'it knows nothing bad'],
    [
      async () => ({ risk: 'high' }),
      'SuspiciousURL.Rated high (rated)',
      'SuspiciousURL.Rated high (rated)',
      'it gives no name',
    ],
    [async () => Promise.reject(new Error('refused')), 'clean', 'engine-down: rated: refused', 'it is down'],
    [
      () => {
        throw new Error('thrown')
      },
      'clean',
      'engine-down: rated: thrown',
      'it throws',
    ],
    [() => new Promise(() => {}), 'clean', 'engine-down: rated: no answer in time', 'it hangs'],
    [
      async () => ({ risk: 'awful' }) as unknown as ProviderRating,
      'clean',
      'engine-down: rated: the answer is no rating',
      'that is no risk',
    ],
    [
      async () => null as unknown as ProviderRating,
      'clean',
      'engine-down: rated: the answer is no rating',
      'that is nothing',
    ],
    [
      async () => ({ risk: 'low', name: 'A\r\nB: c', detail: 'x\r\ny' }),
      'SuspiciousURL.ABc low (rated: x??y)',
      'SuspiciousURL.ABc low (rated: x??y)',
      'its words are hostile',
    ],
  ]
  for (const [rate, optional, required, because] of ANSWERS)
    it(`when ${because}`, async () => {
      const of = async (isRequired: boolean) =>
        short(await rig(rate, { required: isRequired, timeoutMs: 30 }).rater.rate('http://x.example/'))
      assert.deepEqual([await of(false), await of(true)], [optional, required])
    })

  it('is asked once for what is known, asked for at once, or failed a moment ago', async () => {
    let nowMs = 0
    let answer: () => Promise<ProviderRating> = async () => BAD
    const { rater, asked } = rig(() => answer(), {
      ttlMs: 100,
      noneTtlMs: 10,
      failureTtlMs: 1,
      required: true,
      now: () => nowMs,
    })
    await Promise.all([rater.rate('http://a/'), rater.rate('http://a/'), rater.rate('http://a/')])
    assert.equal(asked.length, 1)
    nowMs = 99
    assert.ok(!(rater.rate('http://a/') instanceof Promise))
    nowMs = 100
    answer = async () => ({ risk: 'none' })
    assert.equal(short(await rater.rate('http://a/')), 'clean')
    nowMs = 109
    await rater.rate('http://a/')
    assert.equal(asked.length, 2)
    nowMs = 110
    answer = async () => Promise.reject(new Error('down'))
    assert.equal(short(await rater.rate('http://a/')), 'engine-down: rated: down')
    await rater.rate('http://a/')
    assert.equal(asked.length, 3)
    nowMs = 111
    await rater.rate('http://a/')
    assert.equal(asked.length, 4)
  })

  it('is asked anew when its version changes', async () => {
    const { rater, provider, asked } = rig(async () => BAD)
    await rater.rate('http://a/')
    provider.version = '2'
    assert.equal(rater.version, '2')
    await rater.rate('http://a/')
    assert.equal(asked.length, 2)
  })

  it('is asked no more at once than it may be; who waits too long is told so', async () => {
    let running = 0
    let most = 0
    const slow: Rate = async () => {
      most = Math.max(most, ++running)
      await sleep(20)
      running -= 1
      return BAD
    }
    const { rater } = rig(slow, { concurrency: 3 })
    await Promise.all(Array.from({ length: 12 }, (_, i) => rater.rate(`http://${i}/`)))
    assert.equal(most, 3)
    const never = rig(() => new Promise(() => {}), { concurrency: 1, timeoutMs: 20, required: true })
    const got = await Promise.all([never.rater.rate('http://a/'), never.rater.rate('http://b/')])
    assert.deepEqual(new Set(got.map(short)), new Set(['engine-down: rated: no answer in time']))
    assert.deepEqual(never.asked, ['http://a/'])
  })

  it('is not waited for when whoever asks is gone, nor for URLs without end', async () => {
    const { rater, asked } = rig(() => sleep(50).then(() => BAD), { required: true })
    assert.equal(short(await rater.rate('http://a/', AbortSignal.abort())), 'engine-down: rated: no answer in time')
    assert.match(short(await rater.rate(`http://a/${'x'.repeat(3_000)}`)), /too long/)
    assert.equal(short(await rater.rate('')), 'clean')
    assert.deepEqual(asked, ['http://a/'])
  })

  it('never makes it throw, whatever it answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (answer) => {
        const { rater } = rig(async () => answer as ProviderRating)
        assert.match((await rater.rate('http://a/')).outcome, /^(clean|detected)$/)
      }),
      { numRuns: 300 },
    )
  })
})
