import { AggregatorRegistry } from 'prom-client'
import type { Action } from './domain/action.ts'
import type { UnscannedReason } from './domain/verdict.ts'
import {
  type CountedHits,
  hitRows,
  mergedHits,
  RULE_HITS,
  type RuleHitCount,
  RuleHitCounter,
  type RuleHits,
} from './rule-hits.ts'

/** Upper bounds in seconds; one more bucket takes the rest. */
export const DURATION_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const

/** Every counter: its labels, in the order of a series key, and its help. No label may hold a user, a URL or an address. */
const COUNTERS = {
  transactions_total: { labels: ['mode', 'action', 'icap_status'], help: 'ICAP transactions answered' },
  detections_total: { labels: ['engine'], help: 'Detections, by the engine that made them' },
  unscanned_total: { labels: ['reason'], help: 'Transactions that could not be scanned, by each reason' },
  body_bytes_total: { labels: ['mode'], help: 'Body bytes taken in' },
  connections_total: { labels: [], help: 'Connections accepted' },
  connections_refused_total: { labels: ['cause'], help: 'Connections refused' },
  transaction_events_total: {
    labels: ['event'],
    help: 'What went another way than usual: a client gone, a record refused, ...',
  },
  verdict_cache_hits_total: { labels: [], help: 'Verdicts of content engines that came from the cache' },
  process_cpu_seconds_total: { labels: ['role'], help: 'User and system CPU time' },
} as const satisfies Record<string, { labels: readonly string[]; help: string }>

const HISTOGRAMS = {
  transaction_duration_seconds: { labels: ['mode'], help: 'From the ICAP head to the reply' },
  scan_duration_seconds: { labels: [], help: 'Content engines' },
} as const satisfies Record<string, { labels: readonly string[]; help: string }>

type CounterName = keyof typeof COUNTERS
type HistogramName = keyof typeof HISTOGRAMS

/** Separates a series key's parts: `transactions_total|REQMOD|block|2xx`. */
const SEPARATOR = '|'
const LABEL_VALUE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/

/** A process that ran wild (or was taken over) must not fill the supervisor's memory with series. */
const MAX_SERIES = 1024

export interface HistogramSnapshot {
  /** Not cumulative; one longer than DURATION_BUCKETS. */
  readonly buckets: readonly number[]
  readonly sumSeconds: number
}

/** What a process counted since it started; plain, for a heartbeat message. */
export interface MetricsSnapshot {
  /** Never used twice, so that a restarted worker is another one. */
  readonly instance: string
  readonly role: string
  readonly rssBytes: number
  readonly counters: Readonly<Record<string, number>>
  readonly histograms: Readonly<Record<string, HistogramSnapshot>>
  readonly ruleHits?: RuleHits
}

export interface CountedTransaction extends CountedHits {
  readonly mode: 'REQMOD' | 'RESPMOD'
  readonly action: Action['type']
  readonly icapStatus: number
  /** -1 where there was no body, as in the record. */
  readonly size: number
  readonly cached: boolean
  readonly reasons: readonly UnscannedReason[]
  readonly stagesMs: { readonly scan: number; readonly total: number }
}

export interface ProcessMetrics {
  /** A TransactionRecord will do. */
  transaction(transaction: CountedTransaction): void
  event(name: string): void
  connection(): void
  connectionRefused(cause: 'limit' | 'not-listed' | 'draining'): void
  snapshot(): MetricsSnapshot
}

interface Counter {
  value: number
}

interface Histogram {
  readonly buckets: number[]
  sumSeconds: number
}

