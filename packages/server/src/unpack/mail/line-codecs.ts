import type { TransferDecoder } from './transfer-decoder.ts'

const NOTHING = Buffer.alloc(0)
const LF = 0x0a
const CR = 0x0d
/** No line of uuencode or of yEnc that a reader takes is longer; what is longer is cut there. */
const MAX_LINE = 64 * 1024

/** Gives whole lines without their ends; keeps what is not a line yet. */
class LineSplitter {
  #held: Buffer = NOTHING;

  *push(chunk: Buffer): Generator<Buffer> {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    let from = 0
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]
      if (byte !== LF && byte !== CR && at - from < MAX_LINE) continue
      if (byte === LF && bytes[at - 1] === CR && at === from) {
        from = at + 1
        continue
      }
      yield bytes.subarray(from, at)
      from = byte === LF || byte === CR ? at + 1 : at
    }
    this.#held = Buffer.from(bytes.subarray(from))
  }

  end(): Buffer {
    const last = this.#held
    this.#held = NOTHING
    return last
  }
}

/** Lines that are encoded, between the first and the last one. */
abstract class LineDecoder implements TransferDecoder {
  /** The last line came. */
  isDone = false
  readonly #lines = new LineSplitter()

  push(chunk: Buffer): Buffer {
    if (this.isDone) return NOTHING
    const pieces: Buffer[] = []
    for (const line of this.#lines.push(chunk)) {
      if (!this.isDone) pieces.push(this.line(line))
    }
    return Buffer.concat(pieces)
  }

  end(): Buffer {
    const last = this.#lines.end()
    return this.isDone || last.length === 0 ? NOTHING : this.line(last)
  }

  protected abstract line(line: Buffer): Buffer
}

const BEGIN = /^begin(?:-base64)? [0-7]{3,4} (.{1,1024})$/

/** The file's name where this line opens a uuencoded one (POSIX uuencode). */
export function uuName(line: string): string | undefined {
  return BEGIN.exec(line.trimEnd())?.[1]?.trim()
}

/** POSIX uuencode, both of its alphabets. Lines that are none are passed over; `begin` is looked for where `open` is false. */
export class UuDecoder extends LineDecoder {
  #open: boolean
  #isBase64: boolean

  constructor(open: boolean, isBase64 = false) {
    super()
    this.#open = open
    this.#isBase64 = isBase64
  }

  protected line(line: Buffer): Buffer {
    if (!this.#open) {
      const text = line.toString('latin1', 0, 1100)
      this.#open = uuName(text) !== undefined
      this.#isBase64 = text.startsWith('begin-base64')
      return NOTHING
    }
    if (this.#isBase64) {
      this.isDone = line.toString('latin1', 0, 4) === '===='
      return this.isDone ? NOTHING : Buffer.from(line.toString('latin1'), 'base64')
    }
    this.isDone = line.length >= 3 && line.toString('latin1').trimEnd() === 'end'
    return this.isDone ? NOTHING : uuLine(line)
  }
}

function uuLine(line: Buffer): Buffer {
  const wanted = line.length === 0 ? 0 : ((line[0] as number) - 32) & 63
  const out = Buffer.allocUnsafe(Math.ceil(wanted / 3) * 3)
  let at = 0
  for (let i = 1; at < wanted; i += 4) {
    // Trailing blanks get lost on the way: they are zeros.
    const sextet = (place: number) => ((line[i + place] ?? 32) - 32) & 63
    const bits = (sextet(0) << 18) | (sextet(1) << 12) | (sextet(2) << 6) | sextet(3)
    out[at++] = bits >> 16
    out[at++] = bits >> 8
    out[at++] = bits
  }
  return out.subarray(0, wanted)
}

/** yEnc 1.3: the file's name where this line begins one. */
export function yEncName(line: string): string | undefined {
  return /^=ybegin [^\r\n]{0,1000}?name=([^\r\n]{1,1024})$/.exec(line.trimEnd())?.[1]?.trim()
}

export class YEncDecoder extends LineDecoder {
  protected line(line: Buffer): Buffer {
    const mark = line.toString('latin1', 0, 7)
    this.isDone = mark.startsWith('=yend')
    if (this.isDone || mark.startsWith('=ypart')) return NOTHING
    const out = Buffer.allocUnsafe(line.length)
    let at = 0
    for (let i = 0; i < line.length; i++) {
      const isEscape = line[i] === 0x3d && i + 1 < line.length
      const byte = isEscape ? (line[++i] as number) - 64 : (line[i] as number)
      out[at++] = byte - 42
    }
    return out.subarray(0, at)
  }
}
