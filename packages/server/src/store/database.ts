import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import { messageOf, StoreError } from './errors.ts'
import { MIGRATIONS } from './migrations/all.ts'
import { postgresDialect } from './postgres-dialect.ts'
import type { Tables } from './schema.ts'
import { sqliteDialect } from './sqlite-dialect.ts'

export type DatabaseLocation =
  /** SQLite in the folder's `assay.db`. Only one process may write it. */
  | { readonly dataDir: string }
  /** `postgres://USER:PASSWORD@HOST/NAME`, or `postgres://USER@/NAME?host=/SOCKET/FOLDER`. */
  | { readonly databaseUrl: string; readonly timeoutMs?: number }

export interface Database {
  readonly db: Kysely<Tables>
  readonly engine: 'sqlite' | 'postgresql'
  close(): Promise<void>
}

const DEFAULT_TIMEOUT_MS = 10_000

/** Opens the database and brings its schema up to date. Throws StoreError STORE_UNAVAILABLE, with what the engine said. */
export async function openDatabase(location: DatabaseLocation): Promise<Database> {
  const engine = 'dataDir' in location ? 'sqlite' : 'postgresql'
  const db = new Kysely<Tables>({ dialect: dialectFor(location) })
  try {
    if ('dataDir' in location) mkdirSync(location.dataDir, { recursive: true, mode: 0o711 })
    await migrate(db)
    if ('dataDir' in location) chmodSync(sqliteFile(location.dataDir), 0o600)
    return { db, engine, close: () => db.destroy() }
  } catch (error) {
    await db.destroy().catch(() => {})
    throw new StoreError('STORE_UNAVAILABLE', messageOf(error), { cause: error })
  }
}

function dialectFor(location: DatabaseLocation) {
  if ('databaseUrl' in location) return postgresDialect(location.databaseUrl, location.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  return sqliteDialect(sqliteFile(location.dataDir))
}

function sqliteFile(dataDir: string): string {
  return join(dataDir, 'assay.db')
}

async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}
