import type { ChunkedDecoder } from './chunked-decoder.ts'
import { IcapError } from './errors.ts'
import type { InputBuffer } from './input-buffer.ts'
import type { BodySink, BodyState } from './transaction.ts'

const WHOLE: Promise<BodyState> = Promise.resolve('whole')
const PREVIEW: Promise<BodyState> = Promise.resolve('preview')

/** What a body needs of its connection. */
export interface BodySource {
  readonly input: InputBuffer
  readonly decoder: ChunkedDecoder
  /** The bytes that stood ready were taken: the socket may flow again. */
  onBodyTaken(): void
  /** The chunked coding is broken: the connection cannot go on. */
  onBodyFault(fault: IcapError): void
  /** True once the peer has ended its side. */
  readonly peerEnded: boolean
}

export interface BodyShape {
  readonly hasBody: boolean
  readonly preview: number | undefined
  readonly maxPreviewOverrunBytes: number
}

/**
 * `unread`: bytes are still to come; `preview`: the preview ended without ieof, nothing comes before 100 Continue;
 * `whole`: the end was read, or there is no body.
 */
type Stage = 'unread' | BodyState

/** One request's body: feeds it to one sink at a time, holds the peer back while the sink is busy. */
export class RequestBody {
  readonly #source: BodySource
  readonly #hasBody: boolean
  readonly #maxPreviewBytes: number
  #stage: Stage
  #inPreview: boolean
  #previewBytes = 0
  #sink: BodySink | undefined
  #isBlocked = false
  #isPumping = false
  /** The connection's end, for every later read. */
  #failure: Error | undefined
  /** What the sink threw while `read` was still feeding it. */
  #sinkError: Error | undefined
  #resolve: ((state: BodyState) => void) | undefined
  #reject: ((error: Error) => void) | undefined
  #readEnded: (() => void) | undefined

  constructor(source: BodySource, { hasBody, preview, maxPreviewOverrunBytes }: BodyShape) {
    this.#source = source
    this.#hasBody = hasBody
    this.#stage = hasBody ? 'unread' : 'whole'
    this.#inPreview = hasBody && preview !== undefined
    this.#maxPreviewBytes = this.#inPreview ? (preview ?? 0) + maxPreviewOverrunBytes : Number.POSITIVE_INFINITY
    if (hasBody) source.decoder.reset()
  }

  get stage(): Stage {
    return this.#stage
  }

  /** No byte of this request can come any more, unless we ask for it: the connection is in step. */
  get isSettled(): boolean {
    return this.#stage !== 'unread'
  }

  /** The preview's last chunk has not come yet: no answer may go out (RFC 3507 4.5). */
  get isInPreview(): boolean {
    return this.#inPreview && this.#stage === 'unread'
  }

  /** Body bytes read so far, the preview's included. */
  get bytesSeen(): number {
    return this.#hasBody ? this.#previewBytes + this.#source.decoder.bodyBytes : 0
  }

  get isBeingRead(): boolean {
    return this.#sink !== undefined
  }

  /** Somebody waits for bytes that have not come: body deadlines run. */
  get isStarved(): boolean {
    return this.#sink !== undefined && !this.#isBlocked
  }

