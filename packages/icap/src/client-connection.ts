import type { Socket } from 'node:net'
import { IcapClientError, type IcapClientErrorCode } from './client-errors.ts'

/** Unread bytes after which the socket is paused: the server's kernel then holds its answer back. */
const HIGH_WATER_BYTES = 256 * 1024
const EMPTY = Buffer.alloc(0)
const EMPTY_LINE = Buffer.from('\r\n\r\n')

/**
 * A connected socket read by need: lines, heads and body bytes, each with its bound.
 * Bytes that came before a failure stay readable, so that an answer sent just before a close is not lost.
 */
export class ClientConnection {
  readonly #socket: Socket
  readonly #idleMs: number
  #queue: Buffer[] = []
  #queuedBytes = 0
  #ended = false
  #failure: IcapClientError | undefined
  #wake: (() => void) | undefined
  #waiting = 0
  #resting = false
  /** Whether any byte came since `begin()`: a request may be sent again only when none did. */
  answered = false
  /** Called once, when the connection ends by whatever cause. */
  onClosed: () => void = () => {}

  constructor(socket: Socket, idleMs: number) {
    this.#socket = socket
    this.#idleMs = idleMs
    socket.on('data', (bytes) => this.#onData(bytes))
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error) => this.#failed('ICAP_CLIENT_CLOSED', error.message, error))
    socket.on('timeout', () => this.fail(new IcapClientError('ICAP_CLIENT_TIMEOUT', `nothing moved for ${idleMs} ms`)))
    socket.on('close', () => {
      this.#onEnd()
      this.onClosed()
    })
  }

  /** False once bytes are left over, the server has closed, or anything failed. */
  get reusable(): boolean {
    return this.#queuedBytes === 0 && !this.#ended && this.#failure === undefined && this.#socket.writable
  }

  /** Starts one exchange; the process stays alive for it. */
  begin(): void {
    this.answered = false
    this.#resting = false
    this.#socket.ref()
  }

  /** Between exchanges an open connection does not keep the process alive; it ends with whatever the server does to it. */
  rest(): void {
    this.#resting = true
    this.#socket.unref()
  }

  /** Ends the connection; a pending read then fails with `error`. */
  fail(error: IcapClientError): void {
    this.#failure ??= error
    this.#socket.destroy()
    this.#wake?.()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Settles when the kernel has room again. Never throws: a failed write shows itself to the reader. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#socket.destroyed) return
    if (this.#socket.write(bytes)) return
    await this.#timed(
      new Promise<void>((resolve) => {
        const done = (): void => {
          this.#socket.off('drain', done)
          this.#socket.off('close', done)
          resolve()
        }
        this.#socket.on('drain', done)
        this.#socket.on('close', done)
      }),
    )
  }

  get writable(): boolean {
    return this.#socket.writable && !this.#socket.destroyed
  }

  /** Bytes up to the next empty line, without it. */
  async takeHead(maxBytes: number): Promise<Buffer> {
    for (;;) {
      const bytes = this.#joined()
      const at = bytes.indexOf(EMPTY_LINE)
      if (at > maxBytes || (at < 0 && bytes.length > maxBytes)) {
        throw new IcapClientError('ICAP_CLIENT_HEAD_TOO_LARGE', `${maxBytes} bytes allowed`)
      }
      if (at >= 0) return this.#consume(at + EMPTY_LINE.length).subarray(0, at)
      await this.#more()
    }
  }

  /** Bytes taken too far. */
  putBack(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#queue.unshift(bytes)
    this.#queuedBytes += bytes.length
  }

  /** Exactly that many bytes; the caller has checked the number. */
  async takeExactly(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let missing = bytes
    while (missing > 0) {
      const part = await this.takeSome(missing)
      parts.push(part)
      missing -= part.length
    }
    return Buffer.concat(parts, bytes)
  }

  /** At least one byte, at most `maxBytes`. */
  async takeSome(maxBytes: number): Promise<Buffer> {
    while (this.#queue.length === 0) await this.#more()
    const [first = EMPTY] = this.#queue
    return this.#consume(Math.min(first.length, maxBytes))
  }

  /** All queued bytes as one buffer. */
  #joined(): Buffer {
    if (this.#queue.length > 1) this.#queue = [Buffer.concat(this.#queue)]
    return this.#queue[0] ?? EMPTY
  }

  /** Takes bytes off the first buffer of the queue. */
  #consume(bytes: number): Buffer {
    const [first = EMPTY] = this.#queue
    if (bytes === first.length) this.#queue.shift()
    else this.#queue[0] = first.subarray(bytes)
    this.#queuedBytes -= bytes
    if (this.#queuedBytes < HIGH_WATER_BYTES) this.#socket.resume()
    return first.subarray(0, bytes)
  }

  /** Waits for more bytes; throws when none will come. */
  async #more(): Promise<void> {
    const before = this.#queuedBytes
    // After takeUntil filled the queue the socket may be paused below its bound.
    this.#socket.resume()
    while (this.#queuedBytes === before) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#ended) throw new IcapClientError('ICAP_CLIENT_CLOSED')
      await this.#timed(
        new Promise<void>((resolve) => {
          this.#wake = resolve
        }),
      )
      this.#wake = undefined
    }
  }

  /** The idle deadline runs only while somebody waits, so a slow caller is not taken for a slow server. */
  async #timed(wait: Promise<void>): Promise<void> {
    if (this.#waiting++ === 0) this.#socket.setTimeout(this.#idleMs)
    await wait
    if (--this.#waiting === 0) this.#socket.setTimeout(0)
  }

  #onData(bytes: Buffer): void {
    if (this.#resting) this.#socket.destroy()
    this.answered = true
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    if (this.#queuedBytes >= HIGH_WATER_BYTES) this.#socket.pause()
    this.#wake?.()
  }

  #onEnd(): void {
    if (this.#resting) this.#socket.destroy()
    this.#ended = true
    this.#wake?.()
  }

  #failed(code: IcapClientErrorCode, detail: string, cause: Error): void {
    this.#failure ??= new IcapClientError(code, detail, { cause })
    this.#wake?.()
  }
}
