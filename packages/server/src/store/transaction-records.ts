import { setImmediate } from 'node:timers/promises'
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import { recordIdFloor, recordIdTime } from '../domain/record-id.ts'
import type { TransactionRecord } from '../domain/transaction-record.ts'
import { bulkInsert, type Row } from './bulk-insert.ts'
import type { Database } from './database.ts'
import { parseRecordLine, type RecordHead, recordLine } from './record-line.ts'
import { storable, type Tables } from './schema.ts'

export interface RecordFilter {
  /** Inclusive. */
  readonly sinceMs?: number | undefined
  /** Exclusive. */
  readonly untilMs?: number | undefined
  readonly outcome?: TransactionRecord['outcome'] | undefined
  readonly action?: TransactionRecord['action'] | undefined
  readonly mode?: TransactionRecord['mode'] | undefined
  readonly client?: string | undefined
  readonly sha256?: string | undefined
  /** Stands anywhere in URL or file name, whatever its case. */
  readonly contains?: string | undefined
}

export interface RecordQuery extends RecordFilter {
  readonly limit: number
  /** The `next` of the page before. */
  readonly cursor?: string | undefined
}

export interface RecordsPage {
  /** Newest first; may be fewer than `limit` (even none) with a `next`, when the search took too long for one page. */
  readonly records: readonly TransactionRecord[]
  readonly next: string | null
}

export interface RecordUsage {
  readonly records: number
  /** As retention counts them: the lines, and a share of the row around each. */
  readonly bytes: number
}

/** A record's line, which is what the table keeps, and what stands in columns beside it. */
export interface RecordLine {
  readonly head: RecordHead
  /** Without its line end. */
  readonly line: string
}

export interface Retention {
  readonly nowMs: number
  readonly maxAgeMs: number
  readonly maxBytes: number
  /** Rows deleted in one step: small, so that nobody waits long behind it. */
  readonly sliceRows: number
}

export interface TransactionRecords {
  /** Idempotent by id. Gives the number of records that were new. One transaction. */
  insertMany(records: readonly TransactionRecord[]): Promise<number>
  insertLines(lines: readonly RecordLine[]): Promise<number>
  get(id: string): Promise<TransactionRecord | undefined>
  query(query: RecordQuery): Promise<RecordsPage>
  usage(): Promise<RecordUsage>
  /** Deletes the oldest ones before that time, at most `limit`. Gives the number deleted. */
  deleteOlderThan(beforeMs: number, limit: number): Promise<number>
  /** One slice of what retention asks for; `more`: call it again. */
  retain(retention: Retention): Promise<{ deleted: number; more: boolean }>
}

/** What a row costs beside its line: id (in table and index), columns, page overhead. */
const ROW_BYTES = 150
const WINDOW_ROWS = 5000
const SEARCH_MS = 2000
/** A record's id is made at most this long after its `timeMs`, or (clocks) before it. */
const ID_LATE_MS = 24 * 3600 * 1000
const ID_EARLY_MS = 60_000

