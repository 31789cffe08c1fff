import type { TransferDecoder } from './transfer-decoder.ts'

/**
 * [MS-OXRTFCP] compressed RTF (PR_RTF_COMPRESSED), in pieces: a reference of two bytes gives at most 17, so that the output is bounded
 * by the input.
 */
const INITIAL =
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx'
const HEADER_BYTES = 16
const COMPRESSED = 0x75465a4c
const UNCOMPRESSED = 0x414c454d
const WINDOW = 4096
/** 17 bytes from a reference of two. */
const MOST_A_BYTE = 9
const NOTHING = Buffer.alloc(0)

/** Takes the compression off; what has no such header stays as it is. Sizes and checksum of the header are not trusted. */
export class RtfDecoder implements TransferDecoder {
  isDone = false
  #header: Buffer | undefined = Buffer.alloc(0)
  #isCompressed = false
  readonly #window = Buffer.alloc(WINDOW)
  #write = this.#window.write(INITIAL, 'latin1')
  #control = 0
  /** Tokens that the control byte still speaks of. */
  #tokens = 0
  /** The first byte of a reference. */
  #half: number | undefined

  push(chunk: Buffer): Buffer {
    if (this.#header === undefined) return this.#body(chunk)
    this.#header = Buffer.concat([this.#header, chunk])
    return this.#header.length < HEADER_BYTES ? NOTHING : this.#start(this.#header)
  }

  end(): Buffer {
    const header = this.#header ?? NOTHING
    this.#header = undefined
    return header
  }

  #start(bytes: Buffer): Buffer {
    this.#header = undefined
    const kind = bytes.readUInt32LE(8)
    this.#isCompressed = kind === COMPRESSED
    return this.#body(kind === COMPRESSED || kind === UNCOMPRESSED ? bytes.subarray(HEADER_BYTES) : bytes)
  }

  #body(bytes: Buffer): Buffer {
    return this.#isCompressed ? this.#decompress(bytes) : bytes
  }

  /** Section 3.1.2.2: a control byte, lowest bit first: 0 is a byte, 1 a place and a length in the window. */
  #decompress(bytes: Buffer): Buffer {
    const out = Buffer.allocUnsafe((bytes.length + 1) * MOST_A_BYTE)
    let size = 0
    const put = (byte: number) => {
      out[size++] = byte
      this.#window[this.#write] = byte
      this.#write = (this.#write + 1) % WINDOW
    }
    for (let at = 0; at < bytes.length && !this.isDone; at++) {
      const byte = bytes[at] as number
      if (this.#tokens === 0) {
        this.#control = byte
        this.#tokens = 8
      } else if ((this.#control & 1) === 0) {
        put(byte)
        this.#nextToken()
      } else if (this.#half === undefined) this.#half = byte
      else {
        this.#copy((this.#half << 8) | byte, put)
        this.#half = undefined
        this.#nextToken()
      }
    }
    return out.subarray(0, size)
  }

  #copy(reference: number, put: (byte: number) => void): void {
    const from = reference >> 4
    // A reference to the place that is written next is the end.
    this.isDone = from === this.#write
    const length = this.isDone ? 0 : (reference & 15) + 2
    for (let i = 0; i < length; i++) put(this.#window[(from + i) % WINDOW] as number)
  }

  #nextToken(): void {
    this.#control >>= 1
    this.#tokens--
  }
}

const SPACED = /\\(?:par|line|tab|row|cell)\b/g
const CONTROL = /\\'([0-9a-f]{2})|\\[a-z]{1,32}-?\d{0,10} ?|\\([{}\\])|[{}\r\n]/gi

/** What people read of an RTF text, roughly: enough to find a password in. */
export function rtfText(rtf: string): string {
  return rtf
    .replace(SPACED, (word) => `${word} \n`)
    .replace(CONTROL, (_, hex?: string, sign?: string) => (hex ? String.fromCharCode(parseInt(hex, 16)) : (sign ?? '')))
    .replace(/[ \n]{2,200}/g, ' ')
}
