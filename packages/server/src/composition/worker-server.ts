import { statfs } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Admission, createIcapServer, type IcapServer, type IcapService, type Peer } from '@assay/icap'
import { transactionIds } from '../domain/transaction-id.ts'
import { createAcceptTurn } from '../icap-service/accept-turn.ts'
import { type ClientList, createClientList } from '../icap-service/client-list.ts'
import { createHandler } from '../icap-service/handler.ts'
import type { HandlerConfig, HandlerDeps } from '../icap-service/handler-deps.ts'
import { createListeners, type ListenerPlan } from '../icap-service/listeners.ts'
import { createRangeStore, type RangeLimits } from '../icap-service/range-store.ts'
import { createSpool } from '../icap-service/spool.ts'
import type { ProcessMetrics } from '../metrics.ts'
import type { Config } from '../settings/settings.ts'
import { createGroupCommit } from '../store/group-commit.ts'
import type { Journal } from '../store/journal.ts'
import type { PermitPurse } from '../supervisor/permits.ts'
import { decodeContent } from '../unpack/content-encoding.ts'
import { clientListOptions } from './client-policies.ts'
import { handlerConfig } from './handler-config.ts'
import { icapLimits } from './icap-limits.ts'
import { createReadGarbage } from './read-garbage.ts'
import type { Scanning } from './scanning.ts'
import { CONTENT_ENGINES } from './server-status.ts'
import { ICAP_SERVICES, optionsAnswer, serviceTags } from './services.ts'

export interface WorkerServerOptions {
  readonly scanning: Scanning
  readonly journal: Journal
  readonly purse: PermitPurse
  readonly metrics: ProcessMetrics
  readonly instance: string
  readonly version: string
  readonly config: Config
  /** How many workers share the node's spool. */
  readonly workers: number
  log(level: 'info' | 'warn' | 'error', text: string, fields?: object): void
}

/** ICAP as one worker serves it, changed live. */
export interface WorkerServer {
  /** Resolves when the ports are as the settings say; rejects with nothing changed where one cannot be opened. */
  useConfig(config: Config): Promise<void>
  /** Engines, rules or lists have changed: the ISTag follows. */
  versionsChanged(): void
  /** Connections that the other workers have open, as of a moment ago. */
  othersUse(connections: number): void
  isTags(): Readonly<Record<string, string>>
  listeners(): readonly string[]
  isJournalFull(): boolean
  drain(timeoutMs: number): Promise<void>
}

/** Counted with each transaction already. */
const ACTIONS: ReadonlySet<string> = new Set([
  'allow-clean',
  'allow-unscanned',
  'allow-excluded',
  'block',
  'block-unscanned',
  'error',
])
const DISK_LOOK_MS = 1000
const RANGES_LOOK_MS = 10_000
/** Never changes, and the getter is dear. */
const TIME_ORIGIN = performance.timeOrigin
const SERVICES = new Map(ICAP_SERVICES.map((service) => [service.name, service]))

