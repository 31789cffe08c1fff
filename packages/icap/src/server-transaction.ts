import { IcapError } from './errors.ts'
import { HeaderLines, type IcapHeaders } from './headers.ts'
import { endsWithEmptyLine } from './http-head.ts'
import type { RequestBody } from './request-body.ts'
import type { IcapRequest } from './request-reader.ts'
import {
  bodilessReply,
  type MessageReply,
  messageHead,
  type PatientWriter,
  writeContinue,
  writePieces,
  writeStream,
  writeWholeMessage,
} from './response-writer.ts'
import type { IcapService } from './service.ts'
import type { BodySink, BodyState, IcapMethod, IcapReply, Peer, Transaction } from './transaction.ts'

const SETTLED: Promise<void> = Promise.resolve()

/** What one request and its answer are to their connection. */
export interface Exchange {
  readonly offer: IcapService
  readonly body: RequestBody
  /** Bytes of the final reply were written. */
  readonly hasSent: boolean
  /** The exchange is over; `fault` when it did not come to its natural end. */
  end(fault?: IcapError): void
}

/** What an exchange needs of its connection. */
export interface ExchangeHost extends PatientWriter {
  readonly peer: Peer
  /** Neither side has said that this is the last request. */
  readonly mayKeepAlive: boolean
  readonly maxReplyHeadBytes: number
  commonLines(service: IcapService): string
  /** Settles when a byte has come since the last one was read, or the connection is gone. */
  waitForByte(): Promise<void>
  /** The final reply is handed over. */
  onReplied(exchange: Exchange, keepAlive: boolean): void
  /** Answers the fault where that is still possible, and ends the connection. */
  onFault(fault: IcapError): void
  /** Reports a fault that came too late to change anything. */
  onLateFault(fault: IcapError): void
}

export interface Handler {
  handle(transaction: Transaction): void | Promise<void>
}

/** The server's side of one REQMOD or RESPMOD; the contract is in `transaction.ts`. */
export class ServerTransaction implements Transaction, Exchange {
  readonly service: string
  readonly body: RequestBody
  readonly #host: ExchangeHost
  readonly offer: IcapService
  readonly #request: IcapRequest
  #headers: IcapHeaders | undefined
  #controller: AbortController | undefined
  #isContinued = false
  /** Whether the final reply must wait for the first byte behind 100 Continue. */
  #awaitsRest = false
  #isReplied = false
  #hasSent = false
  #isOver = false
  #isCutShort = false
  #settleStream: (() => void) | undefined

  constructor(host: ExchangeHost, service: IcapService, request: IcapRequest, body: RequestBody) {
    this.#host = host
    this.offer = service
    this.#request = request
    this.service = service.name
    this.body = body
  }

  get method(): IcapMethod {
    return this.#request.startLine.method as IcapMethod
  }

  get query(): string {
    return this.#request.startLine.query
  }

  get headers(): IcapHeaders {
    this.#headers ??= new HeaderLines(this.#request.head, this.#request.fieldsAt)
    return this.#headers
  }

  get peer(): Peer {
    return this.#host.peer
  }

  get startedMs(): number {
    return this.#request.startedMs
  }

  get requestHead(): Buffer | undefined {
    return this.#request.requestHead
  }

  get responseHead(): Buffer | undefined {
    return this.#request.responseHead
  }

  get hasBody(): boolean {
    return this.#request.hasBody
  }

  get preview(): number | undefined {
    return this.#request.preview
  }

  get hasSent(): boolean {
    return this.#hasSent
  }

  /** RFC 3507 4.6: with Allow: 204, or inside a preview; a null-body with Preview: 0 is a whole preview. */
  get allows204(): boolean {
    return this.#request.allow204 || this.#isInsidePreview
  }

  /** Never for a null-body: there is no original the client could go on with. */
  get allows206(): boolean {
    return this.#request.allow206 && this.#request.hasBody && (this.#request.allow204 || this.#isInsidePreview)
  }

