import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Action, type Policy, UNSCANNED_ACTIONS } from '../../src/domain/action.ts'
import { RISK_LEVELS, type RiskLevel } from '../../src/domain/risk.ts'
import { decideVerdict, type ScanResult, UNSCANNED_REASONS, type UnscannedReason } from '../../src/domain/verdict.ts'
import { chooseAction, PASSWORD_BYPASSED, PASSWORD_UNEXTRACTED } from '../../src/icap-service/action.ts'
import { type ReplyContext, replyFor } from '../../src/icap-service/reply.ts'
import { POLICY } from './service-rig.ts'

const clean: ScanResult = { outcome: 'clean', engine: 'a' }
const found = (risk: RiskLevel, name: string = risk): ScanResult => ({
  outcome: 'detected',
  engine: 'b',
  detections: [{ engine: 'b', name, risk, about: 'file' }],
})
const not = (reason: UnscannedReason): ScanResult => ({ outcome: 'unscanned', engine: 'c', reason })

describe('action', () => {
  const cases: { results: ScanResult[]; action: Action['type']; because: string }[] = [
    { results: [clean], action: 'allow-clean', because: 'every engine says clean' },
    { results: [], action: 'error', because: 'nobody looked' },
    { results: [clean, found('medium')], action: 'allow-clean', because: 'it is below the threshold' },
    { results: [clean, found('high')], action: 'block', because: 'it reaches the threshold' },
    { results: [clean, not('timeout')], action: 'error', because: 'an engine that timed out is not a clean one' },
    { results: [found('low'), not('timeout')], action: 'error', because: 'a low detection does not hide a failure' },
    { results: [not('timeout'), found('high')], action: 'block', because: 'a high detection needs no second opinion' },
    {
      results: [clean, not('encrypted')],
      action: 'allow-unscanned',
      because: 'policy lets locked files pass, never as clean',
    },
    { results: [not('encrypted'), not('timeout')], action: 'error', because: 'an error outweighs an allow' },
    {
      results: [not('timeout'), not('bomb')],
      action: 'block-unscanned',
      because: 'a block outweighs an error, which clients may bypass',
    },
  ]
  for (const { results, action, because } of cases) {
    it(`is ${action} when ${because}`, () => assert.equal(chooseAction(decideVerdict(results), POLICY).type, action))
  }

  it('excludes only what is otherwise clean', () => {
    assert.equal(chooseAction(decideVerdict([clean]), POLICY, true).type, 'allow-excluded')
    assert.equal(chooseAction(decideVerdict([found('high')]), POLICY, true).type, 'block')
    assert.equal(chooseAction(decideVerdict([not('engine-down')]), POLICY, true).type, 'error')
  })

  it('puts the worst cause first', () => {
    const action = chooseAction(decideVerdict([found('medium', 'm'), found('high', 'h')]), {
      ...POLICY,
      blockFrom: 'low',
    })
    assert.deepEqual(action.type === 'block' && action.causes.map(({ name }) => name), ['h', 'm'])
  })

  const classes: { results: ScanResult[]; threat: string }[] = [
    { results: [clean, not('encrypted')], threat: PASSWORD_UNEXTRACTED },
    { results: [clean, not('encrypted'), not('timeout')], threat: PASSWORD_BYPASSED },
    { results: [found('low'), not('encrypted')], threat: PASSWORD_BYPASSED },
  ]
  for (const { results, threat } of classes) {
    it(`classifies a locked sample as ${threat}`, () => {
      const action = chooseAction(decideVerdict(results), { ...POLICY, classifyPasswordProtected: 'block' })
      assert.deepEqual(action, { type: 'block-unscanned', reason: 'encrypted', threat })
    })
  }

  const anyResult = fc.oneof(
    fc.constant(clean),
    fc.constantFrom(...RISK_LEVELS).map((risk) => found(risk)),
    fc.constantFrom(...UNSCANNED_REASONS).map(not),
  )
  const anyPolicy: fc.Arbitrary<Policy> = fc.record({
    blockFrom: fc.constantFrom('low', 'medium', 'high'),
    unscanned: fc.record(
      Object.fromEntries(UNSCANNED_REASONS.map((reason) => [reason, fc.constantFrom(...UNSCANNED_ACTIONS)])),
    ),
    classifyPasswordProtected: fc.constantFrom('off', 'label', 'block'),
  }) as fc.Arbitrary<Policy>
  const context: ReplyContext = {
    original: {
      mode: 'RESPMOD',
      requestHead: undefined,
      responseHead: Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
      hasBody: false,
      body: undefined,
      size: 0,
    },
    allows204: true,
    send: { virusId: true, infectionFound: true, responseDesc: true },
    dialect: 'trend',
    fileName: '',
    urlText: 'u',
    fileText: 'f',
    threats: ['t'],
    page: undefined,
    headOnly: false,
    unread: false,
  }

  it('gives 204 to nothing but a complete verdict below the threshold, whatever results and policy are', () => {
    fc.assert(
      fc.property(fc.array(anyResult), anyPolicy, fc.boolean(), (results, policy, excluded) => {
        const action = chooseAction(decideVerdict(results), policy, excluded)
        const is204 = replyFor(action, context).status === 204
        const isComplete = results.length > 0 && results.every(({ outcome }) => outcome !== 'unscanned')
        const worst = Math.max(
          0,
          ...results.map((r) => (r.outcome === 'detected' ? RISK_LEVELS.indexOf(r.detections[0].risk) : 0)),
        )
        assert.equal(is204, isComplete && !excluded && worst < RISK_LEVELS.indexOf(policy.blockFrom))
      }),
    )
  })
})
