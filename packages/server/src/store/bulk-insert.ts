import { CompiledQuery, type Kysely } from 'kysely'
import type { Tables } from './schema.ts'

/** Values by position of one row. */
export type Row = readonly (string | number)[]

export interface BulkInsert {
  readonly table: keyof Tables
  /** Column name -> type, in the rows' order. */
  readonly columns: Readonly<Record<string, 'text' | 'bigint'>>
  /** `on conflict ...` */
  readonly onConflict: string
}

export type InsertRows = (db: Kysely<Tables>, rows: readonly Row[]) => Promise<number>

/** Rows of one SQLite statement: more gain nothing (measured), and few sizes keep few statements prepared. */
const SQLITE_ROWS = 50
const POSTGRES_ROWS = 2000

/** Inserts many rows fast, past Kysely's builder, which costs more than SQLite does. Gives the number of rows changed. */
export function bulkInsert(engine: 'sqlite' | 'postgresql', insert: BulkInsert): InsertRows {
  return engine === 'sqlite' ? sqliteInsert(insert) : postgresInsert(insert)
}

function sqliteInsert({ table, columns, onConflict }: BulkInsert): InsertRows {
  const names = Object.keys(columns)
  const one = `(${names.map(() => '?').join(',')})`
  const sqlFor = (rows: number) =>
    `insert into ${table} (${names.join(',')}) values ${new Array(rows).fill(one).join(',')} ${onConflict}`
  const many = sqlFor(SQLITE_ROWS)
  const single = sqlFor(1)
  return async (db, rows) => {
    let changed = 0
    for (let at = 0; at < rows.length; ) {
      const size = rows.length - at >= SQLITE_ROWS ? SQLITE_ROWS : 1
      const values = size === 1 ? (rows[at] ?? []) : rows.slice(at, at + size).flat()
      const result = await db.executeQuery(CompiledQuery.raw(size === 1 ? single : many, values as unknown[]))
      changed += Number(result.numAffectedRows ?? 0)
      at += size
    }
    return changed
  }
}

// One array a column: no count of parameters to exceed, and one statement whatever the number of rows.
function postgresInsert({ table, columns, onConflict }: BulkInsert): InsertRows {
  const names = Object.keys(columns)
  const arrays = Object.values(columns).map((type, index) => `$${index + 1}::${type}[]`)
  const sql = `insert into ${table} (${names.join(',')}) select * from unnest(${arrays.join(',')}) ${onConflict}`
  return async (db, rows) => {
    let changed = 0
    for (let at = 0; at < rows.length; at += POSTGRES_ROWS) {
      const slice = rows.slice(at, at + POSTGRES_ROWS)
      const values = names.map((_, column) => slice.map((row) => row[column]))
      const result = await db.executeQuery(CompiledQuery.raw(sql, values))
      changed += Number(result.numAffectedRows ?? 0)
    }
    return changed
  }
}
