import { Worker } from 'node:worker_threads'
import type { SuspiciousObject } from '../domain/suspicious-object.ts'
import { messageOf, StoreError } from './errors.ts'
import type { ListSnapshot } from './list-snapshots.ts'
import type { ObjectPageQuery } from './objects.ts'
import type { RetentionLimits, StoreServiceOptions, StoreStatus } from './store-service.ts'
import { CALLS, type Callable, type CallGroup, type FromThread, type ToThread } from './writer-protocol.ts'

export interface WriterOptions extends StoreServiceOptions {
  /** After this a call fails with STORE_TIMEOUT, whatever the database does. Default 15 s; imports have five minutes. */
  readonly callTimeoutMs?: number
  /** Told when the thread has died; it is started again by itself. */
  readonly onThreadLost?: (error: StoreError) => void
}

/** The store as the supervisor sees it. Every call rejects with a StoreError. */
export interface Writer extends Omit<Callable, 'imports' | 'objects'> {
  readonly objects: Callable['objects'] & {
    /** All batches or nothing; a rejection of `batches` changes nothing. Gives the number of entries added or changed. */
    import(batches: AsyncIterable<readonly SuspiciousObject[]>): Promise<number>
    /** Pages in order of list, type, value. */
    export(query: Pick<ObjectPageQuery, 'list' | 'type'>): AsyncIterable<readonly SuspiciousObject[]>
  }
  /** Which journals may still be written to: name an instance before it opens its journal, leave it out once it is dead. */
  setLiveInstances(instances: readonly string[]): void
  /** Replaces what it was started with, as the settings change. */
  setRetention(retention: RetentionLimits): void
  /** As of at most a quarter of a second ago. */
  status(): StoreStatus
  /** Calls back for each new snapshot, and at once for the newest one. Gives the function that ends it. */
  onLists(callback: (snapshot: ListSnapshot) => void): () => void
  /** Resolves when all that stands in the journals now is stored. */
  flush(): Promise<void>
  /** Takes in what stands in the journals, and ends the thread; bounded in time. */
  close(): Promise<void>
}

const CALL_TIMEOUT_MS = 15_000
const IMPORT_TIMEOUT_MS = 300_000
/** These may move a million entries in one transaction. */
const SLOW_CALLS = /^(?:imports|feedImports)\.|^feeds\.remove$/
const CLOSE_TIMEOUT_MS = 20_000
const RESTART_MS = 1000
const EXPORT_ROWS = 1000

/** Starts the store's thread. Resolves after its first try at the database, whether that succeeded or not (`status`). */
export async function createWriter(options: WriterOptions): Promise<Writer> {
  const client = new ThreadClient(options)
  await client.started
  return {
    ...client.groups(),
    objects: {
      ...client.groups().objects,
      import: (batches) => importAll(client.groups(), batches),
      export: (query) => exportAll(client.groups(), query),
    },
    setLiveInstances: (instances) => client.setLiveInstances(instances),
    setRetention: (retention) => client.setRetention(retention),
    status: () => client.status,
    onLists: (callback) => client.onLists(callback),
    flush: () => client.ask((id) => ({ type: 'flush', id }), client.timeoutMs) as Promise<void>,
    close: () => client.close(),
  }
}

async function importAll(store: Callable, batches: AsyncIterable<readonly SuspiciousObject[]>): Promise<number> {
  const id = await store.imports.begin()
  try {
    for await (const batch of batches) await store.imports.stage(id, batch)
    return await store.imports.commit(id)
  } catch (error) {
    await store.imports.drop(id).catch(() => {}) // the first error is the one to tell
    throw error
  }
}

async function* exportAll(store: Callable, query: Pick<ObjectPageQuery, 'list' | 'type'>) {
  let after: SuspiciousObject | undefined
  do {
    const page = await store.objects.page({ ...query, limit: EXPORT_ROWS, after })
    if (page.length > 0) yield page
    after = page.length === EXPORT_ROWS ? page.at(-1) : undefined
  } while (after !== undefined)
}

function post(thread: Worker, message: ToThread): void {
  thread.postMessage(message)
}

interface PendingCall {
  resolve(value: unknown): void
  reject(error: StoreError): void
  readonly timer: NodeJS.Timeout
}

