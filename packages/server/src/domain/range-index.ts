import type { RangeRow } from './list-table-layout.ts'

/** Finds all ranges around an address in O(log n + found), however they overlap. */
export interface RangeIndex {
  around(hex: string): readonly RangeRow[]
}

const NONE: readonly RangeRow[] = []

/** An interval tree laid over rows sorted by `low`: each span's middle row is its root and knows the highest `high` of the span. */
export function rangeIndex(rows: readonly RangeRow[]): RangeIndex {
  if (rows.length === 0) return { around: () => NONE }
  const highest = new Array<string>(rows.length).fill('')
  fillHighest(rows, highest, [0, rows.length])
  return {
    around(hex) {
      const found: RangeRow[] = []
      collect({ rows, highest, hex, found }, 0, rows.length)
      return found
    },
  }
}

function fillHighest(rows: readonly RangeRow[], highest: string[], [from, to]: readonly [number, number]): string {
  if (from >= to) return ''
  const middle = (from + to) >>> 1
  let high = rows[middle]?.[1] ?? ''
  for (const side of [fillHighest(rows, highest, [from, middle]), fillHighest(rows, highest, [middle + 1, to])]) {
    if (side > high) high = side
  }
  highest[middle] = high
  return high
}

interface Search {
  readonly rows: readonly RangeRow[]
  readonly highest: readonly string[]
  readonly hex: string
  readonly found: RangeRow[]
}

function collect(search: Search, from: number, to: number): void {
  if (from >= to) return
  const middle = (from + to) >>> 1
  const row = search.rows[middle]
  if (row === undefined || (search.highest[middle] ?? '') < search.hex) return
  collect(search, from, middle)
  if (row[0] > search.hex) return
  if (row[1] >= search.hex) search.found.push(row)
  collect(search, middle + 1, to)
}