export function createWorkerServer(options: WorkerServerOptions): WorkerServer {
  const { scanning, purse, metrics } = options
  let { config } = options
  let clients: ClientList
  let handling: HandlerConfig
  let tags: Readonly<Record<string, string>> = {}
  let others = 0
  const openBy = new Map<string, number>()
  const onWritten = createReadGarbage()
  const budget = { directory: 'spool', onWritten, ...spoolBudget(config, options.workers) }
  const spool = createSpool(budget)
  let freeBytes = Number.POSITIVE_INFINITY
  const ranges = createRangeStore({
    directory: 'ranges',
    limits: () => rangeLimits(config),
    freeBytes: () => freeBytes - config['intake.minFreeBytes'],
  })

  const deps: HandlerDeps = {
    now: () => TIME_ORIGIN + performance.now(),
    nextId: transactionIds(options.instance),
    policyFor: (peer, service) => clients.policyFor(peer.address, service),
    config: () => handling,
    rateUrl: (context) => scanning.rateUrl(context),
    prescan: (sample, context, cancel) => scanning.prescan(sample, context, cancel),
    lists: (sample, members, context) => scanning.lists(sample, members, context),
    excluded: (sample, context) => scanning.excluded(sample, context),
    decode: (content, encodings, write, cancel) =>
      decodeContent(content, encodings, write, cancel, decodeLimits(config)),
    journal: journalFor(options),
    spool,
    ranges,
    count: (event) => {
      if (!ACTIONS.has(event)) metrics.event(event)
    },
    failed: (error, id) => options.log('error', 'transaction failed', { id, error: stackOf(error) }),
  }
  const handle = createHandler(deps)

  /** A change of limits takes a server of its own: connections of before live on under theirs. */
  const servers: IcapServer[] = []
  let server = makeServer()
  let limits = JSON.stringify(icapLimits(config))

  function makeServer(): IcapServer {
    const made = createIcapServer({
      serverHeader: `Assay/${options.version}`,
      limits: icapLimits(config),
      findService: (path) => SERVICES.get(path),
      isTag: ({ name }) => tags[name] ?? '',
      optionsFor: (service, peer) => optionsAnswer(service, optionsFacts(service, peer)),
      admit,
      handle,
      onFault: ({ code, peer, detail }) => options.log('info', 'ICAP fault', { code, client: peer.address, detail }),
      onConnectionEnd,
    })
    for (const old of servers) if (old.connections === 0) servers.splice(servers.indexOf(old), 1)
    servers.push(made)
    return made
  }

  const listeners = createListeners({
    onAccept: createAcceptTurn({ workers: options.workers, own: () => purse.present, others: () => others }),
    onSocket: (socket: Socket | TLSSocket) => server.handleSocket(socket),
    onTlsFault: (client, text) => options.log('info', 'TLS fault', { client, text }),
  })

  function admit(peer: Peer): Admission | Promise<Admission> {
    if (!clients.allows(peer.address)) {
      metrics.connectionRefused('not-listed')
      return 'forbidden'
    }
    if ((openBy.get(peer.address) ?? 0) >= shareOfClient(config, options.workers)) {
      metrics.connectionRefused('limit')
      return 'overloaded'
    }
    // Counted before the permit is there: many that wait for theirs at once must not pass as one.
    openBy.set(peer.address, (openBy.get(peer.address) ?? 0) + 1)
    const taken = purse.take()
    return typeof taken === 'boolean' ? admitted(peer, taken) : taken.then((has) => admitted(peer, has))
  }

  function admitted(peer: Peer, hasPermit: boolean): Admission {
    if (!hasPermit) {
      leave(peer)
      metrics.connectionRefused('limit')
      return 'overloaded'
    }
    metrics.connection()
    return 'ok'
  }

  function onConnectionEnd(peer: Peer): void {
    purse.release()
    leave(peer)
  }

  function leave(peer: Peer): void {
    const left = (openBy.get(peer.address) ?? 1) - 1
    if (left > 0) openBy.set(peer.address, left)
    else openBy.delete(peer.address)
  }

  function optionsFacts(service: IcapService, peer: Peer) {
    const free = config['clients.maxConnections'] - others - purse.inUse
    const perClient = config['clients.maxPerClient'] || Number.POSITIVE_INFINITY
    return {
      config,
      isTag: tags[service.name] ?? '',
      ready: isReady(scanning) && !options.journal.isFull,
      maxConnections: Math.min(perClient, free + (openBy.get(peer.address) ?? 0)),
    }
  }

  function versionsChanged(): void {
    tags = serviceTags(config, scanning.versions())
    handling = handlerConfig(config, scanning.needsSha1)
  }

  /** The node's share, and never more than leaves the disk the room that the settings want. */
  function limitSpool(): void {
    const share = spoolBudget(config, options.workers)
    const room = Math.max(0, freeBytes - config['intake.minFreeBytes'])
    budget.maxBytes = Math.min(share.maxBytes, spool.used.diskBytes + room)
    budget.maxMemoryBytes = share.maxMemoryBytes
  }

  async function lookAtDisk(): Promise<void> {
    const { bavail, bsize } = await statfs('spool')
    freeBytes = bavail * bsize
    limitSpool()
  }

  // A disk that cannot be asked is found out by the next write.
  const diskTimer = setInterval(() => void lookAtDisk().catch(() => {}), DISK_LOOK_MS)
  // What is left over from before a crash goes with the first look.
  const rangesTimer = setInterval(() => void ranges.sweep().catch(() => {}), RANGES_LOOK_MS)

  function use(next: Config): void {
    config = next
    clients = createClientList(clientListOptions(config))
    limitSpool()
    options.journal.setCapBytes(config['journal.capBytes'])
    versionsChanged()
    const wanted = JSON.stringify(icapLimits(config))
    if (wanted !== limits) {
      limits = wanted
      server = makeServer()
    }
  }

  clients = createClientList(clientListOptions(config))
  handling = handlerConfig(config, scanning.needsSha1)
  versionsChanged()

  return {
    async useConfig(next) {
      await listeners.apply(listenerPlan(next))
      use(next)
    },
    versionsChanged,
    othersUse(connections) {
      others = Math.max(0, connections)
    },
    isTags: () => tags,
    listeners: () => listeners.describe(),
    isJournalFull: () => options.journal.isFull,
    async drain(timeoutMs) {
      listeners.close()
      clearInterval(diskTimer)
      clearInterval(rangesTimer)
      await Promise.all(servers.map((one) => one.drain(timeoutMs)))
      options.journal.close()
    },
  }
}

