import { CompiledQuery, type Kysely, SqliteAdapter } from 'kysely'

/** Column name -> type (`text`, `bigint`), each not null; a `primary key` entry names the columns of a compound one. */
export type Columns = Readonly<Record<string, string>>

/**
 * One table, the same on both engines: SQLite's is STRICT with INTEGER for bigint; PostgreSQL compares text by bytes
 * (collation "C"), as SQLite does, so that keyset pages agree.
 */
export async function createTable(db: Kysely<unknown>, name: string, columns: Columns): Promise<void> {
  const isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  const lines = Object.entries(columns).map(([column, type]) =>
    column === 'primary key'
      ? `primary key ${type}`
      : `"${column}" ${isSqlite ? sqliteType(type) : postgresType(type)}`,
  )
  await db.executeQuery(CompiledQuery.raw(`create table "${name}" (${lines.join(', ')})${isSqlite ? ' strict' : ''}`))
}

function sqliteType(type: string): string {
  return withNotNull(type.replace('bigint', 'integer'))
}

function postgresType(type: string): string {
  return withNotNull(type.replace('text', 'text collate "C"'))
}

function withNotNull(type: string): string {
  return type.replace(/( primary key)?$/, ' not null$1')
}
