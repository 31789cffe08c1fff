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
  // Two tables by turns: runs of one byte would else wait for their own last store.
  readonly #even = new Uint32Array(256)
  readonly #odd = new Uint32Array(256)
  #nibbles = new Uint16Array(16)
  #before = new Uint16Array(16)

  constructor(bytes: Buffer, ranges: readonly ByteRange[]) {
    this.#bytes = bytes
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
        this.#count(at, until)
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

  #count(from: number, to: number): void {
    const bytes = this.#bytes
    const even = this.#even
    const odd = this.#odd
    let at = from
    for (; at + 1 < to; at += 2) {
      const a = bytes[at] as number
      const b = bytes[at + 1] as number
      even[a] = (even[a] as number) + 1
      odd[b] = (odd[b] as number) + 1
    }
    if (at < to) even[bytes[at] as number] = (even[bytes[at] as number] as number) + 1
    this.#fold()
  }

  #fold(): void {
    const { total } = this
    const even = this.#even
    const odd = this.#odd
    const nibbles = this.#nibbles
    for (let value = 0; value < 256; value++) {
      const count = (even[value] as number) + (odd[value] as number)
      if (count === 0) continue
      total[value] = (total[value] as number) + count
      nibbles[value >> 4] = (nibbles[value >> 4] as number) + count
    }
    even.fill(0)
    odd.fill(0)
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
    const counts = new Uint16Array(16)
    for (let value = 0; value < 16; value++) {
      counts[value] = (this.#before[value] as number) + (this.#nibbles[value] as number)
    }
    const row = entropyBin(counts) * 16
    for (let value = 0; value < 16; value++) {
      const column = row + value
      this.byteEntropy[column] = (this.byteEntropy[column] as number) + (counts[value] as number)
    }
  }
}

/** -p*log2(p) of a count in a window, in single precision as NumPy has it: windows that lie on a bin's edge must fall alike. */
const TERMS = Float32Array.from({ length: WINDOW + 1 }, (_, count) => {
  const p = Math.fround(count / WINDOW)
  return count === 0 ? 0 : Math.fround(-p * Math.fround(Math.log2(p)))
})

function entropyBin(counts: Uint16Array): number {
  const terms: number[] = []
  for (const count of counts) if (count > 0) terms.push(TERMS[count] as number)
  const entropy = Math.fround(numpySum(terms) * 2)
  return Math.min(15, Math.trunc(Math.fround(entropy * 2)))
}

/** NumPy's order of adding at most 16 float32: one by one below 8, else in 8 lanes. */
function numpySum(terms: readonly number[]): number {
  if (terms.length < 8) return terms.reduce((sum, term) => Math.fround(sum + term), 0)
  const lanes = terms.slice(0, 8)
  if (terms.length === 16) for (let i = 0; i < 8; i++) lanes[i] = Math.fround((lanes[i] ?? 0) + (terms[i + 8] ?? 0))
  const pairs = [0, 2, 4, 6].map((i) => Math.fround((lanes[i] ?? 0) + (lanes[i + 1] ?? 0)))
  const left = Math.fround((pairs[0] ?? 0) + (pairs[1] ?? 0))
  const right = Math.fround((pairs[2] ?? 0) + (pairs[3] ?? 0))
  const rest = terms.length === 16 ? [] : terms.slice(8)
  return rest.reduce((sum, term) => Math.fround(sum + term), Math.fround(left + right))
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
