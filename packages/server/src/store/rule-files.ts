import { hash } from 'node:crypto'
import type { Database } from './database.ts'
import { type RuleFileRow, type RuleOptionRow, storable } from './schema.ts'

/** A YARA rule file as it was added. `status` and `fault` are the words of whoever compiled it last. */
export interface StoredRuleFile {
  readonly name: string
  readonly source: string
  readonly enabled: boolean
  /** Of `source` in UTF-8. */
  readonly sha256: string
  readonly addedMs: number
  readonly status: string
  readonly fault: string
}

export type NewRuleFile = Omit<StoredRuleFile, 'sha256'>
export type RuleFileState = Partial<Pick<StoredRuleFile, 'enabled' | 'status' | 'fault'>>

/** Of one rule file, whoever it comes from; a file without any is enabled, enforced, and asked about all types. */
export interface StoredRuleOptions {
  readonly name: string
  readonly enabled: boolean
  readonly shadow: boolean
  /** Absent: none. */
  readonly weight?: number
  /** Empty: all. */
  readonly types: readonly string[]
}

export interface RuleFiles {
  /** Adds it, or replaces the one of that name. */
  put(file: NewRuleFile): Promise<StoredRuleFile>
  /** False: there is none of that name. */
  setState(name: string, state: RuleFileState): Promise<boolean>
  remove(name: string): Promise<boolean>
  get(name: string): Promise<StoredRuleFile | undefined>
  /** By name, without the sources. */
  list(): Promise<readonly Omit<StoredRuleFile, 'source'>[]>
  /** By name, whole. */
  all(): Promise<readonly StoredRuleFile[]>
  /** By name: of the files that have any. */
  options(): Promise<readonly StoredRuleOptions[]>
  setOptions(options: StoredRuleOptions): Promise<void>
  removeOptions(name: string): Promise<boolean>
}

const SUMMARY = ['name', 'enabled', 'sha256', 'added_ms', 'status', 'fault'] as const

/** The only module that reads or writes `rule_file` and `rule_option`. */
export function ruleFilesIn({ db }: Database): RuleFiles {
  const byName = (name: string) => db.selectFrom('rule_file').selectAll().where('name', '=', storable(name))
  return {
    async put(file) {
      const row = rowOf(file)
      const { name, ...rest } = row
      await db
        .insertInto('rule_file')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet(rest))
        .execute()
      return { ...summaryOf(row), source: row.source }
    },
    async setState(name, { enabled, status, fault }) {
      const change = {
        ...(enabled === undefined ? {} : { enabled: enabled ? 1 : 0 }),
        ...(status === undefined ? {} : { status: storable(status) }),
        ...(fault === undefined ? {} : { fault: storable(fault) }),
      }
      if (Object.keys(change).length === 0) return (await byName(name).executeTakeFirst()) !== undefined
      const result = await db.updateTable('rule_file').set(change).where('name', '=', storable(name)).executeTakeFirst()
      return result.numUpdatedRows > 0n
    },
    async remove(name) {
      const result = await db.deleteFrom('rule_file').where('name', '=', storable(name)).executeTakeFirst()
      return result.numDeletedRows > 0n
    },
    async get(name) {
      const row = await byName(name).executeTakeFirst()
      return row && { ...summaryOf(row), source: row.source }
    },
    async list() {
      return (await db.selectFrom('rule_file').select(SUMMARY).orderBy('name').execute()).map(summaryOf)
    },
    async all() {
      const rows = await db.selectFrom('rule_file').selectAll().orderBy('name').execute()
      return rows.map((row) => ({ ...summaryOf(row), source: row.source }))
    },
    async options() {
      const rows = await db.selectFrom('rule_option').selectAll().orderBy('name').execute()
      return rows.map(optionsOf)
    },
    async setOptions({ name, enabled, shadow, weight = 0, types }) {
      const rest = { enabled: Number(enabled), shadow: Number(shadow), weight, types: storable(JSON.stringify(types)) }
      await db
        .insertInto('rule_option')
        .values({ name: storable(name), ...rest })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(rest))
        .execute()
    },
    async removeOptions(name) {
      const result = await db.deleteFrom('rule_option').where('name', '=', storable(name)).executeTakeFirst()
      return result.numDeletedRows > 0n
    },
  }
}

function optionsOf({ name, enabled, shadow, weight, types }: RuleOptionRow): StoredRuleOptions {
  return {
    name,
    enabled: enabled === 1,
    shadow: shadow === 1,
    ...(weight === 0 ? {} : { weight }),
    types: JSON.parse(types) as string[],
  }
}

function rowOf({ name, source, enabled, addedMs, status, fault }: NewRuleFile): RuleFileRow {
  const text = storable(source)
  return {
    name: storable(name),
    source: text,
    enabled: enabled ? 1 : 0,
    sha256: hash('sha256', text),
    added_ms: addedMs,
    status: storable(status),
    fault: storable(fault),
  }
}

function summaryOf(row: Omit<RuleFileRow, 'source'>): Omit<StoredRuleFile, 'source'> {
  const { name, sha256, added_ms: addedMs, status, fault } = row
  return { name, enabled: row.enabled === 1, sha256, addedMs, status, fault }
}
