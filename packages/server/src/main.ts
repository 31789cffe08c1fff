import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Listening, listenApi, listenConsole } from './api/http-server.ts'
import type { RetroFile, RetroOptions, ServeOptions } from './cli/tools.ts'
import { apiDeps, type Server } from './composition/api-deps.ts'
import type { CompilerJob } from './composition/compile-process.ts'
import { databaseLocation } from './composition/database-check.ts'
import { downloadWhole } from './composition/download.ts'
import { runFeed } from './composition/feed-runner.ts'
import { createFeedsService } from './composition/feeds-service.ts'
import { greeting } from './composition/greeting.ts'
import { checkedModel, PINNED_MODELS } from './composition/model-features.ts'
import { createModelsService, type ModelsService, type ModelsServiceOptions } from './composition/models-service.ts'
import { openPortFaults } from './composition/port-check.ts'
import { createRecheckService } from './composition/recheck-service.ts'
import { retroScan as retroSamples, samplesOf } from './composition/retro-scan.ts'
import { createRulesService } from './composition/rules-service.ts'
import { createSettingsService } from './composition/settings-service.ts'
import { createWorkerState } from './composition/worker-state.ts'
import { createEgress } from './egress.ts'
import { type DataFolder, DataFolderBusy, markRunning, openDataFolder, takePidFile } from './lifecycle.ts'
import { createLog, type Log } from './log.ts'
import { createMergedMetrics, type MetricsSnapshot } from './metrics.ts'
import type { CompiledRules, RuleCheck, RuleSource } from './scan/scanners/yara/rule-compiler.ts'
import { readSettingsFile } from './settings/file.ts'
import { type LoadedSettings, loadSettings } from './settings/load.ts'
import { faultLine } from './settings/parse.ts'
import type { ConfigContext } from './settings/rules.ts'
import type { SecretBox } from './settings/secrets.ts'
import type { Config, Values } from './settings/settings.ts'
import { openSecretBox } from './store/secret-box.ts'
import { createWriter, type Writer } from './store/writer.ts'
import { workerIdentity } from './supervisor/identity.ts'
import { createWorkerPool } from './supervisor/worker-pool.ts'

export { confineTool } from './composition/confine-tool.ts'
export { checkDatabase } from './composition/database-check.ts'
export { modelFeatures } from './composition/model-features.ts'
export { scan } from './composition/scan-files.ts'

const COMPILER = new URL('./composition/compile-process.ts', import.meta.url).pathname
const COMPILE_TIMEOUT_MS = 120_000
const EXIT_USAGE = 64
const EXIT_UNAVAILABLE = 69
const FROZEN_AFTER_MS = 10_000
/** A server may start before its PostgreSQL; a file that does not open will not do so later. */
const DATABASE_WAIT_MS = { sqlite: 2000, postgresql: 30_000 } as const
const CHECKOUT = resolve(import.meta.dirname, '../../..')
const VERSION: string = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')).version

/** Runs the server until SIGTERM; gives the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const stopping = untilSignal()
  // Whoever read what we say may go away (`assay serve | head -1`); that is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const taken = takeFolder(options.data)
  if (taken === undefined) return EXIT_UNAVAILABLE
  const unmark = markRunning(CHECKOUT)
  const log = createLog('info')
  try {
    const server = await start({ options, log, stopping, folder: taken.folder })
    if (typeof server === 'number') return server
    if (!stopping.aborted) await once(stopping, 'abort')
    await stop(server, log)
    return 0
  } finally {
    unmark()
    taken.release()
  }
}

/** A folder that cannot be made, or that another server has, is said in a sentence. */
function takeFolder(data: string): { readonly folder: DataFolder; release(): void } | undefined {
  try {
    const folder = openDataFolder(data, workerIdentity())
    return { folder, release: takePidFile(folder.pidFile) }
  } catch (error) {
    const isOurs = error instanceof DataFolderBusy
    console.error(`assay: ${isOurs ? '' : 'the data folder cannot be used: '}${(error as Error).message}`)
    return undefined
  }
}

