import type { Kysely } from 'kysely'
import type { Database } from './database.ts'
import { isUniqueViolation } from './database-errors.ts'
import { StoreError } from './errors.ts'
import { storable, type Tables } from './schema.ts'

/** All settings as they were saved at one moment; secrets in `values` are sealed strings (`secret-box.ts`). */
export interface SettingsRevision {
  /** 1, 2, 3, ... */
  readonly id: number
  readonly savedMs: number
  readonly by: string
  readonly values: Readonly<Record<string, unknown>>
  /** Keys that differ from the revision before. */
  readonly changed: readonly string[]
}

export interface NewSettingsRevision extends Omit<SettingsRevision, 'id'> {
  /** The revision the change was made from (0 = none): another one meanwhile is a conflict. Absent: whatever stands. */
  readonly basedOn?: number | undefined
}

export interface SettingsRevisions {
  /** Throws StoreError STORE_CONFLICT when `basedOn` is no longer the latest. */
  save(revision: NewSettingsRevision): Promise<SettingsRevision>
  latest(): Promise<SettingsRevision | undefined>
  get(id: number): Promise<SettingsRevision | undefined>
  /** Newest first, without the values (pages make them megabytes). */
  list(query: { limit: number; beforeId?: number | undefined }): Promise<readonly Omit<SettingsRevision, 'values'>[]>
}

/** A revision can hold three pages of 5 MB: older ones than these go. */
export const KEPT_REVISIONS = 100

const SUMMARY = ['id', 'saved_ms', 'saved_by', 'changed'] as const

/** The only module that reads or writes `settings_revision`. */
export function settingsRevisionsIn({ db }: Database): SettingsRevisions {
  return {
    async save(revision) {
      try {
        return await db.transaction().execute((trx) => insertNext(trx, revision))
      } catch (error) {
        if (isUniqueViolation(error)) throw new StoreError('STORE_CONFLICT', '', { cause: error }) // another node was first
        throw error
      }
    },
    async latest() {
      const row = await db.selectFrom('settings_revision').selectAll().orderBy('id', 'desc').limit(1).executeTakeFirst()
      return row && revisionOf(row)
    },
    async get(id) {
      const row = await db.selectFrom('settings_revision').selectAll().where('id', '=', id).executeTakeFirst()
      return row && revisionOf(row)
    },
    async list({ limit, beforeId }) {
      let rows = db.selectFrom('settings_revision').select(SUMMARY).orderBy('id', 'desc').limit(limit)
      if (beforeId !== undefined) rows = rows.where('id', '<', beforeId)
      return (await rows.execute()).map(summaryOf)
    },
  }
}

async function insertNext(trx: Kysely<Tables>, revision: NewSettingsRevision): Promise<SettingsRevision> {
  const { savedMs, by, values, changed, basedOn } = revision
  const last = await trx.selectFrom('settings_revision').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
  const latest = last?.id ?? 0
  if (basedOn !== undefined && basedOn !== latest) {
    throw new StoreError('STORE_CONFLICT', `revision ${latest} stands, not ${basedOn}`)
  }
  const id = latest + 1
  await trx
    .insertInto('settings_revision')
    .values({
      id,
      saved_ms: savedMs,
      saved_by: storable(by),
      settings: JSON.stringify(values),
      changed: JSON.stringify(changed),
    })
    .execute()
  await trx
    .deleteFrom('settings_revision')
    .where('id', '<=', id - KEPT_REVISIONS)
    .execute()
  return { id, savedMs, by, values, changed }
}

interface Summary {
  readonly id: number
  readonly saved_ms: number
  readonly saved_by: string
  readonly changed: string
}

function summaryOf(row: Summary): Omit<SettingsRevision, 'values'> {
  return { id: row.id, savedMs: row.saved_ms, by: row.saved_by, changed: JSON.parse(row.changed) as string[] }
}

function revisionOf(row: Summary & { readonly settings: string }): SettingsRevision {
  return { ...summaryOf(row), values: JSON.parse(row.settings) as Record<string, unknown> }
}
