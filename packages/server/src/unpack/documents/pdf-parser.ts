import { PdfDict, PdfName, PdfRef, PdfString, type PdfValue, PdfWord } from './pdf-values.ts'

/** Deeper nesting than any writer makes; below it brackets are words, and the tokens go by. */
const MAX_DEPTH = 64

const REGULAR = 0
const SPACE = 1
const DELIMITER = 2
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0 || byte === 9 || byte === 10 || byte === 12 || byte === 13 || byte === 32) return SPACE
  return '()<>[]{}/%'.includes(String.fromCharCode(byte)) ? DELIMITER : REGULAR
})

export function isPdfSpace(byte: number | undefined): boolean {
  return byte !== undefined && KINDS[byte] === SPACE
}

/**
 * Reads PDF values (ISO 32000-1 7.2, 7.3) from one buffer and never fails: what is malformed becomes null or a word.
 * `ranOut`: the end of the buffer came inside a value, so that a longer buffer may give more.
 */
export class PdfParser {
  at: number
  ranOut = false
  readonly #bytes: Buffer
  readonly #decrypt: ((bytes: Buffer) => Buffer) | undefined

  constructor(bytes: Buffer, at = 0, decrypt?: (bytes: Buffer) => Buffer) {
    this.#bytes = bytes
    this.at = at
    this.#decrypt = decrypt
  }

  /** Past white space and comments. */
  skipSpace(): void {
    const bytes = this.#bytes
    for (;;) {
      while (this.at < bytes.length && KINDS[bytes[this.at] as number] === SPACE) this.at++
      if (bytes[this.at] !== 0x25) return
      while (this.at < bytes.length && bytes[this.at] !== 10 && bytes[this.at] !== 13) this.at++
    }
  }

  /** undefined at the end of the buffer. */
  value(depth = 0): PdfValue | undefined {
    this.skipSpace()
    const byte = this.#bytes[this.at]
    switch (byte) {
      case undefined:
        return undefined
      case 0x2f: // /
        return this.#name()
      case 0x28: // (
        return this.#literal()
      case 0x3c: // <
        if (this.#bytes[this.at + 1] !== 0x3c) return this.#hex()
        return depth < MAX_DEPTH ? this.#dict(depth) : this.#stray()
      case 0x5b: // [
        return depth < MAX_DEPTH ? this.#array(depth) : this.#stray()
      default:
        return KINDS[byte] === DELIMITER ? this.#stray() : this.#numberOrWord()
    }
  }

  #stray(): PdfWord {
    const byte = this.#bytes[this.at] as number
    const char = String.fromCharCode(byte)
    const text = (byte === 0x3e || byte === 0x3c) && this.#bytes[this.at + 1] === byte ? char + char : char
    this.at += text.length
    return new PdfWord(text)
  }

