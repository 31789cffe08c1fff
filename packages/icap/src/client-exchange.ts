import { chunkHead, IEOF_CHUNK, LAST_CHUNK } from './chunked-encoder.ts'
import { type ClientBodyLimits, collectBody, readChunks } from './client-body.ts'
import type { ClientConnection } from './client-connection.ts'
import { IcapClientError } from './client-errors.ts'
import { parseReplyHead, parseReplyLayout, type ReplyHead, type ReplyLayout } from './client-reply-head.ts'
import type { IcapClientRequest } from './client-request.ts'
import { BodySource } from './client-source.ts'
import type { IcapHeaders } from './headers.ts'

/** Bounds on an answer, in bytes. */
export interface ReplyLimits extends ClientBodyLimits {
  /** The ICAP head. */
  readonly maxHeadBytes: number
  /** The encapsulated HTTP head. */
  readonly maxHttpHeadBytes: number
  /** Sent bytes kept for a 206 when the body is an iterable. */
  readonly maxKeptBytes: number
}

/** An answer whose heads are read; its body streams. One pass only: a body left unread holds its connection until `totalMs`. */
export interface IcapClientReply {
  readonly status: number
  readonly reason: string
  readonly headers: IcapHeaders
  /** Which HTTP head came back: `res-hdr` in answer to REQMOD is a response for the user (RFC 3507 4.8.2). */
  readonly section: 'req-hdr' | 'res-hdr' | undefined
  /** The HTTP head with its final empty line. */
  readonly head: Buffer | undefined
  readonly hasBody: boolean
  /** Empty without a body; a 206 is joined with the original here. Throws IcapClientError. */
  readonly body: AsyncIterable<Buffer>
  /** The whole body in one Buffer; over `maxBytes` (default 64 MiB) it throws `ICAP_CLIENT_BODY_TOO_LARGE`. */
  collect(maxBytes?: number): Promise<Buffer>
  /** Whether the server asked for the rest of the body with 100 Continue. */
  readonly continued: boolean
  /** Whether the preview held the whole body. */
  readonly ieof: boolean
}

const COLLECT_BYTES = 64 * 1024 * 1024
const WRITE_BYTES = 64 * 1024
const LAST = Buffer.from(LAST_CHUNK)
const IEOF = Buffer.from(IEOF_CHUNK)

/** What is needed to run one exchange; `done` gets the connection back, reusable or not. */
export interface ExchangeContext {
  readonly connection: ClientConnection
  readonly limits: ReplyLimits
  done(reusable: boolean): void
}

/** One request on its way. Made for one use: `run()` sends it and reads the answer's heads. */
export class Exchange {
  readonly #context: ExchangeContext
  readonly #request: IcapClientRequest | undefined
  readonly #source: BodySource | undefined
  #upload: Promise<void> = Promise.resolve()
  #uploading = false
  #answerOver = false
  #continued = false
  #ieof = false

  /** `request` is undefined for OPTIONS. */
  constructor(context: ExchangeContext, request?: IcapClientRequest) {
    this.#context = context
    this.#request = request
    if (request?.body === undefined) return
    this.#source = new BodySource(request.body, request.allow206 === true ? context.limits.maxKeptBytes : 0)
  }

  async run(head: Buffer): Promise<IcapClientReply> {
    try {
      await this.#send(head)
      return await this.#receive()
    } catch (error) {
      this.#abandon()
      throw error
    }
  }

  async #send(head: Buffer): Promise<void> {
    const { connection } = this.#context
    if (this.#source === undefined) return connection.write(head)
    if (this.#request?.preview === undefined) {
      this.#startUpload(head)
      return
    }
    const { bytes, whole } = await this.#source.preview(this.#request.preview)
    this.#ieof = whole
    const end = whole ? IEOF : LAST
    await connection.write(Buffer.concat(bytes.length > 0 ? [head, chunk(bytes), end] : [head, end]))
  }

