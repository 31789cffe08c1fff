import { COLUMN } from './feature-columns.ts'
import { addHashed } from './murmur.ts'
import type { ImportedDll, ImportedSymbol } from './pe-imports.ts'

const LIBRARY_COLUMNS = 256
const FUNCTION_COLUMNS = 1024
const EXPORT_COLUMNS = 128

/** Imports are hashed without sign; of a DLL that is listed twice only the last list counts (a Python dict of thrember's). */
export function addImports(out: Float64Array, dlls: readonly ImportedDll[]): void {
  const lists = new Map(dlls.map(({ name, symbols }) => [name, symbols]))
  const libraries = new Set([...lists.keys()].map((name) => name.toLowerCase()))
  const functions = { out, from: COLUMN.imports + 2 + LIBRARY_COLUMNS, count: FUNCTION_COLUMNS, alternate: false }
  let count = 0
  for (const [name, symbols] of lists) {
    count += symbols.length
    const library = name.toLowerCase()
    for (const symbol of symbols) addHashed(functions, `${library}:${functionName(name, symbol)}`, 1)
  }
  const columns = { out, from: COLUMN.imports + 2, count: LIBRARY_COLUMNS, alternate: false }
  for (const library of libraries) addHashed(columns, library, 1)
  out.set([count, libraries.size], COLUMN.imports)
}

function functionName(dll: string, { name, ordinal }: ImportedSymbol): string {
  return name ? name : `${dll}:ordinal${ordinal}`
}

/** The column of the count holds the number of hash columns: 128 for any file that exports something. */
export function addExports(out: Float64Array, names: readonly string[]): void {
  if (names.length === 0) return
  out[COLUMN.exports] = EXPORT_COLUMNS
  const columns = { out, from: COLUMN.exports + 1, count: EXPORT_COLUMNS, alternate: true }
  for (const name of names) addHashed(columns, name, 1)
}
