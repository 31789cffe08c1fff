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

/** An ICAP server (RFC 3507) on sockets that the caller accepts. */
export function createIcapServer(options: IcapServerOptions): IcapServer {
  const limits = resolveLimits(options.limits)
  const all = new Set<Connection>()
  const admitted = new Set<Connection>()
  let isDraining = false
  let emptied: (() => void)[] = []

  const sweeper = new Sweeper(limits, (nowMs) => {
    for (const connection of all) {
      const expiry = connection.watch.check(connection, nowMs, limits)
      if (expiry !== undefined) connection.expire(expiry)
    }
  })

  const context: ConnectionContext = {
    limits,
    strictness: { ...DEFAULT_STRICTNESS, ...options.strictness },
    heads: new ReplyHeads(options.serverHeader, (service) => options.isTag(service)),
    get isDraining() {
      return isDraining
    },
    findService: (path) => options.findService(path),
    optionsFor: (service, peer) => options.optionsFor(service, peer),
    handle: (transaction) => options.handle(transaction),
    onFault: ({ code, detail }, peer) =>
      options.onFault?.(detail === undefined ? { code, peer } : { code, peer, detail }),
    onClosed(connection) {
      all.delete(connection)
      if (admitted.delete(connection)) options.onConnectionEnd?.(connection.peer)
      if (all.size > 0) return
      sweeper.stop()
      const waiters = emptied
      emptied = []
      for (const wake of waiters) wake()
    },
  }

  async function admitLater(connection: Connection, asked: Promise<Admission>): Promise<void> {
    try {
      settle(connection, await asked)
    } catch (error) {
      refuseFaulty(connection, error)
    }
  }

  function settle(connection: Connection, admission: Admission): void {
    // The peer may have gone while `admit` was thinking: it was counted, so it is given back.
    if (connection.socket.destroyed) {
      if (admission === 'ok') options.onConnectionEnd?.(connection.peer)
      return
    }
    if (admission === 'ok') admitted.add(connection)
    connection.start()
    if (isDraining) connection.refuse('ICAP_DRAINING')
    else if (admission !== 'ok') connection.refuse(admission === 'forbidden' ? 'ICAP_FORBIDDEN' : 'ICAP_OVERLOADED')
  }

  function refuseFaulty(connection: Connection, error: unknown): void {
    context.onFault(new IcapError('ICAP_HANDLER_FAILED', { detail: 'admit failed', cause: error }), connection.peer)
    settle(connection, 'overloaded')
  }

  return {
    handleSocket(socket) {
      socket.setNoDelay(true)
      socket.allowHalfOpen = true
      const connection = new Connection(socket, peerOf(socket), context)
      all.add(connection)
      sweeper.start()
      try {
        const admission = options.admit(connection.peer)
        if (typeof admission === 'string') settle(connection, admission)
        else void admitLater(connection, admission)
      } catch (error) {
        refuseFaulty(connection, error)
      }
    },
    get connections() {
      return admitted.size
    },
    get isDraining() {
      return isDraining
    },
    async drain(timeoutMs) {
      isDraining = true
      for (const connection of all) connection.drain()
      if (all.size === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          for (const connection of all) connection.destroy()
        }, timeoutMs)
        emptied.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    },
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
