import { hexValue, type TransferDecoder } from '../mail/transfer-decoder.ts'

/** Takes an escape off. `taken` 0: more bytes are needed to know. */
interface Escape {
  readonly taken: number
  readonly bytes: Buffer | undefined
}

/** Escapes of a text taken off in pieces of any size; one that means nothing stays as it is. */
abstract class Unescaper implements TransferDecoder {
  readonly #mark: number
  readonly #most: number
  #held: Buffer = Buffer.alloc(0)

  /** An escape begins with `mark` and has at most `most` bytes. */
  constructor(mark: number, most: number) {
    this.#mark = mark
    this.#most = most
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    return this.#decode(bytes, false)
  }

  end(): Buffer {
    return this.#decode(this.#held, true)
  }

  #decode(bytes: Buffer, isLast: boolean): Buffer {
    // No escape becomes longer than it is written.
    const out = Buffer.allocUnsafe(bytes.length)
    let at = 0
    let i = 0
    while (i < bytes.length) {
      if (bytes[i] !== this.#mark) {
        out[at++] = bytes[i++] as number
        continue
      }
      if (!isLast && bytes.length - i < this.#most) break
      const { taken, bytes: decoded } = this.escape(bytes.subarray(i, i + this.#most))
      if (decoded === undefined || taken === 0) out[at++] = bytes[i++] as number
      else {
        at += decoded.copy(out, at)
        i += taken
      }
    }
    this.#held = isLast ? Buffer.alloc(0) : Buffer.from(bytes.subarray(i))
    return out.subarray(0, at)
  }

  /** `bytes` begin with the mark. */
  protected abstract escape(bytes: Buffer): Escape
}

const NONE: Escape = { taken: 0, bytes: undefined }
const SINGLE = new Map(
  Object.entries({ n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', '/': '/', '\\': '\\', '"': '"' }).map(
    ([key, value]) => [key.charCodeAt(0), { taken: 2, bytes: Buffer.from(value) }],
  ),
)

/** A JSON string's content (RFC 8259 7) as UTF-8. */
export class JsonUnescaper extends Unescaper {
  constructor() {
    super(0x5c, 12)
  }

  protected escape(bytes: Buffer): Escape {
    const single = SINGLE.get(bytes[1] ?? 0)
    if (single !== undefined) return single
    const unit = codeUnit(bytes, 0)
    if (unit < 0) return NONE
    const low = unit >= 0xd800 && unit < 0xdc00 ? codeUnit(bytes, 6) : -1
    const isPair = low >= 0xdc00 && low < 0xe000
    const text = isPair ? String.fromCharCode(unit, low) : String.fromCharCode(unit)
    return { taken: isPair ? 12 : 6, bytes: Buffer.from(text) }
  }
}

/** -1 where no backslash, `u` and four hex digits stand. */
function codeUnit(bytes: Buffer, at: number): number {
  if (bytes[at] !== 0x5c || bytes[at + 1] !== 0x75) return -1
  let unit = 0
  for (let i = 2; i < 6; i++) {
    const digit = hexValue(bytes[at + i])
    if (digit < 0) return -1
    unit = unit * 16 + digit
  }
  return unit
}

/** `%41` (RFC 3986 2.1). `+` stays: in base64 it is a letter, and as a blank it is none. */
export class PercentDecoder extends Unescaper {
  constructor() {
    super(0x25, 3)
  }

  protected escape(bytes: Buffer): Escape {
    const high = hexValue(bytes[1])
    const low = hexValue(bytes[2])
    return high < 0 || low < 0 ? NONE : { taken: 3, bytes: Buffer.from([high * 16 + low]) }
  }
}

const LINE_END = /^&#(?:13|10|x0?[ad]);/i

/** Line ends as XML writers escape them inside base64 become line ends. */
export class XmlLineEnds extends Unescaper {
  constructor() {
    super(0x26, 6)
  }

  protected escape(bytes: Buffer): Escape {
    const match = LINE_END.exec(bytes.toString('latin1'))
    return match === null ? NONE : { taken: match[0].length, bytes: Buffer.from('\n') }
  }
}

/** One decoder behind another. */
export function chain(first: TransferDecoder, second: TransferDecoder): TransferDecoder {
  return {
    push: (chunk) => second.push(first.push(chunk)),
    end: () => Buffer.concat([second.push(first.end()), second.end()]),
  }
}

/** Passes over the first bytes: the head of a data: URI. */
export function skipping(bytes: number): TransferDecoder {
  let left = bytes
  return {
    push(chunk) {
      const skipped = Math.min(left, chunk.length)
      left -= skipped
      return chunk.subarray(skipped)
    },
    end: () => Buffer.alloc(0),
  }
}