/** The only module that reads or writes `transaction_record` and `record_usage`. */
export function transactionRecordsIn({ db, engine }: Database): TransactionRecords {
  const insertRows = bulkInsert(engine, {
    table: 'transaction_record',
    columns: { id: 'text', time_ms: 'bigint', client: 'text', outcome: 'text', action: 'text', data: 'text' },
    onConflict: 'on conflict (id) do nothing',
  })

  async function insertLines(lines: readonly RecordLine[]): Promise<number> {
    if (lines.length === 0) return 0
    const rows = lines.map(rowOf)
    try {
      return await insertAllNew(rows)
    } catch (error) {
      if (!(error instanceof KnownRecords)) throw error
      return await insertAllNew(await withoutKnown(db, rows))
    }
  }

  // A journal is read again from its start after a crash, so most batches hold no known record or nothing else: the rare
  // mixed batch is rolled back and tried without the known ones, and the common one needs no look-up for the exact usage.
  async function insertAllNew(rows: readonly Row[]): Promise<number> {
    if (rows.length === 0) return 0
    await db.transaction().execute(async (trx) => {
      if ((await insertRows(trx, rows)) < rows.length) throw new KnownRecords()
      await addUsage(
        trx,
        rows.length,
        rows.reduce((sum, row) => sum + sizeOf(row), 0),
      )
    })
    return rows.length
  }

  function deleteOldest(limit: number, beforeMs?: number): Promise<number> {
    return db.transaction().execute(async (trx) => {
      let oldest = trx.selectFrom('transaction_record').select('id').orderBy('id').limit(limit)
      if (beforeMs !== undefined) {
        oldest = oldest.where('id', '<', recordIdFloor(beforeMs + ID_LATE_MS)).where('time_ms', '<', beforeMs)
      }
      const deleted = await trx
        .deleteFrom('transaction_record')
        .where('id', 'in', oldest)
        .returning(sql<number>`octet_length(data)`.as('bytes'))
        .execute()
      const bytes = deleted.reduce((sum, row) => sum + row.bytes + ROW_BYTES, 0)
      if (deleted.length > 0) await addUsage(trx, -deleted.length, -bytes)
      return deleted.length
    })
  }

  async function retain({ nowMs, maxAgeMs, maxBytes, sliceRows }: Retention) {
    const aged = await deleteOldest(sliceRows, nowMs - maxAgeMs)
    if (aged === sliceRows) return { deleted: aged, more: true }
    const { records, bytes } = await usageIn(db)
    if (bytes <= maxBytes || records === 0) return { deleted: aged, more: false }
    const surplus = Math.ceil((bytes - maxBytes) / (bytes / records))
    const deleted = await deleteOldest(Math.min(sliceRows, surplus))
    return { deleted: aged + deleted, more: deleted > 0 }
  }

  return {
    insertMany: (records) =>
      insertLines(records.map((record) => ({ head: record, line: recordLine(record).trimEnd() }))),
    insertLines,
    async get(id) {
      const row = await db.selectFrom('transaction_record').select('data').where('id', '=', id).executeTakeFirst()
      return row && parseRecordLine(row.data)
    },
    query: (query) => search(db, query),
    usage: () => usageIn(db),
    deleteOlderThan: (beforeMs, limit) => deleteOldest(limit, beforeMs),
    retain,
  }
}

class KnownRecords extends Error {}

/** The id under which it stands: its own, or one that sorts by time where the maker of the id did not see to that. */
function storedId({ id, timeMs }: RecordHead): string {
  const time = recordIdTime(id)
  const isTimely = time !== undefined && time >= timeMs - ID_EARLY_MS && time <= timeMs + ID_LATE_MS
  return isTimely ? id : `${recordIdFloor(timeMs)}~${storable(id)}`
}

function rowOf({ head, line }: RecordLine): Row {
  const { timeMs, client, outcome, action } = head
  return [storedId(head), Math.floor(timeMs), storable(client), storable(outcome), storable(action), line]
}

function sizeOf(row: Row): number {
  return Buffer.byteLength(String(row[5])) + ROW_BYTES
}

async function withoutKnown(db: Kysely<Tables>, rows: readonly Row[]): Promise<Row[]> {
  const fresh = new Map(rows.map((row) => [String(row[0]), row]))
  const ids = [...fresh.keys()]
  for (let at = 0; at < ids.length; at += 500) {
    const known = await db
      .selectFrom('transaction_record')
      .select('id')
      .where('id', 'in', ids.slice(at, at + 500))
      .execute()
    for (const { id } of known) fresh.delete(id)
  }
  return [...fresh.values()]
}

async function addUsage(db: Kysely<Tables>, records: number, bytes: number): Promise<void> {
  await db
    .insertInto('record_usage')
    .values({ name: 'all', records, bytes })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({
        records: eb('record_usage.records', '+', eb.ref('excluded.records')),
        bytes: eb('record_usage.bytes', '+', eb.ref('excluded.bytes')),
      })),
    )
    .execute()
}

async function usageIn(db: Kysely<Tables>): Promise<RecordUsage> {
  const row = await db.selectFrom('record_usage').select(['records', 'bytes']).executeTakeFirst()
  return { records: row?.records ?? 0, bytes: row?.bytes ?? 0 }
}

type Select<O> = SelectQueryBuilder<Tables, 'transaction_record', O>

