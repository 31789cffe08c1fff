import type { SuspiciousObject } from '../domain/suspicious-object.ts'
import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import { type Feeds, feedsIn } from './feeds.ts'
import { type Meta, metaIn } from './meta.ts'
import { type SuspiciousObjects, suspiciousObjectsIn } from './objects.ts'
import { type Recall, recallIn } from './recall.ts'
import { type RuleFiles, ruleFilesIn } from './rule-files.ts'
import { type SettingsRevisions, settingsRevisionsIn } from './settings-revisions.ts'
import { type TransactionRecords, transactionRecordsIn } from './transaction-records.ts'

/** All tables of one open database. */
export interface Store {
  readonly records: TransactionRecords
  readonly objects: SuspiciousObjects
  readonly settings: SettingsRevisions
  readonly rules: RuleFiles
  readonly feeds: Feeds
  readonly recall: Recall
  readonly meta: Meta
}

export function storeIn(database: Database): Store {
  return {
    records: transactionRecordsIn(database),
    objects: suspiciousObjectsIn(database),
    settings: settingsRevisionsIn(database),
    rules: ruleFilesIn(database),
    feeds: feedsIn(database),
    recall: recallIn(database),
    meta: metaIn(database.db),
  }
}

/** An import that comes in batches and is written in one transaction at its end. */
export interface ObjectImports {
  /** Gives the import's number. */
  begin(): Promise<number>
  /** Throws StoreError LIST_FULL when it grows beyond what one import may hold. */
  stage(id: number, objects: readonly SuspiciousObject[]): Promise<void>
  commit(id: number): Promise<number>
  drop(id: number): Promise<void>
}

const MAX_IMPORT_OBJECTS = 2_000_000

export function objectImports(objects: () => Pick<SuspiciousObjects, 'addMany'>): ObjectImports {
  const staged = new Map<number, SuspiciousObject[]>()
  let last = 0
  const take = (id: number) => {
    const entries = staged.get(id)
    if (entries === undefined) throw new StoreError('STORE_FAILED', `no import ${id}`)
    return entries
  }
  return {
    async begin() {
      staged.set(++last, [])
      return last
    },
    async stage(id, more) {
      const entries = take(id)
      if (entries.length + more.length > MAX_IMPORT_OBJECTS) {
        throw new StoreError('LIST_FULL', `one import holds at most ${MAX_IMPORT_OBJECTS} entries`)
      }
      for (const object of more) entries.push(object)
    },
    async commit(id) {
      const entries = take(id)
      staged.delete(id)
      return objects().addMany(entries)
    },
    async drop(id) {
      staged.delete(id)
    },
  }
}
