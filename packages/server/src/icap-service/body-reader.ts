import type { Transaction } from '@assay/icap'
import type { IntakeLimits } from './handler-deps.ts'
import { Intake } from './intake.ts'
import type { Spool } from './spool.ts'

/** Ends the read of a body whose rest nobody wants. */
class RestDropped extends Error {
  override readonly name = 'RestDropped'
}

/** A chunk whose sender waits until somebody takes it. */
interface Waiting {
  readonly chunk: Buffer
  readonly taken: () => void
}

export interface BodyReaderOptions {
  readonly spool: Spool
  readonly limits: IntakeLimits
  /** As the HTTP head says; undefined: the stream may have no end. */
  readonly contentLength: number | undefined
  /** Monotonic ms; and what it was when the transaction began. */
  readonly clock: { now(): number }
  readonly startedMs: number
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
  #waiting: Waiting | undefined
  #wanted: ((waiting: Waiting) => void) | undefined

  constructor(transaction: Transaction, options: BodyReaderOptions) {
    this.#transaction = transaction
    this.#options = options
    this.intake = new Intake(options.spool, options.limits)
  }

  /** Reads the preview, or the whole where there is no preview or it holds everything. */
  readFirst(): Promise<'whole' | 'preview' | 'endless'> {
    return this.#untilEndless(this.#transaction.readBody(this.#sink))
  }

  /** Asks for what follows the preview and reads it. */
  async readRest(): Promise<'whole' | 'endless'> {
    this.#transaction.continueBody()
    const state = await this.#untilEndless(this.#transaction.readBody(this.#sink))
    return state === 'endless' ? 'endless' : 'whole'
  }

  /** The chunks that follow what was taken in before the stream was found endless; the sender waits for each to be taken. */
  async *following(): AsyncGenerator<Buffer> {
    this.#mode = 'passing'
    this.#release?.()
    const over = this.#rest?.then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    for (;;) {
      const next = await Promise.race([this.#nextWaiting(), over])
      if (next === undefined) return
      if ('error' in next) throw next.error
      yield next.chunk
      next.taken()
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

  #untilEndless<T>(reading: Promise<T>): Promise<T | 'endless'> {
    return new Promise<T | 'endless'>((resolve, reject) => {
      this.#endless = () => {
        this.#restIs(reading)
        resolve('endless')
      }
      // What stood in the buffer was fed before there was anyone to tell.
      if (this.#mode === 'held') this.#endless()
      reading.then(resolve, reject)
    })
  }

  #restIs(reading: Promise<unknown>): void {
    this.#rest = reading.then(() => undefined)
    this.#rest.catch(() => undefined) // asked for again where the rest is passed on
  }

  #handOver(chunk: Buffer): Promise<void> {
    return new Promise((taken) => {
      const waiting = { chunk, taken }
      if (this.#wanted !== undefined) this.#wanted(waiting)
      else this.#waiting = waiting
      this.#wanted = undefined
    })
  }

  #nextWaiting(): Promise<Waiting> {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) return Promise.resolve(waiting)
    return new Promise((resolve) => {
      this.#wanted = resolve
    })
  }
}
