import { type ByteScanner, CR, LF, type Range } from './byte-scanner.ts'

/** What a boundary cuts a range into. */
export interface Split {
  readonly parts: readonly Range[]
  /** In front of the first delimiter, and behind the closing one; without their line ends. */
  readonly preamble: Range
  readonly epilogue: Range
  /** Lines that begin with the delimiter and go on: some readers take them for delimiters. */
  readonly doubtful: number
}

export interface SplitOptions {
  /** `exact`: RFC 2046 5.1.1, only blanks stand behind the boundary. `prefix`: anything may. */
  readonly match: 'exact' | 'prefix'
  readonly maxParts: number
  /** Whether a line that goes on belongs to another boundary, so that no reader is in doubt. */
  readonly isOther?: (boundary: string, at: number) => boolean
}

/**
 * Cuts at `--BOUNDARY` lines. A part that no delimiter closes ends with the range; parts behind the closing delimiter are parts,
 * because readers that go on exist. Line ends may be CR LF, LF or CR.
 */
export function splitParts(bytes: ByteScanner, range: Range, boundary: Buffer, options: SplitOptions): Split {
  const delimiter = Buffer.concat([Buffer.from('--'), boundary])
  const parts: Range[] = []
  let doubtful = 0
  let open: number | undefined
  let preamble: Range | undefined
  let epilogueFrom: number | undefined
  for (let at = range.from; at < range.to && parts.length < options.maxParts; ) {
    const hit = bytes.indexOf(delimiter, { from: at, to: range.to })
    if (hit < 0) break
    if (!startsLine(bytes, hit, range)) {
      at = bytes.nextLine(hit, range.to)
      continue
    }
    const kind = delimiterKind(bytes, hit + delimiter.length, range.to)
    if (kind === 'longer' && (options.match === 'exact' || isOther(bytes, hit, range, options))) {
      doubtful++
      at = bytes.nextLine(hit, range.to)
      continue
    }
    const end = withoutLineEnd(bytes, hit, range.from)
    preamble ??= { from: range.from, to: end }
    if (open !== undefined) parts.push({ from: open, to: Math.max(open, end) })
    at = bytes.nextLine(hit, range.to)
    open = kind === 'close' ? undefined : at
    if (kind === 'close') epilogueFrom ??= at
  }
  if (open !== undefined) parts.push({ from: open, to: range.to })
  const epilogue = { from: epilogueFrom ?? range.to, to: range.to }
  return { parts, preamble: preamble ?? { from: range.from, to: range.from }, epilogue, doubtful }
}

function startsLine(bytes: ByteScanner, at: number, { from }: Range): boolean {
  if (at === from) return true
  const before = bytes.byteAt(at - 1)
  return before === LF || before === CR
}

const LINE = /^--([^\r\n]{0,2048}?)(?:--)?[ \t]*(?:[\r\n]|$)/

function isOther(bytes: ByteScanner, at: number, { to }: Range, options: SplitOptions): boolean {
  const line = LINE.exec(bytes.ahead(at).toString('latin1', 0, Math.min(2048, to - at)))
  return line?.[1] !== undefined && options.isOther?.(line[1], at) === true
}

/** RFC 2046 5.1.1: the line end in front of a delimiter belongs to the delimiter. */
function withoutLineEnd(bytes: ByteScanner, at: number, from: number): number {
  if (at <= from) return from
  const last = bytes.byteAt(at - 1)
  const isCrLf = last === LF && at - 2 >= from && bytes.byteAt(at - 2) === CR
  return isCrLf ? at - 2 : at - 1
}

const MAX_PADDING = 256
const REST = /^(--)?[ \t]*(?:[\r\n]|$)/

function delimiterKind(bytes: ByteScanner, at: number, to: number): 'open' | 'close' | 'longer' {
  const rest = bytes.ahead(at).toString('latin1', 0, Math.min(MAX_PADDING, to - at))
  const match = REST.exec(rest)
  if (match === null) return rest.startsWith('--') && /^--[ \t]/.test(rest) ? 'close' : 'longer'
  return match[1] === undefined ? 'open' : 'close'
}

const DASHES_LF = Buffer.from('\n--')
const DASHES_CR = Buffer.from('\r--')
/** A field as a part's head begins with. */
const PART_HEAD = /^--([^\r\n]{0,998}?)[ \t]*(?:\r\n|\n|\r)[ \t]*content-[a-z-]{1,40}[ \t]*:/i

export interface Sniffed {
  /** Distinct, in the order they stand. */
  readonly boundaries: readonly Buffer[]
  /** There were more than asked for. */
  readonly more: boolean
}

/** Boundaries as the bytes show them: a line `--X` in front of a `Content-...:` line. For what names none, or a wrong one. */
export function sniffBoundaries(bytes: ByteScanner, range: Range, most: number): Sniffed {
  const found = new Map<string, Buffer>()
  const look = (at: number): boolean => {
    const match = PART_HEAD.exec(bytes.ahead(at).toString('latin1', 0, Math.min(2048, range.to - at)))
    if (match?.[1] === undefined || found.has(match[1])) return true
    if (found.size === most) return false
    found.set(match[1], Buffer.from(match[1], 'latin1'))
    return true
  }
  let more = !look(range.from)
  for (const dashes of [DASHES_LF, DASHES_CR]) {
    for (let at = range.from; !more; ) {
      const hit = bytes.indexOf(dashes, { from: at, to: range.to })
      if (hit < 0) break
      more = !look(hit + 1)
      at = hit + dashes.length
    }
  }
  return { boundaries: [...found.values()], more }
}
