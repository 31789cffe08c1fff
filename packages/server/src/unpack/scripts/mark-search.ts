/** A word to look for, in lower case ASCII, and what must follow it at once for it to count. */
export interface Mark {
  readonly word: string
  readonly next?: RegExp
}

export interface MarkHit {
  readonly mark: Mark
  readonly at: number
}

const NEXT_CHARS = 48
/** A word that stands everywhere is asked for its sequel this often, then no more. */
const MAX_LOOKS = 32

const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte))

/**
 * Finds any of a set of words in one pass, without regard to case: Wu and Manber, "A fast algorithm for multi-pattern searching"
 * (1994), with blocks of two. It skips most bytes, so it costs a fraction of a search a word, and no text is made of the bytes.
 */
export class MarkSearch {
  readonly #shift: Uint8Array
  readonly #byBlock = new Map<number, Mark[]>()
  readonly #window: number

  /** Words of four characters and more: the shortest decides how far a step may go. */
  constructor(marks: readonly Mark[]) {
    this.#window = Math.min(...marks.map(({ word }) => word.length))
    this.#shift = new Uint8Array(65_536).fill(this.#window - 1)
    for (const mark of marks) this.#add(mark)
  }

  #add(mark: Mark): void {
    for (let i = 1; i < this.#window; i++) {
      const shift = this.#window - 1 - i
      for (const before of bothCases(mark.word.charCodeAt(i - 1)))
        for (const here of bothCases(mark.word.charCodeAt(i))) this.#note((before << 8) | here, shift, mark)
    }
  }

  #note(block: number, shift: number, mark: Mark): void {
    this.#shift[block] = Math.min(this.#shift[block] as number, shift)
    if (shift === 0) this.#byBlock.set(block, [...(this.#byBlock.get(block) ?? []), mark])
  }

  first(bytes: Buffer): MarkHit | undefined {
    const looks = new Map<Mark, number>()
    const shift = this.#shift
    for (let i = this.#window - 1; i < bytes.length; ) {
      const block = ((bytes[i - 1] as number) << 8) | (bytes[i] as number)
      const step = shift[block] as number
      if (step === 0) {
        const at = i - this.#window + 1
        for (const mark of this.#byBlock.get(block) ?? []) {
          if (stands(bytes, at, mark.word) && counts(bytes, at, mark, looks)) return { mark, at }
        }
      }
      i += step === 0 ? 1 : step
    }
    return undefined
  }
}

function bothCases(code: number): number[] {
  return code >= 0x61 && code <= 0x7a ? [code, code - 32] : [code]
}

function stands(bytes: Buffer, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (LOWER[bytes[at + i] ?? 0] !== word.charCodeAt(i)) return false
  return true
}

function counts(bytes: Buffer, at: number, mark: Mark, looks: Map<Mark, number>): boolean {
  if (mark.next === undefined) return true
  const looked = looks.get(mark) ?? 0
  looks.set(mark, looked + 1)
  const from = at + mark.word.length
  return looked < MAX_LOOKS && mark.next.test(bytes.toString('latin1', from, from + NEXT_CHARS))
}
