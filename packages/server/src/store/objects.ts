import { type Kysely, sql } from 'kysely'
import type { RiskLevel } from '../domain/risk.ts'
import type { ObjectListName, ObjectType, SuspiciousObject } from '../domain/suspicious-object.ts'
import { bulkInsert, type InsertRows, type Row } from './bulk-insert.ts'
import type { Database } from './database.ts'
import { StoreError } from './errors.ts'
import { metaIn } from './meta.ts'
import { type SuspiciousObjectRow, storable, type Tables } from './schema.ts'

export interface ObjectKey {
  readonly list: ObjectListName
  readonly type: ObjectType
  /** Canonical (`canonicalObject`). */
  readonly value: string
}

export interface ObjectCount {
  readonly list: ObjectListName
  readonly type: ObjectType
  readonly count: number
}

export interface ObjectPageQuery {
  readonly list?: ObjectListName | undefined
  readonly type?: ObjectType | undefined
  readonly limit: number
  /** The last entry of the page before. */
  readonly after?: ObjectKey | undefined
}

export interface SuspiciousObjects {
  /**
   * All of them or none, in one transaction; an entry that stands already gets the new risk, expiry, source and note. Gives
   * how many were added or changed. Values must be canonical. Throws StoreError LIST_FULL over a list's cap.
   */
  addMany(objects: readonly SuspiciousObject[]): Promise<number>
  remove(keys: readonly ObjectKey[]): Promise<number>
  removeAll(list: ObjectListName): Promise<number>
  /** In order of list, type, value. */
  page(query: ObjectPageQuery): Promise<readonly SuspiciousObject[]>
  counts(): Promise<readonly ObjectCount[]>
  /** Deletes entries that expired before that time, at most `limit`; they match nothing anyway, so the revision stays. */
  deleteExpired(nowMs: number, limit: number): Promise<number>
  /** Grows with each change, on all nodes of the database alike. */
  revision(): Promise<number>
}

/** The appliance's caps ("User-defined list", "Exceptions"); the other lists are bounded by what fills them. */
export const LIST_CAPS: Readonly<Partial<Record<ObjectListName, number>>> = {
  'user-defined': 25_000,
  exceptions: 25_000,
}

const REVISION = 'objects.revision'

/** An entry that stands already gets the new risk, expiry, source and note. */
function objectUpsert(engine: Database['engine']): InsertRows {
  return bulkInsert(engine, {
    table: 'suspicious_object',
    columns: {
      list: 'text',
      type: 'text',
      value: 'text',
      risk: 'text',
      expires_ms: 'bigint',
      added_ms: 'bigint',
      source: 'text',
      note: 'text',
    },
    onConflict: `on conflict (list, type, value) do update
      set risk = excluded.risk, expires_ms = excluded.expires_ms, source = excluded.source, note = excluded.note
      where (suspicious_object.risk, suspicious_object.expires_ms, suspicious_object.source, suspicious_object.note)
        <> (excluded.risk, excluded.expires_ms, excluded.source, excluded.note)`,
  })
}

async function countChange(trx: Kysely<Tables>): Promise<void> {
  await metaIn(trx).increment(REVISION)
}

/** For a module that makes entries out of rows of its own, within its transaction. */
export interface ObjectChanges {
  put(trx: Kysely<Tables>, objects: readonly SuspiciousObject[]): Promise<number>
  /** Of one list and type; at most a thousand values. */
  drop(trx: Kysely<Tables>, key: Omit<ObjectKey, 'value'>, values: readonly string[]): Promise<number>
  /** Once, where anything changed: the lists have a new revision. */
  countChange(trx: Kysely<Tables>): Promise<void>
}

export function objectChangesIn({ engine }: Pick<Database, 'engine'>): ObjectChanges {
  const insertRows = objectUpsert(engine)
  return {
    put: (trx, objects) => insertRows(trx, rowsOf(objects)),
    async drop(trx, { list, type }, values) {
      if (values.length === 0) return 0
      const result = await trx
        .deleteFrom('suspicious_object')
        .where('list', '=', list)
        .where('type', '=', type)
        .where('value', 'in', values)
        .executeTakeFirst()
      return Number(result.numDeletedRows)
    },
    countChange,
  }
}

