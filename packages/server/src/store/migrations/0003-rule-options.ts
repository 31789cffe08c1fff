import type { Kysely } from 'kysely'
import { createTable } from './create-table.ts'

/** What the administrator says of rule files, those of the program included: they have no row in `rule_file`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'rule_option', {
    name: 'text primary key',
    enabled: 'bigint',
    shadow: 'bigint',
    weight: 'bigint',
    types: 'text',
  })
}
