import type { Migration } from 'kysely/migration'
import * as firstTables from './0001-first-tables.ts'
import * as feeds from './0002-feeds.ts'
import * as ruleOptions from './0003-rule-options.ts'
import * as recall from './0004-recall.ts'

/** Every step of the schema, in order of name; a published step is never changed. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first-tables': firstTables,
  '0002-feeds': feeds,
  '0003-rule-options': ruleOptions,
  '0004-recall': recall,
}