/** The counters of one process. */
export function createProcessMetrics(role: string): ProcessMetrics {
  const instance = `${process.pid}-${process.hrtime.bigint()}`
  const counters = new Map<string, Counter>()
  const histograms = new Map<string, Histogram>()
  const modes = { REQMOD: modeMetrics('REQMOD'), RESPMOD: modeMetrics('RESPMOD') }
  const scans = lazily(() => histogram('scan_duration_seconds'))
  const unscannedBy = new Map<UnscannedReason, Counter>()
  const ruleHits = new RuleHitCounter()

  function counter(key: string): Counter {
    const known = counters.get(key)
    if (known !== undefined) return known
    const made = { value: 0 }
    if (counters.size < MAX_SERIES) counters.set(key, made)
    return made
  }
  function histogram(key: string): Histogram {
    const made = { buckets: new Array<number>(DURATION_BUCKETS.length + 1).fill(0), sumSeconds: 0 }
    histograms.set(key, made)
    return made
  }
  /** What every transaction counts: its series are looked up by what they are of, no key is put together for them. */
  function modeMetrics(mode: CountedTransaction['mode']) {
    const byAction = new Map<string, Map<number, Counter>>()
    return {
      answeredWith(action: string, icapStatus: number): Counter {
        const known = byAction.get(action)?.get(icapStatus)
        if (known !== undefined) return known
        const made = counter(`transactions_total|${mode}|${action}|${statusClass(icapStatus)}`)
        byAction.set(action, new Map(byAction.get(action)).set(icapStatus, made))
        return made
      },
      bodyBytes: lazily(() => counter(`body_bytes_total|${mode}`)),
      durations: lazily(() => histogram(`transaction_duration_seconds|${mode}`)),
    }
  }
  function unscanned(reason: UnscannedReason): Counter {
    const known = unscannedBy.get(reason)
    if (known !== undefined) return known
    const made = counter(`unscanned_total|${reason}`)
    unscannedBy.set(reason, made)
    return made
  }
  const add = (key: string, amount: number) => {
    counter(key).value += amount
  }

  return {
    transaction(transaction) {
      const { mode, action, icapStatus, size, cached, reasons, detections, stagesMs } = transaction
      ruleHits.count(transaction)
      const ofMode = modes[mode]
      ofMode.answeredWith(action, icapStatus).value++
      if (size > 0) ofMode.bodyBytes().value += size
      if (cached) add('verdict_cache_hits_total', 1)
      for (const reason of reasons) unscanned(reason).value++
      for (const { engine } of detections) add(`detections_total|${boundedLabel(engine)}`, 1)
      observe(ofMode.durations(), stagesMs.total / 1000)
      if (stagesMs.scan > 0) observe(scans(), stagesMs.scan / 1000)
    },
    event: (name) => add(`transaction_events_total|${boundedLabel(name)}`, 1),
    connection: () => add('connections_total', 1),
    connectionRefused: (cause) => add(`connections_refused_total|${cause}`, 1),
    snapshot() {
      const { user, system } = process.cpuUsage()
      const cpu = { [`process_cpu_seconds_total|${role}`]: (user + system) / 1e6 }
      return {
        instance,
        role,
        rssBytes: process.memoryUsage.rss(),
        counters: { ...Object.fromEntries([...counters].map(([key, { value }]) => [key, value])), ...cpu },
        histograms: Object.fromEntries([...histograms].map(([key, value]) => [key, structuredClone(value)])),
        ruleHits: ruleHits.snapshot(),
      }
    },
  }
}

