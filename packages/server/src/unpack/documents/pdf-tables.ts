import type { ContentView } from '../content-view.ts'

const MAX_ENTRIES = 100_000
/** An entry of a table is 20 bytes (ISO 32000-1 7.5.4). */
const ENTRY_BYTES = 20
const ENTRY = /^(\d{10}) \d{5} n/

/** Offsets that classic tables name; those of objects that the scan saw too are among them. */
export function offsetsInTables(view: ContentView, tables: readonly number[]): number[] {
  const offsets: number[] = []
  for (const table of tables) readTable(view, table + 4, offsets)
  return offsets
}

function readTable(view: ContentView, start: number, offsets: number[]): void {
  for (let at = start; offsets.length < MAX_ENTRIES; ) {
    const head = /^\s{0,16}\d{1,10} (\d{1,7})\s{1,4}/.exec(view.read(at, 64).toString('latin1'))
    if (head === null) return
    const count = Math.min(Number(head[1]), MAX_ENTRIES - offsets.length)
    const rows = view.read(at + head[0].length, count * ENTRY_BYTES)
    for (let row = 0; row + ENTRY_BYTES <= rows.length; row += ENTRY_BYTES) {
      const offset = ENTRY.exec(rows.toString('latin1', row, row + ENTRY_BYTES))?.[1]
      if (offset !== undefined) offsets.push(Number(offset))
    }
    if (count === 0 || rows.length < ENTRY_BYTES) return
    at += head[0].length + count * ENTRY_BYTES
  }
}

/** Offsets that a decoded xref stream names (7.5.8.3: type 1 entries). `widths` is its /W. */
export function offsetsInXrefStream(bytes: Buffer, widths: readonly number[]): number[] {
  const [type = 0, place = 0, generation = 0] = widths
  const row = type + place + generation
  const offsets: number[] = []
  if (!(row > 0 && row <= 24 && type >= 0 && place > 0 && place <= 6 && type <= 6)) return offsets
  for (let at = 0; at + row <= bytes.length && offsets.length < MAX_ENTRIES; at += row) {
    if (type === 0 || bytes.readUIntBE(at, type) === 1) offsets.push(bytes.readUIntBE(at + type, place))
  }
  return offsets
}