  #regular(): string {
    const from = this.at
    while (this.at < this.#bytes.length && KINDS[this.#bytes[this.at] as number] === REGULAR) this.at++
    if (this.at === this.#bytes.length) this.ranOut = true
    return this.#bytes.toString('latin1', from, this.at)
  }

  #name(): PdfName {
    this.at++
    const raw = this.#regular()
    if (!raw.includes('#')) return new PdfName(raw, false)
    let hidden = false
    const text = raw.replace(/#([0-9a-f]{2})/gi, (_, hex: string) => {
      const char = String.fromCharCode(Number.parseInt(hex, 16))
      hidden ||= /[a-z0-9]/i.test(char)
      return char
    })
    return new PdfName(text, hidden)
  }

  #literal(): PdfString {
    const out: number[] = []
    let depth = 1
    this.at++
    while (this.at < this.#bytes.length) {
      const byte = this.#bytes[this.at++] as number
      if (byte === 0x5c) this.#escape(out)
      else {
        if (byte === 0x28) depth++
        else if (byte === 0x29 && --depth === 0) return this.#string(Buffer.from(out))
        out.push(byte)
      }
    }
    this.ranOut = true
    return this.#string(Buffer.from(out))
  }

  /** 7.3.4.2, table 3. */
  #escape(out: number[]): void {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) return
    const plain = ESCAPES[byte]
    if (plain !== undefined) out.push(plain)
    else if (byte >= 0x30 && byte <= 0x37) out.push(this.#octal(byte - 0x30))
    else if (byte === 13) {
      if (this.#bytes[this.at] === 10) this.at++
    } else if (byte !== 10) out.push(byte)
  }

  #octal(first: number): number {
    let code = first
    for (let i = 0; i < 2; i++) {
      const digit = (this.#bytes[this.at] ?? 0) - 0x30
      if (digit < 0 || digit > 7) break
      code = code * 8 + digit
      this.at++
    }
    return code & 0xff
  }

  #hex(): PdfString {
    const end = this.#bytes.indexOf(0x3e, this.at + 1)
    if (end < 0) this.ranOut = true
    const stop = end < 0 ? this.#bytes.length : end
    const digits = this.#bytes.toString('latin1', this.at + 1, stop).replace(/[^0-9a-f]+/gi, '')
    this.at = Math.min(stop + 1, this.#bytes.length)
    return this.#string(Buffer.from(digits.length % 2 ? `${digits}0` : digits, 'hex'))
  }

  #string(bytes: Buffer): PdfString {
    return new PdfString(this.#decrypt === undefined ? bytes : this.#decrypt(bytes))
  }

  #array(depth: number): PdfValue {
    this.at++
    const items: PdfValue[] = []
    for (;;) {
      const item = this.#inner(depth)
      if (item === undefined || (item instanceof PdfWord && item.text === ']')) break
      if (this.#endsObject(item)) break
      if (!takeRef(items, item)) items.push(item)
    }
    return items
  }

  #dict(depth: number): PdfValue {
    this.at += 2
    const dict = new PdfDict()
    const pending: PdfValue[] = []
    let key: PdfName | undefined
    for (;;) {
      const item = this.#inner(depth)
      const ends = item === undefined || (item instanceof PdfWord && item.text === '>>') || this.#endsObject(item)
      // A name is a key unless a key still waits for its value.
      if (ends || (item instanceof PdfName && (key === undefined || pending.length > 0))) {
        if (key !== undefined) dict.entries.push([key, pending[0] ?? null])
        pending.length = 0
        key = item instanceof PdfName ? item : undefined
        if (ends) break
      } else if (!takeRef(pending, item) && pending.length < 3) pending.push(item)
    }
    return dict
  }

  #inner(depth: number): PdfValue | undefined {
    const item = this.value(depth + 1)
    if (item === undefined) this.ranOut = true
    return item
  }

  /** A container that is never closed ends with its object: the rest of the file is not in it. */
  #endsObject(item: PdfValue): boolean {
    if (!(item instanceof PdfWord) || (item.text !== 'endobj' && item.text !== 'stream')) return false
    this.at -= item.text.length
    return true
  }

  #numberOrWord(): PdfValue {
    const text = this.#regular()
    if (/^[+-]{0,2}(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})$/.test(text))
      return Number.parseFloat(text.replace(/^[+-]+(?=-)/, ''))
    if (text === 'true' || text === 'false') return text === 'true'
    return text === 'null' ? null : new PdfWord(text)
  }
}

const ESCAPES: Readonly<Record<number, number>> = { 110: 10, 114: 13, 116: 9, 98: 8, 102: 12 }

/** `N G R` was three tokens. */
function takeRef(items: PdfValue[], item: PdfValue): boolean {
  if (!(item instanceof PdfWord) || item.text !== 'R' || items.length < 2) return false
  const num = items[items.length - 2]
  const gen = items[items.length - 1]
  if (typeof num !== 'number' || typeof gen !== 'number') return false
  items.length -= 2
  items.push(new PdfRef(num))
  return true
}