/** The only module that reads or writes `suspicious_object`. */
export function suspiciousObjectsIn({ db, engine }: Database): SuspiciousObjects {
  const insertRows = objectUpsert(engine)

  /** A change and the new revision stand or fall together. */
  function change(work: (trx: Kysely<Tables>) => Promise<number>): Promise<number> {
    return db.transaction().execute(async (trx) => {
      const changed = await work(trx)
      if (changed > 0) await countChange(trx)
      return changed
    })
  }

  return {
    addMany: (objects) =>
      change(async (trx) => {
        const changed = await insertRows(trx, rowsOf(objects))
        for (const list of new Set(objects.map((object) => object.list))) await checkCap(trx, list)
        return changed
      }),
    remove: (keys) =>
      change(async (trx) => {
        let removed = 0
        for (const { list, type, value } of keys) {
          const result = await trx
            .deleteFrom('suspicious_object')
            .where('list', '=', list)
            .where('type', '=', type)
            .where('value', '=', storable(value))
            .executeTakeFirst()
          removed += Number(result.numDeletedRows)
        }
        return removed
      }),
    removeAll: (list) =>
      change(async (trx) => {
        const result = await trx.deleteFrom('suspicious_object').where('list', '=', list).executeTakeFirst()
        return Number(result.numDeletedRows)
      }),
    page: (query) => pageOf(db, query),
    async counts() {
      const rows = await db
        .selectFrom('suspicious_object')
        .select(['list', 'type', (eb) => eb.fn.countAll<number>().as('count')])
        .groupBy(['list', 'type'])
        .orderBy('list')
        .orderBy('type')
        .execute()
      return rows.map((row) => ({ ...keyOf(row), count: Number(row.count) }))
    },
    async deleteExpired(nowMs, limit) {
      const expired = await db
        .selectFrom('suspicious_object')
        .select(['list', 'type', 'value'])
        .where('expires_ms', '>', 0)
        .where('expires_ms', '<', nowMs)
        .limit(limit)
        .execute()
      for (const { list, type, value } of expired) await deleteIfExpired(db, { list, type, value, nowMs })
      return expired.length
    },
    async revision() {
      return Number((await metaIn(db).get(REVISION)) ?? 0)
    },
  }
}

// Asked again in the statement itself: the entry may have been renewed since.
async function deleteIfExpired(
  db: Kysely<Tables>,
  { list, type, value, nowMs }: { list: string; type: string; value: string; nowMs: number },
): Promise<void> {
  await db
    .deleteFrom('suspicious_object')
    .where('list', '=', list)
    .where('type', '=', type)
    .where('value', '=', value)
    .where('expires_ms', '>', 0)
    .where('expires_ms', '<', nowMs)
    .execute()
}

async function checkCap(trx: Kysely<Tables>, list: ObjectListName): Promise<void> {
  const cap = LIST_CAPS[list]
  if (cap === undefined) return
  const row = await trx
    .selectFrom('suspicious_object')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('list', '=', list)
    .executeTakeFirstOrThrow()
  if (Number(row.count) > cap) throw new StoreError('LIST_FULL', `"${list}" holds at most ${cap} entries`)
}

/** One row a key, the last one's: PostgreSQL refuses to update a row twice in one statement. */
function rowsOf(objects: readonly SuspiciousObject[]): Row[] {
  const rows = new Map<string, Row>()
  for (const { list, type, value, risk, expiresMs, addedMs, source, note } of objects) {
    const row = [list, type, storable(value), risk, expiresMs, addedMs, storable(source), storable(note)]
    rows.set(`${list}|${type}|${value}`, row)
  }
  return [...rows.values()]
}

async function pageOf(db: Kysely<Tables>, { list, type, limit, after }: ObjectPageQuery) {
  let rows = db
    .selectFrom('suspicious_object')
    .selectAll()
    .orderBy('list')
    .orderBy('type')
    .orderBy('value')
    .limit(limit)
  if (list !== undefined) rows = rows.where('list', '=', list)
  if (type !== undefined) rows = rows.where('type', '=', type)
  if (after !== undefined) {
    rows = rows.where(sql<boolean>`(list, type, value) > (${after.list}, ${after.type}, ${storable(after.value)})`)
  }
  return (await rows.execute()).map(objectOf)
}

function keyOf({ list, type }: { list: string; type: string }) {
  return { list: list as ObjectListName, type: type as ObjectType }
}

function objectOf(row: SuspiciousObjectRow): SuspiciousObject {
  const { value, risk, expires_ms: expiresMs, added_ms: addedMs, source, note } = row
  return { ...keyOf(row), value, risk: risk as RiskLevel, expiresMs, addedMs, source, note }
}
