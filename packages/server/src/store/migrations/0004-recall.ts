import type { Kysely } from 'kysely'
import { createTable } from './create-table.ts'

/** What was let through and would be blocked now. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'recall', {
    id: 'text primary key',
    time_ms: 'bigint',
    found_ms: 'bigint',
    data: 'text',
  })
}
