import { Worker } from 'node:worker_threads'
import { Unscanned } from '../../domain/verdict.ts'
import type { FromContentsThread, ToContentsThread } from './thread-messages.ts'
import type { ContentsResult, WalkSample } from './walk.ts'

export interface ContentsPoolOptions {
  /** The thread's program and what it is given. */
  readonly entry: URL
  readonly data: unknown
  readonly threads: number
  /** Jobs that may wait; one more is refused as engine-down. */
  readonly maxQueued?: number
  /** How long after the deadline a thread may go on before it is ended and another started. */
  readonly graceMs?: number
  /** Of each thread's JavaScript heap; what needs more is a bomb. */
  readonly maxHeapMb?: number
  /** No thread can be started any more: the process should be replaced. */
  onThreadDead(detail: string): void
}

export interface PoolJob {
  readonly sample: WalkSample
  /** The TCP peer, so that no client takes every thread while others wait. */
  readonly client: string
  readonly timeoutMs: number
  /** Aborted at the deadline, or when nobody wants the answer any more. */
  readonly signal: AbortSignal
}

interface Waiting extends PoolJob {
  settle(result: ContentsResult | Unscanned): void
}

interface Thread {
  worker: Worker
  state: 'starting' | 'idle' | 'busy'
  job: { readonly id: number; readonly waiting: Waiting } | undefined
  /** Set once its job was given up: what it still says is of no use. */
  grace: NodeJS.Timeout | undefined
}

const START_TIMEOUT_MS = 60_000
const DEFAULTS = { maxQueued: 1024, graceMs: 1000, maxHeapMb: 512 }

/**
 * Threads that walk through samples, one at a time each: a parser that hangs or eats memory takes its thread with it. (V8 ends the
 * whole process where one single allocation goes far beyond the limit; then the supervisor starts another worker.)
 */
export class ContentsPool {
  readonly #options: Required<ContentsPoolOptions>
  readonly #threads: Thread[] = []
  readonly #queue: Waiting[] = []
  #nextId = 1
  #restarts = 0
  #detail = ''
  #closing = false
  #drained: (() => void) | undefined

  private constructor(options: ContentsPoolOptions) {
    this.#options = { ...DEFAULTS, ...options }
  }

  /** Resolves when every thread is ready; rejects, and ends all of them, when one cannot start. */
  static async start(options: ContentsPoolOptions): Promise<ContentsPool> {
    const pool = new ContentsPool(options)
    try {
      await Promise.all(Array.from({ length: options.threads }, () => pool.#startThread()))
      return pool
    } catch (error) {
      await pool.#terminate()
      throw new Error('a thread for looking into contents did not start', { cause: error })
    }
  }

  get alive(): boolean {
    return !this.#closing && this.#threads.length > 0
  }

  /** What threads cannot open, and why; '' where there is nothing. */
  get detail(): string {
    return this.#detail
  }

  /** Threads that were ended and replaced since the start. */
  get restarts(): number {
    return this.#restarts
  }

  /** Rejects with Unscanned: timeout, bomb (memory), engine-down (queue full, no thread). */
  scan(job: PoolJob): Promise<ContentsResult> {
    if (!this.alive) return Promise.reject(new Unscanned('engine-down', 'no thread to look inside is alive'))
    if (job.signal.aborted) return Promise.reject(new Unscanned('timeout', 'the deadline passed before the scan'))
    if (this.#queue.length >= this.#options.maxQueued)
      return Promise.reject(new Unscanned('engine-down', 'too many samples wait to be looked into'))
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#giveUp(waiting)
      const waiting: Waiting = {
        ...job,
        settle(result) {
          job.signal.removeEventListener('abort', onAbort)
          if (result instanceof Unscanned) reject(result)
          else resolve(result)
        },
      }
      job.signal.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(waiting)
      this.#dispatch()
    })
  }

  /** Takes no more jobs, finishes those it has, then ends the threads. */
  async close(): Promise<void> {
    this.#closing = true
    if (this.#queue.length > 0 || this.#threads.some(({ job }) => job !== undefined))
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    await this.#terminate()
  }

  async #startThread(): Promise<void> {
    const { entry, data, maxHeapMb } = this.#options
    const worker = new Worker(entry, { workerData: data, resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } })
    const thread: Thread = { worker, state: 'starting', job: undefined, grace: undefined }
    this.#threads.push(thread)
    this.#detail = (await ready(worker)).detail
    thread.state = 'idle'
    worker.on('message', (message: FromContentsThread) => this.#said(thread, message))
    worker.on('error', (error: NodeJS.ErrnoException) => this.#died(thread, error))
    worker.on('exit', (code) => this.#died(thread, new Error(`it ended with ${code}`)))
    worker.unref()
    this.#dispatch()
  }

  /** The client with the fewest walks under way goes first, then who came first. */
  #dispatch(): void {
    for (;;) {
      const thread = this.#threads.find(({ state }) => state === 'idle')
      const waiting = thread && this.#next()
      if (thread === undefined || waiting === undefined) return
      this.#queue.splice(this.#queue.indexOf(waiting), 1)
      this.#start(thread, waiting)
    }
  }

  #next(): Waiting | undefined {
    let best: Waiting | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const waiting of this.#queue) {
      const running = this.#threads.filter(({ job }) => job?.waiting.client === waiting.client).length
      if (running >= fewest) continue
      fewest = running
      best = waiting
      if (running === 0) break
    }
    return best
  }

