/** Bytes of one step of thrember's entropy window; the window is two steps. */
const STEP = 1024
const WINDOW = 2 * STEP

/** What one pass over the bytes counts. */
export interface ByteStatistics {
  readonly histogram: Uint32Array
  /** 16 entropy bins x 16 high nibbles (Saxe and Berlin 2015, section 2.1.1). */
  readonly byteEntropy: Float64Array
  /** Shannon entropy in bits of each range asked for, in its order; 0 for an empty one. */
  readonly entropies: readonly number[]
}

export interface ByteRange {
  readonly at: number
  readonly size: number
}

/**
 * Counts the file once for everything: whole, by window, and by range (ranges may overlap: hostile section tables name the whole
 * file 2,048 times, which must not be counted 2,048 times).
 */
export function countBytes(bytes: Buffer, ranges: readonly ByteRange[]): ByteStatistics {
  const counter = new ByteCounter(bytes, ranges)
  counter.run()
  return {
    histogram: counter.total,
    byteEntropy: counter.byteEntropy,
    entropies: ranges.map(({ at, size }) => entropyBetween(counter.snapshot(at), counter.snapshot(at + size), size)),
  }
}

class ByteCounter {
  readonly total = new Uint32Array(256)
  readonly byteEntropy = new Float64Array(256)
  readonly #bytes: Buffer
  readonly #marks: readonly number[]
  readonly #snapshots = new Map<number, Uint32Array>()
  readonly #tables: FourTables
  readonly #window = new Uint16Array(16)
  #nibbles = new Uint16Array(16)
  #before = new Uint16Array(16)

  constructor(bytes: Buffer, ranges: readonly ByteRange[]) {
    this.#bytes = bytes
    this.#tables = new FourTables(bytes)
    const marks = new Set(ranges.flatMap(({ at, size }) => [at, at + size]))
    this.#marks = [...marks].sort((a, b) => a - b)
  }

  run(): void {
    const { length } = this.#bytes
    let mark = this.#takeMarks(0, 0)
    for (let from = 0; from < length; from += STEP) {
      const end = Math.min(length, from + STEP)
      for (let at = from; at < end; ) {
        const until = Math.min(end, this.#marks[mark] ?? end)
        this.#tables.count(at, until)
        this.#tables.moveTo(this.total, this.#nibbles)
        at = until
        mark = this.#takeMarks(mark, at)
      }
      this.#endStep(from, end)
    }
  }

  snapshot(at: number): Uint32Array {
    return this.#snapshots.get(at) ?? this.total
  }

  #takeMarks(from: number, at: number): number {
    let mark = from
    for (; this.#marks[mark] === at; mark++) this.#snapshots.set(at, Uint32Array.from(this.total))
    return mark
  }

  /** A window ends with every whole step but the first; a file shorter than a window is one window. */
  #endStep(from: number, end: number): void {
    const { length } = this.#bytes
    const isWindow = length < WINDOW ? end === length : from > 0 && end - from === STEP
    if (isWindow) this.#addWindow()
    const next = this.#before
    this.#before = this.#nibbles
    this.#nibbles = next.fill(0)
  }

  #addWindow(): void {
    const counts = this.#window
    for (let value = 0; value < 16; value++) {
      counts[value] = (this.#before[value] as number) + (this.#nibbles[value] as number)
    }
    const row = entropyBin(counts) * 16
    for (let value = 0; value < 16; value++) {
      this.byteEntropy[row + value] = (this.byteEntropy[row + value] as number) + (counts[value] as number)
    }
  }
}

