import { Worker } from 'node:worker_threads'
import type { Content } from '../../../domain/sample.ts'
import { Unscanned } from '../../../domain/verdict.ts'
import type { RuleHits } from './binding.ts'
import type { ThreadData, ThreadJob, ThreadReply } from './scan-thread.ts'

export interface LaneOptions extends Omit<ThreadData, 'nice'> {
  /** One thread each, the most favoured first: its niceness. */
  readonly nices: readonly number[]
  /** Jobs that may wait; one more is refused as engine-down. */
  readonly maxQueued: number
  /** Threads that one client's jobs may hold at once, so that its torture never takes the whole lane. */
  readonly maxPerClient: number
  /** How long after YARA's limit a thread may stay silent before it counts as dead. */
  readonly graceMs: number
  /** A thread died or never answered: the process should be replaced, native code cannot be interrupted. */
  onThreadDead(detail: string): void
}

export interface LaneJob {
  readonly content: Content
  readonly client: string
  /** YARA's limit for it. */
  readonly timeoutMs: number
  /** Aborted at the scan's deadline: a waiting job leaves, a running one is answered for. */
  readonly signal: AbortSignal
}

interface Waiting extends LaneJob {
  settle(result: RuleHits | Unscanned): void
}

interface Thread {
  readonly worker: Worker
  state: 'idle' | 'busy' | 'dead'
  job: { readonly id: number; readonly waiting: Waiting; readonly timer: NodeJS.Timeout } | undefined
  /** Reused from job to job: one copy of the body a scan, no allocation. */
  shared: SharedArrayBuffer
}

const SHARED_BYTES = 1024 * 1024
const START_TIMEOUT_MS = 30_000
const TORTURER_MS = 60_000
const MAX_TORTURERS = 1000

/** Some threads with the same rules, a bounded queue before them, first come first served among the clients. */
export class ThreadLane {
  readonly #options: LaneOptions
  readonly #threads: Thread[] = []
  readonly #queue: Waiting[] = []
  /** Clients whose body reached YARA's limit lately, and until when (ms, monotonic) they get the least favoured threads. */
  readonly #tortured = new Map<string, number>()
  #nextId = 1
  #closing = false
  #drained: (() => void) | undefined