class ThreadClient {
  readonly #options: WriterOptions
  readonly #pending = new Map<number, PendingCall>()
  readonly #listeners = new Set<(snapshot: ListSnapshot) => void>()
  readonly timeoutMs: number
  readonly started: Promise<void>
  #onStarted: () => void = () => {}
  #thread: Worker
  #lastId = 0
  #isClosed = false
  #live: readonly string[] | undefined
  #retention: RetentionLimits | undefined
  #snapshot: ListSnapshot | undefined
  status: StoreStatus = {
    databaseUp: false,
    backlogBytes: 0,
    backlogRecords: 0,
    takenIn: 0,
    damaged: 0,
    lastError: 'starting',
  }

  constructor(options: WriterOptions) {
    this.#options = options
    this.timeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS
    this.started = new Promise((resolve) => {
      this.#onStarted = resolve
    })
    this.#thread = this.#startThread()
  }

  #startThread(): Worker {
    const { callTimeoutMs, onThreadLost, ...workerData } = this.#options
    const thread = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData, name: 'store' })
    let cause: unknown
    thread.on('message', (message: FromThread) => this.#receive(message))
    thread.on('error', (error) => {
      cause = error
    })
    thread.on('exit', () => this.#lost(cause))
    if (this.#live !== undefined) post(thread, { type: 'live', instances: this.#live })
    if (this.#retention !== undefined) post(thread, { type: 'retention', retention: this.#retention })
    return thread
  }

  #lost(cause: unknown): void {
    const error = new StoreError(
      this.#isClosed ? 'STORE_CLOSED' : 'STORE_UNAVAILABLE',
      cause === undefined ? '' : messageOf(cause),
      { cause },
    )
    this.status = { ...this.status, databaseUp: false, lastError: error.message }
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error)
    this.#onStarted() // one that cannot even start must not be waited for
    if (this.#isClosed) return
    this.#options.onThreadLost?.(error)
    setTimeout(() => {
      if (!this.#isClosed) this.#thread = this.#startThread()
    }, RESTART_MS)
  }

  #receive(message: FromThread): void {
    switch (message.type) {
      case 'started':
        this.#onStarted()
        break
      case 'result':
        this.status = message.status
        this.#settle(message.id)?.resolve(message.value)
        break
      case 'failed':
        this.#settle(message.id)?.reject(StoreError.received(message.code, message.text))
        break
      case 'status':
        this.status = message.status
        break
      case 'lists':
        this.#snapshot = message.snapshot
        for (const listener of this.#listeners) listener(message.snapshot)
    }
  }

  #settle(id: number): PendingCall | undefined {
    const call = this.#pending.get(id)
    this.#pending.delete(id)
    clearTimeout(call?.timer)
    return call
  }

  ask(message: (id: number) => ToThread, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new StoreError('STORE_CLOSED'))
      this.#send(message, { resolve, reject, timeoutMs })
    })
  }

  #send(
    message: (id: number) => ToThread,
    { resolve, reject, timeoutMs }: Pick<PendingCall, 'resolve' | 'reject'> & { timeoutMs: number },
  ): void {
    const id = ++this.#lastId
    const timer = setTimeout(() => this.#settle(id)?.reject(new StoreError('STORE_TIMEOUT')), timeoutMs)
    this.#pending.set(id, { resolve, reject, timer })
    post(this.#thread, message(id))
  }

  groups(): Callable {
    const groups: Record<string, Record<string, unknown>> = {}
    for (const group of Object.keys(CALLS) as CallGroup[]) {
      const timeoutOf = (method: string) => (SLOW_CALLS.test(`${group}.${method}`) ? IMPORT_TIMEOUT_MS : this.timeoutMs)
      groups[group] = Object.fromEntries(
        CALLS[group].map((method) => [
          method,
          (...args: unknown[]) => this.ask((id) => ({ type: 'call', id, group, method, args }), timeoutOf(method)),
        ]),
      )
    }
    return groups as unknown as Callable
  }

  setLiveInstances(instances: readonly string[]): void {
    this.#live = [...instances]
    post(this.#thread, { type: 'live', instances: this.#live })
  }

  setRetention(retention: RetentionLimits): void {
    this.#retention = retention
    post(this.#thread, { type: 'retention', retention })
  }

  onLists(callback: (snapshot: ListSnapshot) => void): () => void {
    this.#listeners.add(callback)
    if (this.#snapshot !== undefined) callback(this.#snapshot)
    return () => this.#listeners.delete(callback)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    const closing = this.ask((id) => ({ type: 'close', id }), CLOSE_TIMEOUT_MS)
    this.#isClosed = true
    await closing.catch(() => {}) // a store that does not end in time is ended; what it left stands in the journals
    await this.#thread.terminate()
  }
}
