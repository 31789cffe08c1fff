import type { FeedPreview, FeedView } from '../api/contract.ts'
import type { ApiDeps, Outcome } from '../api/deps.ts'
import type { FeedConfig, FeedObject } from '../domain/feed.ts'
import { feedFaults } from '../feeds/feed-check.ts'
import { FeedFault } from '../feeds/feed-fault.ts'
import type { FeedReading } from '../feeds/read-feed.ts'
import { needsWhole, nextAttemptMs, shrinkFault } from '../feeds/schedule.ts'
import type { FeedCount, StoredFeed } from '../store/feeds.ts'
import type { Callable } from '../store/writer-protocol.ts'
import type { FeedRun } from './feed-runner.ts'
import type { FeedJob } from './feed-thread.ts'

export interface FeedsServiceOptions {
  readonly store: Pick<Callable, 'feeds' | 'feedImports'>
  /** Secrets are sealed for the source's own name. */
  readonly box: { seal(secret: string, purpose: string): string; open(sealed: string, purpose: string): string }
  /** Reads a source once; rejects with FeedFault. */
  run(job: FeedJob, run: FeedRun): Promise<FeedReading>
  /** Resolves when every worker uses the lists as they are now. */
  published(): Promise<void>
  /** A setting needs a source. */
  isInUse(): boolean
  log(level: 'info' | 'warn' | 'error', text: string, facts: Readonly<Record<string, string | number>>): void
  /** Between looks at what is due. */
  readonly tickMs?: number
}

/** Sources by state; one that was never read counts as ok. */
export type FeedsSummary = Readonly<Record<'ok' | 'failing' | 'disabled', number>>

export interface FeedsService {
  readonly deps: ApiDeps['feeds']
  /** Learns what is set up, without reading anything; before the settings are loaded. */
  load(): Promise<void>
  /** Begins to read what is due. */
  start(): void
  hasSource(): boolean
  summary(): FeedsSummary
  /** Gives up what is being read; nothing of it is kept. */
  close(): Promise<void>
}

const TICK_MS = 5000
const READING_TIMEOUT_MS = 30 * 60_000
/** The command line waits two minutes for an answer. */
const PREVIEW_TIMEOUT_MS = 90_000
const PREVIEW_OBJECTS = 20

interface Wanted {
  readonly confirm: boolean
  readonly whole: boolean
}

/** The sources of the synchronized list: set up by the administrator, read one at a time as their schedules say. */
export function createFeedsService(options: FeedsServiceOptions): FeedsService {
  return new Feeds(options).service()
}

class Feeds {
  readonly #options: FeedsServiceOptions
  readonly #stop = new AbortController()
  /** Asked for by hand. */
  readonly #wanted = new Map<string, Wanted>()
  #known: readonly StoredFeed[] = []
  #running = ''
  #isPreviewing = false
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #isAskedAgain = false

  constructor(options: FeedsServiceOptions) {
    this.#options = options
  }

  service(): FeedsService {
    return {
      deps: {
        add: (feed) => this.#add(feed),
        list: () => this.#views(),
        get: async (name) => (await this.#views()).find(({ feed }) => feed.name === name),
        remove: ({ name }) => this.#remove(name),
        setEnabled: ({ name, enabled }) => this.#setEnabled(name, enabled),
        sync: ({ name, confirm, whole }) => this.#sync(name, { confirm, whole }),
        preview: ({ feed, secret }) => this.#preview(feed, secret),
        previewOf: (name) => this.#previewOf(name),
      },
      load: () => this.#refresh(),
      start: () => {
        this.#timer = setInterval(() => this.#wake(), this.#options.tickMs ?? TICK_MS).unref()
        this.#wake()
      },
      hasSource: () => this.#known.length > 0,
      summary: () => summaryOf(this.#known),
      close: async () => {
        clearInterval(this.#timer)
        this.#stop.abort()
        await this.#round
      },
    }
  }

  async #refresh(): Promise<void> {
    this.#known = await this.#options.store.feeds.list()
  }

  /** One round at a time; what is asked for during one is looked at in another. */
  #wake(): void {
    this.#isAskedAgain = true
    if (this.#timer === undefined) return
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined
    })
  }