  private constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Resolves when every thread has loaded its rules; rejects, and ends all of them, when one cannot. */
  static async start(options: LaneOptions): Promise<ThreadLane> {
    const lane = new ThreadLane(options)
    try {
      await Promise.all(options.nices.map((nice) => lane.#startThread(nice)))
      return lane
    } catch (error) {
      await lane.#terminate()
      throw error
    }
  }

  get deadThreads(): number {
    return this.#threads.filter((thread) => thread.state === 'dead').length
  }

  get alive(): boolean {
    return !this.#closing && this.deadThreads < this.#threads.length
  }

  /** Rejects with Unscanned: timeout (waited too long, or YARA's limit), engine-down (no thread, queue full, thread died). */
  scan(job: LaneJob): Promise<RuleHits> {
    if (!this.alive) return Promise.reject(new Unscanned('engine-down', 'no scan thread is alive'))
    if (job.signal.aborted) return Promise.reject(new Unscanned('timeout', 'the deadline passed before the scan'))
    if (this.#queue.length >= this.#options.maxQueued)
      return Promise.reject(new Unscanned('engine-down', 'the scan queue is full'))
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#abandon(waiting)
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
    if (this.#queue.length > 0 || this.#threads.some((thread) => thread.state === 'busy'))
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    await this.#terminate()
  }

  async #startThread(nice: number): Promise<void> {
    const { binding, rules, options } = this.#options
    const workerData: ThreadData = { binding, rules, options, nice }
    const worker = new Worker(new URL('./scan-thread.ts', import.meta.url), { workerData })
    const thread: Thread = { worker, state: 'busy', job: undefined, shared: new SharedArrayBuffer(SHARED_BYTES) }
    this.#threads.push(thread)
    await ready(worker)
    thread.state = 'idle'
    worker.on('message', (reply: ThreadReply) => this.#answered(thread, reply))
    worker.on('error', (error) => this.#died(thread, `a scan thread failed: ${error.message}`))
    worker.on('exit', (code) => this.#died(thread, `a scan thread ended with ${code}`))
    worker.unref()
  }

  #dispatch(): void {
    for (let index = 0; index < this.#queue.length; ) {
      const waiting = this.#queue[index]
      const thread = waiting && this.#threadFor(waiting.client)
      if (waiting === undefined || thread === undefined) {
        if (!this.#threads.some((some) => some.state === 'idle')) return
        index++
        continue
      }
      this.#queue.splice(index, 1)
      this.#run(thread, waiting)
    }
  }

  /** Whoever tortured the lane lately gets its least favoured threads, and never the first. */
  #threadFor(client: string): Thread | undefined {
    if (!this.#mayRun(client)) return undefined
    const isIdle = (thread: Thread) => thread.state === 'idle'
    if (!this.#isTorturer(client)) return this.#threads.find(isIdle)
    return this.#threads.findLast((thread, index) => isIdle(thread) && (index > 0 || this.#threads.length === 1))
  }

  #isTorturer(client: string): boolean {
    if (this.#tortured.size === 0) return false
    const until = this.#tortured.get(client)
    if (until === undefined) return false
    if (until > performance.now()) return true
    this.#tortured.delete(client)
    return false
  }

  #noteTorture(client: string): void {
    if (this.#tortured.size >= MAX_TORTURERS) this.#tortured.clear()
    this.#tortured.set(client, performance.now() + TORTURER_MS)
  }

  #mayRun(client: string): boolean {
    const { maxPerClient, nices } = this.#options
    if (maxPerClient >= nices.length) return true
    return this.#threads.filter((thread) => thread.job?.waiting.client === client).length < maxPerClient
  }

  #run(thread: Thread, waiting: Waiting): void {
    const id = this.#nextId++
    const timer = setTimeout(() => this.#unanswered(thread), waiting.timeoutMs + this.#options.graceMs)
    thread.state = 'busy'
    thread.job = { id, waiting, timer }
    thread.worker.postMessage(threadJob(thread, waiting, id))
  }

  #answered(thread: Thread, reply: ThreadReply): void {
    // A dead thread's late word is not believed: its job was answered for.
    if (thread.state === 'dead' || thread.job?.id !== reply.id) return
    const { waiting } = this.#release(thread, 'idle')
    if ('reason' in reply && reply.reason === 'timeout') this.#noteTorture(waiting.client)
    waiting.settle('reason' in reply ? new Unscanned(reply.reason, reply.detail) : reply.hits)
    this.#dispatch()
    this.#tellDrained()
  }

  #unanswered(thread: Thread): void {
    const { waiting } = this.#release(thread, 'dead')
    waiting.settle(new Unscanned('timeout', 'a scan thread never answered'))
    this.#lost('a scan thread never answered')
  }

  #died(thread: Thread, detail: string): void {
    if (thread.state === 'dead' || (this.#closing && thread.job === undefined)) return
    if (thread.job !== undefined) this.#release(thread, 'dead').waiting.settle(new Unscanned('engine-down', detail))
    thread.state = 'dead'
    this.#lost(detail)
  }

  #lost(detail: string): void {
    if (this.deadThreads === this.#threads.length)
      for (const waiting of this.#queue.splice(0)) waiting.settle(new Unscanned('engine-down', detail))
    this.#tellDrained()
    this.#options.onThreadDead(detail)
  }

  #release(thread: Thread, state: 'idle' | 'dead'): { readonly waiting: Waiting } {
    const { job } = thread
    if (job === undefined) throw new Error('a thread without a job has nothing to release')
    clearTimeout(job.timer)
    thread.job = undefined
    thread.state = state
    return job
  }

  /** The deadline passed: whoever waits is answered; the thread stays busy until YARA's own limit frees it. */
  #abandon(waiting: Waiting): void {
    const index = this.#queue.indexOf(waiting)
    if (index >= 0) this.#queue.splice(index, 1)
    const words = index >= 0 ? 'waited for a scan thread past the deadline' : 'the scan ran past the deadline'
    waiting.settle(new Unscanned('timeout', words))
    this.#tellDrained()
  }

  #tellDrained(): void {
    if (this.#queue.length === 0 && !this.#threads.some((thread) => thread.state === 'busy')) this.#drained?.()
  }

  async #terminate(): Promise<void> {
    this.#closing = true
    await Promise.all(this.#threads.map((thread) => thread.worker.terminate()))
  }
}

function ready(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onMessage = () => resolve()
  const onExit = () => reject(new Error('a scan thread ended at its start'))
  const timer = setTimeout(() => reject(new Error('a scan thread did not start')), START_TIMEOUT_MS)
  worker.once('message', onMessage).once('error', reject).once('exit', onExit)
  return promise.finally(() => {
    clearTimeout(timer)
    worker.off('message', onMessage).off('error', reject).off('exit', onExit)
  })
}

/** The body is copied once: a reply may still need it, so its memory cannot be given away. */
function threadJob(thread: Thread, { content, timeoutMs }: Waiting, id: number): ThreadJob {
  if (content.kind === 'file') return { id, timeoutMs, kind: 'file', fd: content.fd, size: content.size }
  const { bytes } = content
  if (bytes.buffer instanceof SharedArrayBuffer && bytes.byteOffset === 0)
    return { id, timeoutMs, kind: 'memory', shared: bytes.buffer, length: bytes.length }
  const shared = bytes.length <= SHARED_BYTES ? thread.shared : new SharedArrayBuffer(bytes.length)
  new Uint8Array(shared, 0, bytes.length).set(bytes)
  return { id, timeoutMs, kind: 'memory', shared, length: bytes.length }
}
