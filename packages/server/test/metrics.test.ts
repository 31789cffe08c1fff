import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type CountedTransaction,
  createMergedMetrics,
  createProcessMetrics,
  DURATION_BUCKETS,
  type MetricsSnapshot,
} from '../src/metrics.ts'
import { sampleRecord, sampleStatus } from './api/fixture.ts'

const HOSTILE = 'x"}\n evil{url="http://a/"} 1'

function counted(changes: Partial<CountedTransaction> = {}): CountedTransaction {
  return { ...sampleRecord(), ...changes }
}

function lineOf(text: string, start: string): string | undefined {
  return text.split('\n').find((line) => line.startsWith(start))
}

describe('metrics of a process', () => {
  it('count what a record says', () => {
    const metrics = createProcessMetrics('worker')
    metrics.transaction(counted())
    metrics.transaction(
      counted({
        action: 'error',
        icapStatus: 500,
        reasons: ['timeout', 'bomb'],
        detections: [],
        size: -1,
        cached: true,
      }),
    )
    metrics.connection()
    metrics.connectionRefused('limit')
    const { counters, histograms, role } = metrics.snapshot()
    const { 'process_cpu_seconds_total|worker': cpu, ...others } = counters
    assert.ok(cpu !== undefined && cpu > 0)
    assert.equal(role, 'worker')
    assert.deepEqual(others, {
      'transactions_total|RESPMOD|block|2xx': 1,
      'transactions_total|RESPMOD|error|5xx': 1,
      'body_bytes_total|RESPMOD': 12,
      'detections_total|yara': 1,
      'unscanned_total|timeout': 1,
      'unscanned_total|bomb': 1,
      verdict_cache_hits_total: 1,
      connections_total: 1,
      'connections_refused_total|limit': 1,
    })
    assert.equal(
      histograms['transaction_duration_seconds|RESPMOD']?.buckets.reduce((sum, n) => sum + n),
      2,
    )
  })

  for (const [totalMs, bucket] of [
    [0, 0],
    [0.5, 0],
    [0.6, 1],
    [1000, DURATION_BUCKETS.indexOf(1)],
    [3_600_000, DURATION_BUCKETS.length],
  ] as const)
    it(`puts ${totalMs} ms into bucket ${bucket}`, () => {
      const metrics = createProcessMetrics('worker')
      metrics.transaction(counted({ stagesMs: { scan: 0, total: totalMs } }))
      assert.equal(metrics.snapshot().histograms['transaction_duration_seconds|RESPMOD']?.buckets[bucket], 1)
    })

  it('give snapshots that do not change afterwards', () => {
    const metrics = createProcessMetrics('worker')
    metrics.transaction(counted())
    const before = metrics.snapshot()
    const copy = structuredClone(before)
    metrics.transaction(counted())
    assert.deepEqual(before, copy)
  })

  it('never take a label from outside as it stands', () => {
    const metrics = createProcessMetrics('worker')
    metrics.transaction(counted({ detections: [{ engine: HOSTILE }] }))
    assert.equal(metrics.snapshot().counters['detections_total|other'], 1)
  })
})

function snapshot(instance: string, transactions: number, changes: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  const counters = { 'transactions_total|REQMOD|block|2xx': transactions, 'process_cpu_seconds_total|worker': 1 }
  return { instance, role: 'worker', rssBytes: 1000, counters, histograms: {}, ...changes }
}

describe('merged metrics', () => {
  it('add processes up, replace an older snapshot, and never go back when one ends', () => {
    const merged = createMergedMetrics()
    const total = () => merged.totals().transactions_total
    merged.take(snapshot('a', 5))
    merged.take(snapshot('b', 10))
    assert.equal(total(), 15)
    merged.take(snapshot('a', 7))
    assert.equal(total(), 17)
    merged.gone('a')
    assert.equal(total(), 17)
    merged.take(snapshot('a', 8))
    assert.equal(total(), 17, 'a late heartbeat of a process that ended is not counted twice')
    merged.take(snapshot('c', 1))
    assert.equal(total(), 18)
    assert.equal(merged.rssBytes(), 2000)
    merged.gone('never seen')
    assert.equal(total(), 18)
  })

  it('drop what a process should not have sent', async () => {
    const merged = createMergedMetrics()
    merged.take(
      snapshot('a', 1, {
        role: HOSTILE,
        rssBytes: Number.NaN,
        counters: {
          'transactions_total|REQMOD|block|2xx': 3,
          'transactions_total|REQMOD|block': 1,
          'transactions_total|REQMOD|block|2xx|more': 1,
          [`detections_total|${HOSTILE}`]: 1,
          'detections_total|http://a/': 1,
          'unknown_total|a': 1,
          '__proto__|a': 1,
          connections_total: Number.NaN,
          verdict_cache_hits_total: -1,
        },
        histograms: {
          scan_duration_seconds: { buckets: [1, 2], sumSeconds: 1 },
          other: { buckets: [], sumSeconds: 0 },
        },
      }),
    )
    const text = await merged.text(sampleStatus())
    assert.equal(merged.totals().transactions_total, 3)
    assert.doesNotMatch(text, /evil|http:|unknown_total|NaN|scan_duration_seconds_bucket/)
  })

  it('bound the series that a process can make', () => {
    const merged = createMergedMetrics()
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`detections_total|e${i}`, 1]))
    merged.take(snapshot('a', 0, { counters: many }))
    merged.take(snapshot('b', 0, { counters: Object.fromEntries(Object.keys(many).map((key) => [`${key}x`, 1])) }))
    assert.ok((merged.totals().detections_total ?? 0) <= 1024)
  })

  it('write Prometheus text with units in the names', async () => {
    const merged = createMergedMetrics()
    const worker = createProcessMetrics('worker')
    worker.transaction(counted({ stagesMs: { scan: 2, total: 4 } }))
    worker.transaction(counted({ stagesMs: { scan: 20, total: 40 } }))
    merged.take(worker.snapshot())
    const text = await merged.text(sampleStatus())
    for (const line of [
      'assay_transactions_total{mode="RESPMOD",action="block",icap_status="2xx"} 2',
      'assay_detections_total{engine="yara"} 2',
      'assay_transaction_duration_seconds_bucket{le="0.005",mode="RESPMOD"} 1',
      'assay_transaction_duration_seconds_bucket{le="+Inf",mode="RESPMOD"} 2',
      'assay_transaction_duration_seconds_count{mode="RESPMOD"} 2',
      'assay_journal_backlog_records 7',
      'assay_journal_backlog_bytes 700',
      'assay_store_up 1',
      'assay_engine_up{engine="yara"} 1',
      'assay_connections 5',
      'assay_connections_total 0',
      'assay_list_entries{list="user-defined",type="sha256"} 4',
      'assay_info{version="9.8.7"} 1',
    ])
      assert.ok(text.includes(`${line}\n`), `${line}\n${text}`)
    assert.equal(lineOf(text, 'assay_transaction_duration_seconds_sum')?.split(' ')[1], '0.044')
    assert.match(text, /# TYPE assay_transaction_duration_seconds histogram/)
    assert.match(text, /# TYPE assay_transactions_total counter/)
    assert.doesNotMatch(text, /engine="clamav"/, 'an engine that is off has no series')
    assert.doesNotMatch(text, /10\.0\.0\.1|example\.com|\bann\b/, 'no client, URL or user')
    for (const name of text.matchAll(/^([a-z_]+)[{ ]/gm)) assert.match(name[1] ?? '', /^assay_/)
  })
})
