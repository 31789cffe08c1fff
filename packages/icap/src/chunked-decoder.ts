import { IcapError } from './errors.ts'
import { latin1 } from './latin1.ts'

const EMPTY = Buffer.alloc(0)
/** Data pieces below this are joined with the next ones of the same read, so that a body of 1-byte chunks makes no pile of tiny buffers. */
const SMALL_BYTES = 512
const MAX_JOINED_BYTES = 16_384

const SIZE_LINE = /^([0-9a-fA-F]{1,16})[ \t]*(;[\t\x20-\x7e\x80-\xff]*)?$/
const EXTENSION = /[ \t]*;[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]*)[ \t]*(?:=[ \t]*("(?:[^"\\]|\\.)*"|[^;"]*))?/y
const TRAILER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/
const FOLDED_LINE = /^[ \t][\t\x20-\x7e\x80-\xff]*$/

export interface ChunkedLimits {
  readonly maxChunkLineBytes: number
  readonly maxTrailerBytes: number
}

type State = 'size' | 'data' | 'data-crlf' | 'trailer' | 'done'

/**
 * Reads the chunked coding (RFC 2616 3.6.1, with RFC 3507's `ieof`) out of pieces cut anywhere:
 * `push` one piece, `read` until undefined, look at `done`, push the next one. Data is given as slices of the pieces, not copied
 * (small ones are joined). Trailers are checked and dropped. Throws ICAP_BAD_CHUNK, ICAP_CHUNK_LINE_TOO_LONG, ICAP_TRAILER_TOO_LARGE.
 */
export class ChunkedDecoder {
  readonly #limits: ChunkedLimits
  #state: State = 'size'
  #bytes: Buffer = EMPTY
  #at = 0
  #end = 0
  #left = 0
  #dataAt = 0
  /** The beginning of a line whose end is in a later piece. */
  #line = ''
  #crlfSeen = 0
  #trailerBytes = 0
  #bodyBytes = 0
  #ieof = false
  #useOriginalBody: number | undefined

  constructor(limits: ChunkedLimits) {
    this.#limits = limits
  }

  /** The last chunk and its trailer were read; what follows is `takeRest`. */
  get done(): boolean {
    return this.#state === 'done'
  }

  /** RFC 3507 4.5: the preview held the whole body, so no 100 Continue may follow. */
  get ieof(): boolean {
    return this.#ieof
  }

  /** Of a 206's last chunk: where the original goes on. */
  get useOriginalBody(): number | undefined {
    return this.#useOriginalBody
  }

  /** Data bytes so far, since the last `reset`. */
  get bodyBytes(): number {
    return this.#bodyBytes
  }

  /** Whether any byte of this body was understood. */
  get hasBegun(): boolean {
    return this.#state !== 'size' || this.#line !== '' || this.#bodyBytes > 0
  }

  get unreadBytes(): number {
    return this.#end - this.#at
  }

  /** For the next body; unread bytes are dropped. */
  reset(): void {
    this.#state = 'size'
    this.#release()
    this.#left = 0
    this.#line = ''
    this.#crlfSeen = 0
    this.#trailerBytes = 0
    this.#bodyBytes = 0
    this.#ieof = false
    this.#useOriginalBody = undefined
  }

  /** Gives the next piece, `from`..`to` of `bytes`; the one before it must have been read to its end. */
  push(bytes: Buffer, from = 0, to = bytes.length): void {
    if (this.unreadBytes > 0) throw new TypeError('push before the last piece was read')
    this.#bytes = bytes
    this.#at = from
    this.#end = to
  }

  /** The next data, or undefined: all read, or the body is done. */
  read(): Buffer | undefined {
    const length = this.#nextData()
    if (length === 0) return undefined
    if (length < SMALL_BYTES && this.#at < this.#end) return this.#joinSmall(length)
    return this.#bytes.subarray(this.#dataAt, this.#dataAt + length)
  }

  /** The bytes behind the body, given away. */
  takeRest(): Buffer {
    const rest = this.#at === this.#end ? EMPTY : this.#bytes.subarray(this.#at, this.#end)
    this.#release()
    return rest
  }

  #release(): void {
    this.#bytes = EMPTY
    this.#at = 0
    this.#end = 0
  }