/** Four counters by turns, in one table: a run of one byte would else wait for its own last store. */
class FourTables {
  readonly #bytes: Buffer
  /** The same bytes, four at a time; undefined where they do not lie on a border of four. */
  readonly #words: Uint32Array | undefined
  readonly #counts = new Uint16Array(1024)
  /** The same counts, two at a time: 16 bits hold what one step can count. */
  readonly #pairs = new Uint32Array(this.#counts.buffer)

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    const isAligned = bytes.byteOffset % 4 === 0
    this.#words = isAligned ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : undefined
  }

  /** At most STEP bytes before `moveTo`. */
  count(from: number, to: number): void {
    const words = this.#words
    if (words === undefined) {
      this.#countBytes(from, to)
      return
    }
    const counts = this.#counts
    const first = (from + 3) >> 2
    const last = Math.max(first, to >> 2)
    this.#countBytes(from, Math.min(to, first << 2))
    for (let index = first; index < last; index++) {
      const word = words[index] as number
      const a = word & 255
      const b = ((word >>> 8) & 255) | 256
      const c = ((word >>> 16) & 255) | 512
      const d = (word >>> 24) | 768
      counts[a] = (counts[a] as number) + 1
      counts[b] = (counts[b] as number) + 1
      counts[c] = (counts[c] as number) + 1
      counts[d] = (counts[d] as number) + 1
    }
    this.#countBytes(Math.max(from, last << 2), to)
  }

  #countBytes(from: number, to: number): void {
    const bytes = this.#bytes
    const counts = this.#counts
    for (let at = from; at < to; at++) {
      const slot = (bytes[at] as number) | ((at & 3) << 8)
      counts[slot] = (counts[slot] as number) + 1
    }
  }

  moveTo(total: Uint32Array, nibbles: Uint16Array): void {
    const pairs = this.#pairs
    for (let nibble = 0, pair = 0; nibble < 16; nibble++) {
      let sum = 0
      for (const end = pair + 8; pair < end; pair++) {
        const low = (pairs[pair] as number) + (pairs[pair + 128] as number)
        const both = low + (pairs[pair + 256] as number) + (pairs[pair + 384] as number)
        sum += both
        total[2 * pair] = (total[2 * pair] as number) + (both & 0xffff)
        total[2 * pair + 1] = (total[2 * pair + 1] as number) + (both >>> 16)
      }
      nibbles[nibble] = (nibbles[nibble] as number) + (sum & 0xffff) + (sum >>> 16)
    }
    pairs.fill(0)
  }
}

/** -p*log2(p) of a count in a window, in single precision as NumPy has it: windows that lie on a bin's edge must fall alike. */
const TERMS = Float32Array.from({ length: WINDOW + 1 }, (_, count) => {
  const p = Math.fround(count / WINDOW)
  return count === 0 ? 0 : Math.fround(-p * Math.fround(Math.log2(p)))
})

function entropyBin(counts: Uint16Array): number {
  const entropy = Math.fround(sumOfTerms(counts) * 2)
  return Math.min(15, Math.trunc(Math.fround(entropy * 2)))
}

const LANES = new Float32Array(16)

/** NumPy's order of adding at most 16 float32: one by one below 8, else in 8 lanes. */
function sumOfTerms(counts: Uint16Array): number {
  const terms = LANES
  let used = 0
  for (let value = 0; value < 16; value++) {
    const count = counts[value] as number
    if (count > 0) terms[used++] = TERMS[count] as number
  }
  if (used < 8) return addFrom(terms, 0, { used, sum: 0 })
  if (used === 16) for (let i = 0; i < 8; i++) terms[i] = (terms[i] as number) + (terms[i + 8] as number)
  const left = addFour(terms, 0)
  const sum = Math.fround(left + addFour(terms, 4))
  return used === 16 ? sum : addFrom(terms, 8, { used, sum })
}

function addFour(terms: Float32Array, at: number): number {
  const left = Math.fround((terms[at] as number) + (terms[at + 1] as number))
  return Math.fround(left + Math.fround((terms[at + 2] as number) + (terms[at + 3] as number)))
}

function addFrom(terms: Float32Array, from: number, { used, sum }: { used: number; sum: number }): number {
  let total = sum
  for (let index = from; index < used; index++) total = Math.fround(total + (terms[index] as number))
  return total
}

function entropyBetween(before: Uint32Array, after: Uint32Array, size: number): number {
  let entropy = 0
  for (let value = 0; size > 0 && value < 256; value++) {
    const p = ((after[value] as number) - (before[value] as number)) / size
    if (p > 0) entropy -= p * Math.log2(p)
  }
  return entropy
}

export function entropyOf(counts: ArrayLike<number>, total: number): number {
  let entropy = 0
  for (let value = 0; total > 0 && value < counts.length; value++) {
    const p = (counts[value] as number) / total
    if (p > 0) entropy -= p * Math.log2(p)
  }
  return entropy
}
