import { ClamdSilent } from './ask-once.ts'
import { type ClamdAddress, clamdAddress } from './clamd-address.ts'
import { askFacts, askVersion, type ClamdFacts, refusesLength } from './clamd-facts.ts'
import { ClamdSession } from './clamd-session.ts'

/**
 * `unknown`: not asked yet. `silent`: it takes connections but does not answer; a clamd that loads its signatures without
 * ConcurrentDatabaseReload looks the same as a frozen one.
 */
export type EndpointState = 'unknown' | 'up' | 'silent' | 'down'

export interface EndpointLimits {
  /** Connections that small bodies share. */
  readonly sharedConnections: number
  /** Small bodies under way on one connection. */
  readonly bodiesPerConnection: number
  /** Connections for large bodies, one body on each at a time. */
  readonly ownConnections: number
  readonly checkMs: number
  readonly answerMs: number
  readonly maxRetryMs: number
}

export interface EndpointEvents {
  /** A connection can take more, or is gone. */
  onRoom(): void
  /** It was looked at: its state or what it says may be another. */
  onLooked(): void
}

export type LaneKind = 'shared' | 'own'

const FIRST_RETRY_MS = 250
/** The least time between two looks that scans ask for. */
const RECHECK_MS = 500
/** How long a clamd that would take the length is given to refuse it. */
const REFUSE_MS = 500
/** StreamMaxLength changes only with a restart, which may come unseen. */
const REFUSAL_KEPT_MS = 60_000

/** One clamd: what is known of it, its connections, and when it is looked at again. */
export class ClamdEndpoint {
  readonly #address: ClamdAddress
  readonly #limits: EndpointLimits
  readonly #events: EndpointEvents
  readonly #sessions: Record<LaneKind, Set<ClamdSession>> = { shared: new Set(), own: new Set() }
  #state: EndpointState = 'unknown'
  #facts: ClamdFacts | undefined
  #fault = ''
  #failures = 0
  #checking: Promise<void> | undefined
  #checkedMs = 0
  #timer: NodeJS.Timeout | undefined
  #refused: { readonly bytes: number; readonly atMs: number } | undefined
  #isClosed = false

  /** Throws where the address is none. */
  constructor(address: string, limits: EndpointLimits, events: EndpointEvents) {
    this.#address = clamdAddress(address)
    this.#limits = limits
    this.#events = events
  }

  get name(): string {
    return this.#address.name
  }

  get state(): EndpointState {
    return this.#state
  }

  /** What it said last, also where it is down by now. */
  get facts(): ClamdFacts | undefined {
    return this.#facts
  }

  /** Why it is not up. */
  get fault(): string {
    return this.#fault
  }

  get load(): number {
    let load = 0
    for (const kind of ['shared', 'own'] as const) for (const session of this.#sessions[kind]) load += session.load
    return load
  }

  /** A connection with room, a new one where there may be more; undefined where all are full. */
  take(kind: LaneKind): ClamdSession | undefined {
    const { sharedConnections, ownConnections, bodiesPerConnection } = this.#limits
    const [connections, bodies] = kind === 'own' ? [ownConnections, 1] : [sharedConnections, bodiesPerConnection]
    const sessions = this.#sessions[kind]
    let best: ClamdSession | undefined
    for (const session of sessions) if (session.load < (best?.load ?? bodies)) best = session
    if (best !== undefined && (best.load === 0 || sessions.size >= connections)) return best
    return sessions.size < connections ? this.#connect(sessions) : best
  }

  /** Looks at it, unless that is under way or was just done. Never rejects. */
  check(): Promise<void> {
    if (this.#isClosed || Date.now() - this.#checkedMs < RECHECK_MS) return this.#checking ?? Promise.resolve()
    return this.checkNow()
  }

  /** The same, however short ago the last look was. */
  checkNow(): Promise<void> {
    this.#checking ??= this.#look().finally(() => {
      this.#checking = undefined
      this.#checkedMs = Date.now()
      this.#planNext()
      this.#events.onLooked()
    })
    return this.#checking
  }

  /** True where it has just refused a body of no more bytes. */
  hasRefused(bytes: number): boolean {
    return (
      this.#refused !== undefined && bytes >= this.#refused.bytes && Date.now() - this.#refused.atMs < REFUSAL_KEPT_MS
    )
  }

  noteRefusal(bytes: number): void {
    this.#refused = { bytes, atMs: Date.now() }
  }

  /** Whether the connection may have ended because the body is over StreamMaxLength: the answer is lost where the write failed first. */
  async refuses(bytes: number): Promise<boolean> {
    if (!(await refusesLength(this.#address, { bytes, timeoutMs: REFUSE_MS }))) return false
    this.noteRefusal(bytes)
    return true
  }

  /** Whoever is under way on it may go elsewhere. */
  dropConnections(): void {
    for (const kind of ['shared', 'own'] as const) for (const session of this.#sessions[kind]) session.destroy()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.dropConnections()
  }

  #connect(sessions: Set<ClamdSession>): ClamdSession {
    const session: ClamdSession = new ClamdSession(this.#address, () => {
      if (!session.isOpen) sessions.delete(session)
      this.#events.onRoom()
    })
    sessions.add(session)
    return session
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      const version = await askVersion(this.#address, this.#limits.answerMs)
      // AlertExceedsMax may change with a restart: after one, and with new signatures, it is asked again.
      const isKnown = this.#state === 'up' && this.#facts?.version === version
      if (!isKnown) this.#facts = await askFacts(this.#address, this.#limits.answerMs)
      this.#become('up', '')
    } catch (error) {
      this.#become(
        error instanceof ClamdSilent ? 'silent' : 'down',
        error instanceof Error ? error.message : String(error),
      )
    }
  }

  #become(state: EndpointState, fault: string): void {
    this.#state = state
    this.#fault = fault
    this.#failures = state === 'up' ? 0 : this.#failures + 1
  }

  #planNext(): void {
    if (this.#isClosed) return
    const { checkMs, maxRetryMs } = this.#limits
    const retryMs = Math.min(maxRetryMs, FIRST_RETRY_MS * 2 ** Math.min(16, this.#failures - 1))
    const ms = this.#state === 'up' ? checkMs : retryMs
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.checkNow(), ms).unref()
  }
}