/** Ready (ARCHITECTURE.md): no engine is down, and one that looks into content is on. */
function isReady(scanning: Scanning): boolean {
  const engines = scanning.engines()
  return (
    engines.every(({ state }) => state !== 'down') &&
    engines.some(({ engine, state }) => CONTENT_ENGINES.has(engine) && state === 'up')
  )
}

export function journalFor({
  journal,
  metrics,
}: Pick<WorkerServerOptions, 'journal' | 'metrics'>): HandlerDeps['journal'] {
  const commit = createGroupCommit(journal)
  return (record) => {
    metrics.transaction(record)
    return commit(record)
  }
}

function listenerPlan(config: Config): ListenerPlan {
  const host = config['icap.listen'] === '*' ? undefined : config['icap.listen']
  const icaps = config['icap.enabled'] && config['icaps.enabled']
  return {
    host,
    icapPort: config['icap.enabled'] ? config['icap.port'] : undefined,
    icaps: icaps
      ? {
          port: config['icaps.port'],
          keys: {
            certPem: config['icaps.certificate'],
            keyPem: config['icaps.privateKey'],
            passphrase: config['icaps.passphrase'],
          },
        }
      : undefined,
  }
}

/** What one client may have of this worker: connections are spread evenly (accept-turn.ts), so all shares are used. */
function shareOfClient(config: Config, workers: number): number {
  const limit = config['clients.maxPerClient']
  return limit === 0 ? Number.POSITIVE_INFINITY : Math.ceil(limit / workers)
}

/** All workers' together, taken out of the spool's. */
function rangeLimits(config: Config): RangeLimits {
  const enabled = config['intake.rangeJoin']
  return {
    enabled,
    maxBytes: config['intake.rangeMaxBytes'],
    maxTotalBytes: enabled ? Math.floor(config['intake.maxSpoolTotalBytes'] / 4) : 0,
    idleMs: config['intake.rangeIdleS'] * 1000,
  }
}

/** The node's spool is shared equally by its workers. */
function spoolBudget(config: Config, workers: number) {
  return {
    maxBytes: Math.floor((config['intake.maxSpoolTotalBytes'] - rangeLimits(config).maxTotalBytes) / workers),
    maxMemoryBytes: config['intake.maxMemoryBytes'],
  }
}

function decodeLimits(config: Config) {
  return {
    maxLayers: config['intake.maxEncodingLayers'],
    maxBytes: config['intake.maxDecodedBytes'],
    maxRatio: config['intake.maxDecodeRatio'],
    ratioFreeBytes: config['intake.decodeRatioFromBytes'],
    maxMs: config['scan.timeoutMs'],
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
