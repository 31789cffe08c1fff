import type { Kysely } from 'kysely'
import { createTable } from './create-table.ts'

/** Sources of the synchronized list, and what each of them names. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'feed', {
    name: 'text primary key',
    config: 'text',
    secret: 'text',
    enabled: 'bigint',
    put_ms: 'bigint',
    attempt_ms: 'bigint',
    cursor: 'text',
    state: 'text',
  })
  await createTable(db, 'feed_object', {
    source: 'text',
    type: 'text',
    value: 'text',
    ref: 'text',
    risk: 'text',
    expires_ms: 'bigint',
    added_ms: 'bigint',
    note: 'text',
    'primary key': '(source, type, value, ref)',
  })
  // An object that several sources name is put together from all their rows.
  await db.schema.createIndex('feed_object_by_value').on('feed_object').columns(['type', 'value']).execute()
}
