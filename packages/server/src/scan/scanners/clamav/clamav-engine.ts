import type { Sample } from '../../../domain/sample.ts'
import { type Detection, Unscanned } from '../../../domain/verdict.ts'
import type { EngineHealth, ScanContext, Scanner } from '../../scanner.ts'
import { contentBytes } from './body-chunks.ts'
import { readAnswer } from './clamd-answer.ts'
import { ClamdEndpoint, type EndpointLimits } from './clamd-endpoint.ts'
import { ConnectionLost, NotClamd } from './clamd-errors.ts'
import type { ClamdFacts } from './clamd-facts.ts'
import { ClamdLane, type Lease } from './clamd-lane.ts'

export const CLAMAV = 'clamav'

export interface ClamavOptions {
  /** `unix:/path` or `tcp:host:port`, one or more; they share the work. */
  readonly endpoints: readonly string[]
  /** Connections to each clamd that small bodies share; 2. */
  readonly sharedConnections?: number
  /** Small bodies under way on one of them; 8. */
  readonly bodiesPerConnection?: number
  /** Connections to each clamd for bodies over 1 MiB, one body on each; 4. */
  readonly ownConnections?: number
  /** The largest body that is sent; 2 GiB - 1, which is all that libclamav looks at. */
  readonly maxBytes?: number
  /** The largest that is sent to a clamd without AlertExceedsMax: it says OK to what is over its MaxFileSize; 25 MiB, Debian's. */
  readonly maxBytesUntold?: number
  /** Between two looks at a clamd that is up; 30 s. */
  readonly checkMs?: number
  /** A clamd that does not answer VERSIONCOMMANDS for so long is silent; 5 s. */
  readonly answerMs?: number
  /** The longest time between two looks at one that is not up; 10 s. */
  readonly maxRetryMs?: number
  /** The version changed: whoever keys by it asks for it again. */
  onVersion?(version: string): void
}

export interface ClamavEngine extends Scanner {
  health(): EngineHealth
  /** Looks at every clamd at once, for example after a RELOAD. Never rejects. */
  refresh(): Promise<void>
  /** Ends all connections: scans under way are engine-down. */
  close(): Promise<void>
}

/** Larger bodies have a connection for themselves: clamd drops all questions of a session with one that is over StreamMaxLength. */
const SHARED_BYTES = 1_048_576
/** libclamav refuses to map 2 GiB, and without AlertExceedsMax says OK to it (Cisco-Talos/clamav issue 1274). */
const MAX_BYTES = 2 ** 31 - 1
const UNTOLD_BYTES = 25 * 1_048_576
/** A body that ends three connections is taken for what ends them. */
const MAX_TRIES = 3
/** After so long without an answer it is asked whether the clamd still lives. */
const STALL_MS = 2_000

/**
 * ClamAV by the socket of one or more clamd. Throws an Error where an address is none. `scan` throws Unscanned as `alert-table.ts` and
 * `clamd-answer.ts` say; 'timeout' at the latest when the signal is aborted. Only `stream: OK` is nothing found.
 */
export function createClamavEngine(options: ClamavOptions): ClamavEngine {
  if (options.endpoints.length === 0) throw new Error('no clamd is named')
  return new Engine(options)
}

class Engine implements ClamavEngine {
  readonly name = CLAMAV
  readonly #options: ClamavOptions
  readonly #endpoints: readonly ClamdEndpoint[]
  readonly #shared: ClamdLane
  readonly #own: ClamdLane
  #version = 'unknown'
  #isClosed = false

  constructor(options: ClamavOptions) {
    this.#options = options
    const limits: EndpointLimits = {
      sharedConnections: options.sharedConnections ?? 2,
      bodiesPerConnection: options.bodiesPerConnection ?? 8,
      ownConnections: options.ownConnections ?? 4,
      checkMs: options.checkMs ?? 30_000,
      answerMs: options.answerMs ?? 5_000,
      maxRetryMs: options.maxRetryMs ?? 10_000,
    }
    const events = { onRoom: () => this.#pump(), onLooked: () => this.#looked() }
    this.#endpoints = options.endpoints.map((address) => new ClamdEndpoint(address, limits, events))
    this.#shared = new ClamdLane('shared', this.#endpoints)
    this.#own = new ClamdLane('own', this.#endpoints)
    void this.refresh()
  }

  /**
   * The versions of all clamd, signatures and their date included, and whether they tell their limits; one that went away is still
   * in it. Signatures of one's own have no number: a change of nothing but them does not show.
   */
  get version(): string {
    return this.#version
  }

  health(): EngineHealth {
    const up = this.#endpoints.filter(({ state }) => state === 'up')
    const words = this.#endpoints.map(
      ({ name, state, fault, facts }) => `${name}: ${state === 'up' ? versionOf(facts) : `${state} ${fault}`.trim()}`,
    )
    return {
      state: up.length > 0 ? 'up' : 'down',
      detail: `${up.length} of ${words.length} clamd up; ${words.join('; ')}`,
    }
  }

