import { readFileSync } from 'node:fs'
import type { EngineStatus, ListCount, ListenerStatus, Readiness, RuleFile, Status } from '../api/contract.ts'
import type { Config } from '../settings/settings.ts'
import type { EngineReport, WorkerReport } from '../supervisor/messages.ts'

/** What the supervisor knows at this moment. */
export interface ServerFacts {
  readonly version: string
  readonly startedMs: number
  readonly settingsRevision: number
  readonly config: Config
  readonly workers: readonly WorkerReport[]
  readonly ruleFiles: readonly RuleFile[]
  readonly listCounts: readonly ListCount[]
  readonly listeners: readonly ListenerStatus[]
  readonly store: {
    readonly databaseUp: boolean
    readonly backlogBytes: number
    readonly backlogRecords: number
    readonly lastError: string
  }
  readonly storeKind: 'sqlite' | 'postgresql'
  readonly counters: Readonly<Record<string, number>>
  readonly rssBytes: number
}

/** Engines that look into content: with none of them on, nothing can be told of a body. */
export const CONTENT_ENGINES: ReadonlySet<string> = new Set(['yara', 'clamav', 'predictive'])
const STATES = ['up', 'off', 'down'] as const

export function serverStatus(facts: ServerFacts): Status {
  const { workers, config, store } = facts
  return {
    version: facts.version,
    node: process.version,
    startedMs: facts.startedMs,
    nowMs: Date.now(),
    settingsRevision: facts.settingsRevision,
    readiness: serverReadiness(facts),
    processes: processesOf(workers),
    engines: enginesOf(workers),
    rules: {
      loaded: facts.ruleFiles.filter(({ state }) => state === 'loaded' || state === 'slow').length,
      quarantined: facts.ruleFiles.filter(({ state }) => state === 'quarantined'),
      slow: facts.ruleFiles.filter(({ state }) => state === 'slow'),
    },
    lists: facts.listCounts,
    isTags: workers[0]?.isTags ?? {},
    listeners: facts.listeners,
    connections: {
      inUse: workers.reduce((sum, { connections }) => sum + connections, 0),
      max: config['clients.maxConnections'],
    },
    journal: {
      backlogRecords: store.backlogRecords,
      backlogBytes: store.backlogBytes,
      maxBytes: config['journal.capBytes'],
    },
    store: { kind: facts.storeKind, state: store.databaseUp ? 'up' : 'down', detail: store.lastError },
    counters: facts.counters,
    cpuSeconds: cpuSeconds([process.pid, ...workers.map(({ pid }) => pid)]),
    memory: { rssBytes: facts.rssBytes },
  }
}

/** 4a "Ready": no required engine is down, one content engine is on, and somebody serves. */
export function serverReadiness({ workers, config }: ServerFacts): Readiness {
  const engines = enginesOf(workers)
  const reasons = engines
    .filter(({ state }) => state === 'down')
    .map(({ engine, detail }) => `${engine} is down: ${detail}`)
  if (workers.length === 0) reasons.push('no worker answers')
  else if (!engines.some(({ engine, state }) => CONTENT_ENGINES.has(engine) && state !== 'off'))
    reasons.push('no content engine is on')
  if (workers.some(({ journalFull }) => journalFull))
    reasons.push('the journal is full: the store has been away for long')
  if (config['icap.enabled'] && workers.length > 0 && workers.every(({ listeners }) => listeners.length === 0))
    reasons.push('no ICAP port is open')
  return { ready: reasons.length === 0, reasons }
}

function processesOf(workers: readonly WorkerReport[]): Status['processes'] {
  return [
    { role: 'supervisor', pid: process.pid, state: 'running', uid: process.getuid?.() ?? 0 },
    ...workers.map(({ pid, uid }) => ({ role: 'worker' as const, pid, state: 'running' as const, uid })),
  ]
}

/** An engine is as well as it is in the worker where it is worst. */
function enginesOf(workers: readonly WorkerReport[]): EngineStatus[] {
  const worst = new Map<string, EngineReport>()
  for (const report of workers.flatMap(({ engines }) => engines)) {
    const known = worst.get(report.engine)
    if (known === undefined || STATES.indexOf(report.state) > STATES.indexOf(known.state))
      worst.set(report.engine, report)
  }
  return [...worst.values()].sort((a, b) => (a.engine < b.engine ? -1 : 1))
}

const TICKS_A_SECOND = 100

/** User and system time of those processes; what cannot be read (another system) counts nothing. */
function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // Ended meanwhile.
    }
  }
  return ticks / TICKS_A_SECOND
}