  get #isInsidePreview(): boolean {
    return this.#request.preview !== undefined && !this.#isContinued
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isCutShort) this.#controller.abort(new IcapError('ICAP_CONNECTION_ENDED'))
    }
    return this.#controller.signal
  }

  readBody(sink: BodySink): Promise<BodyState> {
    return this.body.read(sink)
  }

  continueBody(): void {
    if (this.#isOver) return
    if (this.body.stage !== 'preview' || this.#isReplied)
      throw misuse('100 Continue is legal only behind a preview without ieof')
    this.#isContinued = true
    this.#awaitsRest = true
    this.body.continue()
    writeContinue(this.#host.socket)
  }

  reply(reply: IcapReply): Promise<void> {
    if (this.#isOver) return SETTLED
    if (this.#isReplied) return Promise.reject(misuse('a second reply'))
    try {
      this.#assertLegal(reply)
      this.#isReplied = true
      return this.body.isInPreview || this.#awaitsRest ? this.#sendHeld(reply) : this.#send(reply)
    } catch (error) {
      this.#isReplied = false
      return Promise.reject(error)
    }
  }

  /** Runs the handler on this transaction; what goes wrong in it ends here (egirna/icapeg#61). */
  run(handler: Handler): void {
    let result: void | Promise<void>
    try {
      result = handler.handle(this)
    } catch (error) {
      this.#handlerFailed(error)
      return
    }
    if (result === undefined) this.#handlerReturned()
    else
      result.then(
        () => this.#handlerReturned(),
        (error: unknown) => this.#handlerFailed(error),
      )
  }

  end(fault?: IcapError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#isCutShort = fault !== undefined
    if (fault === undefined) return
    this.#controller?.abort(fault)
    this.#settleStream?.()
    this.body.fail(fault)
  }

  #handlerReturned(): void {
    if (this.#isOver || this.#isReplied) return
    this.#host.onFault(new IcapError('ICAP_HANDLER_FAILED', { detail: 'returned without a reply' }))
  }

  /** Behind a whole reply it is reported only; where the connection went first, the error is most likely its consequence. */
  #handlerFailed(error: unknown): void {
    if (this.#isCutShort) return
    const detail = error instanceof Error ? error.message : String(error)
    const fault = new IcapError('ICAP_HANDLER_FAILED', { detail, cause: error })
    if (this.#isOver) this.#host.onLateFault(fault)
    else this.#host.onFault(fault)
  }

  /** RFC 3507 4.5: no answer before the preview's last chunk; and none together with 100 Continue, for Squid would not see it. */
  async #sendHeld(reply: IcapReply): Promise<void> {
    if (this.body.isInPreview) await this.body.drain(Number.MAX_SAFE_INTEGER)
    if (this.#awaitsRest) await this.#host.waitForByte()
    this.#awaitsRest = false
    if (this.#isOver) return
    try {
      await this.#send(reply)
    } catch (error) {
      this.#isReplied = this.#hasSent
      throw error
    }
  }

  #send(reply: IcapReply): Promise<void> {
    const keepAlive = this.#keepsAlive(reply)
    const lines = this.#host.commonLines(this.offer)
    if (!('head' in reply)) {
      this.#write(bodilessReply(reply.status, lines, keepAlive, reply.headers))
      return this.#finish(keepAlive)
    }
    if (reply.status === 206 && reply.useOriginalBody > this.body.bytesSeen)
      throw misuse('useOriginalBody is beyond what the client has sent')
    const head = messageHead(reply, lines, keepAlive)
    if (head.length > this.#host.maxReplyHeadBytes) throw misuse('the ICAP head exceeds maxReplyHeadBytes')
    this.#hasSent = true
    const { body } = reply
    if (body !== undefined && !Buffer.isBuffer(body))
      return this.#stream(writeStream(this.#host, head, reply, body), keepAlive)
    const whole = body ?? EMPTY
    if (writeWholeMessage(this.#host.socket, head, reply, whole)) return this.#finish(keepAlive)
    return this.#stream(writePieces(this.#host, reply, whole), keepAlive)
  }

  #write(head: string): void {
    if (head.length > this.#host.maxReplyHeadBytes) throw misuse('the ICAP head exceeds maxReplyHeadBytes')
    this.#hasSent = true
    this.#host.socket.write(head, 'latin1')
  }

  /** A streamed reply is taken to read the body beside it; any other that leaves body bytes unread is the connection's last. */
  #keepsAlive(reply: IcapReply): boolean {
    if (!this.#host.mayKeepAlive || this.#request.wantsClose) return false
    if ('close' in reply && reply.close === true) return false
    return this.body.isSettled || ('body' in reply && reply.body !== undefined && !Buffer.isBuffer(reply.body))
  }

  #finish(keepAlive: boolean): Promise<void> {
    const { socket } = this.#host
    this.#host.onReplied(this, keepAlive)
    return socket.writableNeedDrain ? this.#host.waitWritable().then(nothing) : SETTLED
  }

  /** Settles with the writing, or with the connection: an iterable that never goes on must not hold the handler. */
  #stream(writing: Promise<boolean>, keepAlive: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#settleStream = resolve
      writing.then(
        (isWhole) => resolve(isWhole && !this.#isOver ? this.#finish(keepAlive) : undefined),
        (error: unknown) => {
          this.#handlerFailed(error)
          resolve()
        },
      )
    })
  }

  #assertLegal(reply: IcapReply): void {
    if ('error' in reply) {
      if (!Number.isInteger(reply.status) || reply.status < 400 || reply.status > 599)
        throw misuse(`error status ${reply.status}`)
    } else if (reply.status === 204) {
      if (!this.allows204) throw misuse('204 without Allow: 204, outside a preview')
    } else this.#assertMessage(reply as MessageReply)
  }

  #assertMessage(reply: MessageReply): void {
    if (!endsWithEmptyLine(reply.head)) throw misuse('the HTTP head does not end with an empty line')
    if (reply.section === 'req-hdr' && this.method === 'RESPMOD') throw misuse('RESPMOD is answered with a response')
    if (reply.status !== 206) return
    if (!this.allows206) throw misuse('206 where it is not allowed')
    const offset = reply.useOriginalBody
    if (!Number.isSafeInteger(offset) || offset < 0) throw misuse(`useOriginalBody ${offset}`)
  }
}

const EMPTY = Buffer.alloc(0)

function nothing(): void {}

function misuse(detail: string): IcapError {
  return new IcapError('ICAP_REPLY_MISUSE', { detail })
}
