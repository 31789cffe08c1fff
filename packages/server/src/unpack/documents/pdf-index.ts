import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import { isPdfSpace } from './pdf-parser.ts'

/** Where everything stands, found by looking at all bytes: an xref table says only what a reader shall see. */
export interface PdfIndex {
  /** Offsets of `N G obj`, ascending. */
  readonly objects: readonly number[]
  /** Offsets of `endstream`, ascending. */
  readonly streamEnds: readonly number[]
  /** Offsets of the dictionaries behind `trailer`. */
  readonly trailers: readonly number[]
  /** Offsets of `xref` tables. */
  readonly tables: readonly number[]
  /** Count of `%%EOF`: one more for each update. */
  readonly ends: number
  /** Offset of `%PDF-`. */
  readonly header: number
}

const WINDOW_BYTES = 1024 * 1024
/** `4294967295 65535 obj`, with white space to spare. */
const LOOK_BACK = 64
/** Ten times what the largest manuals have. */
const MAX_OBJECTS = 1_000_000
const MAX_TRAILERS = 1000

const OBJ = Buffer.from('obj')
const END_STREAM = Buffer.from('endstream')
const TRAILER = Buffer.from('trailer')
const XREF = Buffer.from('xref')
const END = Buffer.from('%%EOF')
const HEADER = Buffer.from('%PDF-')

/** One pass over the bytes in windows that overlap. Throws Unscanned('bomb') for more objects than a document has, 'timeout'. */
export function indexPdf(view: ContentView, signal: AbortSignal): PdfIndex {
  const found = {
    objects: [] as number[],
    streamEnds: [] as number[],
    trailers: [] as number[],
    tables: [] as number[],
  }
  let ends = 0
  let header = 0
  for (let from = 0; from < view.size; from += WINDOW_BYTES - LOOK_BACK) {
    if (signal.aborted) throw new Unscanned('timeout', 'the document was not read to its end')
    const window = view.read(from, WINDOW_BYTES)
    const fresh = { window, from, first: from === 0 ? 0 : LOOK_BACK }
    if (from === 0) header = Math.max(0, window.indexOf(HEADER))
    for (const at of hits(fresh, OBJ)) {
      const start = objectStart(window, at)
      if (start !== undefined) push(found.objects, from + start, MAX_OBJECTS)
    }
    for (const at of hits(fresh, END_STREAM)) push(found.streamEnds, from + at, MAX_OBJECTS)
    for (const at of hits(fresh, TRAILER)) if (found.trailers.length < MAX_TRAILERS) found.trailers.push(from + at + 7)
    for (const at of hits(fresh, XREF)) {
      if (window[at - 1] !== 0x74 && found.tables.length < MAX_TRAILERS) found.tables.push(from + at)
    }
    for (const _ of hits(fresh, END)) ends++
    if (from + window.length >= view.size || window.length === 0) break
  }
  return { ...found, ends, header }
}

function push(list: number[], offset: number, max: number): void {
  if (list.length >= max) throw new Unscanned('bomb', `more than ${max} objects`)
  list.push(offset)
}

interface Window {
  readonly window: Buffer
  readonly from: number
  /** What ends before it was seen in the window before. */
  readonly first: number
}

/** A hit belongs to the window in which it ends past the overlap. */
function* hits({ window, first }: Window, word: Buffer): Generator<number> {
  for (let at = window.indexOf(word); at >= 0; at = window.indexOf(word, at + word.length)) {
    if (at + word.length > first) yield at
  }
}

/** Back over `N G `; undefined where that is not what stands before. */
function objectStart(window: Buffer, at: number): number | undefined {
  const generation = numberBefore(window, at)
  if (generation === undefined || at - generation > LOOK_BACK) return undefined
  if (!isPdfSpace(window[generation - 1])) return undefined
  return numberBefore(window, generation)
}

function numberBefore(window: Buffer, end: number): number | undefined {
  const stop = Math.max(0, end - LOOK_BACK / 2)
  let at = end
  while (at > stop && isPdfSpace(window[at - 1])) at--
  const last = at
  while (at > stop && isDigit(window[at - 1])) at--
  return at === last ? undefined : at
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

/** The first of an ascending list that is not below `offset`. */
export function firstFrom(list: readonly number[], offset: number): number | undefined {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] as number) < offset) low = middle + 1
    else high = middle
  }
  return list[low]
}