interface Run {
  readonly options: ServeOptions
  readonly folder: DataFolder
  readonly log: Log
  /** Aborted by the first SIGTERM or SIGINT. */
  readonly stopping: AbortSignal
}

/** Plain calls in readable order; `stop` goes the other way. */
async function start(run: Run): Promise<Server | number> {
  const { options, folder, log } = run
  const startedMs = Date.now()
  const box = settingsBox(folder)
  const writer = await openStore(run)
  if (writer === undefined) return EXIT_UNAVAILABLE
  const revision = await writer.settings.latest()
  const models = modelsOf(run, {
    publish: (snapshot) => state.change({ models: snapshot }),
    isInUse: () => settings.inForce.config['scan.predictive'],
  })
  const feeds = createFeedsService({
    store: writer,
    box: openSecretBox(folder.root),
    run: runFeed,
    published: () => state.listsPublished(),
    isInUse: () => settings.inForce.config['scan.suspiciousObjects.list'] !== 'generated',
    log,
  })
  await feeds.load()
  const context = (): ConfigContext => ({ hasModel: models.hasModel(), hasSynchronizedSource: feeds.hasSource() })
  // A model that was lost is an engine that is down, not a server that does not start.
  const loaded = load(options, { saved: revision?.values ?? {}, box, context: { ...context(), hasModel: true } })
  if (!loaded.ok) return await refuse(loaded, writer)
  for (const warning of loaded.warnings) log('warn', faultLine(warning))
  const { config } = loaded
  log.setLevel(config['log.level'])
  writer.setRetention(retentionOf(config))

  const metrics = createMergedMetrics()
  const rules = createRulesService({
    store: writer.rules,
    compile: compileInProcess,
    check: checkRules,
    hits: () => metrics.ruleHits(),
    snapshots: folder.snapshots,
    publish: (snapshot) => state.change({ rules: snapshot }),
  })
  // Without rules the engine is down and says so; they can be mended on the running server (`assay rules remove`).
  const compiled = await rules.build().catch((error: Error) => {
    log('error', 'the stored rules cannot be compiled: YARA is down until they are mended', { error: error.message })
    return undefined
  })
  const pool = createWorkerPool({
    ...poolSettings(config, folder),
    drainTimeoutMs: () => settings.inForce.config['icap.drainTimeoutMs'],
    log,
    onInstances: (instances) => writer.setLiveInstances(instances),
    onReport: (report) => metrics.take(report.metrics as MetricsSnapshot),
    onGone: (report) => metrics.gone((report.metrics as MetricsSnapshot).instance),
  })
  const state = createWorkerState({
    config,
    rules: compiled,
    models: await models.build(),
    apply: (desired) => pool.apply(desired),
    onLists: (callback) => writer.onLists(callback),
    listRevision: () => writer.objects.revision(),
  })
  const settings = createSettingsService({
    initial: { ...loaded, revision: revision?.id ?? 0, saved: revision?.values ?? {} },
    store: writer.settings,
    box,
    context,
    check: openPortFaults,
    publish(next) {
      log.setLevel(next['log.level'])
      pool.setMaxConnections(next['clients.maxConnections'])
      writer.setRetention(retentionOf(next))
      return state.change({ config: next })
    },
  })
  const recheck = createRecheckService({ store: writer, config: () => settings.inForce.config, log })
  const server: Parts = {
    version: VERSION,
    writer,
    pool,
    settings,
    state,
    rules,
    recheck,
    models,
    feeds,
    metrics,
    startedMs,
    storeKind: storeKind(options),
    faces: [],
  }
  const faults = await state.started
  if (faults.length > 0) return await giveUp(server, faults)
  const fault = await openFaces(server, folder, log)
  if (fault !== undefined) return await giveUp(server, [fault])
  feeds.start()
  recheck.start()
  const reloadContext = () => ({
    ...context(),
    hasModel: models.hasModel() || settings.inForce.config['scan.predictive'],
  })
  process.on('SIGHUP', () => void reload({ options, settings, box, log, context: reloadContext }))
  const consoleAddress = server.faces[1]?.address ?? ''
  process.stderr.write(greeting(config, { data: folder.root, consoleAddress }))
  process.stdout.write('ready\n')
  return server
}

