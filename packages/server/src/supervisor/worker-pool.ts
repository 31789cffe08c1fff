import cluster, { type Worker } from 'node:cluster'
import type { DesiredState, FromWorker, ToWorker, WorkerReport } from './messages.ts'
import { createPermitPool } from './permits.ts'

export interface WorkerPoolOptions {
  readonly entry: URL
  readonly size: number
  /** Connections of all workers and ports together. */
  readonly maxConnections: number
  readonly env: Readonly<Record<string, string>>
  /** A worker that does not answer for so long is frozen: it is killed and replaced. */
  readonly frozenAfterMs: number
  /** How long the transactions of a worker that is replaced may take. */
  drainTimeoutMs(): number
  log(level: 'info' | 'warn' | 'error', text: string, fields: object): void
  /** The journal instances (worker ids) whose writers live; told at each change. */
  onInstances(instances: readonly string[]): void
  /** Each report of a worker, and the last one of a worker that has ended. */
  onReport(report: WorkerReport): void
  onGone(report: WorkerReport): void
}

export interface WorkerPool {
  /** Sends the state to every worker; resolves when all of the living have applied it, or at once with the faults that one met. */
  apply(state: Omit<DesiredState, 'seq'>): Promise<readonly string[]>
  setMaxConnections(limit: number): void
  reports(): readonly (WorkerReport & { readonly instance: string })[]
  /** Workers that ended without being asked to, since the start. */
  readonly deaths: number
  /** Ends the workers after their transactions; kills what is left at the limit. */
  drain(timeoutMs: number): Promise<void>
}

interface Member {
  readonly worker: Worker
  readonly instance: string
  report: WorkerReport | undefined
  appliedSeq: number
  /** It has been what it should be at least once. */
  serves: boolean
  lastPongMs: number
  drained: boolean
  replaced: boolean
}

interface Waiter {
  readonly seq: number
  readonly faults: string[]
  done(): void
}

/**
 * Bodies are memory outside V8's heap, and V8 collects all of it when they pile up: without these flags a 64 KiB body cost twice
 * the CPU, most of the difference in V8's own threads (bench/RESULTS.md).
 */
const HEAP_FLAGS = ['--external-memory-accounted-in-global-limit', '--initial-old-space-size=96'] as const
const PING_MS = 1000
/** A crash loop must not become a fork bomb. */
const RESPAWN_MS = [0, 200, 1000, 5000] as const

