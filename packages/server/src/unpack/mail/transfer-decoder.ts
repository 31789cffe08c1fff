/** Content-Transfer-Encoding (RFC 2045 6), taken off as the most forgiving readers do, in pieces of any size. */
export interface TransferDecoder {
  push(chunk: Buffer): Buffer
  end(): Buffer
  /** Its last line came: nothing more will. */
  readonly isDone?: boolean
}

const NOTHING = Buffer.alloc(0)

export const identityDecoder: TransferDecoder = { push: (chunk) => chunk, end: () => NOTHING }

const JUNK = 255
const PAD = 254

function alphabet(last: string): Uint8Array {
  const table = new Uint8Array(256).fill(JUNK)
  const chars = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${last}`
  for (let at = 0; at < chars.length; at++) table[chars.charCodeAt(at)] = at % 64
  table[0x3d] = PAD
  return table
}

/** Both alphabets of RFC 4648 at once: `+` and `-`, `/` and `_`. */
const LOOSE = alphabet('+/').map((value, byte) => (byte === 0x2d ? 62 : byte === 0x5f ? 63 : value))
const STRICT = alphabet('+/')

export interface Base64Options {
  /** What a `=` does that is not the last: `restart` begins a new group of four there, `ignore` passes over it. */
  readonly pad?: 'restart' | 'ignore'
  /** `-` and `_` are letters too; else they are junk, which is passed over. */
  readonly urlSafe?: boolean
}

/** Base64 with anything else in between (RFC 2045 6.8: passed over). Half a group at the end gives the bytes that it has. */
export class Base64Decoder implements TransferDecoder {
  /** Readers differ: letters came behind a `=`, or letters of the other alphabet. Another reading may give other bytes. */
  isAmbiguous = false
  /** Bytes that are neither letters nor blanks nor `=`. */
  junk = 0
  readonly #table: Uint8Array
  readonly #restarts: boolean
  #bits = 0
  #letters = 0
  #padded = false

  constructor({ pad = 'restart', urlSafe = false }: Base64Options = {}) {
    this.#table = urlSafe ? LOOSE : STRICT
    this.#restarts = pad === 'restart'
  }

  push(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(Math.ceil(chunk.length / 4) * 3 + 3)
    const table = this.#table
    let at = 0
    let bits = this.#bits
    let letters = this.#letters
    for (let i = 0; i < chunk.length; i++) {
      const value = table[chunk[i] as number] as number
      if (value < 64) {
        bits = (bits << 6) | value
        if (this.#padded) this.isAmbiguous = true
        if (++letters < 4) continue
        out[at++] = bits >> 16
        out[at++] = bits >> 8
        out[at++] = bits
        bits = 0
        letters = 0
      } else if (value === PAD) {
        this.#padded = true
        if (!this.#restarts) continue
        at += flush(out, at, bits, letters)
        bits = 0
        letters = 0
      } else this.#notJunk(chunk[i] as number)
    }
    this.#bits = bits
    this.#letters = letters
    return out.subarray(0, at)
  }

  end(): Buffer {
    const out = Buffer.alloc(2)
    const bytes = flush(out, 0, this.#bits, this.#letters)
    this.#letters = 0
    return out.subarray(0, bytes)
  }

  #notJunk(byte: number): void {
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return
    this.junk++
    if (byte === 0x2d || byte === 0x5f) this.isAmbiguous = true
  }
}

function flush(out: Buffer, at: number, bits: number, letters: number): number {
  if (letters < 2) return 0
  out[at] = letters === 2 ? bits >> 4 : bits >> 10
  if (letters === 3) out[at + 1] = bits >> 2
  return letters - 1
}

const EQUALS = 0x3d
/** Blanks between `=` and its line end (RFC 2045 6.7 rule 3); more are no soft break. */
const MAX_HELD = 256

/** Quoted-printable (RFC 2045 6.7). A `=` that means nothing stays as it is. */
export class QuotedPrintableDecoder implements TransferDecoder {
  #held: Buffer = NOTHING

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    return this.#decode(bytes, false)
  }

  end(): Buffer {
    return this.#decode(this.#held, true)
  }

  #decode(bytes: Buffer, isLast: boolean): Buffer {
    const out = Buffer.allocUnsafe(bytes.length)
    let at = 0
    let i = 0
    while (i < bytes.length) {
      const byte = bytes[i] as number
      const length = byte === EQUALS ? escapeLength(bytes, i) : 0
      if (byte === EQUALS && length === UNDECIDED && !isLast) break
      if (length > 0) {
        const value = hexPair(bytes, i)
        if (value >= 0) out[at++] = value
        i += length
      } else {
        out[at++] = byte
        i++
      }
    }
    // A copy: the chunk is not ours.
    this.#held = Buffer.from(bytes.subarray(i))
    return out.subarray(0, at)
  }
}

const UNDECIDED = -1

/** Bytes that the escape at `at` takes; 0: it is none; UNDECIDED: that hangs on bytes yet to come. */
function escapeLength(bytes: Buffer, at: number): number {
  if (hexPair(bytes, at) >= 0) return 3
  let end = at + 1
  while (end - at < MAX_HELD && (bytes[end] === 0x20 || bytes[end] === 0x09)) end++
  const next = bytes[end]
  if (next === undefined) return UNDECIDED
  if (next === 0x0a) return end - at + 1
  if (next === 0x0d) return bytes[end + 1] === undefined ? UNDECIDED : end - at + (bytes[end + 1] === 0x0a ? 2 : 1)
  return hexValue(next) >= 0 && end === at + 1 && bytes[end + 1] === undefined ? UNDECIDED : 0
}

/** -1 where no two hex digits follow. */
function hexPair(bytes: Buffer, at: number): number {
  const high = hexValue(bytes[at + 1])
  const low = hexValue(bytes[at + 2])
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

export function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
