import type { Socket } from 'node:net'
import { ChunkedDecoder } from './chunked-decoder.ts'
import { type Expiry, type Waiting, Watch, type Watched } from './deadlines.ts'
import { IcapError, type IcapErrorCode } from './errors.ts'
import { InputBuffer } from './input-buffer.ts'
import type { IcapLimits, IcapStrictness } from './limits.ts'
import { OptionsExchange } from './options-exchange.ts'
import type { ReplyHeads } from './reply-heads.ts'
import { type BodySource, RequestBody } from './request-body.ts'
import { type IcapRequest, RequestReader } from './request-reader.ts'
import { bodilessReply } from './response-writer.ts'
import { type Exchange, type ExchangeHost, ServerTransaction } from './server-transaction.ts'
import type { IcapService, OptionsAnswer } from './service.ts'
import type { Peer, Transaction } from './transaction.ts'

/** What a connection needs of its server. */
export interface ConnectionContext {
  readonly limits: IcapLimits
  readonly strictness: IcapStrictness
  readonly heads: ReplyHeads
  readonly isDraining: boolean
  findService(path: string): IcapService | undefined
  optionsFor(service: IcapService, peer: Peer): OptionsAnswer | Promise<OptionsAnswer>
  handle(transaction: Transaction): void | Promise<void>
  onFault(fault: IcapError, peer: Peer): void
  onClosed(connection: Connection): void
}

/**
 * One client connection: requests in, one exchange at a time, its answer out. `open` serves; `closing` has sent its last byte and
 * drops what still comes, so that no RST overtakes the answer; `gone`: the socket is closed.
 */
export class Connection implements ExchangeHost, BodySource, Watched {
  readonly socket: Socket
  readonly peer: Peer
  readonly input = new InputBuffer()
  readonly watch = new Watch()
  readonly #context: ConnectionContext
  readonly #reader: RequestReader
  #decoder: ChunkedDecoder | undefined
  #phase: 'open' | 'closing' | 'gone' = 'open'
  #exchange: Exchange | undefined
  /** The exchange's reply is out; its body's rest is being read. */
  #isAnswered = false
  #isServing = false
  #isPaused = false
  #writableWaiters: ((isOpen: boolean) => void)[] = []
  #byteWaiter: (() => void) | undefined
  peerEnded = false
  requestsSeen = 0
  bytesIn = 0