  #joinSmall(firstLength: number): Buffer {
    const bytes = this.#bytes
    const firstAt = this.#dataAt
    let length = this.#nextData()
    if (length === 0) return bytes.subarray(firstAt, firstAt + firstLength)
    const joined = Buffer.allocUnsafe(firstLength + length + Math.min(this.#end - this.#at, MAX_JOINED_BYTES))
    bytes.copy(joined, 0, firstAt, firstAt + firstLength)
    let filled = firstLength
    while (length > 0) {
      filled += bytes.copy(joined, filled, this.#dataAt, this.#dataAt + length)
      if (filled >= MAX_JOINED_BYTES) break
      length = this.#nextData(joined.length - filled)
    }
    return joined.subarray(0, filled)
  }

  /** Steps to the next data and says its length (from #dataAt); 0: no more in this piece. */
  #nextData(most = Number.MAX_SAFE_INTEGER): number {
    while (this.#at < this.#end) {
      switch (this.#state) {
        case 'size':
          this.#readSize()
          break
        case 'data':
          return this.#takeData(most)
        case 'data-crlf':
          this.#readDataCrlf()
          break
        case 'trailer':
          this.#readTrailer()
          break
        case 'done':
          return 0
      }
    }
    return 0
  }

  #takeData(most: number): number {
    const length = Math.min(this.#left, this.#end - this.#at, most)
    this.#dataAt = this.#at
    this.#at += length
    this.#left -= length
    this.#bodyBytes += length
    if (this.#left === 0) this.#state = 'data-crlf'
    return length
  }

  #readDataCrlf(): void {
    const expected = this.#crlfSeen === 0 ? 0x0d : 0x0a
    if (this.#bytes[this.#at] !== expected) throw bad('no CRLF behind the data')
    this.#at++
    this.#crlfSeen ^= 1
    if (this.#crlfSeen === 0) this.#state = 'size'
  }

  #readSize(): void {
    if (this.#line === '' && this.#readPlainSize()) return
    const line = this.#takeLine(this.#limits.maxChunkLineBytes, 'ICAP_CHUNK_LINE_TOO_LONG')
    if (line === undefined) return
    const parts = SIZE_LINE.exec(line)
    if (parts === null) throw bad('size line')
    const size = Number.parseInt(parts[1] ?? '', 16)
    if (size > Number.MAX_SAFE_INTEGER) throw bad('size beyond 2^53')
    this.#begin(size)
    if (parts[2] !== undefined) this.#readExtensions(parts[2])
  }

  /** The common case without a string: hexadecimal digits and CRLF, all in this piece. */
  #readPlainSize(): boolean {
    const bytes = this.#bytes
    let at = this.#at
    let size = 0
    // Twelve digits are 2^48: longer ones take the slow way.
    for (const end = Math.min(at + 12, this.#end); at < end; at++) {
      const digit = hexValue(bytes[at] as number)
      if (digit < 0) break
      size = size * 16 + digit
    }
    if (at === this.#at || at + 1 >= this.#end || bytes[at] !== 0x0d || bytes[at + 1] !== 0x0a) return false
    this.#at = at + 2
    this.#begin(size)
    return true
  }

  #begin(size: number): void {
    this.#left = size
    this.#state = size === 0 ? 'trailer' : 'data'
  }

  /** Extensions are ignored (RFC 2616 3.6.1) but for the last chunk's two; quoted text may hold anything but an end of line. */
  #readExtensions(text: string): void {
    EXTENSION.lastIndex = 0
    while (EXTENSION.lastIndex < text.length) {
      const found = EXTENSION.exec(text)
      if (found === null) throw bad('extension')
      if (this.#left === 0) this.#noteExtension((found[1] ?? '').toLowerCase(), found[2]?.trim())
    }
  }

  #noteExtension(name: string, value: string | undefined): void {
    if (name === 'ieof') this.#ieof = true
    if (name === 'use-original-body' && value !== undefined && /^\d{1,15}$/.test(value))
      this.#useOriginalBody = Number(value)
  }

  #readTrailer(): void {
    const at = this.#at
    if (this.#line === '' && at + 1 < this.#end && this.#bytes[at] === 0x0d && this.#bytes[at + 1] === 0x0a) {
      this.#at += 2
      this.#state = 'done'
      return
    }
    const line = this.#takeLine(this.#limits.maxTrailerBytes - this.#trailerBytes, 'ICAP_TRAILER_TOO_LARGE')
    if (line === undefined) return
    if (line === '') {
      this.#state = 'done'
      return
    }
    const isFolded = this.#trailerBytes > 0 && FOLDED_LINE.test(line)
    if (!isFolded && !TRAILER_LINE.test(line)) throw bad('trailer')
    this.#trailerBytes += line.length + 2
  }

  /** A line up to CRLF, without it; undefined when its end is not there yet. A bare LF ends no line: others would cut there. */
  #takeLine(maxBytes: number, tooLong: 'ICAP_CHUNK_LINE_TOO_LONG' | 'ICAP_TRAILER_TOO_LARGE'): string | undefined {
    const found = this.#bytes.indexOf(0x0a, this.#at)
    const newline = found < this.#end ? found : -1
    const end = newline === -1 ? this.#end : newline + 1
    if (this.#line.length + end - this.#at > maxBytes) throw new IcapError(tooLong)
    const line = this.#line + latin1(this.#bytes, this.#at, end)
    this.#at = end
    this.#line = newline === -1 ? line : ''
    if (newline === -1) return undefined
    if (!line.endsWith('\r\n')) throw bad('a line ends with a bare LF')
    return line.slice(0, -2)
  }
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function bad(detail: string): IcapError {
  return new IcapError('ICAP_BAD_CHUNK', { detail })
}
