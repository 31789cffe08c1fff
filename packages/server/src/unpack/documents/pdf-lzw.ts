import { Unscanned } from '../../domain/verdict.ts'

const CLEAR = 256
const END = 257
const MAX_CODES = 4096

/** ISO 32000-1 7.4.4: codes of 9 to 12 bits, high bit first. `early`: the width grows one code early, as writers do. */
export function decodeLzw(bytes: Buffer, early: boolean, max: number): Buffer {
  return new LzwDecoder(early, max).decode(bytes)
}

class LzwDecoder {
  readonly #early: number
  readonly #max: number
  // A code is its prefix and one byte more: no strings are copied.
  readonly #prefix = new Uint16Array(MAX_CODES)
  readonly #suffix = new Uint8Array(MAX_CODES)
  readonly #lengths = new Uint16Array(MAX_CODES)
  #next = END + 1
  #out = Buffer.allocUnsafe(4096)
  #length = 0

  constructor(early: boolean, max: number) {
    this.#early = early ? 1 : 0
    this.#max = max
    for (let i = 0; i < 256; i++) {
      this.#suffix[i] = i
      this.#lengths[i] = 1
    }
  }

  decode(bytes: Buffer): Buffer {
    let bits = 0
    let held = 0
    let previous = -1
    for (const byte of bytes) {
      bits = ((bits << 8) | byte) & 0xffffff
      held += 8
      const width = this.#width()
      if (held < width) continue
      held -= width
      const code = (bits >> held) & ((1 << width) - 1)
      if (code === END) break
      if (code === CLEAR) this.#next = END + 1
      else if (!this.#take(code, previous)) break
      previous = code === CLEAR ? -1 : code
    }
    return this.#out.subarray(0, this.#length)
  }

  #width(): number {
    const codes = this.#next + this.#early
    return codes < 512 ? 9 : codes < 1024 ? 10 : codes < 2048 ? 11 : 12
  }

  /** False at a code that cannot stand here: the rest is noise. */
  #take(code: number, previous: number): boolean {
    if (previous < 0) {
      if (code > 255) return false
      this.#write(code)
      return true
    }
    if (code > this.#next) return false
    const first = this.#firstOf(code === this.#next ? previous : code)
    if (this.#next < MAX_CODES) {
      this.#prefix[this.#next] = previous
      this.#suffix[this.#next] = first
      this.#lengths[this.#next] = (this.#lengths[previous] as number) + 1
      this.#next++
    } else if (code === this.#next) return false
    this.#write(code)
    return true
  }

  #firstOf(code: number): number {
    let at = code
    while (at > 255) at = this.#prefix[at] as number
    return at
  }

  #write(code: number): void {
    const length = this.#lengths[code] as number
    if (this.#length + length > this.#max) throw new Unscanned('bomb', 'an LZW stream grows past the budget')
    if (this.#length + length > this.#out.length) {
      const larger = Buffer.allocUnsafe(this.#out.length * 2 + length)
      this.#out.copy(larger, 0, 0, this.#length)
      this.#out = larger
    }
    let node = code
    for (let i = this.#length + length - 1; i >= this.#length; i--) {
      this.#out[i] = this.#suffix[node] as number
      node = this.#prefix[node] as number
    }
    this.#length += length
  }
}
