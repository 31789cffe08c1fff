import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { type DamagedLines, damagedLinesIn } from './damaged-lines.ts'
import type { Database, DatabaseLocation } from './database.ts'
import { openDatabase } from './database.ts'
import { namedError } from './database-errors.ts'
import { StoreError } from './errors.ts'
import { feedImports } from './feeds.ts'
import { createJournalReader, type JournalReader, type LiveInstances } from './journal-reader.ts'
import { type ListSnapshot, type ListSnapshots, listSnapshotsIn } from './list-snapshots.ts'
import { objectImports, type Store, storeIn } from './operations.ts'

export interface StoreServiceOptions {
  readonly location: DatabaseLocation
  /** Where the workers' journals stand. */
  readonly journalDir: string
  /** Where lines go that cannot be taken in; not writable by workers. */
  readonly damagedFile: string
  readonly snapshotDir: string
  /** Absent: records are kept for ever. */
  readonly retention?: RetentionLimits | undefined
}

export interface RetentionLimits {
  readonly maxAgeMs: number
  readonly maxBytes: number
  readonly sliceRows?: number
}

export interface StoreStatus {
  /** The database answered last time. */
  readonly databaseUp: boolean
  readonly backlogBytes: number
  readonly backlogRecords: number
  /** Records stored since the start. */
  readonly takenIn: number
  /** Lines set aside in the damaged file since the start. */
  readonly damaged: number
  /** What failed last, '' since all went well. */
  readonly lastError: string
}

const ROUND_MS = 200
const POLL_MS = 1000
const SNAPSHOT_MS = 2000
const EXPIRY_MS = 60_000
const MAX_BACKOFF_MS = 5000
const SLICE_ROWS = 500
const RETAIN_MS = 100

