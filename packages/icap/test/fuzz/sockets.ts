import { setTimeout as sleep } from 'node:timers/promises'
import { SQUID_POST_5000_REST } from '../conformance/fixtures.ts'
import { echo, echoWhileReading, type Handler } from '../conformance/handlers.ts'
import { ask, type Started, startServer } from '../conformance/harness.ts'
import { respmod } from '../conformance/messages.ts'
import { parseReply, RawPeer, turn } from '../conformance/raw-peer.ts'
import { CORPUS } from './corpus.ts'
import { Mutator } from './mutate.ts'
import type { Finding, Report } from './parsers.ts'

export interface SocketReport extends Report {
  /** How often each status was answered. */
  readonly statuses: Readonly<Record<string, number>>
  readonly closedWithoutAnswer: number
  /** The process's memory before and at its most, bytes. */
  readonly rssBefore: number
  readonly rssMost: number
}

const AT_ONCE = 16
const MOST_FINDINGS = 20
/** All deadlines of the server together are far below this: beyond it is a hang. */
const HANG_MS = 8_000
const GOOD_EVERY = 200
/** What a server with an honest handler may answer: a 500 would be a fault of its own. */
const STATUSES: ReadonlySet<number> = new Set([100, 200, 204, 206, 400, 404, 405, 408, 501, 505])
const SHORT = {
  headTimeoutMs: 120,
  idleTimeoutMs: 120,
  bodyIdleTimeoutMs: 120,
  writeTimeoutMs: 500,
  lingerTimeoutMs: 100,
}
const MAX_GROWTH_BYTES = 400e6

const handler: Handler = (transaction) =>
  transaction.service === 'echo' &&
  transaction.method === 'RESPMOD' &&
  transaction.preview === undefined &&
  transaction.responseHead
    ? echoWhileReading(transaction)
    : echo(transaction)

/**
 * Sends mutated bytes to a real server on loopback for that many milliseconds. After each input the server must have given whole,
 * defined answers and closed within its deadlines; good requests in between must be served; memory must stay bounded.
 */
export async function fuzzSockets(seed: number, forMs: number): Promise<SocketReport> {
  const server = await startServer({ handler, allow206: true, limits: SHORT })
  const run = new SocketRun(server, seed)
  try {
    const end = performance.now() + forMs
    await Promise.all(Array.from({ length: AT_ONCE }, () => run.loop(end)))
    await run.checkGood()
    return run.report()
  } finally {
    await server.close()
  }
}

class SocketRun {
  readonly #server: Started
  readonly #mutator: Mutator
  readonly #findings: Finding[] = []
  readonly #statuses: Record<string, number> = {}
  readonly #rssBefore = process.memoryUsage.rss()
  #rssMost = 0
  #inputs = 0
  #closedWithoutAnswer = 0

  constructor(server: Started, seed: number) {
    this.#server = server
    this.#mutator = new Mutator(seed, CORPUS)
  }

  report(): SocketReport {
    if (this.#rssMost - this.#rssBefore > MAX_GROWTH_BYTES)
      this.#findings.push({ what: `memory grew to ${this.#rssMost}`, pieces: [] })
    return {
      inputs: this.#inputs,
      findings: this.#findings,
      statuses: this.#statuses,
      closedWithoutAnswer: this.#closedWithoutAnswer,
      rssBefore: this.#rssBefore,
      rssMost: this.#rssMost,
    }
  }

  async loop(end: number): Promise<void> {
    while (performance.now() < end && this.#findings.length < MOST_FINDINGS) {
      const pieces = this.#mutator.pieces(this.#mutator.next())
      const ends = this.#mutator.below(2) === 0
      const what = await this.#try(pieces, ends).catch((error: unknown) => String(error))
      if (what !== undefined) this.#findings.push({ what, pieces })
      this.#rssMost = Math.max(this.#rssMost, process.memoryUsage.rss())
      if (++this.#inputs % GOOD_EVERY === 0) await this.checkGood()
    }
  }

  async checkGood(): Promise<void> {
    const reply = await ask(this.#server.port, respmod({ service: 'both', lines: ['Allow: 204'] })).catch(
      () => undefined,
    )
    if (reply?.status !== 204)
      this.#findings.push({ what: `a good request got ${reply?.head ?? 'no answer'}`, pieces: [] })
  }

  /** Undefined when all is well. */
  async #try(pieces: readonly string[], ends: boolean): Promise<string | undefined> {
    const peer = await RawPeer.connect(this.#server.port)
    try {
      for (const piece of pieces) {
        peer.send(piece)
        await turn()
      }
      await this.#continueIfAsked(peer)
      if (ends) peer.end()
      return this.#judge(await peer.closed(HANG_MS))
    } finally {
      peer.destroy()
    }
  }

  async #continueIfAsked(peer: RawPeer): Promise<void> {
    await sleep(this.#mutator.below(4))
    if (/^ICAP\/1\.0 100 /m.test(peer.unread)) peer.send(this.#mutator.pieces(SQUID_POST_5000_REST)[0] ?? '')
  }

  /** All that came must be whole answers; only a streamed one may be cut. */
  #judge(seen: string): string | undefined {
    if (seen === '') this.#closedWithoutAnswer++
    for (let left = seen; left !== ''; ) {
      const reply = parseReply(left)
      const status = reply?.status ?? Number(/^ICAP\/1\.0 (\d{3}) /.exec(left)?.[1])
      this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
      if (!STATUSES.has(status)) return `an answer that is not defined: ${JSON.stringify(left.slice(0, 200))}`
      if (reply === undefined)
        return status === 200 ? undefined : `half an answer: ${JSON.stringify(left.slice(0, 200))}`
      left = left.slice(reply.raw.length)
    }
    return undefined
  }
}