/** Made when first counted: a series that never counted anything is not there. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

function observe(histogram: Histogram, seconds: number): void {
  let bucket = 0
  while (bucket < DURATION_BUCKETS.length && !(seconds <= (DURATION_BUCKETS[bucket] ?? 0))) bucket++
  histogram.buckets[bucket] = (histogram.buckets[bucket] ?? 0) + 1
  histogram.sumSeconds += seconds
}

function statusClass(icapStatus: number): string {
  return icapStatus >= 100 && icapStatus < 600 ? `${Math.floor(icapStatus / 100)}xx` : 'other'
}

function boundedLabel(value: string): string {
  return LABEL_VALUE.test(value) ? value : 'other'
}

/** What the supervisor knows by itself; a `Status` of the API will do. */
export interface Gauges {
  readonly version: string
  readonly startedMs: number
  readonly readiness: { readonly ready: boolean }
  readonly processes: readonly { readonly role: string }[]
  readonly engines: readonly { readonly engine: string; readonly state: 'up' | 'down' | 'off' }[]
  readonly rules: {
    readonly loaded: number
    readonly quarantined: readonly unknown[]
    readonly slow: readonly unknown[]
  }
  readonly lists: readonly { readonly list: string; readonly type: string; readonly count: number }[]
  readonly connections: { readonly inUse: number; readonly max: number }
  readonly journal: { readonly backlogRecords: number; readonly backlogBytes: number; readonly maxBytes: number }
  readonly store: { readonly state: 'up' | 'down' }
  /** Sources of the synchronized list, by state. */
  readonly feeds?: Readonly<Record<string, number>> | undefined
  /** What was let through and would be blocked now. Undefined: the store does not say. */
  readonly recall?: number | undefined
}

export interface MergedMetrics {
  /** The latest snapshot of a process; what is malformed in it is left out. */
  take(snapshot: MetricsSnapshot): void
  /** That process ended: what it counted stays counted. */
  gone(instance: string): void
  /** Metric name without prefix -> sum over all labels and processes. */
  totals(): Record<string, number>
  rssBytes(): number
  /** Most first. */
  ruleHits(): RuleHitCount[]
  /** Prometheus text format 0.0.4. */
  text(gauges: Gauges): Promise<string>
}

interface Sums {
  counters: Map<string, number>
  histograms: Map<string, { buckets: number[]; sumSeconds: number }>
}

/** Instances whose late heartbeat may still be on its way. */
const REMEMBERED_GONE = 256

/** All processes' counters as one, which never go back when a process is replaced. */
export function createMergedMetrics(): MergedMetrics {
  const ended: Sums = { counters: new Map(), histograms: new Map() }
  const latest = new Map<string, MetricsSnapshot>()
  const goneInstances = new Set<string>()
  let endedHits: RuleHits = {}
  const hits = () => mergedHits([endedHits, ...[...latest.values()].map(({ ruleHits }) => ruleHits)])

  const sums = (): Sums => {
    const all = structuredClone(ended)
    for (const snapshot of latest.values()) addSnapshot(all, snapshot)
    return all
  }
  return {
    take(snapshot) {
      if (!goneInstances.has(snapshot.instance)) latest.set(snapshot.instance, checked(snapshot))
    },
    gone(instance) {
      const last = latest.get(instance)
      if (last) addSnapshot(ended, last)
      if (last) endedHits = Object.fromEntries(mergedHits([endedHits, last.ruleHits]))
      latest.delete(instance)
      goneInstances.add(instance)
      for (const oldest of goneInstances) {
        if (goneInstances.size <= REMEMBERED_GONE) break
        goneInstances.delete(oldest)
      }
    },
    totals() {
      const totals: Record<string, number> = Object.fromEntries(Object.keys(COUNTERS).map((name) => [name, 0]))
      for (const [key, value] of sums().counters) {
        const name = key.split(SEPARATOR)[0] ?? ''
        totals[name] = (totals[name] ?? 0) + value
      }
      return totals
    },
    rssBytes: () => [...latest.values()].reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    ruleHits: () => hitRows(hits()),
    text: (gauges) =>
      render([
        ...counterMetrics(sums()),
        ruleHitMetric(hits()),
        ...histogramMetrics(sums()),
        ...gaugeMetrics(gauges, latest.values()),
      ]),
  }
}

