import type { Kysely } from 'kysely'
import { createTable } from './create-table.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'transaction_record', {
    id: 'text primary key',
    time_ms: 'bigint',
    client: 'text',
    outcome: 'text',
    action: 'text',
    data: 'text',
  })
  await createTable(db, 'record_usage', { name: 'text primary key', records: 'bigint', bytes: 'bigint' })
  await createTable(db, 'suspicious_object', {
    list: 'text',
    type: 'text',
    value: 'text',
    risk: 'text',
    expires_ms: 'bigint',
    added_ms: 'bigint',
    source: 'text',
    note: 'text',
    'primary key': '(list, type, value)',
  })
  await createTable(db, 'settings_revision', {
    id: 'bigint primary key',
    saved_ms: 'bigint',
    saved_by: 'text',
    settings: 'text',
    changed: 'text',
  })
  await createTable(db, 'rule_file', {
    name: 'text primary key',
    source: 'text',
    enabled: 'bigint',
    sha256: 'text',
    added_ms: 'bigint',
    status: 'text',
    fault: 'text',
  })
  await createTable(db, 'meta', { name: 'text primary key', value: 'text' })
}
