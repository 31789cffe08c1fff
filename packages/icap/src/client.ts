import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ClientConnection } from './client-connection.ts'
import { IcapClientError } from './client-errors.ts'
import { Exchange, type IcapClientReply, type ReplyLimits } from './client-exchange.ts'
import {
  type Authority,
  type IcapClientHeaders,
  type IcapClientRequest,
  optionsBytes,
  requestBytes,
} from './client-request.ts'

export { IcapClientError, type IcapClientErrorCode } from './client-errors.ts'
export type { IcapClientReply } from './client-exchange.ts'
export type { IcapClientHeaders, IcapClientRequest } from './client-request.ts'

/** How TLS is spoken (ICAPS: TLS from the first byte, protocol inside unchanged). */
export interface IcapClientTls {
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | Buffer
  /** Default true. */
  readonly rejectUnauthorized?: boolean
  /** Default: the host, unless it is an address. */
  readonly servername?: string
}

export interface IcapClientTimeouts {
  /** Until the connection (and TLS) stands. Default 10 s. */
  readonly connectMs: number
  /** While an exchange waits: without a byte in either direction. Default 60 s. */
  readonly idleMs: number
  /** A whole exchange, its body's reading included. Default 15 min. */
  readonly totalMs: number
}

export interface IcapClientLimits extends ReplyLimits {
  /** Open connections kept between exchanges. Default 4. */
  readonly maxIdleConnections: number
}

export interface IcapClientOptions {
  readonly host: string
  readonly port: number
  readonly tls?: IcapClientTls
  readonly timeouts?: Partial<IcapClientTimeouts>
  readonly limits?: Partial<IcapClientLimits>
}

/** Each exchange has a connection of its own until its answer is read; then the next one takes it over. */
export interface IcapClient {
  /** Asks what a service can do (RFC 3507 4.10). Throws IcapClientError. */
  options(service: string, headers?: IcapClientHeaders): Promise<IcapClientReply>
  /** Sends a REQMOD or RESPMOD; settles when the heads of the answer are read. Throws IcapClientError. */
  request(request: IcapClientRequest): Promise<IcapClientReply>
  /** Closes every connection; exchanges under way fail. */
  close(): void
}

const TIMEOUTS: IcapClientTimeouts = { connectMs: 10_000, idleMs: 60_000, totalMs: 900_000 }
const LIMITS: IcapClientLimits = {
  maxHeadBytes: 64 * 1024,
  maxHttpHeadBytes: 1024 * 1024,
  maxChunkLineBytes: 4096,
  maxTrailerBytes: 64 * 1024,
  maxBodyBytes: Number.MAX_SAFE_INTEGER,
  maxKeptBytes: 16 * 1024 * 1024,
  maxIdleConnections: 4,
}

/** Makes a client for one server; connections are opened when they are needed. */
export function createIcapClient(options: IcapClientOptions): IcapClient {
  const pool = new Pool(options)
  const authority: Authority = { scheme: options.tls ? 'icaps' : 'icap', host: options.host, port: options.port }
  return {
    options: async (service, headers) => pool.run(optionsBytes(authority, service, headers)),
    request: async (request) => pool.run(requestBytes(authority, request), request),
    close: () => pool.close(),
  }
}

/** The open connections of one client. */
class Pool {
  readonly #options: IcapClientOptions
  readonly #timeouts: IcapClientTimeouts
  readonly #limits: IcapClientLimits
  readonly #idle: ClientConnection[] = []
  readonly #all = new Set<ClientConnection>()

  constructor(options: IcapClientOptions) {
    this.#options = options
    this.#timeouts = { ...TIMEOUTS, ...options.timeouts }
    this.#limits = { ...LIMITS, ...options.limits }
  }

  async run(head: Buffer, request?: IcapClientRequest): Promise<IcapClientReply> {
    const kept = this.#takeIdle()
    if (kept === undefined) return this.#exchange(await this.#open(), head, request)
    try {
      return await this.#exchange(kept, head, request)
    } catch (error) {
      if (!isClosedUnread(error, kept) || !isRepeatable(request)) throw error
      // The server closed the kept connection while we wrote: no byte came back, so nothing was answered (RFC 3507 4.1).
      return this.#exchange(await this.#open(), head, request)
    }
  }

  close(): void {
    for (const connection of this.#all)
      connection.fail(new IcapClientError('ICAP_CLIENT_CLOSED', 'the client was closed'))
  }

  #exchange(connection: ClientConnection, head: Buffer, request?: IcapClientRequest): Promise<IcapClientReply> {
    const { totalMs } = this.#timeouts
    const late = (): void => connection.fail(new IcapClientError('ICAP_CLIENT_TIMEOUT', `${totalMs} ms in all`))
    const timer = setTimeout(late, totalMs)
    connection.begin()
    const done = (reusable: boolean): void => {
      clearTimeout(timer)
      this.#release(connection, reusable)
    }
    return new Exchange({ connection, limits: this.#limits, done }, request).run(head)
  }

  #takeIdle(): ClientConnection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      // Unasked bytes (a stray 408) would be read as the next answer.
      if (connection.reusable) return connection
      connection.destroy()
    }
    return undefined
  }

  #release(connection: ClientConnection, reusable: boolean): void {
    if (!reusable || this.#idle.length >= this.#limits.maxIdleConnections) {
      connection.destroy()
      return
    }
    connection.rest()
    this.#idle.push(connection)
  }

  async #open(): Promise<ClientConnection> {
    const socket = await openSocket(this.#options, this.#timeouts.connectMs)
    const connection = new ClientConnection(socket, this.#timeouts.idleMs)
    this.#all.add(connection)
    connection.onClosed = () => {
      this.#all.delete(connection)
      const at = this.#idle.indexOf(connection)
      if (at >= 0) this.#idle.splice(at, 1)
    }
    return connection
  }
}

function isClosedUnread(error: unknown, connection: ClientConnection): boolean {
  return error instanceof IcapClientError && error.code === 'ICAP_CLIENT_CLOSED' && !connection.answered
}

function isRepeatable(request: IcapClientRequest | undefined): boolean {
  return request?.body === undefined || Buffer.isBuffer(request.body)
}

function startSocket({ host, port, tls }: IcapClientOptions): Socket {
  // Half-open: a server that has ended its side may still be read to the end.
  const address = { host, port, allowHalfOpen: true, noDelay: true }
  if (tls === undefined) return connectTcp(address)
  const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined)
  return connectTls({ ...address, ...tls, ...(servername !== undefined && { servername }) })
}

function openSocket(options: IcapClientOptions, connectMs: number): Promise<Socket> {
  const socket = startSocket(options)
  return new Promise((resolve, reject) => {
    let reached = false
    const failed = (cause: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      const code = reached && options.tls ? 'ICAP_CLIENT_TLS' : 'ICAP_CLIENT_CONNECT'
      reject(cause instanceof IcapClientError ? cause : new IcapClientError(code, cause.message, { cause }))
    }
    const late = new IcapClientError('ICAP_CLIENT_TIMEOUT', `no connection within ${connectMs} ms`)
    const timer = setTimeout(() => failed(late), connectMs)
    socket.once('error', failed)
    socket.once('connect', () => {
      reached = true
    })
    socket.once(options.tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.off('error', failed)
      resolve(socket)
    })
  })
}
