export interface ByteRange {
  readonly from: number
  readonly to: number
}

/** Which bytes of a file belong to something. Adding is cheap in any order. */
export class ByteCover {
  #ranges: ByteRange[] = []
  #isMerged = true

  add(from: number, to: number): void {
    if (to <= from) return
    const last = this.#ranges.at(-1)
    if (last !== undefined && from >= last.from && from <= last.to) {
      // Most archives are written from front to back.
      this.#ranges[this.#ranges.length - 1] = { from: last.from, to: Math.max(last.to, to) }
      return
    }
    this.#isMerged &&= last === undefined || from > last.to
    this.#ranges.push({ from, to })
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  has(at: number): boolean {
    const ranges = this.#merged()
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ranges[middle] as ByteRange).to > at) high = middle
      else low = middle + 1
    }
    return (ranges[low]?.from ?? Number.POSITIVE_INFINITY) <= at
  }

  /** What lies between, before and behind, up to `size`. */
  gaps(size: number): ByteRange[] {
    const gaps: ByteRange[] = []
    let at = 0
    for (const { from, to } of this.#merged()) {
      if (from > at) gaps.push({ from: at, to: Math.min(from, size) })
      at = Math.max(at, to)
    }
    if (at < size) gaps.push({ from: at, to: size })
    return gaps.filter(({ from, to }) => to > from)
  }

  #merged(): readonly ByteRange[] {
    if (this.#isMerged) return this.#ranges
    const merged: { from: number; to: number }[] = []
    for (const { from, to } of this.#ranges.toSorted((a, b) => a.from - b.from)) {
      const last = merged.at(-1)
      if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
      else merged.push({ from, to })
    }
    this.#ranges = merged
    this.#isMerged = true
    return merged
  }
}