/** Only known names, the right number of well-formed labels, and counts; anything else a process sent is dropped. */
function checked(snapshot: MetricsSnapshot): MetricsSnapshot {
  const counters = Object.entries(snapshot.counters).filter(([key, value]) => isSeries(key, COUNTERS) && isCount(value))
  const histograms = Object.entries(snapshot.histograms).filter(
    ([key, { buckets, sumSeconds }]) =>
      isSeries(key, HISTOGRAMS) &&
      buckets.length === DURATION_BUCKETS.length + 1 &&
      [...buckets, sumSeconds].every(isCount),
  )
  return {
    instance: snapshot.instance,
    role: boundedLabel(snapshot.role),
    rssBytes: isCount(snapshot.rssBytes) ? snapshot.rssBytes : 0,
    counters: Object.fromEntries(counters.slice(0, MAX_SERIES)),
    histograms: Object.fromEntries(histograms.slice(0, MAX_SERIES)),
    ruleHits: Object.fromEntries(mergedHits([snapshot.ruleHits])),
  }
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isSeries(key: string, known: Readonly<Record<string, { readonly labels: readonly string[] }>>): boolean {
  const [name = '', ...values] = key.split(SEPARATOR)
  if (!Object.hasOwn(known, name)) return false
  return values.length === known[name]?.labels.length && values.every((value) => LABEL_VALUE.test(value))
}

function addSnapshot(sums: Sums, { counters, histograms }: MetricsSnapshot): void {
  for (const [key, value] of Object.entries(counters)) {
    if (sums.counters.size < MAX_SERIES || sums.counters.has(key))
      sums.counters.set(key, (sums.counters.get(key) ?? 0) + value)
  }
  for (const [key, { buckets, sumSeconds }] of Object.entries(histograms)) {
    if (sums.histograms.size >= MAX_SERIES && !sums.histograms.has(key)) continue
    const sum = sums.histograms.get(key)
    sums.histograms.set(key, {
      buckets: buckets.map((count, index) => count + (sum?.buckets[index] ?? 0)),
      sumSeconds: sumSeconds + (sum?.sumSeconds ?? 0),
    })
  }
}

type Labels = Readonly<Record<string, string | number>>

/** prom-client's own JSON form of a metric. */
interface MetricJson {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly aggregator: 'sum'
  readonly values: readonly { readonly value: number; readonly labels: Labels; readonly metricName?: string }[]
}

/** prom-client keeps histograms as observations only; what it merges from other processes it takes as finished numbers. */
function render(metrics: readonly MetricJson[]): Promise<string> {
  return AggregatorRegistry.aggregate([[...metrics]]).metrics()
}

function metric(
  type: MetricJson['type'],
  name: string,
  { help, values }: Pick<MetricJson, 'help' | 'values'>,
): MetricJson {
  return { name: `assay_${name}`, help, type, aggregator: 'sum', values }
}

function labelsOf(names: readonly string[], key: string): Labels {
  const [, ...values] = key.split(SEPARATOR)
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
}

function counterMetrics({ counters }: Sums): MetricJson[] {
  return (Object.keys(COUNTERS) as CounterName[]).map((name) => {
    const { labels, help } = COUNTERS[name]
    const series = [...counters].filter(([key]) => key.split(SEPARATOR)[0] === name)
    const values = series.map(([key, value]) => ({ value, labels: labelsOf(labels, key) }))
    return metric('counter', name, {
      help,
      values: labels.length === 0 && values.length === 0 ? [{ value: 0, labels: {} }] : values,
    })
  })
}

function ruleHitMetric(hits: ReadonlyMap<string, number>): MetricJson {
  const labels = ['file', 'rule', 'mode']
  const values = [...hits].map(([key, value]) => ({ value, labels: labelsOf(labels, `${RULE_HITS}|${key}`) }))
  return metric('counter', RULE_HITS, { help: 'Transactions in which a rule hit, enforced or in shadow', values })
}

function histogramMetrics({ histograms }: Sums): MetricJson[] {
  return (Object.keys(HISTOGRAMS) as HistogramName[]).map((name) => {
    const { labels, help } = HISTOGRAMS[name]
    const series = [...histograms].filter(([key]) => key.split(SEPARATOR)[0] === name)
    const values = series.flatMap(([key, histogram]) => histogramValues(name, labelsOf(labels, key), histogram))
    return metric('histogram', name, { help, values })
  })
}

function histogramValues(
  name: HistogramName,
  labels: Labels,
  { buckets, sumSeconds }: HistogramSnapshot,
): MetricJson['values'] {
  let cumulative = 0
  const bounds = [...DURATION_BUCKETS.map(String), '+Inf']
  const bucketValues = bounds.map((le, index) => {
    cumulative += buckets[index] ?? 0
    return { metricName: `assay_${name}_bucket`, labels: { le, ...labels }, value: cumulative }
  })
  return [
    ...bucketValues,
    { metricName: `assay_${name}_sum`, labels, value: sumSeconds },
    { metricName: `assay_${name}_count`, labels, value: cumulative },
  ]
}

function gaugeMetrics(gauges: Gauges, snapshots: Iterable<MetricsSnapshot>): MetricJson[] {
  const { connections, journal, rules, store, engines, lists } = gauges
  const one = (name: string, help: string, value: number) =>
    metric('gauge', name, { help, values: [{ value, labels: {} }] })
  return [
    metric('gauge', 'info', { help: 'The version', values: [{ value: 1, labels: { version: gauges.version } }] }),
    one('start_time_seconds', 'When the supervisor started, Unix time', gauges.startedMs / 1000),
    one('ready', '1 when every required engine is up', Number(gauges.readiness.ready)),
    one('connections', 'ICAP connections open', connections.inUse),
    one('connections_max', 'ICAP connections that may be open', connections.max),
    one('journal_backlog_records', 'Records that the store has not taken in', journal.backlogRecords),
    one('journal_backlog_bytes', 'Bytes that the store has not taken in', journal.backlogBytes),
    one('journal_max_bytes', 'Backlog at which transactions become unscanned (no-space)', journal.maxBytes),
    one('store_up', '1 while the database answers', Number(store.state === 'up')),
    metric('gauge', 'engine_up', {
      help: '1 when the engine works; an engine that is switched off has no series',
      values: engines
        .filter(({ state }) => state !== 'off')
        .map(({ engine, state }) => ({ labels: { engine: boundedLabel(engine) }, value: Number(state === 'up') })),
    }),
    metric('gauge', 'rule_files', {
      help: 'Rule files that are slow or do not compile',
      values: [
        { labels: { state: 'slow' }, value: rules.slow.length },
        { labels: { state: 'quarantined' }, value: rules.quarantined.length },
      ],
    }),
    one('rules_loaded', 'Rules that are asked', rules.loaded),
    metric('gauge', 'feeds', {
      help: 'Sources of the synchronized list, by state',
      values: Object.entries(gauges.feeds ?? {}).map(([state, value]) => ({ labels: { state }, value })),
    }),
    metric('gauge', 'list_entries', {
      help: 'Entries of the suspicious-object lists',
      values: lists.map(({ list, type, count }) => ({
        labels: { list: boundedLabel(list), type: boundedLabel(type) },
        value: count,
      })),
    }),
    ...(gauges.recall === undefined
      ? []
      : [one('recall_findings', 'Messages let through that a later list calls bad', gauges.recall)]),
    ...processGauges(gauges, snapshots),
  ]
}

function processGauges({ processes }: Gauges, snapshots: Iterable<MetricsSnapshot>): MetricJson[] {
  const sumByRole = (items: readonly (readonly [role: string, amount: number])[]): MetricJson['values'] => {
    const sums = new Map<string, number>()
    for (const [role, amount] of items) sums.set(role, (sums.get(role) ?? 0) + amount)
    return [...sums].map(([role, value]) => ({ labels: { role: boundedLabel(role) }, value }))
  }
  return [
    metric('gauge', 'processes', {
      help: 'Processes that run',
      values: sumByRole(processes.map(({ role }) => [role, 1])),
    }),
    metric('gauge', 'process_resident_memory_bytes', {
      help: 'Resident memory',
      values: sumByRole([...snapshots].map(({ role, rssBytes }) => [role, rssBytes])),
    }),
  ]
}
