import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ICAP_FAULTS, IcapError, type IcapErrorCode, reasonPhrase } from '../src/errors.ts'
import { DEFAULT_LIMITS, resolveLimits } from '../src/limits.ts'

describe('resolveLimits', () => {
  it('fills in the defaults', () =>
    assert.deepEqual(resolveLimits({ maxHeadLines: 5 }), { ...DEFAULT_LIMITS, maxHeadLines: 5 }))

  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
    it(`refuses ${value}: it is no bound`, () =>
      assert.throws(() => resolveLimits({ headTimeoutMs: value }), RangeError))

  it('takes 0 for the body rate: none', () => assert.equal(resolveLimits({ minBodyBytesPerS: 0 }).minBodyBytesPerS, 0))

  it('E15: encapsulated heads of more than 1 MiB cannot be allowed', () =>
    assert.throws(() => resolveLimits({ maxEncapsulatedBytes: 1_048_577 }), RangeError))
})

describe('IcapError', () => {
  it('L1: every code has a status with a reason phrase', () => {
    for (const [code, { status, text }] of Object.entries(ICAP_FAULTS)) {
      const error = new IcapError(code as IcapErrorCode)
      assert.deepEqual([error.code, error.status, error.message], [code, status, text])
      assert.ok(status >= 400 && status <= 505)
      assert.notEqual(reasonPhrase(status), '')
    }
  })

  it('adds its detail to the message', () =>
    assert.match(new IcapError('ICAP_BAD_CHUNK', { detail: 'trailer' }).message, /: trailer$/))

  it('names a status outside the table by its class', () => {
    assert.equal(reasonPhrase(418), 'Request Refused')
    assert.equal(reasonPhrase(599), 'Server Error')
  })
})
