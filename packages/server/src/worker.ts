import { access, readFile } from 'node:fs/promises'
import process from 'node:process'
import { createScanning, type Scanning } from './composition/scanning.ts'
import { createWorkerServer, type WorkerServer } from './composition/worker-server.ts'
import { withinRate } from './log-rate.ts'
import { createProcessMetrics } from './metrics.ts'
import type { Config } from './settings/settings.ts'
import { openJournal } from './store/journal.ts'
import { becomeIdentity, workerIdentity } from './supervisor/identity.ts'
import type { DesiredState, FromWorker, Snapshot, ToWorker, WorkerReport } from './supervisor/messages.ts'
import { createPermitPurse } from './supervisor/permits.ts'

/** The entry point of an ICAP worker: becomes what the supervisor says, serves, reports. */
const folder = process.env.ASSAY_WORKER_FOLDER ?? '.'
const send = (message: FromWorker) => {
  if (process.connected) process.send?.(message)
}
const log = withinRate((level, text, fields = {}) => send({ type: 'log', level, text, fields }))

const purse = createPermitPurse({
  want: () => send({ type: 'want' }),
  giveBack: (count, asked) => send({ type: 'give-back', count, asked }),
})
const metrics = createProcessMetrics('worker')

interface Running {
  readonly scanning: Scanning
  readonly server: WorkerServer
}

let instance = ''
let running: Promise<Running> | undefined
let applied: DesiredState<Config> | undefined
let isConfined = false
let queue: Promise<void> = Promise.resolve()

// Ctrl-C goes to the whole process group; when to stop is the supervisor's word, which drains first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('uncaughtException', (error) => {
  log('error', 'worker failed', { error: error.stack ?? String(error) })
  // Half-dead is worse than dead: the supervisor starts another.
  setTimeout(() => process.exit(70), 100)
})
process.on('message', (message: ToWorker<Config>) => receive(message))

function receive(message: ToWorker<Config>): void {
  switch (message.type) {
    case 'instance':
      instance = message.instance
      break
    case 'state':
      queue = queue.then(() => become(message.state))
      break
    case 'ping':
      void pong(message.id, message.connectionsInUse)
      break
    case 'grant':
      purse.granted(message.count)
      break
    case 'recall':
      purse.recalled(message.keep)
      break
    case 'drain':
      void drain(message.timeoutMs)
      break
  }
}

/** One state after the other; a newer one that waits makes an older one's work short, not wrong. */
async function become(state: DesiredState<Config>): Promise<void> {
  try {
    running ??= start(state)
    const parts = await running
    await useAll(parts, state)
    applied = state
    // Whoever changed something looks at the status next: it must not tell of before.
    send({ type: 'pong', id: 0, report: reportOf(parts) })
    send({ type: 'applied', seq: state.seq })
  } catch (error) {
    // Not `applied`: the change is done when this worker has made room for its successor.
    if (error instanceof Confined) return send({ type: 'replace', detail: error.message })
    send({ type: 'applied', seq: state.seq, fault: faultText(error) })
    await leaveUnlessStarted()
  }
}

async function useAll({ scanning, server }: Running, state: DesiredState<Config>): Promise<void> {
  await withinRights(() => useSnapshots(scanning, state))
  // Before the engines: a port that does not open is the usual fault, and leaves everything as it was.
  await server.useConfig(state.config)
  await withinRights(() => scanning.useConfig(state.config))
  server.versionsChanged()
}

/** The code cannot be read any more, so no thread can be started. */
class Confined extends Error {
  override readonly name = 'Confined'
}

/** Root's checkout may be closed to the user that the worker has become (/root): then new rules take a new worker. */
async function withinRights(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isConfined) throw error
    throw new Confined(`${faultText(error)}, and this user cannot read the program`, { cause: error })
  }
}

/** One that could not start never serves. The supervisor starts another: in a moment the cause may be gone. */
async function leaveUnlessStarted(): Promise<void> {
  const started = await running?.then(
    () => true,
    () => false,
  )
  if (started) return
  // The message before this one must have left.
  process.send?.({ type: 'log', level: 'error', text: 'worker could not start', fields: {} }, () => process.exit(71))
}

/** Loads everything that needs the checkout or root's rights, then gives them up, then opens what the worker owns. */
async function start(state: DesiredState<Config>): Promise<Running> {
  process.chdir(folder)
  const scanning = createScanning({
    config: state.config,
    spoolDirectory: 'spool',
    onVersions: () => void running?.then(({ server }) => server.versionsChanged()).catch(() => {}), // it says why itself
    onThreadDead: (detail) => send({ type: 'replace', detail }),
  })
  await useSnapshots(scanning, state)
  await scanning.lookInside()
  const identity = workerIdentity()
  if (identity !== undefined) becomeIdentity(identity)
  isConfined = await access(import.meta.filename).then(
    () => false,
    () => true,
  )
  const journal = openJournal({
    dir: 'journal',
    instance,
    capBytes: state.config['journal.capBytes'],
    onSyncError: (error) => log('error', 'journal is not synced', { error: error.message }),
  })
  const workers = Number(process.env.ASSAY_WORKER_COUNT ?? 1)
  const server = createWorkerServer({
    scanning,
    journal,
    purse,
    metrics,
    instance,
    log,
    config: state.config,
    workers,
    version: process.env.ASSAY_VERSION ?? '',
  })
  return { scanning, server }
}

/** Only what differs is read; a snapshot that cannot be used leaves the one before in force and is a fault. */
async function useSnapshots(scanning: Scanning, { lists, rules, models }: DesiredState<Config>): Promise<void> {
  await useModels(scanning, models)
  if (rules !== undefined && rules.revision !== scanning.versions().rules)
    await scanning.useRules(await readFile(rules.path))
  if (lists !== undefined && lists.revision !== scanning.versions().lists) scanning.useLists(await readFile(lists.path))
}

/** One that is lost or damaged leaves its engine down; the others go on. */
async function useModels(scanning: Scanning, models: Snapshot | undefined): Promise<void> {
  if (models?.revision === scanning.versions().models) return
  const pack = models && (await readFile(models.path).catch(() => 'lost' as const))
  await scanning.useModels(models && { revision: models.revision, pack: pack ?? 'lost' })
}

async function pong(id: number, connectionsInUse: number): Promise<void> {
  // Not root's process any more, and with ports open: before that nobody shall take it for a worker.
  if (running === undefined) return
  const parts = await running.catch(() => undefined)
  parts?.server.othersUse(connectionsInUse - purse.inUse)
  send({ type: 'pong', id, report: reportOf(parts) })
}

function reportOf(parts: Running | undefined): WorkerReport {
  const { scanning, server } = parts ?? {}
  return {
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    seq: applied?.seq ?? 0,
    connections: purse.inUse,
    engines: scanning?.engines() ?? [],
    isTags: server?.isTags() ?? {},
    listeners: server?.listeners() ?? [],
    listRevision: scanning?.versions().lists ?? '',
    ruleRevision: scanning?.versions().rules ?? '',
    journalFull: server?.isJournalFull() ?? false,
    metrics: metrics.snapshot(),
  }
}

async function drain(timeoutMs: number): Promise<void> {
  const { scanning, server } = (await running?.catch(() => undefined)) ?? {}
  await server?.drain(timeoutMs)
  await scanning?.close()
  send({ type: 'drained' })
  process.disconnect()
  process.exit(0)
}

function faultText(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE') return `port ${port} is in use by another program`
  if (code === 'EACCES' && port !== undefined) return `port ${port} may not be opened by this user`
  return message
}
