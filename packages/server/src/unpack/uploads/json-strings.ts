import { Unscanned } from '../../domain/verdict.ts'
import type { Range } from '../mail/byte-scanner.ts'
import { IS_LETTER, LONG_RUN } from './base64-search.ts'
import type { TextSource } from './narrow-text.ts'

/** A string value that may be, or hide, a file. */
export interface JsonValue {
  /** Between its quotes, escapes and all. */
  readonly range: Range
  /** The file's name as its object, or the one around it, has it; else its key. Decoded later, raw here. */
  readonly name: string
  /** `encoded`: base64 or the like stands in it. `escaped`: only escapes that hide its text from signatures. */
  readonly kind: 'encoded' | 'escaped'
}

export interface JsonStringsOptions {
  readonly maxValues: number
  readonly signal: AbortSignal
}

const WINDOW_BYTES = 256 * 1024
const MAX_DEPTH = 512
const MAX_NAME = 512
/** Values that are only escaped are given up to one more than this, which says that there are more. */
export const MAX_ESCAPED = 64
/** Shorter texts hide nothing. */
const LEAST_ESCAPED = 32
const NAME_KEY = /^(?:file_?name|file|name|title|path|(?:attachment|document|original|display)_?(?:file_?)?name)$/i

const DATA = 'data:'
const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `n` and `r` behind a backslash are a line end in base64. */
const LINE_ESCAPES = [0x6e, 0x72]

interface Frame {
  readonly parent: Frame | undefined
  key: string
  name: string
}

/** Finds the strings worth a look in a JSON text of any size, without building it. What is no JSON gives what looks like strings. */
export function jsonValues(text: TextSource, options: JsonStringsOptions): JsonValue[] {
  const reader = new JsonReader(text, options)
  for (let at = 0; at < text.size; ) {
    if (options.signal.aborted) throw new Unscanned('timeout', 'strings were not all found')
    const window = text.read(at, WINDOW_BYTES)
    if (window.length === 0) break
    reader.push(window, at)
    at += window.length
  }
  return reader.end()
}

class JsonReader {
  readonly #text: TextSource
  readonly #maxValues: number
  readonly #values: { range: Range; kind: JsonValue['kind']; frame: Frame; key: string }[] = []
  #escaped = 0
  #frame: Frame = { parent: undefined, key: '', name: '' }
  #depth = 0
  #window: Buffer = Buffer.alloc(0)
  #at = 0
  /** Where the string that is being read begins; -1 outside. */
  #from = -1
  #run = 0
  #longest = 0
  #letters = 0
  #others = 0
  #isEscaped = false
  /** Zeros that a `\u` must still have to stand for an ASCII or Latin-1 sign. */
  #zeros = 0
  #hides = false
  /** The last string, until the sign behind it says whether it was a key. */
  #last: { range: Range; kind: JsonValue['kind'] | undefined } | undefined

  constructor(text: TextSource, { maxValues }: JsonStringsOptions) {
    this.#text = text
    this.#maxValues = maxValues
  }

  push(window: Buffer, at: number): void {
    this.#window = window
    this.#at = at
    for (let i = 0; i < window.length; ) i = this.#from < 0 ? this.#outside(window, i) : this.#inside(window, i)
  }

  end(): JsonValue[] {
    // A string that nobody closes is one for readers that forgive.
    if (this.#from >= 0) this.#close(this.#text.size)
    this.#settle()
    return this.#values.map(({ range, kind, frame, key }) => ({ range, kind, name: nameFor(frame) || key }))
  }

  /** The next place to look at: the string's first byte, or the window's end. */
  #outside(window: Buffer, start: number): number {
    for (let i = start; i < window.length; i++) {
      switch (window[i]) {
        case QUOTE:
          this.#open(this.#at + i + 1)
          return i + 1
        case 0x3a: // :
          this.#takeKey()
          break
        case 0x2c: // ,
          this.#settle()
          break
        case 0x7b: // {
          this.#settle()
          this.#enter()
          break
        case 0x7d: // }
          this.#settle()
          this.#leave()
          break
        default:
      }
    }
    return window.length
  }

