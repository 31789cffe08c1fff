import type { ContentView } from '../content-view.ts'

export interface TextPart {
  readonly text: string
  /** Byte offset of its first character. */
  readonly at: number
  /** Bytes that a character takes: 2 in UTF-16. */
  readonly width: 1 | 2
}

/** A script is judged in parts of this many bytes: rules look near one another, and a part is a few copies of memory. */
const PART_BYTES = 4 * 1024 * 1024
const OVERLAP_BYTES = 8 * 1024
const READ_BYTES = 1024 * 1024

type Units = 'utf16le' | 'utf16be' | 'latin1'

/** The whole of a text in parts that overlap, so that nothing is lost by its size. Latin-1 keeps offsets; words are ASCII. */
export function* textParts(view: ContentView, partBytes = PART_BYTES): Generator<TextPart> {
  const units = unitsOf(view.head)
  for (let at = bomBytes(view.head); at < view.size || at === 0; at += partBytes - OVERLAP_BYTES) {
    const bytes = readRange(view, at, partBytes)
    yield { text: decode(bytes, units), at, width: units === 'latin1' ? 1 : 2 }
    if (at + bytes.length >= view.size || bytes.length === 0) return
  }
}

export function textOf(bytes: Buffer): string {
  return decode(bytes.subarray(bomBytes(bytes)), unitsOf(bytes))
}

function readRange(view: ContentView, at: number, length: number): Buffer {
  const pieces: Buffer[] = []
  for (let from = at; from < at + length; from += READ_BYTES) {
    const piece = view.read(from, Math.min(READ_BYTES, at + length - from))
    if (piece.length === 0) break
    pieces.push(piece)
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
}

/** By the mark, or by zeros beside the first ASCII characters as Windows' tools write without one. */
function unitsOf(bytes: Buffer): Units {
  const [a, b, c, d] = bytes
  if (a === 0xff && b === 0xfe) return 'utf16le'
  if (a === 0xfe && b === 0xff) return 'utf16be'
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return 'utf16le'
  return a === 0 && b !== 0 && c === 0 && d !== 0 ? 'utf16be' : 'latin1'
}

function bomBytes(bytes: Buffer): number {
  const [a, b, c] = bytes
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return 2
  return a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0
}

function decode(bytes: Buffer, units: Units): string {
  if (units === 'latin1') return bytes.toString('latin1')
  const even = bytes.subarray(0, bytes.length & ~1)
  return (units === 'utf16be' ? Buffer.from(even).swap16() : even).toString('utf16le')
}

export function byteOffset(part: TextPart, index: number): number {
  return part.at + index * part.width
}
