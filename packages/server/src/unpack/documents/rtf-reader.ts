import type { ContentView } from '../content-view.ts'

/** What RTF is made of. */
export type RtfToken =
  | { readonly kind: 'open' | 'close' | 'end' }
  /** A control word, lower or upper case as written; `value` is undefined where it has none. */
  | { readonly kind: 'word'; readonly text: string; readonly value: number | undefined }
  /** `\*`, `\~` and so on, one character. */
  | { readonly kind: 'symbol'; readonly text: string }
  /** `\'e4`. */
  | { readonly kind: 'hex'; readonly byte: number }
  /** One byte of text. */
  | { readonly kind: 'text'; readonly byte: number }
  /** What follows `\bin`, by position. */
  | { readonly kind: 'binary'; readonly offset: number; readonly length: number }

/** Text is nearly all of a document: its tokens are made once. */
const TEXTS: readonly RtfToken[] = Array.from({ length: 256 }, (_, byte) => ({ kind: 'text', byte }) as const)
const WINDOW = 256 * 1024
/** Word reads no more of a word's letters or digits; what comes behind is text. */
const MAX_LETTERS = 254
const MAX_DIGITS = 254

/**
 * Reads RTF 1.9.1 as leniently as Word does: no order is demanded, nothing is an error, `\bin` reaches as far as the file.
 * No npm library does: those that exist make HTML of harmless documents.
 */
export class RtfReader {
  readonly #view: ContentView
  #window: Buffer = Buffer.alloc(0)
  #windowAt = 0
  #at = 0

  constructor(view: ContentView) {
    this.#view = view
  }

  /** Where the next token begins. */
  get position(): number {
    return this.#at
  }

  next(): RtfToken {
    const byte = this.#byte(this.#at)
    if (byte < 0) return { kind: 'end' }
    this.#at++
    if (byte === 0x7b) return { kind: 'open' }
    if (byte === 0x7d) return { kind: 'close' }
    return byte === 0x5c ? this.#control() : (TEXTS[byte] as RtfToken)
  }

  #byte(at: number): number {
    const index = at - this.#windowAt
    if (index >= 0 && index < this.#window.length) return this.#window[index] as number
    this.#windowAt = at
    this.#window = this.#view.read(at, WINDOW)
    return this.#window.length === 0 ? -1 : (this.#window[0] as number)
  }

  #control(): RtfToken {
    const byte = this.#byte(this.#at)
    if (byte < 0) return { kind: 'end' }
    if (isLetter(byte)) return this.#word()
    this.#at++
    if (byte !== 0x27) return { kind: 'symbol', text: String.fromCharCode(byte) }
    const [high, low] = [hexDigit(this.#byte(this.#at)), hexDigit(this.#byte(this.#at + 1))]
    if (high < 0 || low < 0) return { kind: 'symbol', text: "'" }
    this.#at += 2
    return { kind: 'hex', byte: high * 16 + low }
  }

  #word(): RtfToken {
    const text = this.#take(isLetter, MAX_LETTERS)
    const negative = this.#byte(this.#at) === 0x2d && isDigit(this.#byte(this.#at + 1))
    if (negative) this.#at++
    const digits = this.#take(isDigit, MAX_DIGITS)
    // One space ends the word and belongs to it.
    if (this.#byte(this.#at) === 0x20) this.#at++
    const value = digits === '' ? undefined : Math.min(Number(digits), 0x7fffffff) * (negative ? -1 : 1)
    if (text === 'bin' && value !== undefined && value > 0) return this.#binary(value)
    return { kind: 'word', text, value }
  }

  #binary(length: number): RtfToken {
    const offset = this.#at
    const there = Math.min(length, Math.max(0, this.#view.size - offset))
    this.#at += there
    return { kind: 'binary', offset, length: there }
  }

  #take(belongs: (byte: number) => boolean, most: number): string {
    const bytes: number[] = []
    while (bytes.length < most && belongs(this.#byte(this.#at))) bytes.push(this.#byte(this.#at++))
    return String.fromCharCode(...bytes)
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** -1 where it is none. */
export function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
