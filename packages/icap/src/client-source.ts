import { IcapClientError } from './client-errors.ts'

const EMPTY = Buffer.alloc(0)

/**
 * The body to be sent, as a preview and a rest. Where a 206 may refer to it, the bytes given out are kept, up to a bound.
 */
export class BodySource {
  readonly #iterator: AsyncIterator<Buffer>
  readonly #keepBytes: number
  readonly #kept: Buffer[] = []
  #keptBytes = 0
  #overflowed = false
  #ahead: Buffer = EMPTY
  #done = false
  /** Bytes given out so far. */
  sentBytes = 0

  constructor(body: Buffer | AsyncIterable<Buffer>, keepBytes: number) {
    this.#iterator = iteratorOf(body)
    this.#keepBytes = Buffer.isBuffer(body) && keepBytes > 0 ? body.length : keepBytes
  }

  /** The first `maxBytes` bytes, and whether the body ends with them (ieof, RFC 3507 4.5). */
  async preview(maxBytes: number): Promise<{ bytes: Buffer; whole: boolean }> {
    const parts: Buffer[] = []
    let length = 0
    // One byte beyond the preview has to be seen to know that the body goes on.
    while (length <= maxBytes && !this.#done) {
      const part = await this.#pull()
      parts.push(part)
      length += part.length
    }
    const all = Buffer.concat(parts, length)
    this.#ahead = all.subarray(maxBytes)
    const whole = this.#done && length <= maxBytes
    return { bytes: this.#give(all.subarray(0, maxBytes)), whole }
  }

  /** What has not been given out yet. */
  async *rest(): AsyncGenerator<Buffer, void, void> {
    if (this.#ahead.length > 0) {
      const ahead = this.#ahead
      this.#ahead = EMPTY
      yield this.#give(ahead)
    }
    while (!this.#done) {
      const bytes = await this.#pull()
      if (bytes.length > 0) yield this.#give(bytes)
    }
  }

  /** The bytes given out from `offset` on; throws when they were not kept. */
  keptFrom(offset: number): Buffer {
    if (offset > this.sentBytes) throw new IcapClientError('ICAP_CLIENT_ORIGINAL_GONE', `${offset} were not sent yet`)
    if (this.#overflowed) throw new IcapClientError('ICAP_CLIENT_ORIGINAL_GONE', `over ${this.#keepBytes} bytes`)
    return Buffer.concat(this.#kept, this.#keptBytes).subarray(offset)
  }

  /** Lets the caller's iterable free what it holds. */
  close(): void {
    if (this.#done) return
    this.#done = true
    void this.#iterator.return?.().catch(() => {})
  }

  #give(bytes: Buffer): Buffer {
    this.sentBytes += bytes.length
    if (this.#keepBytes === 0 || this.#overflowed) return bytes
    this.#keptBytes += bytes.length
    this.#kept.push(bytes)
    if (this.#keptBytes > this.#keepBytes) {
      this.#overflowed = true
      this.#kept.length = 0
    }
    return bytes
  }

  async #pull(): Promise<Buffer> {
    try {
      const step = await this.#iterator.next()
      if (step.done !== true) return step.value
      this.#done = true
      return EMPTY
    } catch (cause) {
      this.#done = true
      throw new IcapClientError('ICAP_CLIENT_SOURCE_FAILED', undefined, { cause })
    }
  }
}

async function* once(body: Buffer): AsyncGenerator<Buffer, void, void> {
  if (body.length > 0) yield body
}

function iteratorOf(body: Buffer | AsyncIterable<Buffer>): AsyncIterator<Buffer> {
  return Buffer.isBuffer(body) ? once(body) : body[Symbol.asyncIterator]()
}
