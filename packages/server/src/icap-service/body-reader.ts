import type { Transaction } from '@assay/icap'
import type { IntakeLimits } from './handler-deps.ts'
import { Intake } from './intake.ts'
import type { Spool } from './spool.ts'
import type { StreamRule } from './stream-rule.ts'

/** The longest that a timer takes. */
const MAX_TIMER_MS = 2_147_483_647

/** Ends the read of a body whose rest nobody wants. */
class RestDropped extends Error {
  override readonly name = 'RestDropped'
}

/** Cuts a stream that policy let pass for so long and no longer. */
export class StreamTooOld extends Error {
  override readonly name = 'StreamTooOld'
}

/** What follows: a chunk whose sender waits until somebody takes it, or the end. */
type Following =
  | { readonly chunk: Buffer; readonly taken: () => void }
  | { readonly chunk: undefined; readonly error: unknown }

export interface BodyReaderOptions {
  readonly spool: Spool
  readonly limits: IntakeLimits
  /** As the HTTP head says; undefined: the stream may have no end. */
  readonly contentLength: number | undefined
  /** Monotonic ms; and what it was when the transaction began. */
  readonly clock: { now(): number }
  readonly startedMs: number
  /** Present where the head says that this may be a stream. */
  readonly stream?: StreamRule | undefined
  /** Called for each chunk behind the preview (trickle). */
  readonly onProgress?: ((size: number) => void) | undefined
}

/**
 * Reads one body into an intake. A stream without a length that goes on and on is endless: it is held there until the policy
 * says whether the rest is dropped or passed on.
 */
export class BodyReader {
  readonly intake: Intake
  readonly #transaction: Transaction
  readonly #options: BodyReaderOptions
  #mode: 'taking' | 'held' | 'passing' | 'dropping' = 'taking'
  #release: (() => void) | undefined
  #refuse: ((error: Error) => void) | undefined
  #endless: (() => void) | undefined
  #rest: Promise<void> | undefined
  #arrived: Following[] = []
  #wanted: ((following: Following) => void) | undefined

  constructor(transaction: Transaction, options: BodyReaderOptions) {
    this.#transaction = transaction
    this.#options = options
    this.intake = new Intake(options.spool, options.limits)
  }

  /** Reads the preview, or the whole where there is no preview or it holds everything. */
  readFirst(): Promise<'whole' | 'preview' | 'endless'> {
    // RFC 3507 4.5: there is no answer before the preview's end, so nothing is to be gained within it.
    const isWatched = this.#transaction.preview === undefined
    return this.#untilEndless(this.#transaction.readBody(this.#sink), isWatched)
  }

  /** Asks for what follows the preview and reads it. */
  async readRest(): Promise<'whole' | 'endless'> {
    this.#transaction.continueBody()
    const state = await this.#untilEndless(this.#transaction.readBody(this.#sink), true)
    return state === 'endless' ? 'endless' : 'whole'
  }

  /**
   * The chunks that follow what was taken in before the stream was found endless; the sender waits for each to be taken. After
   * `maxMs` it throws StreamTooOld: a connection is nobody's for ever.
   */
  async *following(maxMs: number): AsyncGenerator<Buffer> {
    this.#mode = 'passing'
    this.#release?.()
    this.#rest?.then(
      () => this.#arrive({ chunk: undefined, error: undefined }),
      (error: unknown) => this.#arrive({ chunk: undefined, error }),
    )
    const tooOld = new StreamTooOld(`a stream went on for ${maxMs} ms`)
    const timer = setTimeout(() => this.#arrive({ chunk: undefined, error: tooOld }), Math.min(maxMs, MAX_TIMER_MS))
    try {
      for (;;) {
        const next = await this.#next()
        if (next.chunk === undefined) {
          if (next.error !== undefined) throw next.error
          return
        }
        yield next.chunk
        next.taken()
      }
    } finally {
      clearTimeout(timer)
      this.drop()
    }
  }

  /** The rest is not wanted: the read ends here, what the peer still sends is the server's to drop, up to its bound. */
  drop(): void {
    this.#mode = 'dropping'
    this.#refuse?.(new RestDropped())
  }

  readonly #sink = (chunk: Buffer): void | Promise<void> => {
    if (this.#mode === 'dropping') throw new RestDropped()
    if (this.#mode === 'passing') return this.#handOver(chunk)
    // What was taken in is being scanned: this chunk is not of it.
    if (this.#mode === 'held') return this.#hold().then(() => this.#handOver(chunk))
    const wait = this.intake.write(chunk)
    this.#options.onProgress?.(this.intake.size)
    return this.#isEndless() ? this.#hold() : wait
  }

  #isEndless(): boolean {
    const { limits, contentLength, startedMs, clock } = this.#options
    const { size } = this.intake
    if (contentLength !== undefined && size <= contentLength) return false
    return size > limits.endlessAfterBytes || clock.now() - startedMs > limits.endlessAfterMs
  }

  #hold(): Promise<void> {
    this.#mode = 'held'
    return new Promise((resolve, reject) => {
      this.#release = resolve
      this.#refuse = reject
      this.#endless?.()
    })
  }

  #untilEndless<T>(reading: Promise<T>, isWatched: boolean): Promise<T | 'endless'> {
    const stream = isWatched ? this.#options.stream : undefined
    const timer = stream === undefined ? undefined : setInterval(() => this.#judge(stream), stream.afterMs)
    const stop = () => clearInterval(timer)
    reading.then(stop, stop)
    return new Promise<T | 'endless'>((resolve, reject) => {
      this.#endless = () => {
        stop()
        this.#restIs(reading)
        resolve('endless')
      }
      // What stood in the buffer was fed before there was anyone to tell.
      if (this.#mode === 'held') this.#endless()
      reading.then(resolve, reject)
    })
  }

  /** By the clock, not by chunks: a stream may be silent. */
  #judge({ maxBytesPerS }: StreamRule): void {
    const seconds = (this.#options.clock.now() - this.#options.startedMs) / 1000
    if (this.#mode !== 'taking' || this.intake.size > maxBytesPerS * seconds) return
    this.#mode = 'held'
    this.#endless?.()
  }

  #restIs(reading: Promise<unknown>): void {
    this.#rest = reading.then(() => undefined)
    this.#rest.catch(() => undefined) // asked for again where the rest is passed on
  }

  #handOver(chunk: Buffer): Promise<void> {
    return new Promise((taken) => this.#arrive({ chunk, taken }))
  }

  #arrive(following: Following): void {
    const wanted = this.#wanted
    this.#wanted = undefined
    if (wanted !== undefined) wanted(following)
    else this.#arrived.push(following)
  }

  #next(): Promise<Following> {
    const first = this.#arrived.shift()
    if (first !== undefined) return Promise.resolve(first)
    return new Promise((resolve) => {
      this.#wanted = resolve
    })
  }
}