/** The store's one writer, as it runs on its thread: takes journals in, keeps retention, builds list snapshots, answers calls. */
export class StoreService {
  readonly #options: StoreServiceOptions
  readonly #damaged: DamagedLines
  readonly #reader: JournalReader
  readonly #onLists: (snapshot: ListSnapshot) => void
  readonly #stop = new AbortController()
  readonly imports = objectImports(() => this.store().objects)
  readonly feedImports = feedImports(() => this.store().feeds)
  #database: Database | undefined
  #store: Store | undefined
  #snapshots: ListSnapshots | undefined
  #live: LiveInstances = 'all'
  #retention: RetentionLimits | undefined
  #takingIn: Promise<unknown> = Promise.resolve()
  #running: Promise<void> = Promise.resolve()
  #backoffMs = 0
  #polledMs = 0
  #builtMs = 0
  #expiredMs = 0
  #status: StoreStatus = {
    databaseUp: false,
    backlogBytes: 0,
    backlogRecords: 0,
    takenIn: 0,
    damaged: 0,
    lastError: '',
  }

  constructor(options: StoreServiceOptions, onLists: (snapshot: ListSnapshot) => void) {
    this.#options = options
    this.#retention = options.retention
    this.#onLists = onLists
    this.#damaged = damagedLinesIn(options.damagedFile)
    this.#reader = createJournalReader({
      dir: options.journalDir,
      damaged: this.#damaged,
      insert: (lines) => this.store().records.insertLines(lines),
    })
  }

  /** Tries the database once, then keeps working (and trying) until `close`. */
  async start(): Promise<void> {
    await this.#round()
    this.#running = this.#run()
  }

  get status(): StoreStatus {
    return this.#status
  }

  /** Throws StoreError STORE_UNAVAILABLE while the database was never reached. */
  store(): Store {
    if (this.#store === undefined) throw new StoreError('STORE_UNAVAILABLE', this.#status.lastError)
    return this.#store
  }

  setLiveInstances(instances: readonly string[]): void {
    this.#live = new Set(instances)
  }

  setRetention(retention: RetentionLimits): void {
    this.#retention = retention
  }

  /** Takes in what stands in the journals now. Rejects with the database's error. */
  async flush(): Promise<void> {
    await this.#takeIn()
    await this.#measure()
  }

  /** Stops, takes in what it can once more, and closes the database. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
    if (this.#store !== undefined) await this.#takeIn().catch((error: unknown) => this.#failed(error))
    this.#damaged.close()
    await this.#database?.close()
    this.#database = undefined
    this.#store = undefined
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const pauseMs = this.#status.databaseUp ? ROUND_MS : this.#nextBackoff()
      await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {}) // an abort ends the pause, and the loop
      if (!this.#stop.signal.aborted) await this.#round()
    }
  }

  #nextBackoff(): number {
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, Math.max(ROUND_MS, this.#backoffMs * 2))
    return this.#backoffMs
  }

  async #round(): Promise<void> {
    try {
      await this.#openOnce()
      await this.#takeIn()
      await this.#poll()
      this.#backoffMs = 0
      this.#status = { ...this.#status, databaseUp: true, lastError: '' }
      await this.#refreshLists()
    } catch (error) {
      this.#failed(error)
    }
    await this.#measure()
  }

  #failed(error: unknown): void {
    this.#status = { ...this.#status, databaseUp: false, lastError: namedError(error).message }
  }

  async #openOnce(): Promise<void> {
    if (this.#store !== undefined) return
    this.#database = await openDatabase(this.#options.location)
    this.#store = storeIn(this.#database)
    this.#snapshots = listSnapshotsIn(this.#options.snapshotDir, this.#store.objects)
  }

  /** One at a time: the loop's own and those that `flush` asks for. */
  #takeIn(): Promise<void> {
    const next = this.#takingIn.then(async () => {
      const taken = await this.#reader.takeIn(this.#live)
      this.#status = { ...this.#status, takenIn: this.#status.takenIn + taken, damaged: this.#damaged.count }
    })
    this.#takingIn = next.catch(() => {}) // whoever asked is told; the next one starts anew
    return next
  }

  async #measure(): Promise<void> {
    const { bytes, records } = await this.#reader.backlog().catch(() => ({ bytes: 0, records: 0 })) // the round tells why
    this.#status = { ...this.#status, backlogBytes: bytes, backlogRecords: records, damaged: this.#damaged.count }
  }

  /** Once a second: retention, and a question that shows whether the database lives. */
  async #poll(): Promise<void> {
    const now = Date.now()
    if (now - this.#polledMs < POLL_MS) return
    const { objects, meta } = this.store()
    await meta.get('objects.revision')
    const isMore = await this.#retain()
    this.#polledMs = isMore ? 0 : now
    if (now - this.#expiredMs < EXPIRY_MS) return
    const expired = await objects.deleteExpired(now, SLICE_ROWS)
    this.#expiredMs = expired === SLICE_ROWS ? 0 : now
  }

  /** Slice after slice for a while, so that it keeps up with what comes in; true when more is to be deleted. */
  async #retain(): Promise<boolean> {
    const retention = this.#retention
    if (retention === undefined) return false
    const started = Date.now()
    for (;;) {
      const { more } = await this.store().records.retain({ sliceRows: SLICE_ROWS, ...retention, nowMs: started })
      if (!more || Date.now() - started > RETAIN_MS) return more
      await setImmediate()
    }
  }

  /** At most every two seconds; a snapshot that cannot be written is tried again, and is no fault of the database. */
  async #refreshLists(): Promise<void> {
    const now = Date.now()
    if (now - this.#builtMs < SNAPSHOT_MS) return
    try {
      const snapshot = await this.#snapshots?.refresh()
      if (snapshot === undefined) return
      this.#builtMs = now
      this.#onLists(snapshot)
    } catch (error) {
      this.#builtMs = now
      this.#status = { ...this.#status, lastError: `list snapshot: ${namedError(error).message}` }
    }
  }
}