  #start(thread: Thread, waiting: Waiting): void {
    const id = this.#nextId++
    thread.state = 'busy'
    thread.job = { id, waiting }
    thread.worker.ref()
    const { sample, timeoutMs } = waiting
    this.#send(thread, { type: 'walk', id, sample, timeoutMs })
  }

  #send(thread: Thread, message: ToContentsThread): void {
    thread.worker.postMessage(message)
  }

  /** The thread is told, and ended where it does not listen: its caller has closed the files that it reads. */
  #giveUp(waiting: Waiting): void {
    const place = this.#queue.indexOf(waiting)
    if (place >= 0) {
      this.#queue.splice(place, 1)
      waiting.settle(new Unscanned('timeout', 'no thread was free to look inside before the deadline'))
      this.#settled()
      return
    }
    const thread = this.#threads.find(({ job }) => job?.waiting === waiting)
    if (thread?.job === undefined || thread.grace !== undefined) return
    this.#send(thread, { type: 'cancel', id: thread.job.id })
    thread.grace = setTimeout(() => this.#end(thread), this.#options.graceMs)
  }

  #said(thread: Thread, message: FromContentsThread): void {
    if (message.type !== 'done' || thread.job?.id !== message.id) return
    clearTimeout(thread.grace)
    const { waiting } = thread.job
    thread.grace = undefined
    thread.job = undefined
    thread.state = 'idle'
    thread.worker.unref()
    waiting.settle(message.result)
    this.#dispatch()
    this.#settled()
  }

  #end(thread: Thread): void {
    this.#replace(thread, new Unscanned('timeout', 'it hung while it was looked into'))
    void thread.worker.terminate()
  }

  #died(thread: Thread, error: NodeJS.ErrnoException): void {
    const isHeap = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const reason = isHeap ? 'bomb' : 'engine-down'
    this.#replace(thread, new Unscanned(reason, isHeap ? 'needs too much memory' : `a thread died: ${error.message}`))
  }

  #replace(thread: Thread, answer: Unscanned): void {
    const place = this.#threads.indexOf(thread)
    if (place < 0) return
    clearTimeout(thread.grace)
    this.#threads.splice(place, 1)
    thread.job?.waiting.settle(answer)
    thread.job = undefined
    this.#restarts++
    this.#settled()
    if (this.#closing && this.#queue.length === 0) return
    this.#startThread().catch((error: Error) => {
      this.#threads.splice(0, this.#threads.length, ...this.#threads.filter(({ state }) => state !== 'starting'))
      this.#options.onThreadDead(`a thread for looking into contents did not start: ${error.message}`)
    })
  }

  #settled(): void {
    if (this.#drained !== undefined && this.#queue.length === 0 && this.#threads.every(({ job }) => job === undefined))
      this.#drained()
  }

  async #terminate(): Promise<void> {
    const threads = this.#threads.splice(0)
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }
}

type Ready = Extract<FromContentsThread, { type: 'ready' }>

function ready(worker: Worker): Promise<Ready> {
  const { promise, resolve, reject } = Promise.withResolvers<Ready>()
  const onMessage = (message: Ready) => resolve(message)
  const onExit = (code: number) => reject(new Error(`it ended with ${code}`))
  const timer = setTimeout(() => {
    reject(new Error('it was not ready in time'))
    void worker.terminate()
  }, START_TIMEOUT_MS)
  worker.once('message', onMessage).once('error', reject).once('exit', onExit)
  return promise.finally(() => {
    clearTimeout(timer)
    worker.off('message', onMessage).off('error', reject).off('exit', onExit)
  })
}