type Parts = Omit<Server, 'faces'> & { readonly faces: Listening[] }

async function stop({ faces, feeds, recheck, settings, pool, state, writer }: Server, log: Log): Promise<void> {
  log('info', 'stopping')
  await Promise.all([feeds.close(), recheck.close(), ...faces.map((face) => face.close())])
  await pool.drain(settings.inForce.config['icap.drainTimeoutMs'])
  state.close()
  writer.setLiveInstances([])
  // Takes in what the workers wrote last.
  await writer.close()
}

/** Said in full on stderr; nothing is left running. */
async function giveUp({ pool, state, writer }: Parts, faults: readonly string[]): Promise<number> {
  for (const fault of new Set(faults)) console.error(`assay: ${fault}`)
  await pool.drain(0)
  state.close()
  await writer.close()
  return EXIT_UNAVAILABLE
}

async function refuse(loaded: LoadedSettings & { ok: false }, writer: Writer): Promise<number> {
  for (const fault of loaded.faults) console.error(`assay: ${faultLine(fault)}`)
  await writer.close()
  return EXIT_USAGE
}

/** What is fetched for the administrator goes out by `egress` only. */
function modelsOf(
  { folder }: Run,
  { publish, isInUse }: Pick<ModelsServiceOptions, 'publish' | 'isInUse'>,
): ModelsService {
  const egress = createEgress()
  return createModelsService({
    folder: join(folder.root, 'models'),
    snapshots: folder.snapshots,
    check: checkedModel,
    pinned: PINNED_MODELS,
    download: (url, maxBytes) => downloadWhole(egress, url, maxBytes),
    publish,
    isInUse,
  })
}

/** The store's own words where it does not come up: without its settings and lists nothing can be answered rightly. */
async function openStore({ options, folder, log, stopping }: Run): Promise<Writer | undefined> {
  const writer = await createWriter({
    location: databaseLocation(options.data, options.environment),
    journalDir: folder.journal,
    damagedFile: join(folder.root, 'damaged-records.jsonl'),
    snapshotDir: folder.snapshots,
    onThreadLost: (error) => log('error', 'store thread ended and is started again', { error: error.message }),
  })
  // No worker lives yet: whatever stands in the journals is whole.
  writer.setLiveInstances([])
  const waitMs = DATABASE_WAIT_MS[storeKind(options)]
  const deadline = Date.now() + waitMs
  if (!writer.status().databaseUp)
    log('warn', 'waiting for the database', { forMs: waitMs, error: writer.status().lastError })
  while (!writer.status().databaseUp && Date.now() < deadline && !stopping.aborted) await sleep(250)
  if (writer.status().databaseUp) return writer
  console.error(`assay: the database cannot be opened: ${writer.status().lastError}`)
  await writer.close()
  return undefined
}

function storeKind({ environment }: ServeOptions): 'sqlite' | 'postgresql' {
  return environment.ASSAY_DATABASE_URL ? 'postgresql' : 'sqlite'
}

interface Stored {
  readonly saved: Values
  readonly box: SecretBox
  readonly context: ConfigContext
}

function load({ settingsFile, environment, flags }: ServeOptions, stored: Stored): LoadedSettings {
  const file = settingsFile === undefined ? {} : { file: readSettingsFile(settingsFile) }
  return loadSettings({ ...stored, environment, flags, ...file })
}

