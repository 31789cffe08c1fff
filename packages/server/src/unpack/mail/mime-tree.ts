import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Damage } from '../opener.ts'
import { ByteScanner, type Range } from './byte-scanner.ts'
import { type Split, sniffBoundaries, splitParts } from './mime-split.ts'
import { type PartHead, readHead } from './part-head.ts'

/** A piece that is handed over: a part, or what stands around the parts. */
export interface Leaf {
  readonly kind: 'part' | 'preamble' | 'epilogue' | 'too-deep'
  /** Its body; for `too-deep` its head too. */
  readonly range: Range
  readonly head: PartHead | undefined
}

export interface MimeTree {
  readonly leaves: readonly Leaf[]
  /** What could not be read as its head says. */
  readonly damages: readonly Damage[]
}

export interface TreeLimits {
  readonly maxLeaves: number
  readonly signal: AbortSignal
}

/** Multiparts in multiparts are laid flat down to here; what lies deeper is handed over as a mail of its own. */
const MAX_NESTING = 16
const MAX_SNIFFED = 8
const MAX_KNOWN = 64
/** Parts are kept as places, about 300 bytes each. */
const MAX_LEAVES = 100_000

/** Reads a mail: a head, then what it says. */
export function readMail(view: ContentView, limits: TreeLimits): MimeTree {
  const reader = new TreeReader(view, limits)
  reader.entity({ from: 0, to: view.size }, 0)
  return reader
}

/**
 * Reads the body of a multipart message whose head (and boundary) is not here: every boundary that its bytes show is one reading,
 * because the real one is the sender's choice. The first line's comes first.
 */
export function readMultipartBody(view: ContentView, limits: TreeLimits): MimeTree {
  const reader = new TreeReader(view, limits)
  reader.body({ from: 0, to: view.size })
  return reader
}

class TreeReader implements MimeTree {
  readonly leaves: Leaf[] = []
  readonly damages: Damage[] = []
  readonly #bytes: ByteScanner
  readonly #maxLeaves: number
  readonly #signal: AbortSignal
  readonly #seen = new Set<string>()
  readonly #read = new Map<string, Range[]>()

  constructor(view: ContentView, { maxLeaves, signal }: TreeLimits) {
    this.#bytes = new ByteScanner(view)
    this.#maxLeaves = Math.min(maxLeaves, MAX_LEAVES)
    this.#signal = signal
  }

  entity(range: Range, depth: number): void {
    const head = readHead(this.#bytes, range, depth === 0)
    if (head.overlong) this.#damage('a head longer than 256 KiB was not read to its end')
    const body = { from: head.bodyFrom, to: range.to }
    if (!head.types.some((type) => type.startsWith('multipart/')) || !this.#multipart(head, body, depth)) {
      this.#leaf({ kind: 'part', range: body, head })
      return
    }
    // RFC 2045 6.4 forbids it, readers that decode a whole multipart exist.
    if (head.encodings.some((encoding) => encoding !== 'identity')) this.#leaf({ kind: 'part', range: body, head })
  }

  body(range: Range): void {
    const first = firstLineBoundary(this.#bytes)
    const sniffed = sniffBoundaries(this.#bytes, range, MAX_SNIFFED)
    if (sniffed.more) this.#damage('more boundaries than are read')
    const readings = [...(first === undefined ? [] : [first]), ...sniffed.boundaries]
    const split = this.#readings(readings, range, 0)
    if (!split) throw new Unscanned('malformed', 'a multipart body without a delimiter')
  }

  /** False when no boundary that it names, or that its body shows, cuts it. */
  #multipart(head: PartHead, range: Range, depth: number): boolean {
    if (depth >= MAX_NESTING) return false
    if (this.#readings(head.boundaries, range, depth)) return true
    const sniffed = sniffBoundaries(this.#bytes, range, MAX_SNIFFED)
    if (sniffed.more) this.#damage('a multipart without its boundary shows more boundaries than are read')
    return this.#readings(sniffed.boundaries, range, depth)
  }

  /** Every reading is followed: two boundaries, and lines that begin with one and go on, cut differently. */
  #readings(boundaries: readonly Buffer[], range: Range, depth: number): boolean {
    let found = false
    for (const boundary of boundaries) {
      const exact = this.#split(range, boundary, 'exact')
      const isCut = exact.parts.length > 0 || exact.epilogue.from < exact.epilogue.to
      if (isCut) {
        this.#know(boundary, range)
        this.#pieces(exact, depth, !found)
      }
      if (exact.doubtful > 0 && boundary.length > 0)
        this.#pieces(this.#split(range, boundary, 'prefix'), depth, !isCut && !found)
      found ||= isCut || exact.doubtful > 0
    }
    return found
  }

  #split(range: Range, boundary: Buffer, match: 'exact' | 'prefix'): Split {
    if (this.#signal.aborted) throw new Unscanned('timeout', 'parts were not all found')
    const maxParts = this.#maxLeaves - this.leaves.length + 1
    return splitParts(this.#bytes, range, boundary, { match, maxParts, isOther: this.#isRead })
  }

  /** `B` inside, `BB` outside: each cuts by its own lines, and no reader is in doubt where both were read. */
  readonly #isRead = (boundary: string, at: number): boolean =>
    this.#read.get(boundary)?.some(({ from, to }) => at >= from && at < to) === true

  #know(boundary: Buffer, range: Range): void {
    const name = boundary.toString('latin1')
    const ranges = this.#read.get(name) ?? []
    if (ranges.length < MAX_KNOWN) ranges.push(range)
    this.#read.set(name, ranges)
  }

  /** What lies around the parts of a second reading lies in the parts of the first. */
  #pieces(split: Split, depth: number, isFirst: boolean): void {
    if (isFirst) this.#leaf({ kind: 'preamble', range: split.preamble, head: undefined })
    for (const part of split.parts) this.#part(part, depth + 1)
    if (isFirst) this.#leaf({ kind: 'epilogue', range: split.epilogue, head: undefined })
  }

  #part(range: Range, depth: number): void {
    if (!this.#isNew(range)) return
    if (depth < MAX_NESTING) this.entity(range, depth)
    else this.#deep(range)
  }

  #deep(range: Range): void {
    const head = readHead(this.#bytes, range)
    const isMultipart = head.types.some((type) => type.startsWith('multipart/'))
    if (isMultipart) this.#leaf({ kind: 'too-deep', range, head })
    else this.entity(range, MAX_NESTING)
  }

  #leaf(leaf: Leaf): void {
    const { from, to } = leaf.range
    if (from >= to || !this.#isNew({ from, to: -to })) return
    if (this.#isBlank(leaf.range)) return
    if (this.leaves.length >= this.#maxLeaves) throw new Unscanned('bomb', 'a mail or form of too many parts')
    this.leaves.push(leaf)
  }

  #isNew({ from, to }: Range): boolean {
    const key = `${from} ${to}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }

  #isBlank({ from, to }: Range): boolean {
    const look = this.#bytes.ahead(from).subarray(0, Math.min(to - from, 4096))
    return look.length === to - from && look.every((byte) => byte <= 0x20)
  }

  #damage(detail: string): void {
    if (!this.damages.some((damage) => damage.detail === detail)) this.damages.push({ reason: 'malformed', detail })
  }
}

function firstLineBoundary(bytes: ByteScanner): Buffer | undefined {
  const match = /^\s{0,16}--([^\r\n]{1,998}?)[ \t]*(?:[\r\n]|$)/.exec(bytes.ahead(0).toString('latin1', 0, 1024))
  return match?.[1] === undefined ? undefined : Buffer.from(match[1], 'latin1')
}