  #open(at: number): void {
    this.#settle()
    this.#from = at
    this.#run = 0
    this.#longest = 0
    this.#letters = 0
    this.#others = 0
    this.#isEscaped = false
    this.#zeros = 0
    this.#hides = false
  }

  #inside(window: Buffer, start: number): number {
    let run = this.#run
    for (let i = start; i < window.length; i++) {
      const byte = window[i] as number
      if (this.#isEscaped) {
        this.#isEscaped = false
        if (byte === 0x2f) run++
        else if (!LINE_ESCAPES.includes(byte)) this.#escape(byte)
        continue
      }
      if (this.#zeros > 0) {
        this.#zeros = byte === 0x30 ? this.#zeros - 1 : 0
        this.#hides ||= byte === 0x30 && this.#zeros === 0
      }
      if (IS_LETTER[byte] === 1) {
        run++
        continue
      }
      if (run > this.#longest) this.#longest = run
      this.#letters += run
      run = 0
      if (byte === QUOTE) {
        this.#run = 0
        this.#close(this.#at + i)
        return i + 1
      }
      if (byte === BACKSLASH) this.#isEscaped = true
      else this.#others++
    }
    this.#run = run
    return window.length
  }

  #escape(byte: number): void {
    this.#others++
    this.#hides ||= byte === BACKSLASH
    if (byte === 0x75) this.#zeros = 2
  }

  #close(to: number): void {
    const longest = Math.max(this.#longest, this.#run)
    const letters = this.#letters + this.#run
    const isBase64 = letters >= LONG_RUN && this.#others * 20 < letters
    const isEscaped = this.#hides && to - this.#from >= LEAST_ESCAPED
    const isLong = longest >= LONG_RUN || isBase64 || (to - this.#from >= LONG_RUN && this.#isUri(this.#from))
    const kind = isLong ? 'encoded' : isEscaped ? 'escaped' : undefined
    this.#last = { range: { from: this.#from, to }, kind }
    this.#from = -1
  }

  #isUri(from: number): boolean {
    return this.#read({ from, to: from + DATA.length }).toLowerCase() === DATA
  }

  /** The last string was a value. */
  #settle(): void {
    const last = this.#last
    if (last === undefined) return
    this.#last = undefined
    const frame = this.#frame
    const { from, to } = last.range
    if (last.kind !== undefined) this.#keep(last.range, last.kind)
    else if (to - from <= MAX_NAME && to > from && NAME_KEY.test(frame.key)) frame.name ||= this.#read(last.range)
  }

  #keep(range: Range, kind: JsonValue['kind']): void {
    if (kind === 'escaped' && this.#escaped++ > MAX_ESCAPED) return
    if (this.#values.length >= this.#maxValues)
      throw new Unscanned('bomb', 'more encoded values than members are allowed')
    this.#values.push({ range, kind, frame: this.#frame, key: this.#frame.key })
  }

  #takeKey(): void {
    const last = this.#last
    if (last === undefined) return
    this.#last = undefined
    this.#frame.key = last.range.to - last.range.from <= MAX_NAME ? this.#read(last.range) : ''
  }

  #read({ from, to }: Range): string {
    const start = from - this.#at
    const isHere = start >= 0 && to - this.#at <= this.#window.length
    const bytes = isHere ? this.#window.subarray(start, to - this.#at) : this.#text.read(from, to - from)
    return bytes.toString('utf8')
  }

  #enter(): void {
    this.#depth++
    if (this.#depth <= MAX_DEPTH) this.#frame = { parent: this.#frame, key: '', name: '' }
  }

  #leave(): void {
    if (this.#depth === 0) return
    if (this.#depth <= MAX_DEPTH) this.#frame = this.#frame.parent ?? this.#frame
    this.#depth--
  }
}

/** `{"name": ..., "content": {"data": ...}}` names its data too. */
function nameFor(frame: Frame): string {
  return frame.name || (frame.parent?.name ?? '')
}
