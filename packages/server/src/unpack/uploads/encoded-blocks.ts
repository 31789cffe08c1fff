import { Unscanned } from '../../domain/verdict.ts'
import type { Range } from '../mail/byte-scanner.ts'
import { IS_LETTER, LONG_RUN } from './base64-search.ts'
import type { TextSource } from './narrow-text.ts'

const WINDOW_BYTES = 256 * 1024
/** Lines of base64 that belong together have so many letters at least; words have fewer. */
const LEAST_LINE = 40
const LF = 0x0a
const CR = 0x0d
const EQUALS = 0x3d
const DASH = 0x2d
const BLANKS = [0x20, 0x09]

/**
 * Base64 inside a text: runs of letters, the first of 40 or more, 64 in all, with line ends or blanks in between; one short run may
 * stand between long ones. Shorter lines count only where the whole text is made of them.
 */
export function* base64Blocks(text: TextSource, signal: AbortSignal): Generator<Range> {
  const reader = new BlockReader()
  for (let at = 0; at < text.size; ) {
    if (signal.aborted) throw new Unscanned('timeout', 'encoded blocks were not all found')
    const window = withLineEnds(text.read(at, WINDOW_BYTES), at + WINDOW_BYTES < text.size)
    if (window.length === 0) break
    yield* reader.push(window, at)
    at += window.length
  }
  yield* reader.end(text.size)
}

const ENTITY = /&#(?:13|10|x0?[ad]);/gi
const AMPERSAND = 0x26
const MAX_ENTITY = 6

/** `&#xD;` is a line end of XML: made one here, of the same length. A window never ends inside one. */
function withLineEnds(window: Buffer, hasMore: boolean): Buffer {
  const last = hasMore ? window.indexOf(AMPERSAND, window.length - MAX_ENTITY) : -1
  const whole = last > 0 ? window.subarray(0, last) : window
  if (!whole.includes('&#')) return whole
  return Buffer.from(
    whole.toString('latin1').replace(ENTITY, (entity) => '\n'.repeat(entity.length)),
    'latin1',
  )
}

class BlockReader {
  /** The block that is open: -1 while there is none. */
  #from = -1
  #to = 0
  #letters = 0
  #shortRuns = 0
  #run = 0
  #runFrom = 0
  /** The run begins its line with a dash. */
  #isRule = false
  /** Since the last run: nothing, blanks only, or a line end. */
  #gap: 'none' | 'blank' | 'line' = 'line'
  /** Only runs, each on a line of its own, stood so far; and whether they are of one length. */
  #isPure = true
  #isEven = true
  #firstRun = 0
  #firstFrom = -1
  #pureLetters = 0
  #lastRun = 0
  #found: number | undefined;

  *push(window: Buffer, at: number): Generator<Range> {
    for (let i = 0; i < window.length; i++) {
      const byte = window[i] as number
      if (IS_LETTER[byte] === 1 || byte === EQUALS) {
        if (this.#run++ > 0) continue
        this.#runFrom = at + i
        this.#isRule = byte === DASH && this.#gap === 'line'
        continue
      }
      if (this.#run > 0) yield* this.#endRun()
      if (byte === LF || byte === CR) this.#gap = 'line'
      else if (BLANKS.includes(byte)) this.#gap = this.#gap === 'line' ? 'line' : 'blank'
      else {
        this.#isPure = false
        yield* this.#close()
      }
    }
  }

  *end(size: number): Generator<Range> {
    if (this.#run > 0) yield* this.#endRun()
    yield* this.#close()
    if (!this.#isPure || this.#pureLetters < LONG_RUN) return
    const isCutShort = this.#found !== undefined && this.#found > this.#firstFrom
    if (isCutShort || (this.#found === undefined && this.#isEven)) yield { from: 0, to: size }
  }

  *#endRun(): Generator<Range> {
    const run = this.#run
    this.#notePure(run)
    const isShort = run < LEAST_LINE
    // `-----END` is no part of what it ends.
    if (isShort && this.#isRule) yield* this.#close()
    this.#shortRuns = isShort ? this.#shortRuns + 1 : 0
    if (this.#from < 0 && !isShort) this.#from = this.#runFrom
    if (this.#from >= 0) {
      this.#letters += run
      this.#to = this.#runFrom + run
      // A short run may be the last line, or a damage; two are the text behind it.
      if (this.#shortRuns >= 2) yield* this.#close()
    }
    this.#run = 0
    this.#gap = 'none'
  }

  #notePure(run: number): void {
    if (this.#gap === 'blank') this.#isPure = false
    if (this.#firstFrom < 0) {
      this.#firstFrom = this.#runFrom
      this.#firstRun = run
    } else if (this.#lastRun !== this.#firstRun) this.#isEven = false
    this.#lastRun = run
    this.#pureLetters += run
  }

  *#close(): Generator<Range> {
    const range = { from: this.#from, to: this.#to }
    const isBlock = this.#from >= 0 && this.#letters >= LONG_RUN
    this.#from = -1
    this.#letters = 0
    this.#shortRuns = 0
    if (!isBlock) return
    this.#found ??= range.from
    yield range
  }
}
