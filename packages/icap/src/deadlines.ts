import type { IcapLimits } from './limits.ts'

/** What a connection waits for from its peer; `nothing`: it is our turn. */
export type Waiting = 'request' | 'heads' | 'body' | 'hang-up' | 'nothing'

/** The deadline that fell. */
export type Expiry = 'idle' | 'head' | 'body' | 'write' | 'linger'

/** What a sweep looks at. */
export interface Watched {
  readonly waiting: Waiting
  /** Requests begun: a new one starts new deadlines. */
  readonly requestsSeen: number
  readonly bytesIn: number
  /** Reply bytes the peer has not taken. */
  readonly bytesQueued: number
  /** All reply bytes, those queued among them. */
  readonly bytesOut: number
}

/**
 * The deadlines of one connection. It compares what it saw at the last sweep with what it sees now, so that requests
 * cost nothing: no timer, no clock read. Each deadline is late by at most one sweep.
 */
export class Watch {
  #waiting: Waiting = 'nothing'
  #requestsSeen = -1
  #sinceMs = 0
  #bytesIn = 0
  #windowMs = 0
  #windowBytes = 0
  #writeSinceMs = -1
  #queued = 0
  #bytesOut = 0
  #takingSinceMs = -1
  #takenBefore = 0

  /** The deadline that has fallen by `nowMs`, if any. */
  check(seen: Watched, nowMs: number, limits: IcapLimits): Expiry | undefined {
    if (this.#isWriteStuck(seen, nowMs, limits) || this.#isWriteSlow(seen, nowMs, limits)) return 'write'
    if (seen.waiting !== this.#waiting || seen.requestsSeen !== this.#requestsSeen) {
      this.#begin(seen, nowMs)
      return undefined
    }
    switch (seen.waiting) {
      case 'request':
        return nowMs - this.#sinceMs >= limits.idleTimeoutMs ? 'idle' : undefined
      case 'heads':
        return nowMs - this.#sinceMs >= limits.headTimeoutMs ? 'head' : undefined
      case 'body':
        return this.#isBodyLate(seen, nowMs, limits) ? 'body' : undefined
      case 'hang-up':
        return nowMs - this.#sinceMs >= limits.lingerTimeoutMs ? 'linger' : undefined
      case 'nothing':
        return undefined
    }
  }

  #begin(seen: Watched, nowMs: number): void {
    this.#waiting = seen.waiting
    this.#requestsSeen = seen.requestsSeen
    this.#sinceMs = nowMs
    this.#bytesIn = seen.bytesIn
    this.#windowMs = nowMs
    this.#windowBytes = seen.bytesIn
  }

  /** A body may take hours; it may not stand still, nor trickle to keep a place occupied. */
  #isBodyLate(seen: Watched, nowMs: number, limits: IcapLimits): boolean {
    if (seen.bytesIn !== this.#bytesIn) {
      this.#bytesIn = seen.bytesIn
      this.#sinceMs = nowMs
    }
    if (nowMs - this.#sinceMs >= limits.bodyIdleTimeoutMs) return true
    const windowMs = nowMs - this.#windowMs
    if (windowMs < limits.bodyRateWindowMs) return false
    const isSlow = (seen.bytesIn - this.#windowBytes) * 1000 < limits.minBodyBytesPerS * windowMs
    this.#windowMs = nowMs
    this.#windowBytes = seen.bytesIn
    return isSlow
  }

  #isWriteStuck(seen: Watched, nowMs: number, limits: IcapLimits): boolean {
    const hasMoved = seen.bytesQueued !== this.#queued || seen.bytesOut !== this.#bytesOut
    this.#queued = seen.bytesQueued
    this.#bytesOut = seen.bytesOut
    if (seen.bytesQueued === 0) this.#writeSinceMs = -1
    else if (hasMoved || this.#writeSinceMs === -1) this.#writeSinceMs = nowMs
    return this.#writeSinceMs !== -1 && nowMs - this.#writeSinceMs >= limits.writeTimeoutMs
  }

  /** A peer that takes a byte a minute moves, and would hold its place for ever. Only time in which bytes wait for it counts. */
  #isWriteSlow({ bytesQueued, bytesOut }: Watched, nowMs: number, limits: IcapLimits): boolean {
    const taken = bytesOut - bytesQueued
    if (bytesQueued === 0) this.#takingSinceMs = -1
    const windowMs = this.#takingSinceMs === -1 ? 0 : nowMs - this.#takingSinceMs
    if (bytesQueued === 0 || (this.#takingSinceMs !== -1 && windowMs < limits.replyRateWindowMs)) return false
    const isSlow = windowMs > 0 && (taken - this.#takenBefore) * 1000 < limits.minReplyBytesPerS * windowMs
    this.#takingSinceMs = nowMs
    this.#takenBefore = taken
    return isSlow
  }
}

/** One timer for all connections of a server; runs only while there are any. */
export class Sweeper {
  readonly #everyMs: number
  readonly #sweep: (nowMs: number) => void
  #timer: NodeJS.Timeout | undefined
  #lastMs = 0
  #nowMs = 0

  constructor(limits: IcapLimits, sweep: (nowMs: number) => void) {
    const shortest = Math.min(
      limits.headTimeoutMs,
      limits.idleTimeoutMs,
      limits.bodyIdleTimeoutMs,
      limits.bodyRateWindowMs,
      limits.writeTimeoutMs,
      limits.replyRateWindowMs,
      limits.lingerTimeoutMs,
    )
    this.#everyMs = Math.min(1_000, Math.max(10, Math.floor(shortest / 4)))
    this.#sweep = sweep
  }

  start(): void {
    if (this.#timer !== undefined) return
    this.#lastMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), this.#everyMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Counts a stall of our own event loop as one turn: bytes that came meanwhile have not been read yet, the peer is not late. */
  #tick(): void {
    const now = performance.now()
    this.#nowMs += Math.min(now - this.#lastMs, 2 * this.#everyMs)
    this.#lastMs = now
    this.#sweep(this.#nowMs)
  }
}