  async refresh(): Promise<void> {
    await Promise.all(this.#endpoints.map((endpoint) => endpoint.checkNow()))
  }

  async scan(sample: Sample, signal: AbortSignal, context: Pick<ScanContext, 'client'>): Promise<readonly Detection[]> {
    const bytes = contentBytes(sample.content)
    if (bytes > (this.#options.maxBytes ?? MAX_BYTES))
      throw new Unscanned('too-large', 'more bytes than clamd looks at')
    await this.#lookWhereAllAreDown(signal)
    const wish = { bytes, client: context.client, signal }
    let lost = 'closed'
    for (let tries = 0; tries < MAX_TRIES && !this.#isClosed; tries++) {
      // A second try has a connection for itself: it may be what ended the first.
      const lane = bytes > SHARED_BYTES || tries > 0 ? this.#own : this.#shared
      const answer = await lane.withConnection(wish, (lease) => this.#ask(lease, sample, signal))
      if (typeof answer !== 'string') return answer
      lost = answer
    }
    throw new Unscanned('engine-down', `clamd: ${lost}`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const endpoint of this.#endpoints) endpoint.close()
    for (const lane of [this.#shared, this.#own]) lane.failAll('the engine is closed')
  }

  /** clamd may have come back since it was looked at last: a body is not refused before that was tried. */
  async #lookWhereAllAreDown(signal: AbortSignal): Promise<void> {
    if (this.#isClosed) throw new Unscanned('engine-down', 'the engine is closed')
    if (this.#endpoints.some(({ state }) => state !== 'down') || signal.aborted) return
    const looks = this.#endpoints.map(async (endpoint) => {
      await endpoint.check()
      if (endpoint.state === 'down') throw new Error(endpoint.fault)
    })
    // Where all are down the lane says so; where one is back, the others are not waited for.
    await before(
      signal,
      Promise.any(looks).catch(() => {}),
    )
  }

  /** What it found, or why the connection was lost. */
  async #ask(
    { endpoint, session }: Lease,
    sample: Sample,
    signal: AbortSignal,
  ): Promise<readonly Detection[] | string> {
    const bytes = contentBytes(sample.content)
    if (endpoint.facts?.tellsLimits === false && bytes > (this.#options.maxBytesUntold ?? UNTOLD_BYTES))
      throw new Unscanned('too-large', 'clamd does not tell what it skips (AlertExceedsMax is off)')
    const stalled = setTimeout(() => void endpoint.check(), STALL_MS).unref()
    try {
      return this.#detections(endpoint, await session.ask(sample.content, signal), bytes)
    } catch (error) {
      if (error instanceof NotClamd) void endpoint.check()
      if (!(error instanceof ConnectionLost))
        throw error instanceof NotClamd ? new Unscanned('engine-down', error.message) : error
      return await before(signal, this.#lost(endpoint, error, bytes))
    } finally {
      clearTimeout(stalled)
    }
  }

  async #lost(endpoint: ClamdEndpoint, error: ConnectionLost, bytes: number): Promise<string> {
    if (this.#isClosed) return error.message
    await endpoint.checkNow()
    if (endpoint.state === 'up' && (await endpoint.refuses(bytes)))
      throw new Unscanned('too-large', 'over the StreamMaxLength of clamd')
    return `${endpoint.name}: ${error.message}`
  }

  #detections(endpoint: ClamdEndpoint, text: string, bytes: number): readonly Detection[] {
    const answer = readAnswer(text)
    if (answer.kind === 'clean') return []
    if (answer.kind === 'unscanned') {
      if (text.startsWith('INSTREAM size limit')) endpoint.noteRefusal(bytes)
      throw new Unscanned(answer.reason, answer.detail)
    }
    const { name, risk } = answer
    return [
      {
        engine: CLAMAV,
        name,
        risk,
        about: 'file',
        evidence: `${endpoint.facts?.version ?? 'clamd'} at ${endpoint.name}`,
      },
    ]
  }

  #looked(): void {
    this.#leaveSilent()
    const said = this.#endpoints.map(({ facts }) => versionOf(facts))
    const version = [...new Set(said)].sort().join(' | ')
    if (version !== this.#version) {
      this.#version = version
      this.#options.onVersion?.(version)
    }
    this.#pump()
  }

  #pump(): void {
    this.#shared.pump()
    this.#own.pump()
  }

  /** Where another clamd answers, nobody waits for one that does not. */
  #leaveSilent(): void {
    if (!this.#endpoints.some(({ state }) => state === 'up')) return
    for (const endpoint of this.#endpoints) if (endpoint.state === 'silent') endpoint.dropConnections()
  }
}

function versionOf(facts: ClamdFacts | undefined): string {
  if (facts === undefined) return 'unknown'
  return facts.tellsLimits ? facts.version : `${facts.version} (AlertExceedsMax is off)`
}

/** Rejects with Unscanned('timeout') as soon as the signal is aborted. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Unscanned('timeout', 'clamd did not come back before the deadline'))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