async function reload({ options, settings, box, log, context }: Reload): Promise<void> {
  const faults = await settings.override((saved) => load(options, { saved, box, context: context() }))
  if (faults.length === 0) log('info', 'settings file read again')
  for (const fault of faults) log('error', 'settings file refused, nothing has changed', { fault })
}

interface Reload {
  readonly options: ServeOptions
  readonly settings: Server['settings']
  readonly box: SecretBox
  readonly log: Log
  context(): ConfigContext
}

/**
 * YARA's compiler is native code, and some files take it down (deep nesting uses up its stack): in a process of its own it takes
 * nobody with it. Rejects with one sentence where it dies or takes longer than two minutes.
 */
async function compileInProcess(files: readonly RuleSource[]): Promise<CompiledRules> {
  const compiled = (await inCompiler({ type: 'compile', files })) as CompiledRules
  return { ...compiled, blob: Buffer.from(compiled.blob) }
}

/** What can be told of a rule file without a server: its faults, and what its rules cost. */
export async function checkRules(file: RuleSource): Promise<RuleCheck> {
  return (await inCompiler({ type: 'check', file })) as RuleCheck
}

/** The rule file is compiled where it can take nobody down, then scans in this process. */
export function retroScan({ rules, files }: RetroOptions): AsyncIterable<RetroFile> {
  return retroSamples({ rules, samples: samplesOf(files), compile: compileInProcess })
}

async function inCompiler(job: CompilerJob): Promise<unknown> {
  const child = fork(COMPILER, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const endIt = () => void child.kill('SIGKILL')
  process.once('exit', endIt)
  const timer = setTimeout(endIt, COMPILE_TIMEOUT_MS)
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  child.once('message', resolve)
  child.once('error', reject)
  child.once('exit', (code, signal) =>
    reject(new Error(`the rules could not be compiled: the compiler ended (${signal ?? code})`)),
  )
  child.send(job, (error) => error && reject(error))
  return promise.finally(() => {
    clearTimeout(timer)
    process.off('exit', endIt)
  })
}

/** Saved settings are sealed for this purpose, so that no other sealed text can be slipped in among them. */
function settingsBox(folder: DataFolder): SecretBox {
  const box = openSecretBox(folder.root)
  return { seal: (text) => box.seal(text, 'settings'), open: (sealed) => box.open(sealed, 'settings') }
}

function poolSettings(config: Config, folder: DataFolder) {
  const size = config.workers === 0 ? availableParallelism() : config.workers
  return {
    entry: new URL('./worker.ts', import.meta.url),
    size,
    maxConnections: config['clients.maxConnections'],
    env: { ASSAY_WORKER_FOLDER: folder.worker, ASSAY_WORKER_COUNT: String(size), ASSAY_VERSION: VERSION },
    frozenAfterMs: FROZEN_AFTER_MS,
  }
}

function retentionOf(config: Config) {
  return { maxAgeMs: config['records.maxAgeDays'] * 86_400_000, maxBytes: config['records.maxBytes'] }
}

/** The API's socket and the status port; a sentence where one cannot be opened. */
async function openFaces(parts: Parts, folder: DataFolder, log: Log): Promise<string | undefined> {
  const { config } = parts.settings.inForce
  const deps = apiDeps(parts)
  const report = (error: unknown, page: string) => log('error', 'API failed', { page, error: String(error) })
  const port = config['console.port']
  try {
    parts.faces.push(await listenApi(deps, { dataFolder: folder.root, version: VERSION, report }))
    parts.faces.push(await listenConsole(deps, { address: config['console.listen'], port, report }))
    return undefined
  } catch (error) {
    const what = parts.faces.length === 0 ? 'the API socket' : `the console port ${port}`
    await Promise.all(parts.faces.map((face) => face.close()))
    return `${what} cannot be opened: ${(error as Error).message}`
  }
}

/** Aborted at the first SIGTERM or SIGINT; the next ones change nothing. SIGHUP would kill a server that is still starting. */
function untilSignal(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort())
  process.on('SIGHUP', () => {})
  return stopping.signal
}
