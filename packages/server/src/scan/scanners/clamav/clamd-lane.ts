import { Unscanned } from '../../../domain/verdict.ts'
import type { ClamdEndpoint, LaneKind } from './clamd-endpoint.ts'
import type { ClamdSession } from './clamd-session.ts'
import { FairQueue } from './fair-queue.ts'

export interface Lease {
  readonly endpoint: ClamdEndpoint
  readonly session: ClamdSession
}

/** What a body needs of a connection. */
export interface LaneWish {
  readonly bytes: number
  readonly client: string
  readonly signal: AbortSignal
}

interface Waiting {
  readonly wish: LaneWish
  /** Hands the connection over: whoever gets it must ask at once, in the same turn of the loop. */
  serve(lease: Lease): void
  fail(error: Error): void
}

/** Bodies that may wait for a connection: each holds its memory or its file. */
const MAX_WAITING = 10_000

/** Gives connections of one kind to whoever waits, from the endpoint with the least to do. */
export class ClamdLane {
  readonly #kind: LaneKind
  readonly #endpoints: readonly ClamdEndpoint[]
  readonly #queue = new FairQueue<Waiting>()

  constructor(kind: LaneKind, endpoints: readonly ClamdEndpoint[]) {
    this.#kind = kind
    this.#endpoints = endpoints
  }

  /**
   * Runs `use` with a connection as soon as there is one. Rejects with Unscanned: 'timeout' when the signal is aborted first, 'too-large'
   * where every clamd has refused such a size, 'engine-down' where none is there.
   */
  withConnection<T>(wish: LaneWish, use: (lease: Lease) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = () => {
        wish.signal.removeEventListener('abort', onAbort)
        this.#queue.remove(wish.client, waiting)
      }
      const fail = (error: Error) => {
        end()
        reject(error)
      }
      const onAbort = () => fail(new Unscanned('timeout', 'no connection to clamd was free before the deadline'))
      const serve = (lease: Lease) => {
        end()
        use(lease).then(resolve, reject)
      }
      const waiting: Waiting = { wish, serve, fail }
      if (wish.signal.aborted) return onAbort()
      if (this.#queue.size >= MAX_WAITING) return fail(new Unscanned('engine-down', 'too many bodies wait for clamd'))
      wish.signal.addEventListener('abort', onAbort, { once: true })
      this.#queue.push(wish.client, waiting)
      this.pump()
    })
  }

  /** Serves those that can be served now. Called whenever an endpoint changes. */
  pump(): void {
    while (this.#queue.size > 0) {
      const usable = this.#usable()
      const free = usable.map((endpoint) => ({ endpoint, session: endpoint.take(this.#kind) })).find(isLease)
      if (usable.length > 0 && free === undefined) return
      if (usable.length === 0 && this.#isUndecided()) return
      const next = this.#queue.shift()
      if (next === undefined) return
      if (free === undefined) next.fail(new Unscanned('engine-down', this.#fault()))
      else this.#serve(next, free)
    }
  }

  failAll(detail: string): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift())
      next.fail(new Unscanned('engine-down', detail))
  }

  #serve(next: Waiting, free: Lease): void {
    const { bytes } = next.wish
    const lease = free.endpoint.hasRefused(bytes) ? this.#leaseElsewhere(bytes) : free
    if (lease === undefined) next.fail(new Unscanned('too-large', 'over the StreamMaxLength of clamd'))
    else next.serve(lease)
  }

  /** Another clamd may take what one does not. */
  #leaseElsewhere(bytes: number): Lease | undefined {
    for (const endpoint of this.#usable()) {
      const session = endpoint.hasRefused(bytes) ? undefined : endpoint.take(this.#kind)
      if (session !== undefined) return { endpoint, session }
    }
    return undefined
  }

  /** Those that answer, the least busy first; where none does, those that may only be loading signatures. */
  #usable(): readonly ClamdEndpoint[] {
    const up = this.#endpoints.filter(({ state }) => state === 'up')
    const some = up.length > 0 ? up : this.#endpoints.filter(({ state }) => state === 'silent')
    return some.length < 2 ? some : [...some].sort((a, b) => a.load - b.load)
  }

  #isUndecided(): boolean {
    return this.#endpoints.some(({ state }) => state === 'unknown')
  }

  #fault(): string {
    return `no clamd is there: ${this.#endpoints.map(({ name, fault }) => `${name}: ${fault}`).join('; ')}`
  }
}

function isLease(lease: {
  readonly endpoint: ClamdEndpoint
  readonly session: ClamdSession | undefined
}): lease is Lease {
  return lease.session !== undefined
}
