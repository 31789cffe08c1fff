import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ScanResult } from '../../../src/domain/verdict.ts'
import { rateUrl, rateUrlWith } from '../../../src/scan/url-rating.ts'
import { Recent } from '../../../src/scan/urls/recent.ts'
import { fallbackRegistrableDomain } from '../../../src/scan/urls/registrable-domain.ts'
import { combinedRisk, createUrlRater, type UrlSignalMode } from '../../../src/scan/urls/signal-rating.ts'
import { createProviderRater } from '../../../src/scan/urls/url-provider.ts'

const short = (result: ScanResult) =>
  result.outcome === 'detected' ? result.detections.map(({ name, risk }) => `${name} ${risk}`).join() : result.outcome

const LOW = 'https://netfilx.example/'
const MEDIUM = 'https://paypal-login.example/'

const MODES: readonly (readonly [mode: UrlSignalMode, low: string, medium: string, because: string])[] = [
  ['off', 'clean', 'clean', 'nobody looks'],
  ['record', 'SuspiciousURL.BrandTypo low', 'SuspiciousURL.BrandImpersonation low', 'it is only written down'],
  ['medium', 'SuspiciousURL.BrandTypo low', 'SuspiciousURL.BrandImpersonation medium', 'letters never block alone'],
  ['block', 'SuspiciousURL.BrandTypo low', 'SuspiciousURL.BrandImpersonation high', 'the administrator wants it'],
]

describe('Rating by signals', () => {
  for (const [mode, low, medium, because] of MODES)
    it(`${mode}: ${because}`, () => {
      const rate = createUrlRater({ mode })
      assert.deepEqual([rate(LOW), rate(MEDIUM), rate('https://example.org/'), rate('')].map(short), [
        low,
        medium,
        'clean',
        'clean',
      ])
    })

  it('tells all signals with their reasons, the strongest first', () => {
    const result = createUrlRater()('http://maria@paypal-login.example/verify')
    assert.ok(result.outcome === 'detected')
    assert.deepEqual(result.detections, [
      {
        engine: 'url-rating',
        name: 'SuspiciousURL.BrandImpersonation',
        risk: 'medium',
        about: 'url',
        evidence:
          "brand-with-lure (55): paypal-login.example is not paypal.com; user-in-url (15): a user's name before paypal-login.example; lure-word (10): verify in the path, paypal in the host",
      },
    ])
  })

  it('is never high, however much there is', () => {
    const signals = Array.from({ length: 50 }, () => ({ id: 'host-as-user', detail: 'x', weight: 60 }) as const)
    assert.equal(combinedRisk(signals), 'medium')
  })

  it('answers from its memory of a host as it did before', () => {
    const rate = createUrlRater({ hosts: 2 })
    const urls = [MEDIUM, LOW, 'https://a.example/', 'https://b.example/', MEDIUM, LOW]
    assert.deepEqual(
      [...urls, ...urls].map((url) => short(rate(url))),
      [...urls, ...urls].map((url) => short(createUrlRater()(url))),
    )
  })

  it('looks at a host where there is no URL', () => {
    const question = {
      table: undefined,
      settings: { suspiciousObjects: { enabled: false, list: 'both' }, userDefinedObjects: false },
      nowMs: 0,
    } as const
    const of = (host: string) => rateUrl({ url: '', host, claimedServerIp: '' }, question).map(short).at(-1)
    assert.equal(of('paypal-login.example'), 'SuspiciousURL.BrandImpersonation medium')
    assert.deepEqual([of('2001:db8::1'), of('')], ['clean', 'clean'])
  })

  it('asks providers only where there are some, and at once what is known', async () => {
    const results = [createUrlRater()(LOW)]
    assert.equal(rateUrlWith(results, LOW, { providers: [] }), results)
    const provider = createProviderRater({
      name: 'p',
      version: '1',
      rate: async () => ({ risk: 'high', name: 'Phish' }),
    })
    const expected = ['SuspiciousURL.BrandTypo low', 'SuspiciousURL.Phish high']
    assert.deepEqual((await rateUrlWith(results, LOW, { providers: [provider] })).map(short), expected)
    const again = rateUrlWith(results, LOW, { providers: [provider] })
    assert.ok(!(again instanceof Promise))
    assert.deepEqual(again.map(short), expected)
  })
})

describe('The fallback for public suffixes', () => {
  const ROWS = [
    ['www.example.org', 'example.org'],
    ['example.org', 'example.org'],
    ['a.b.example.co.uk', 'example.co.uk'],
    ['example.co.uk', 'example.co.uk'],
    ['co.uk', 'co.uk'],
    ['www.co.de', 'www.co.de'],
    ['a.b.c.museum', 'c.museum'],
    ['com.example.com', 'example.com'],
    ['localhost', undefined],
    ['.', undefined],
    ['a.', undefined],
    ['', undefined],
  ] as const
  for (const [host, expected] of ROWS)
    it(`${host || 'nothing'}: ${expected}`, () => assert.equal(fallbackRegistrableDomain(host), expected))
})

describe('What was recent', () => {
  it('is forgotten when there is more, when it is old, and when all is', () => {
    const recent = new Recent<number>(2)
    recent.set('a', 1, 10)
    recent.set('b', 2)
    assert.deepEqual([recent.get('a', 9), recent.get('a', 10), recent.get('b')], [1, undefined, 2])
    recent.set('c', 3)
    recent.set('d', 4)
    assert.deepEqual([recent.get('b'), recent.get('c'), recent.get('d')], [undefined, 3, 4])
    recent.set('x'.repeat(5_000), 5)
    assert.equal(recent.get('x'.repeat(5_000)), undefined)
    recent.clear()
    assert.equal(recent.get('d'), undefined)
  })
})