  /** Sends what is left of the body beside the reading: the server may answer early (RFC 3507 errata, "early responses"). */
  #startUpload(first?: Buffer): void {
    this.#uploading = true
    this.#upload = this.#uploadRest(first).catch((error: IcapClientError) => this.#context.connection.fail(error))
  }

  async #uploadRest(first: Buffer | undefined): Promise<void> {
    const { connection } = this.#context
    let pending = first
    for await (const bytes of this.#source?.rest() ?? []) {
      for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
        const part = chunk(bytes.subarray(at, at + WRITE_BYTES))
        await connection.write(pending === undefined ? part : Buffer.concat([pending, part]))
        pending = undefined
        if (!connection.writable) return
      }
    }
    await connection.write(pending === undefined ? LAST : Buffer.concat([pending, LAST]))
    this.#uploading = false
  }

  async #receive(): Promise<IcapClientReply> {
    const { connection, limits } = this.#context
    let head = parseReplyHead(await connection.takeHead(limits.maxHeadBytes))
    if (head.status === 100) {
      if (!this.#mayContinue()) throw unexpected(head, 'no preview waits for it')
      this.#continued = true
      this.#startUpload()
      head = parseReplyHead(await connection.takeHead(limits.maxHeadBytes))
    }
    const layout = parseReplyLayout(head.headers)
    this.#check(head, layout)
    const httpHead = layout.headBytes === 0 ? undefined : await this.#takeHttpHead(layout.headBytes)
    return this.#reply(head, layout, httpHead)
  }

  #reply(head: ReplyHead, layout: ReplyLayout, httpHead: Buffer | undefined): IcapClientReply {
    const body = this.#bodyOf(head, layout.hasBody)
    if (!layout.hasBody) void this.#finish(head)
    return {
      ...head,
      section: layout.section,
      head: httpHead,
      hasBody: layout.hasBody,
      body,
      collect: (maxBytes = COLLECT_BYTES) => collectBody(body, maxBytes),
      continued: this.#continued,
      ieof: this.#ieof,
    }
  }

  #mayContinue(): boolean {
    return this.#source !== undefined && this.#request?.preview !== undefined && !this.#ieof && !this.#continued
  }

  /** What no server may answer to this request (RFC 3507 4.4.1, 4.6; errata e1). */
  #check(head: ReplyHead, layout: ReplyLayout): void {
    const { status } = head
    const request = this.#request
    if (status < 200) throw unexpected(head, 'only 100 is an interim answer')
    if (request === undefined) return
    const insidePreview = request.preview !== undefined && !this.#continued
    if (status === 204) {
      if (request.allow204 === false && !insidePreview) throw unexpected(head, 'Allow: 204 was not sent')
      if (layout.section !== undefined || layout.hasBody) throw unexpected(head, '204 carries no message')
    }
    if (status === 206 && (request.allow206 !== true || !layout.hasBody || this.#source === undefined)) {
      throw unexpected(head, 'Allow: 206 was not sent, or there is no body to refer to')
    }
    if (status !== 204 && status < 300 && layout.section === undefined) throw unexpected(head, 'no HTTP head')
    if (request.method === 'RESPMOD' && layout.section === 'req-hdr') throw unexpected(head, 'req-hdr for RESPMOD')
  }

  async #takeHttpHead(bytes: number): Promise<Buffer> {
    const { connection, limits } = this.#context
    if (bytes > limits.maxHttpHeadBytes) {
      throw new IcapClientError('ICAP_CLIENT_HEAD_TOO_LARGE', `${limits.maxHttpHeadBytes} bytes allowed`)
    }
    const head = await connection.takeExactly(bytes)
    if (head.subarray(-4).toString('latin1') !== '\r\n\r\n') {
      throw new IcapClientError('ICAP_CLIENT_BAD_ENCAPSULATED', 'the HTTP head does not end at its offset')
    }
    return head
  }

  /** Breaking off the loop before the end gives the connection up. */
  async *#bodyOf(head: ReplyHead, hasBody: boolean): AsyncGenerator<Buffer, void, void> {
    if (!hasBody) return
    const { connection, limits } = this.#context
    try {
      const useOriginalBody = yield* readChunks(connection, limits)
      if (head.status === 206) yield* this.#original(useOriginalBody)
      await this.#finish(head)
    } finally {
      this.#abandon()
    }
  }

  /** A 206 goes on with the original from that byte on: what was sent, then what was not asked for. */
  async *#original(offset: number | undefined): AsyncGenerator<Buffer, void, void> {
    if (offset === undefined) throw new IcapClientError('ICAP_CLIENT_BAD_CHUNK', '206 without use-original-body')
    if (this.#source === undefined) return
    const kept = this.#source.keptFrom(offset)
    if (kept.length > 0) yield kept
    await this.#upload
    // After a preview that was not continued the rest was never sent.
    yield* this.#source.rest()
  }

  /** Gives the connection back once the answer is read and the body is sent. */
  async #finish(head: ReplyHead): Promise<void> {
    const keep = !head.headers.list('connection').some((token) => token.toLowerCase() === 'close')
    if (!keep) return this.#abandon()
    await this.#upload
    if (this.#answerOver) return
    this.#answerOver = true
    this.#source?.close()
    this.#context.done(keep && !this.#uploading && this.#context.connection.reusable)
  }

  #abandon(): void {
    if (this.#answerOver) return
    this.#answerOver = true
    this.#source?.close()
    this.#context.done(false)
  }
}

/** One chunk on the wire. */
function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(chunkHead(bytes.length)), bytes, Buffer.from('\r\n')])
}

function unexpected(head: ReplyHead, why: string): IcapClientError {
  return new IcapClientError('ICAP_CLIENT_UNEXPECTED_STATUS', `${head.status} ${head.reason}: ${why}`)
}