  constructor(socket: Socket, peer: Peer, context: ConnectionContext) {
    this.socket = socket
    this.peer = peer
    this.#context = context
    this.#reader = new RequestReader(context.limits, context.strictness)
    // A failed socket also closes: that is where it is dealt with.
    socket.on('error', () => {})
    socket.on('close', () => this.#onClose())
  }

  /** Begins to read. */
  start(): void {
    this.socket.on('drain', () => this.#onDrain())
    this.socket.on('end', () => this.#onEnd())
    this.socket.on('data', (chunk: Buffer) => this.#onData(chunk))
  }

  /** Answers before anything was read, and ends. */
  refuse(code: IcapErrorCode): void {
    this.onFault(new IcapError(code))
  }

  /** No more requests: an idle connection ends now, a busy one with its answer. */
  drain(): void {
    if (this.waiting === 'request') this.#close()
  }

  destroy(): void {
    this.socket.destroy()
  }

  get decoder(): ChunkedDecoder {
    this.#decoder ??= new ChunkedDecoder(this.#context.limits)
    return this.#decoder
  }

  get maxReplyHeadBytes(): number {
    return this.#context.limits.maxReplyHeadBytes
  }

  get mayKeepAlive(): boolean {
    return this.#phase === 'open' && !this.#context.isDraining && !(this.peerEnded && this.input.length === 0)
  }

  get bytesQueued(): number {
    return this.socket.writableLength
  }

  get bytesOut(): number {
    return this.socket.bytesWritten
  }

  get waiting(): Waiting {
    if (this.#phase !== 'open') return this.socket.writableFinished ? 'hang-up' : 'nothing'
    if (this.#exchange !== undefined)
      return this.#exchange.body.isStarved || this.#byteWaiter !== undefined ? 'body' : 'nothing'
    if (this.input.length > 0) return this.socket.writableNeedDrain ? 'nothing' : 'heads'
    return this.#reader.isMidRequest ? 'heads' : 'request'
  }

  expire(expiry: Expiry): void {
    switch (expiry) {
      case 'idle': // silently: a 408 here would be read as the answer to the next request
        this.#close()
        break
      case 'head':
        this.onFault(new IcapError('ICAP_HEAD_TIMEOUT'))
        break
      case 'body':
        this.onFault(new IcapError('ICAP_BODY_TIMEOUT'))
        break
      case 'write':
        this.#context.onFault(new IcapError('ICAP_WRITE_TIMEOUT'), this.peer)
        this.destroy()
        break
      case 'linger':
        this.destroy()
    }
  }

  commonLines(service: IcapService): string {
    return this.#context.heads.lines(service)
  }

  waitWritable(): Promise<boolean> {
    if (this.socket.destroyed) return Promise.resolve(false)
    if (!this.socket.writableNeedDrain) return Promise.resolve(true)
    return new Promise((resolve) => this.#writableWaiters.push(resolve))
  }

  waitForByte(): Promise<void> {
    if (this.input.length > 0 || this.#phase !== 'open') return Promise.resolve()
    if (this.#decoder !== undefined && (this.#decoder.unreadBytes > 0 || this.#decoder.hasBegun))
      return Promise.resolve()
    return new Promise((resolve) => {
      this.#byteWaiter = resolve
      if (this.peerEnded) this.onFault(new IcapError('ICAP_INCOMPLETE'))
    })
  }

  onReplied(exchange: Exchange, keepAlive: boolean): void {
    if (exchange !== this.#exchange) return
    if (!keepAlive) this.#close()
    else if (exchange.body.isSettled) this.#next()
    else void this.#drainBody(exchange)
  }

  onLateFault(fault: IcapError): void {
    this.#context.onFault(fault, this.peer)
  }

  onBodyFault(fault: IcapError): void {
    this.onFault(fault)
  }

  onBodyTaken(): void {
    this.#regulate()
  }

  /** Tells the peer what is wrong, if no part of an answer is out yet; ends the connection in any case. */
  onFault(fault: IcapError): void {
    if (this.#phase !== 'open') return
    this.#context.onFault(fault, this.peer)
    const isCut = this.#exchange?.hasSent === true && !this.#isAnswered
    if (this.#exchange?.hasSent !== true) this.socket.write(this.#faultReply(fault, false), 'latin1')
    this.#close(fault)
    // Half an answer must not look like a whole one: no last chunk, no orderly end.
    if (isCut) this.destroy()
  }

  #faultReply(fault: IcapError, keepAlive: boolean): string {
    return bodilessReply(fault.status, this.#faultLines(), keepAlive)
  }

  /** A service whose ISTag cannot be sent must not keep the peer from hearing of the fault. */
  #faultLines(): string {
    const { heads } = this.#context
    try {
      return this.#exchange === undefined ? heads.linesWithTag('none') : heads.lines(this.#exchange.offer)
    } catch {
      return heads.linesWithTag('none')
    }
  }

  #onData(chunk: Buffer): void {
    this.bytesIn += chunk.length
    if (this.#phase !== 'open') return
    this.input.append(chunk)
    if (this.#exchange === undefined) this.#serve()
    else this.#feedExchange(this.#exchange)
    this.#regulate()
  }

  #feedExchange(exchange: Exchange): void {
    this.#wakeByteWaiter()
    exchange.body.pump()
  }

  #wakeByteWaiter(): void {
    const wake = this.#byteWaiter
    this.#byteWaiter = undefined
    wake?.()
  }

  /** RFC 3507 4.1: requests are answered in order, each when the one before it is done. */
  #serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    try {
      while (this.#canServe()) {
        const request = this.#reader.read(this.input)
        if (request === undefined) break
        this.requestsSeen++
        this.#begin(request)
      }
    } catch (error) {
      this.onFault(
        error instanceof IcapError
          ? error
          : new IcapError('ICAP_HANDLER_FAILED', { detail: detailOf(error), cause: error }),
      )
    } finally {
      this.#isServing = false
    }
    if (this.peerEnded) this.#endHalfClosed()
  }

  #canServe(): boolean {
    return this.#phase === 'open' && this.#exchange === undefined && this.#hasInput() && !this.socket.writableNeedDrain
  }

  #hasInput(): boolean {
    return this.input.length > 0 || this.#reader.isMidRequest
  }

  #begin(request: IcapRequest): void {
    const service = this.#context.findService(request.startLine.path)
    const { method } = request.startLine
    if (service === undefined) this.#decline('ICAP_UNKNOWN_SERVICE', request)
    else if (method === 'OPTIONS') this.#beginOptions(service, request)
    else if (method === service.methods[0] || method === service.methods[1]) this.#beginTransaction(service, request)
    else this.#decline('ICAP_METHOD_NOT_ALLOWED', request)
  }

  #beginTransaction(service: IcapService, request: IcapRequest): void {
    const transaction = new ServerTransaction(this, service, request, this.#bodyOf(request))
    this.#exchange = transaction
    this.#isAnswered = false
    transaction.run(this.#context)
  }

  #beginOptions(service: IcapService, request: IcapRequest): void {
    const { limits, heads } = this.#context
    const exchange = new OptionsExchange({
      host: this,
      service,
      body: this.#bodyOf(request),
      wantsClose: request.wantsClose,
      maxBodyBytes: limits.maxOptionsBodyBytes,
      linesWithTag: (isTag) => heads.linesWithTag(isTag),
    })
    this.#exchange = exchange
    this.#isAnswered = false
    exchange.run(() => this.#context.optionsFor(service, this.peer))
  }

  #bodyOf({ hasBody, preview }: IcapRequest): RequestBody {
    return new RequestBody(this, {
      hasBody,
      preview,
      maxPreviewOverrunBytes: this.#context.limits.maxPreviewOverrunBytes,
    })
  }

  /** A request that is whole without a body leaves the connection in step; behind any other it ends. */
  #decline(code: IcapErrorCode, request: IcapRequest): void {
    const fault = new IcapError(code)
    if (request.hasBody || request.wantsClose || !this.mayKeepAlive) this.onFault(fault)
    else {
      this.#context.onFault(fault, this.peer)
      this.socket.write(this.#faultReply(fault, true), 'latin1')
    }
  }

  /** The reply is out before the body was in: reads on up to a bound, else ends. */
  async #drainBody(exchange: Exchange): Promise<void> {
    this.#isAnswered = true
    const isSettled = await exchange.body.drain(this.#context.limits.maxDrainBytes)
    if (exchange !== this.#exchange) return
    if (isSettled) this.#next()
    else this.#close()
  }

  #next(): void {
    this.#exchange?.end()
    this.#exchange = undefined
    if (this.#isServing) return
    if (this.#context.isDraining && !this.#hasInput()) this.#close()
    this.#serve()
    this.#regulate()
  }

  #onDrain(): void {
    const waiters = this.#writableWaiters
    this.#writableWaiters = []
    for (const wake of waiters) wake(true)
    if (this.#exchange === undefined) this.#serve()
    this.#regulate()
  }

  /** Reads ahead of the exchange, and of a peer that does not take its answers, only up to a bound. */
  #regulate(): void {
    const mayWait = this.#phase === 'open' && (this.#exchange !== undefined || this.socket.writableNeedDrain)
    const isTooMuch =
      mayWait && this.input.length + (this.#decoder?.unreadBytes ?? 0) > this.#context.limits.maxReadAheadBytes
    if (isTooMuch === this.#isPaused) return
    this.#isPaused = isTooMuch
    if (isTooMuch) this.socket.pause()
    else this.socket.resume()
  }

  /** RFC 2616 8: a peer may close its side behind its request; it still gets the answer. */
  #onEnd(): void {
    this.peerEnded = true
    if (this.#phase !== 'open') return
    if (this.#byteWaiter !== undefined) this.onFault(new IcapError('ICAP_INCOMPLETE'))
    else if (this.#exchange === undefined) this.#serve()
    else this.#exchange.body.pump()
  }

  #endHalfClosed(): void {
    if (this.#phase !== 'open' || this.#exchange !== undefined || this.socket.writableNeedDrain) return
    if (this.#hasInput()) this.onFault(new IcapError('ICAP_INCOMPLETE'))
    else this.#close()
  }

  #close(fault?: IcapError): void {
    if (this.#phase !== 'open') return
    this.#phase = 'closing'
    this.#leaveExchange(fault)
    this.input.clear()
    this.#decoder = undefined
    this.socket.end()
    this.#regulate()
  }

  #onClose(): void {
    if (this.#phase === 'gone') return
    this.#phase = 'gone'
    this.#leaveExchange()
    const waiters = this.#writableWaiters
    this.#writableWaiters = []
    for (const wake of waiters) wake(false)
    this.#context.onClosed(this)
  }

  #leaveExchange(fault = new IcapError('ICAP_CONNECTION_ENDED')): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.end(fault)
    this.#wakeByteWaiter()
  }
}

function detailOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