/** Goes back window by window, so that a filter that finds little neither blocks the store nor runs for ever. */
async function search(db: Kysely<Tables>, query: RecordQuery): Promise<RecordsPage> {
  const deadline = Date.now() + SEARCH_MS
  const found: Found = { records: [], cursor: query.cursor }
  for (;;) {
    const end = await windowEnd(db, query, found.cursor)
    if (await searchWindow(db, { query, end, found })) return { records: found.records, next: found.cursor ?? null }
    if (end === undefined) return { records: found.records, next: null }
    found.cursor = end
    if (Date.now() > deadline) return { records: found.records, next: end }
    await setImmediate()
  }
}

interface Found {
  readonly records: TransactionRecord[]
  /** The last id looked at. */
  cursor: string | undefined
}

/** True when the page is full and there may be more. */
async function searchWindow(
  db: Kysely<Tables>,
  { query, end, found }: { query: RecordQuery; end: string | undefined; found: Found },
): Promise<boolean> {
  for (;;) {
    const limit = query.limit - found.records.length + 1
    const rows = await rowsOf(db, query, { cursor: found.cursor, end, limit })
    for (const { id, data } of rows) {
      if (found.records.length === query.limit) return true
      found.cursor = id
      const record = parseRecordLine(data)
      if (record !== undefined && matches(record, query)) found.records.push(record)
    }
    if (rows.length < limit) return false
  }
}

/** The last id of the window that begins after the cursor; undefined when the window reaches the end. */
async function windowEnd(db: Kysely<Tables>, query: RecordQuery, cursor: string | undefined) {
  const last = await span(db.selectFrom('transaction_record').select('id'), query, cursor)
    .orderBy('id', 'desc')
    .offset(WINDOW_ROWS - 1)
    .limit(1)
    .executeTakeFirst()
  return last?.id
}

interface Window {
  readonly cursor: string | undefined
  readonly end: string | undefined
  readonly limit: number
}

function rowsOf(db: Kysely<Tables>, query: RecordQuery, { cursor, end, limit }: Window) {
  let rows = span(db.selectFrom('transaction_record').select(['id', 'data']), query, cursor)
  if (end !== undefined) rows = rows.where('id', '>=', end)
  if (query.outcome !== undefined) rows = rows.where('outcome', '=', query.outcome)
  if (query.action !== undefined) rows = rows.where('action', '=', query.action)
  if (query.client !== undefined) rows = rows.where('client', '=', storable(query.client))
  for (const text of literalsOf(query)) rows = rows.where(sql<string>`lower(data)`, 'like', `%${text}%`)
  return rows.orderBy('id', 'desc').limit(limit).execute()
}

function span<O>(rows: Select<O>, { sinceMs, untilMs }: RecordQuery, cursor: string | undefined): Select<O> {
  let within = rows
  if (cursor !== undefined) within = within.where('id', '<', storable(cursor))
  if (sinceMs !== undefined) within = within.where('id', '>=', recordIdFloor(sinceMs - ID_EARLY_MS))
  if (untilMs !== undefined) within = within.where('id', '<', recordIdFloor(untilMs + ID_LATE_MS))
  return within
}

/** Text that any matching line must hold: only what JSON, LIKE and both engines' lower() leave as it is. `matches` decides. */
function literalsOf({ mode, sha256, contains }: RecordQuery): string[] {
  return [mode, sha256, contains]
    .filter((text) => text !== undefined)
    .map((text) => text.toLowerCase())
    .filter((text) => /^[a-z0-9./:=?&#@+, -]+$/.test(text))
}

function matches(record: TransactionRecord, filter: RecordFilter): boolean {
  const { sinceMs = 0, untilMs = Number.POSITIVE_INFINITY, mode, sha256, contains } = filter
  if (record.timeMs < sinceMs || record.timeMs >= untilMs) return false
  if (mode !== undefined && record.mode !== mode) return false
  if (sha256 !== undefined && record.sha256 !== sha256) return false
  if (contains === undefined) return true
  const wanted = contains.toLowerCase()
  return record.url.toLowerCase().includes(wanted) || record.fileName.toLowerCase().includes(wanted)
}
