import type { Kysely } from 'kysely'
import { type FeedConfig, type FeedCursor, type FeedObject, type FeedState, NEW_FEED } from '../domain/feed.ts'
import type { ObjectType } from '../domain/suspicious-object.ts'
import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import { type FeedChange, type FeedChanged, feedObjectsIn } from './feed-objects.ts'
import { type FeedRow, storable, type Tables } from './schema.ts'

export interface StoredFeed {
  readonly config: FeedConfig
  /** Sealed; '' = none. */
  readonly secret: string
  readonly enabled: boolean
  /** When it was set up: names this set-up of that name. */
  readonly putMs: number
  /** 0 = never. */
  readonly attemptMs: number
  readonly cursor: FeedCursor
  readonly state: FeedState
}

export interface FeedCount {
  readonly source: string
  readonly type: ObjectType
  readonly count: number
}

/** Names one set-up of a source. */
export interface FeedKey {
  readonly name: string
  readonly putMs: number
}

export interface Feeds {
  /** Sets a source up, or anew: it starts without cursor and state; its objects stay until it is read. */
  put(feed: Pick<StoredFeed, 'config' | 'secret' | 'enabled' | 'putMs'>): Promise<void>
  /** By name, without cursors. */
  list(): Promise<readonly StoredFeed[]>
  get(name: string): Promise<StoredFeed | undefined>
  /** With all that it named, as one change of the lists. False: there is none of that name. */
  remove(name: string): Promise<boolean>
  setEnabled(name: string, enabled: boolean): Promise<boolean>
  /** Takes the next attempt, on one node of the database only: false where another one took it. */
  claim(key: FeedKey & { readonly attemptMs: number; readonly nowMs: number }): Promise<boolean>
  saveState(key: FeedKey, state: FeedState): Promise<void>
  /** Objects of each source by type, expired ones too. */
  counts(): Promise<readonly FeedCount[]>
  /** For `FeedImports`. */
  change(change: FeedChange, done: { cursor: FeedCursor; state: FeedState }): Promise<FeedChanged>
}

/** The only module that reads or writes `feed`. */
export function feedsIn(database: Database): Feeds {
  const { db } = database
  const objects = feedObjectsIn(database)
  return {
    async put({ config, secret, enabled, putMs }) {
      const { name } = config
      const fresh = { attempt_ms: 0, cursor: '{}', state: JSON.stringify(NEW_FEED) }
      const given = { config: storable(JSON.stringify(config)), secret, enabled: enabled ? 1 : 0, put_ms: putMs }
      await db
        .insertInto('feed')
        .values({ name, ...given, ...fresh })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ ...given, ...fresh }))
        .execute()
    },
    async list() {
      const columns = ['name', 'config', 'secret', 'enabled', 'put_ms', 'attempt_ms', 'state'] as const
      const rows = await db.selectFrom('feed').select(columns).orderBy('name').execute()
      return rows.map((row) => feedOf({ ...row, cursor: '{}' }))
    },
    async get(name) {
      const row = await db.selectFrom('feed').selectAll().where('name', '=', storable(name)).executeTakeFirst()
      return row && feedOf(row)
    },
    remove: (name) =>
      db.transaction().execute(async (trx) => {
        const result = await trx.deleteFrom('feed').where('name', '=', storable(name)).executeTakeFirst()
        await objects.apply(trx, { source: storable(name), mode: 'whole', objects: [], nowMs: Date.now() })
        return result.numDeletedRows > 0n
      }),
    async setEnabled(name, enabled) {
      const change = { enabled: enabled ? 1 : 0 }
      const result = await db.updateTable('feed').set(change).where('name', '=', storable(name)).executeTakeFirst()
      return result.numUpdatedRows > 0n
    },
    async claim({ name, putMs, attemptMs, nowMs }) {
      const result = await db
        .updateTable('feed')
        .set({ attempt_ms: nowMs })
        .where('name', '=', name)
        .where('put_ms', '=', putMs)
        .where('attempt_ms', '=', attemptMs)
        .executeTakeFirst()
      return result.numUpdatedRows > 0n
    },
    async saveState(key, state) {
      await update(db, key, { state: stateText(state) })
    },
    counts: () => objects.counts(),
    change: (change, { cursor, state }) =>
      db.transaction().execute(async (trx) => {
        const key = { name: change.source, putMs: change.putMs }
        const isThere = await update(trx, key, { cursor: JSON.stringify(cursor), state: stateText(state) })
        if (!isThere)
          throw new StoreError('STORE_CONFLICT', `the source ${change.source} was changed or removed meanwhile`)
        return objects.apply(trx, change)
      }),
  }
}

/** False: that set-up is no longer there. */
async function update(
  db: Kysely<Tables>,
  { name, putMs }: FeedKey,
  change: Partial<Pick<FeedRow, 'cursor' | 'state'>>,
): Promise<boolean> {
  const result = await db
    .updateTable('feed')
    .set(change)
    .where('name', '=', name)
    .where('put_ms', '=', putMs)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

function stateText(state: FeedState): string {
  return storable(JSON.stringify(state))
}

function feedOf(row: FeedRow): StoredFeed {
  return {
    config: JSON.parse(row.config) as FeedConfig,
    secret: row.secret,
    enabled: row.enabled === 1,
    putMs: row.put_ms,
    attemptMs: row.attempt_ms,
    cursor: JSON.parse(row.cursor) as FeedCursor,
    state: JSON.parse(row.state) as FeedState,
  }
}

/** What a source gave comes in batches, and becomes one change at its end. */
export interface FeedImports {
  /** Gives the import's number. */
  begin(): Promise<number>
  /** Throws StoreError LIST_FULL when it grows beyond what one source may hold. */
  stage(id: number, objects: readonly FeedObject[]): Promise<void>
  /** Throws StoreError STORE_CONFLICT where the source was set up anew or removed meanwhile. */
  commit(id: number, change: FeedCommit): Promise<FeedChanged>
  drop(id: number): Promise<void>
}

export interface FeedCommit extends Omit<FeedChange, 'objects'> {
  readonly cursor: FeedCursor
  readonly state: FeedState
}

const MAX_FEED_OBJECTS = 5_000_000

export function feedImports(feeds: () => Pick<Feeds, 'change'>): FeedImports {
  const staged = new Map<number, FeedObject[]>()
  let last = 0
  const take = (id: number) => {
    const objects = staged.get(id)
    if (objects === undefined) throw new StoreError('STORE_FAILED', `no import ${id}`)
    return objects
  }
  return {
    async begin() {
      staged.set(++last, [])
      return last
    },
    async stage(id, more) {
      const objects = take(id)
      if (objects.length + more.length > MAX_FEED_OBJECTS)
        throw new StoreError('LIST_FULL', `one source holds at most ${MAX_FEED_OBJECTS} entries`)
      for (const object of more) objects.push(object)
    },
    async commit(id, { cursor, state, ...change }) {
      const objects = take(id)
      staged.delete(id)
      return feeds().change({ ...change, objects }, { cursor, state })
    },
    async drop(id) {
      staged.delete(id)
    },
  }
}