  /** Feeds what stands in the buffer at once, the rest as it comes. One read at a time. */
  read(sink: BodySink): Promise<BodyState> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#sink !== undefined)
      return Promise.reject(new IcapError('ICAP_REPLY_MISUSE', { detail: 'two reads at once' }))
    if (this.#stage === 'unread') {
      this.#sink = sink
      this.pump()
    }
    const error = this.#failure ?? this.#sinkError
    this.#sinkError = undefined
    if (error !== undefined) return Promise.reject(error)
    return this.#sink === undefined ? settled(this.#stage) : this.#whenRead()
  }

  /** After 100 Continue the rest comes as a new chunk stream. */
  continue(): void {
    this.#inPreview = false
    this.#stage = 'unread'
    this.#previewBytes = this.#source.decoder.bodyBytes
    this.#source.decoder.reset()
  }

  /** Moves bytes from the input to the sink until one of them is exhausted. Called again on new input. */
  pump(): void {
    if (this.#sink === undefined || this.#isBlocked || this.#isPumping) return
    this.#isPumping = true
    try {
      while (this.#step());
    } catch (error) {
      this.#endWith(error)
    } finally {
      this.#isPumping = false
    }
  }

  /** Reads and drops what is left, behind a read that is going on. False: more than `maxBytes`, or the connection is gone. */
  async drain(maxBytes: number): Promise<boolean> {
    while (this.#sink !== undefined) await this.#whenReadEnds()
    let left = maxBytes
    try {
      await this.read((data) => {
        left -= data.length
        if (left < 0) throw new RangeError('more than may be dropped')
      })
    } catch {
      return false
    }
    return this.isSettled
  }

  /** The connection is gone or given up. */
  fail(error: Error): void {
    this.#failure ??= error
    const reject = this.#reject
    this.#forget()
    reject?.(error)
  }

  #whenRead(): Promise<BodyState> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  #whenReadEnds(): Promise<void> {
    return new Promise((resolve) => {
      this.#readEnded = resolve
    })
  }

  #step(): boolean {
    const sink = this.#sink
    if (sink === undefined) return false
    const { decoder } = this.#source
    const data = this.#decode(decoder)
    if (data !== undefined) return this.#feed(sink, data)
    if (decoder.done) {
      this.#finish(decoder)
      return false
    }
    return this.#refill(decoder)
  }

  #decode(decoder: ChunkedDecoder): Buffer | undefined {
    try {
      const data = decoder.read()
      if (decoder.bodyBytes > this.#maxPreviewBytes && this.#inPreview)
        throw new IcapError('ICAP_BAD_PREVIEW', { detail: 'overrun' })
      return data
    } catch (error) {
      if (error instanceof IcapError) this.#source.onBodyFault(error)
      throw error
    }
  }

  #feed(sink: BodySink, data: Buffer): boolean {
    const busy = sink(data)
    if (busy === undefined) return this.#sink === sink
    this.#isBlocked = true
    busy.then(
      () => this.#unblock(sink),
      (error: Error) => this.#sink === sink && this.#endWith(error),
    )
    return false
  }

  #unblock(sink: BodySink): void {
    if (this.#sink !== sink) return
    this.#isBlocked = false
    this.pump()
  }

  #refill(decoder: ChunkedDecoder): boolean {
    const { input } = this.#source
    if (input.length > 0) {
      decoder.push(input.bytes, input.start, input.end)
      input.clear()
      return true
    }
    if (this.#source.peerEnded) this.#source.onBodyFault(new IcapError('ICAP_INCOMPLETE'))
    else this.#source.onBodyTaken()
    return false
  }

  #finish(decoder: ChunkedDecoder): void {
    this.#stage = this.#inPreview && !decoder.ieof ? 'preview' : 'whole'
    const rest = decoder.takeRest()
    if (rest.length > 0) this.#source.input.putBack(rest)
    this.#source.onBodyTaken()
    const resolve = this.#resolve
    this.#forget()
    resolve?.(this.#stage as BodyState)
  }

  /** The sink's own error ends this read only; the body's later bytes can still be dropped. */
  #endWith(error: unknown): void {
    const reason = error instanceof Error ? error : new Error('the body sink failed', { cause: error })
    const reject = this.#reject
    this.#forget()
    if (reject === undefined) this.#sinkError = reason
    else reject(reason)
  }

  #forget(): void {
    this.#sink = undefined
    this.#isBlocked = false
    this.#resolve = undefined
    this.#reject = undefined
    this.#readEnded?.()
    this.#readEnded = undefined
  }
}

function settled(stage: Stage): Promise<BodyState> {
  return stage === 'preview' ? PREVIEW : WHOLE
}