/** The ICAP workers: forked, watched, replaced, told what to be. Supervisor side; worker.ts is the other end. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  // SCHED_NONE: workers accept from the shared handle by themselves; round robin halves the rate of new connections.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({ exec: options.entry.pathname, args: [], execArgv: [...process.execArgv, ...HEAP_FLAGS] })
  const members = new Map<number, Member>()
  const waiters = new Set<Waiter>()
  const recentDeaths: number[] = []
  let state: DesiredState | undefined
  let seq = 0
  let stopping = false
  let deaths = 0
  let pings = 0
  let watchedMs = Date.now()

  const permits = createPermitPool(options.maxConnections, {
    grant: (id, count) => send(id, { type: 'grant', count }),
    recall: (id, keep) => send(id, { type: 'recall', keep }),
  })

  function send(id: number, message: ToWorker): void {
    const worker = members.get(id)?.worker
    // A worker that is just dying: its `exit` puts everything right.
    if (worker?.isConnected()) worker.send(message, () => {})
  }

  function fork(): Member {
    const worker = cluster.fork({ ...withoutSecrets(process.env), ...options.env })
    const instance = `w${worker.id}-${worker.process.pid}-${Date.now().toString(36)}`
    const member: Member = {
      worker,
      instance,
      report: undefined,
      appliedSeq: 0,
      serves: false,
      lastPongMs: Date.now() + options.frozenAfterMs,
      drained: false,
      replaced: false,
    }
    members.set(worker.id, member)
    permits.addWorker(worker.id)
    worker.on('message', (message: FromWorker) => heard(member, message))
    worker.on('error', (error) => options.log('warn', 'worker channel failed', { instance, error: error.message }))
    worker.once('exit', (code, signal) => ended(member, code, signal))
    tellInstances()
    send(worker.id, { type: 'instance', instance })
    if (state !== undefined) send(worker.id, { type: 'state', state })
    return member
  }

  function tellInstances(): void {
    options.onInstances([...members.values()].map((member) => member.instance))
  }

  /** A worker that was taken over may say anything; it must not take the supervisor with it. */
  function heard(member: Member, message: FromWorker): void {
    try {
      receive(member, message)
    } catch (error) {
      options.log('error', 'worker talks nonsense: killed', { instance: member.instance, error: String(error) })
      member.worker.process.kill('SIGKILL')
    }
  }

  function receive(member: Member, message: FromWorker): void {
    switch (message.type) {
      case 'applied':
        member.appliedSeq = message.seq
        member.serves ||= message.fault === undefined
        // Said here too: a worker that comes later has nobody who waits for its answer.
        if (message.fault !== undefined)
          options.log('error', 'worker cannot be as it should', { instance: member.instance, fault: message.fault })
        settle(message.seq, message.fault === undefined ? [] : [message.fault])
        break
      case 'pong':
        member.report = message.report
        member.lastPongMs = Date.now()
        options.onReport(message.report)
        break
      case 'want':
        permits.want(member.worker.id)
        break
      case 'give-back':
        permits.giveBack(member.worker.id, message.count, message.asked)
        break
      case 'drained':
        member.drained = true
        break
      case 'replace':
        replace(member, message.detail)
        break
      case 'log':
        options.log(message.level, message.text, { ...message.fields, instance: member.instance })
        break
    }
  }

  /** A change is done when no living worker is behind it, or as soon as one cannot follow. */
  function settle(upTo: number, faults: readonly string[]): void {
    for (const waiter of waiters) {
      if (waiter.seq <= upTo) waiter.faults.push(...faults)
      const isBehind = [...members.values()].some((member) => member.appliedSeq < waiter.seq)
      if (isBehind && waiter.faults.length === 0) continue
      waiters.delete(waiter)
      waiter.done()
    }
  }

  /** The new one serves before the old one ends, so nobody is turned away. */
  function replace(member: Member, detail: string): void {
    if (member.replaced || stopping) return
    member.replaced = true
    options.log('warn', 'worker is replaced', { instance: member.instance, detail })
    fork()
    const drainOld = setInterval(() => {
      if (!members.has(member.worker.id) || stopping) return clearInterval(drainOld)
      if (!hasSuccessor(member)) return
      clearInterval(drainOld)
      send(member.worker.id, { type: 'drain', timeoutMs: options.drainTimeoutMs() })
      // Native code that does not come back does not drain either.
      setTimeout(() => member.worker.process.kill('SIGKILL'), options.drainTimeoutMs() + 2000).unref()
    }, 50)
  }

  /** A later one that serves: the first that was forked for it may have died meanwhile. */
  function hasSuccessor({ worker }: Member): boolean {
    return [...members.values()].some((other) => other.worker.id > worker.id && other.serves && !other.replaced)
  }

  function ended(member: Member, code: number | null, signal: string | null): void {
    members.delete(member.worker.id)
    if (member.report !== undefined) options.onGone(member.report)
    permits.removeWorker(member.worker.id)
    tellInstances()
    if (stopping) return
    settle(0, [])
    if (member.replaced) return
    deaths++
    options.log('error', 'worker ended', { instance: member.instance, code, signal })
    setTimeout(() => !stopping && fork(), respawnDelayMs())
  }

  function respawnDelayMs(): number {
    const now = Date.now()
    recentDeaths.push(now)
    while ((recentDeaths[0] ?? now) < now - 30_000) recentDeaths.shift()
    // One death a worker is no loop.
    const excess = Math.max(0, recentDeaths.length - options.size)
    return RESPAWN_MS[Math.min(excess, RESPAWN_MS.length - 1)] ?? 5000
  }

  function watch(): void {
    const connectionsInUse = [...members.values()].reduce((sum, { report }) => sum + (report?.connections ?? 0), 0)
    pings++
    const late = Date.now() - watchedMs - PING_MS
    watchedMs = Date.now()
    for (const member of members.values()) {
      // If it was this process that stood still (SIGSTOP, a suspended machine), nobody else is to blame for the silence.
      if (late > PING_MS) member.lastPongMs += late
      if (Date.now() - member.lastPongMs > options.frozenAfterMs) {
        options.log('error', 'worker does not answer: killed', { instance: member.instance })
        // SIGKILL also ends a stopped process; nothing it acknowledged is lost, the journal is on disk.
        member.worker.process.kill('SIGKILL')
      }
      send(member.worker.id, { type: 'ping', id: pings, connectionsInUse })
    }
  }

  for (let n = 0; n < options.size; n++) fork()
  const timer = setInterval(watch, PING_MS)

  return {
    apply(next) {
      seq++
      const sent: DesiredState = { ...next, seq }
      state = sent
      return new Promise((resolve) => {
        const faults: string[] = []
        waiters.add({ seq: sent.seq, faults, done: () => resolve(faults) })
        for (const id of members.keys()) send(id, { type: 'state', state: sent })
      })
    },
    setMaxConnections: (limit) => permits.setLimit(limit),
    reports: () =>
      [...members.values()].flatMap(({ report, instance }) => (report === undefined ? [] : [{ ...report, instance }])),
    get deaths() {
      return deaths
    },
    async drain(timeoutMs) {
      stopping = true
      clearInterval(timer)
      for (const id of members.keys()) send(id, { type: 'drain', timeoutMs })
      const deadline = Date.now() + timeoutMs + 2000
      while (members.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
      for (const { worker } of members.values()) worker.process.kill('SIGKILL')
      while (members.size > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    },
  }
}

const WORKER_VARIABLES = /^(?:NODE_|UV_|LC_)|^(?:PATH|HOME|LANG|TZ|TMPDIR)$/

/** What the supervisor was started with holds passphrases and the database's password; `undefined` keeps a variable out. */
function withoutSecrets(environment: NodeJS.ProcessEnv): Record<string, undefined> {
  const names = Object.keys(environment).filter((name) => !WORKER_VARIABLES.test(name))
  return Object.fromEntries(names.map((name) => [name, undefined]))
}
