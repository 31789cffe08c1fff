import { COMPOUND_MAGIC } from './compound-file.ts'

/** Bytes that are written as hexadecimal digits, with whatever stands between them. */
export class HexSink {
  readonly #chunks: Buffer[] = []
  readonly #limit: number
  #chunk = Buffer.allocUnsafe(16 * 1024)
  #used = 0
  #bytes = 0
  #nibble = -1
  /** More was written than is kept. */
  overflowed = false

  constructor(limit: number) {
    this.#limit = limit
  }

  digit(value: number): void {
    if (this.#nibble < 0) this.#nibble = value
    else {
      this.#push(this.#nibble * 16 + value)
      this.#nibble = -1
    }
  }

  bytes(data: Buffer): void {
    this.#nibble = -1
    for (const byte of data) this.#push(byte)
  }

  get length(): number {
    return this.#bytes
  }

  take(): Buffer {
    return Buffer.concat([...this.#chunks, this.#chunk.subarray(0, this.#used)])
  }

  #push(byte: number): void {
    if (this.#bytes >= this.#limit) {
      this.overflowed = true
      return
    }
    if (this.#used === this.#chunk.length) {
      this.#chunks.push(this.#chunk)
      this.#chunk = Buffer.allocUnsafe(Math.min(1024 * 1024, this.#chunk.length * 2))
      this.#used = 0
    }
    this.#chunk[this.#used++] = byte
    this.#bytes++
  }
}

/** An OLE 1 object ([MS-OLEDS] 2.2.4 and 2.2.5) as RTF keeps it. */
export interface Ole1Object {
  readonly linked: boolean
  readonly className: string
  /** For a linked object: where it comes from. */
  readonly topic: string
  readonly native: Buffer
  /** Fewer bytes are there than it says. */
  readonly cut: boolean
}

const MAX_NAME = 1024

/** Undefined where the bytes are no OLE 1 object, in which case a compound file in them may still be found. */
export function readOle1(bytes: Buffer): Ole1Object | undefined {
  if (bytes.length < 12) return undefined
  // The version is not looked at by Word either.
  const format = bytes.readUInt32LE(4)
  const className = sizedText(bytes, 8)
  if (className === undefined || (format !== 1 && format !== 2)) return undefined
  const topic = sizedText(bytes, className.end)
  const item = topic && sizedText(bytes, topic.end)
  if (topic === undefined || item === undefined) return undefined
  const linked = format === 1
  if (linked || item.end + 4 > bytes.length) {
    return { linked, className: className.text, topic: topic.text, native: bytes.subarray(item.end), cut: false }
  }
  const size = bytes.readUInt32LE(item.end)
  const native = bytes.subarray(item.end + 4, item.end + 4 + size)
  return { linked, className: className.text, topic: topic.text, native, cut: native.length < size }
}

function sizedText(bytes: Buffer, at: number): { text: string; end: number } | undefined {
  if (at + 4 > bytes.length) return undefined
  const size = bytes.readUInt32LE(at)
  if (size > MAX_NAME || at + 4 + size > bytes.length) return undefined
  return { text: bytes.toString('latin1', at + 4, at + 4 + size).split('\0', 1)[0] ?? '', end: at + 4 + size }
}

/** Where headers are broken on purpose, the compound file behind them is still read by Word. */
export function compoundIn(bytes: Buffer): Buffer | undefined {
  const at = bytes.indexOf(COMPOUND_MAGIC)
  return at < 0 ? undefined : bytes.subarray(at)
}