  async #rounds(): Promise<void> {
    while (this.#isAskedAgain && !this.#stop.signal.aborted) {
      this.#isAskedAgain = false
      try {
        await this.#refresh()
        for (const { config } of this.#due()) if (!this.#stop.signal.aborted) await this.#attempt(config.name)
      } catch (error) {
        this.#tell('the sources of the synchronized list cannot be looked at', error)
      }
    }
  }

  /** The longest due first; what was asked for by hand before all others. */
  #due(): StoredFeed[] {
    const now = Date.now()
    const dueMs = (feed: StoredFeed) => (this.#wanted.has(feed.config.name) ? -1 : nextMsOf(feed))
    return this.#known
      .filter((feed) => this.#wanted.has(feed.config.name) || (feed.enabled && nextMsOf(feed) <= now))
      .sort((a, b) => dueMs(a) - dueMs(b))
  }

  async #attempt(name: string): Promise<void> {
    // Set before it is no longer wanted: who waits must not see a gap between the two.
    this.#running = name
    const wanted = this.#wanted.get(name)
    this.#wanted.delete(name)
    try {
      const feed = await this.#claimed(name)
      if (feed !== undefined) await this.#readClaimed(feed, wanted ?? { confirm: false, whole: false })
    } finally {
      this.#running = ''
      await this.#refresh()
    }
  }

