import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Connection, type ConnectionContext } from './connection.ts'
import { Sweeper } from './deadlines.ts'
import { IcapError, type IcapErrorCode } from './errors.ts'
import { DEFAULT_STRICTNESS, type IcapLimits, type IcapStrictness, resolveLimits } from './limits.ts'
import { ReplyHeads } from './reply-heads.ts'
import type { IcapService, OptionsAnswer } from './service.ts'
import type { Peer, Transaction } from './transaction.ts'

export type Admission = 'ok' | 'forbidden' | 'overloaded'

export interface IcapFault {
  readonly code: IcapErrorCode
  readonly peer: Peer
  readonly detail?: string
}

export interface IcapServerOptions {
  /** `Server:` of every reply: product/version. */
  readonly serverHeader: string
  readonly limits?: Partial<IcapLimits>
  readonly strictness?: Partial<IcapStrictness>
  /** Exact look-up of a path without slashes at its ends and without its query; '' is the root. */
  findService(path: string): IcapService | undefined
  /** Asked for every reply: at most 32 ASCII characters, with or without quotes (RFC 3507 4.7). */
  isTag(service: IcapService): string
  optionsFor(service: IcapService, peer: Peer): OptionsAnswer | Promise<OptionsAnswer>
  /** Asked before a byte is read. `forbidden`: 403; `overloaded`: 503; both end the connection. A throw counts as overloaded. */
  admit(peer: Peer): Admission | Promise<Admission>
  /** A throw, or a return without a reply, is answered with 500; other connections live. */
  handle(transaction: Transaction): void | Promise<void>
  /** Each fault once, for logs and counters. Must not throw. */
  onFault?(fault: IcapFault): void
  /** Exactly once for each connection that `admit` called ok. Must not throw. */
  onConnectionEnd?(peer: Peer): void
}

export interface IcapServer {
  /**
   * Takes over a connected socket (TLS: after `secureConnection`). The caller owns the listeners. Sets `noDelay`, and `allowHalfOpen`
   * so that a peer which ends its side behind its request still gets its answer; give the listener `allowHalfOpen: true` all the same,
   * for a FIN that comes before the socket is handed over.
   */
  handleSocket(socket: Socket | TLSSocket): void
  /** Admitted connections that live. */
  readonly connections: number
  readonly isDraining: boolean
  /** Closes idle connections, lets running transactions end with `Connection: close`, destroys what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>
}

/** An ICAP server (RFC 3507) on sockets that the caller accepts. Throws RangeError for limits or a Server header that cannot be. */
export function createIcapServer(options: IcapServerOptions): IcapServer {
  return new Server(options)
}

/** All connections of one server, admitted or being refused, and what they share. */
class Server implements IcapServer, ConnectionContext {
  readonly limits: IcapLimits
  readonly strictness: IcapStrictness
  readonly heads: ReplyHeads
  readonly #options: IcapServerOptions
  readonly #sweeper: Sweeper
  readonly #all = new Set<Connection>()
  readonly #admitted = new Set<Connection>()
  #isDraining = false
  #emptied: (() => void)[] = []

  constructor(options: IcapServerOptions) {
    this.#options = options
    this.limits = resolveLimits(options.limits)
    this.strictness = { ...DEFAULT_STRICTNESS, ...options.strictness }
    this.heads = new ReplyHeads(options.serverHeader, (service) => options.isTag(service))
    this.#sweeper = new Sweeper(this.limits, (nowMs) => this.#sweep(nowMs))
  }

  get connections(): number {
    return this.#admitted.size
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  handleSocket(socket: Socket | TLSSocket): void {
    socket.setNoDelay(true)
    socket.allowHalfOpen = true
    const connection = new Connection(socket, peerOf(socket), this)
    this.#all.add(connection)
    this.#sweeper.start()
    try {
      const admission = this.#options.admit(connection.peer)
      if (typeof admission === 'string') this.#settle(connection, admission)
      else void this.#settleLater(connection, admission)
    } catch (error) {
      this.#refuseFaulty(connection, error)
    }
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true
    for (const connection of this.#all) connection.drain()
    if (this.#all.size === 0) return
    const timer = setTimeout(() => {
      for (const connection of this.#all) connection.destroy()
    }, timeoutMs)
    await new Promise<void>((resolve) => this.#emptied.push(resolve))
    clearTimeout(timer)
  }

  findService(path: string): IcapService | undefined {
    return this.#options.findService(path)
  }

  optionsFor(service: IcapService, peer: Peer): OptionsAnswer | Promise<OptionsAnswer> {
    return this.#options.optionsFor(service, peer)
  }

  handle(transaction: Transaction): void | Promise<void> {
    return this.#options.handle(transaction)
  }

  onFault({ code, detail }: IcapError, peer: Peer): void {
    this.#options.onFault?.(detail === undefined ? { code, peer } : { code, peer, detail })
  }

  onClosed(connection: Connection): void {
    this.#all.delete(connection)
    if (this.#admitted.delete(connection)) this.#options.onConnectionEnd?.(connection.peer)
    if (this.#all.size > 0) return
    this.#sweeper.stop()
    const waiters = this.#emptied
    this.#emptied = []
    for (const wake of waiters) wake()
  }

  #sweep(nowMs: number): void {
    for (const connection of this.#all) {
      const expiry = connection.watch.check(connection, nowMs, this.limits)
      if (expiry !== undefined) connection.expire(expiry)
    }
  }

  async #settleLater(connection: Connection, asked: Promise<Admission>): Promise<void> {
    try {
      this.#settle(connection, await asked)
    } catch (error) {
      this.#refuseFaulty(connection, error)
    }
  }

  #settle(connection: Connection, admission: Admission): void {
    if (connection.socket.destroyed) {
      // The peer went while `admit` was thinking: it was counted, so it is given back.
      if (admission === 'ok') this.#options.onConnectionEnd?.(connection.peer)
      return
    }
    if (admission === 'ok') this.#admitted.add(connection)
    connection.start()
    if (this.#isDraining) connection.refuse('ICAP_DRAINING')
    else if (admission !== 'ok') connection.refuse(admission === 'forbidden' ? 'ICAP_FORBIDDEN' : 'ICAP_OVERLOADED')
  }

  #refuseFaulty(connection: Connection, error: unknown): void {
    this.onFault(new IcapError('ICAP_HANDLER_FAILED', { detail: 'admit failed', cause: error }), connection.peer)
    this.#settle(connection, 'overloaded')
  }
}

/** IPv4-mapped addresses are given as IPv4, so that one list of clients matches on every listener. */
function peerOf(socket: Socket | TLSSocket): Peer {
  const address = socket.remoteAddress ?? ''
  return {
    address: address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address,
    port: socket.remotePort ?? 0,
    localPort: socket.localPort ?? 0,
    tls: socket instanceof TLSSocket,
  }
}
