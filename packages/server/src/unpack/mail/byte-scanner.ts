import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'

/** Bytes `from` up to, not including, `to` of a node's content. */
export interface Range {
  readonly from: number
  readonly to: number
}

const WINDOW_BYTES = 1024 * 1024
/** A look ahead never needs more than this in one piece. */
const LEAST_BYTES = 4096
/** Node's search is not linear for hostile needles: only this much of a needle is searched for, the rest compared. */
const NEEDLE_BYTES = 72
/** How often a structure may be read over, with all its nested and doubtful readings. */
const MAX_PASSES = 64
const FREE_BYTES = 64 * WINDOW_BYTES

export const LF = 0x0a
export const CR = 0x0d

/** Searches a node's content of any size by one window of 1 MiB, and counts what it looked at. */
export class ByteScanner {
  readonly size: number
  readonly #view: ContentView
  readonly #most: number
  #from = 0
  #window: Buffer
  #looked = 0

  constructor(view: ContentView) {
    this.#view = view
    this.size = view.size
    this.#window = view.head
    this.#most = MAX_PASSES * view.size + FREE_BYTES
  }

  /** `least` bytes or more from `at` on, at most 1 MiB; fewer only at the end. Valid until the next call. */
  ahead(at: number, least = LEAST_BYTES): Buffer {
    const end = this.#from + this.#window.length
    const enough = at >= this.#from && (end - at >= least || end >= this.size)
    if (!enough || at > end) {
      this.#window = this.#view.read(at, WINDOW_BYTES)
      this.#from = at
    }
    return this.#window.subarray(at - this.#from, at - this.#from + WINDOW_BYTES)
  }

  byteAt(at: number): number | undefined {
    return at < 0 || at >= this.size ? undefined : this.ahead(at)[0]
  }

  /** First place of `needle` that lies wholly inside; -1. Throws Unscanned('bomb') when the structure makes it search for ever. */
  indexOf(needle: Buffer, { from, to }: Range): number {
    const sought = needle.subarray(0, NEEDLE_BYTES)
    for (let at = from; at + needle.length <= to; ) {
      const window = this.ahead(at).subarray(0, to - at)
      const hit = window.indexOf(sought)
      this.#count(hit < 0 ? window.length : hit)
      if (hit >= 0 && this.#matches(needle, at + hit) && at + hit + needle.length <= to) return at + hit
      if (hit >= 0) at += hit + 1
      else if (window.length < sought.length) return -1
      else at += window.length - sought.length + 1
    }
    return -1
  }

  /** Where the next line begins behind `at`; `to` when there is none. A line ends at LF, CR LF or a CR alone. */
  nextLine(at: number, to: number): number {
    for (let from = at; from < to; ) {
      const window = this.ahead(from).subarray(0, to - from)
      if (window.length === 0) return to
      const end = lineEnd(window)
      this.#count(end)
      if (end < window.length) return Math.min(to, from + end + (this.#isCrLf(from + end) ? 2 : 1))
      from += end
    }
    return to
  }

  #isCrLf(at: number): boolean {
    return this.byteAt(at) === CR && this.byteAt(at + 1) === LF
  }

  #matches(needle: Buffer, at: number): boolean {
    if (needle.length <= NEEDLE_BYTES) return true
    return this.ahead(at).subarray(0, needle.length).equals(needle)
  }

  #count(bytes: number): void {
    this.#looked += bytes
    if (this.#looked > this.#most)
      throw new Unscanned('bomb', 'parts are nested or named so that they are read for ever')
  }
}

/** Where the line ends, the window's length where it does not. */
function lineEnd(window: Buffer): number {
  for (let at = 0; at < window.length; at++) if (window[at] === LF || window[at] === CR) return at
  return window.length
}