  /** Undefined: it is gone, or another node reads it. */
  async #claimed(name: string): Promise<StoredFeed | undefined> {
    const { feeds } = this.#options.store
    const feed = await feeds.get(name)
    if (feed === undefined) return undefined
    const nowMs = Math.max(Date.now(), feed.attemptMs + 1)
    return (await feeds.claim({ name, putMs: feed.putMs, attemptMs: feed.attemptMs, nowMs })) ? feed : undefined
  }

  async #readClaimed(feed: StoredFeed, wanted: Wanted): Promise<void> {
    try {
      await this.#read(feed, wanted)
    } catch (error) {
      return await this.#failed(feed, error)
    }
    // What is stored will be published sooner or later: no fault of the source.
    await this.#options.published().catch((error) => this.#tell('the lists are not published yet', error))
  }

  async #read(feed: StoredFeed, { confirm, whole }: Wanted): Promise<void> {
    const { store, run } = this.#options
    const { config, state, putMs } = feed
    const nowMs = Date.now()
    const isWhole = whole || needsWhole(state, { kind: config.kind, expiryDays: config.expiryDays, nowMs })
    const job = { config, secret: this.#secretOf(feed), cursor: isWhole ? {} : feed.cursor, confirmed: confirm }
    const id = await store.feedImports.begin()
    try {
      const take = (objects: readonly FeedObject[]) => store.feedImports.stage(id, objects)
      const reading = await run(job, { signal: this.#stop.signal, timeoutMs: READING_TIMEOUT_MS, take })
      const good = { ...state, successMs: nowMs, failures: 0, fault: '', retryMs: 0 }
      if (reading.outcome === 'unchanged') return await store.feeds.saveState({ name: config.name, putMs }, good)
      if (reading.outcome === 'whole' && !confirm) await this.#checkShrink(config.name, reading.tally.taken)
      const { cursor, tally } = reading
      const wholeMs = reading.outcome === 'whole' ? nowMs : state.wholeMs
      const changed = await store.feedImports.commit(id, {
        source: config.name,
        putMs,
        mode: reading.outcome,
        ...(reading.outcome === 'changes' && { refs: reading.refs }),
        nowMs,
        cursor,
        state: { ...good, wholeMs, tally },
      })
      const facts = { name: config.name, taken: tally.taken, bad: tally.bad, ...changed }
      this.#options.log('info', 'a source of the synchronized list was read', facts)
    } finally {
      await store.feedImports.drop(id).catch(() => {}) // there is none any more, or the store is away
    }
  }

  #secretOf({ config, secret }: StoredFeed): string {
    return secret === '' ? '' : this.#options.box.open(secret, purposeOf(config.name))
  }

  async #checkShrink(name: string, after: number): Promise<void> {
    const counts = await this.#options.store.feeds.counts()
    const before = counts.filter(({ source }) => source === name).reduce((sum, { count }) => sum + count, 0)
    const fault = shrinkFault({ before, after })
    if (fault !== undefined) throw new FeedFault('shrunk', fault)
  }

  /** What the source gave before stays as it is. */
  async #failed({ config, putMs, state }: StoredFeed, error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return
    const isFault = error instanceof FeedFault
    const fault = isFault ? `${error.code}: ${error.message}` : textOf(error)
    const retryMs = isFault && error.retryAfterMs > 0 ? Date.now() + error.retryAfterMs : 0
    this.#options.log('warn', 'a source of the synchronized list was not read', { name: config.name, fault })
    const key = { name: config.name, putMs }
    await this.#options.store.feeds
      .saveState(key, { ...state, failures: state.failures + 1, fault: fault.slice(0, 1000), retryMs })
      .catch((reason: unknown) => this.#tell('the store did not take what came of a source', reason))
  }

  #tell(what: string, error: unknown): void {
    this.#options.log('error', what, { error: textOf(error) })
  }

  async #views(): Promise<readonly FeedView[]> {
    const [feeds, counts] = await Promise.all([this.#options.store.feeds.list(), this.#options.store.feeds.counts()])
    this.#known = feeds
    return feeds.map((feed) => viewOf(feed, { counts, isRunning: this.#isRunning(feed.config.name) }))
  }

  #isRunning(name: string): boolean {
    return this.#running === name || this.#wanted.has(name)
  }

  async #viewOf(name: string): Promise<Outcome<{ feed: FeedView }>> {
    const feed = (await this.#views()).find((one) => one.feed.name === name)
    return feed === undefined ? noSuch(name) : { ok: true, feed }
  }

  async #add(given: Parameters<ApiDeps['feeds']['add']>[0]): Promise<Outcome<{ feed: FeedView }>> {
    const { feed: config, secret, enabled, replace } = given
    const { feeds } = this.#options.store
    const faults = feedFaults(config, secret)
    const before = await feeds.get(config.name)
    if (before !== undefined && !replace) faults.push(`name: there is a source ${config.name} already`)
    if (faults.length > 0) return { ok: false, faults }
    const sealed = secret === '' ? '' : this.#options.box.seal(secret, purposeOf(config.name))
    // Never that of the set-up before, so that a reading of it under way ends in nothing.
    const putMs = Math.max(Date.now(), (before?.putMs ?? 0) + 1)
    await feeds.put({ config, secret: sealed, enabled, putMs })
    this.#wake()
    return this.#viewOf(config.name)
  }

  async #remove(name: string): Promise<Outcome<{ removed: boolean }>> {
    await this.#refresh()
    const others = this.#known.filter(({ config }) => config.name !== name)
    if (others.length === 0 && this.#known.length > 0 && this.#options.isInUse())
      return { ok: false, faults: ['the last source cannot be removed while scan.suspiciousObjects.list needs one'] }
    const removed = await this.#options.store.feeds.remove(name)
    this.#wanted.delete(name)
    await this.#refresh()
    if (removed) await this.#options.published()
    return { ok: true, removed }
  }

  async #setEnabled(name: string, enabled: boolean): Promise<Outcome<{ feed: FeedView }>> {
    if (!(await this.#options.store.feeds.setEnabled(name, enabled))) return noSuch(name)
    this.#wake()
    return this.#viewOf(name)
  }

  async #sync(name: string, wanted: Wanted): Promise<Outcome<{ feed: FeedView }>> {
    if ((await this.#options.store.feeds.get(name)) === undefined) return noSuch(name)
    this.#wanted.set(name, wanted)
    this.#wake()
    return this.#viewOf(name)
  }

  async #previewOf(name: string): Promise<Outcome<FeedPreview>> {
    const feed = await this.#options.store.feeds.get(name)
    if (feed === undefined) return noSuch(name)
    try {
      return await this.#preview(feed.config, this.#secretOf(feed))
    } catch (error) {
      return { ok: false, faults: [textOf(error)] } // its secret was sealed with another key
    }
  }

  async #preview(config: FeedConfig, secret: string): Promise<Outcome<FeedPreview>> {
    const faults = feedFaults(config, secret)
    if (faults.length > 0) return { ok: false, faults }
    if (this.#isPreviewing)
      return { ok: false, faults: ['another source is being looked at: try again when that is done'] }
    this.#isPreviewing = true
    try {
      return { ok: true, ...(await this.#lookAt({ config, secret, cursor: {}, confirmed: true })) }
    } catch (error) {
      if (!(error instanceof FeedFault)) throw error
      return { ok: false, faults: [`${error.code}: ${error.message}`] }
    } finally {
      this.#isPreviewing = false
    }
  }

  async #lookAt(job: FeedJob): Promise<FeedPreview> {
    const counts = new Map<FeedObject['type'], number>()
    const objects: FeedObject[] = []
    const take = async (more: readonly FeedObject[]) => {
      for (const object of more) counts.set(object.type, (counts.get(object.type) ?? 0) + 1)
      objects.push(...more.slice(0, PREVIEW_OBJECTS - objects.length))
    }
    const reading = await this.#options.run(job, { signal: this.#stop.signal, timeoutMs: PREVIEW_TIMEOUT_MS, take })
    if (reading.outcome === 'unchanged') throw new FeedFault('status', 'the source answers 304 to no such question')
    return {
      tally: reading.tally,
      counts: Object.fromEntries(counts),
      objects: objects.map(({ ref: _, ...object }) => object),
    }
  }
}

function noSuch(name: string): { ok: false; faults: string[] } {
  return { ok: false, faults: [`there is no source ${name}`] }
}

/** A sealed secret opens under the name that it was given for only. */
function purposeOf(name: string): string {
  return `feed:${name}`
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function nextMsOf({ config, attemptMs, state }: StoredFeed): number {
  return nextAttemptMs({ name: config.name, attemptMs, scheduleMinutes: config.scheduleMinutes, state })
}

function stateOf({ enabled, state }: StoredFeed): FeedView['state'] {
  if (!enabled) return 'disabled'
  if (state.failures > 0) return 'failing'
  return state.successMs === 0 ? 'new' : 'ok'
}

function viewOf(
  feed: StoredFeed,
  { counts, isRunning }: { counts: readonly FeedCount[]; isRunning: boolean },
): FeedView {
  const { config, state, attemptMs } = feed
  const own = counts.filter(({ source }) => source === config.name)
  return {
    feed: config,
    hasSecret: feed.secret !== '',
    state: stateOf(feed),
    running: isRunning,
    attemptMs,
    successMs: state.successMs,
    nextMs: feed.enabled ? nextMsOf(feed) : 0,
    failures: state.failures,
    fault: state.fault,
    tally: state.tally,
    counts: Object.fromEntries(own.map(({ type, count }) => [type, count])),
  }
}

function summaryOf(feeds: readonly StoredFeed[]): FeedsSummary {
  const states = feeds.map(stateOf)
  const count = (...wanted: string[]) => states.filter((state) => wanted.includes(state)).length
  return { ok: count('ok', 'new'), failing: count('failing'), disabled: count('disabled') }
}
