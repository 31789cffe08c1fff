import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Evidence } from '../src/domain/evidence.ts'
import { ruleEvidence, ruleOf } from '../src/domain/rule-hit.ts'
import { createMergedMetrics, createProcessMetrics } from '../src/metrics.ts'
import { hitRows, mergedHits, RuleHitCounter } from '../src/rule-hits.ts'

const found = (rule: string, file = 'a.yar') => ({
  engine: 'yara',
  evidence: ruleEvidence({ file, rule }, ['$a'], false),
})
const noted = (rule: string) => ({
  engine: 'yara',
  engineVersion: '',
  name: rule,
  risk: 'none' as const,
  detail: ruleEvidence({ file: 'a.yar', rule }, ['$a'], true),
})
const tree = (...findings: ReturnType<typeof noted>[]): Evidence => ({
  nodes: [{ path: '', parent: -1, type: '', size: 1, sha256: '', ms: 0, findings, limits: [] }],
  omitted: 0,
})

describe('hits of rules', () => {
  for (const [what, hits, because] of [
    [
      { detections: [found('one'), found('one'), found('two')] },
      { 'a.yar|one|enforced': 1, 'a.yar|two|enforced': 1 },
      'one a transaction',
    ],
    [
      { detections: [], evidence: tree(noted('one'), noted('one')) },
      { 'a.yar|one|shadow': 1 },
      'shadow stands in the evidence',
    ],
    [{ detections: [{ engine: 'clamav', evidence: 'a.yar: one' }] }, {}, 'another engine’s words are no rule’s'],
    [{ detections: [{ engine: 'yara', evidence: 'free words' }] }, {}, 'the evidence names no rule'],
    [{ detections: [found('one', 'http://user@host/x.yar')] }, {}, 'what is no file name is not counted'],
    [{ detections: [{ engine: 'yara' }] }, {}, 'no evidence at all'],
  ] as const)
    it(`are ${JSON.stringify(hits)}: ${because}`, () => {
      const counter = new RuleHitCounter()
      counter.count(what)
      assert.deepEqual(counter.snapshot(), hits)
    })

  it('of several processes are one, and bad numbers are none', () => {
    const sums = mergedHits([
      { 'a.yar|one|enforced': 2, 'a.yar|one|shadow': 1 },
      { 'a.yar|one|enforced': 3, 'a.yar|x|enforced': -1, 'a.yar|y|enforced': Number.NaN, 'no key': 4 },
      undefined,
    ])
    assert.deepEqual(hitRows(sums), [{ file: 'a.yar', rule: 'one', enforced: 5, shadow: 1 }])
  })

  it('stand in the metrics, and stay when their process is gone', async () => {
    const own = createProcessMetrics('worker')
    own.transaction({
      mode: 'REQMOD',
      action: 'block',
      icapStatus: 200,
      size: 1,
      cached: false,
      reasons: [],
      detections: [found('one'), found('one', 'b.yar')],
      evidence: tree(noted('two')),
      stagesMs: { scan: 1, total: 1 },
    })
    const merged = createMergedMetrics()
    merged.take(own.snapshot())
    const before = merged.ruleHits()
    assert.equal(before.length, 3)
    merged.gone(own.snapshot().instance)
    assert.deepEqual(merged.ruleHits(), before)
    const text = await merged.text(GAUGES)
    assert.match(text, /assay_rule_hits_total\{file="a\.yar",rule="two",mode="shadow"\} 1/)
    assert.match(text, /assay_rule_hits_total\{file="b\.yar",rule="one",mode="enforced"\} 1/)
  })
})

describe('the evidence of a rule', () => {
  it('tells which rule it was, whatever its author wrote', () => {
    const name = { file: 'sub/own.yara', rule: 'r_1' }
    for (const shadow of [false, true])
      assert.deepEqual(ruleOf(ruleEvidence(name, ['$x', 'words: b.yar: other'], shadow)), { ...name, shadow })
    assert.equal(ruleOf(undefined), undefined)
  })
})

const GAUGES = {
  version: '1',
  startedMs: 0,
  readiness: { ready: true },
  processes: [],
  engines: [],
  rules: { loaded: 0, quarantined: [], slow: [] },
  lists: [],
  connections: { inUse: 0, max: 1 },
  journal: { backlogRecords: 0, backlogBytes: 0, maxBytes: 1 },
  store: { state: 'up' },
} as const
