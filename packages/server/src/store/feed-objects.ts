import { type Kysely, sql } from 'kysely'
import type { FeedObject } from '../domain/feed.ts'
import { type RiskLevel, worstRisk } from '../domain/risk.ts'
import type { ObjectType, SuspiciousObject } from '../domain/suspicious-object.ts'
import { bulkInsert, type Row } from './bulk-insert.ts'
import type { Database } from './database.ts'
import { metaIn } from './meta.ts'
import { objectChangesIn } from './objects.ts'
import { type FeedObjectRow, storable, type Tables } from './schema.ts'

export interface FeedChange {
  readonly source: string
  readonly putMs: number
  /** whole: `objects` is all that the source has. changes: they take the place of what came of `refs`. */
  readonly mode: 'whole' | 'changes'
  readonly objects: readonly FeedObject[]
  readonly refs?: readonly string[]
  readonly nowMs: number
}

/** Rows of the source; `entries` of the synchronized list, whoever else names them. */
export interface FeedChanged {
  readonly added: number
  readonly removed: number
  readonly entries: number
}

interface Key {
  readonly type: string
  readonly value: string
}

type RowKey = Key & { readonly ref: string }

interface Difference {
  readonly put: FeedObject[]
  readonly removed: RowKey[]
  added: number
}

const PAGE_ROWS = 5000
const CHUNK = 500
const MAX_SOURCE = 200
/** Locked first, so that two nodes do not put one entry together from halves. */
const TURN = 'feeds.turn'

export interface FeedObjects {
  /** Within a transaction: changes the source's rows, and makes the synchronized list out of all sources' rows anew. */
  apply(trx: Kysely<Tables>, change: Omit<FeedChange, 'putMs'>): Promise<FeedChanged>
  counts(): Promise<readonly { source: string; type: ObjectType; count: number }[]>
}

/**
 * The only module that reads or writes `feed_object`. An entry of the synchronized list stands as long as one source names it,
 * with the worst risk and the latest end that a source gives it.
 */
export function feedObjectsIn({ db, engine }: Pick<Database, 'db' | 'engine'>): FeedObjects {
  const entries = objectChangesIn({ engine })
  const insertRows = bulkInsert(engine, {
    table: 'feed_object',
    columns: {
      source: 'text',
      type: 'text',
      value: 'text',
      ref: 'text',
      risk: 'text',
      expires_ms: 'bigint',
      added_ms: 'bigint',
      note: 'text',
    },
    onConflict: `on conflict (source, type, value, ref) do update
      set risk = excluded.risk, expires_ms = excluded.expires_ms, note = excluded.note`,
  })

  /** Puts the entries of these keys together anew. */
  async function settle(trx: Kysely<Tables>, keys: readonly Key[], nowMs: number): Promise<number> {
    let changed = 0
    for (const { type, values } of chunksByType(keys)) {
      const rows = await trx
        .selectFrom('feed_object')
        .selectAll()
        .where('type', '=', type)
        .where('value', 'in', values)
        .execute()
      const living = rows.filter(({ expires_ms: end }) => end === 0 || end > nowMs)
      const named = Map.groupBy(living, ({ value }) => value)
      const gone = values.filter((value) => !named.has(value))
      changed += await entries.put(trx, [...named.values()].map(entryOf))
      changed += await entries.drop(trx, { list: 'synchronized', type: type as ObjectType }, gone)
    }
    return changed
  }

  return {
    async apply(trx, change) {
      const { source, mode, objects, refs = [], nowMs } = change
      await metaIn(trx).increment(TURN)
      const wanted = sortedOnce(objects)
      const difference =
        mode === 'whole'
          ? await differenceOf(trx, source, wanted)
          : await changesOf(trx, { source, wanted, refs, nowMs })
      await deleteRows(trx, source, difference.removed)
      await insertRows(
        trx,
        difference.put.map((object) => rowOf(object, source, nowMs)),
      )
      const changed = await settle(trx, [...difference.put, ...difference.removed], nowMs)
      if (changed > 0) await entries.countChange(trx)
      return { added: difference.added, removed: difference.removed.length, entries: changed }
    },
    async counts() {
      const rows = await db
        .selectFrom('feed_object')
        .select(['source', 'type', (eb) => eb.fn.count<number>('value').distinct().as('count')])
        .groupBy(['source', 'type'])
        .orderBy('source')
        .orderBy('type')
        .execute()
      return rows.map(({ source, type, count }) => ({ source, type: type as ObjectType, count: Number(count) }))
    },
  }
}

function rowOf({ type, value, ref, risk, expiresMs, note }: FeedObject, source: string, nowMs: number): Row {
  return [source, type, value, ref, risk, expiresMs, nowMs, storable(note)]
}

function entryOf(rows: readonly FeedObjectRow[]): SuspiciousObject {
  const [first] = rows as readonly [FeedObjectRow, ...FeedObjectRow[]]
  const ends = rows.map(({ expires_ms: end }) => end)
  const sources = [...new Set(rows.map(({ source }) => source))].sort()
  return {
    list: 'synchronized',
    type: first.type as ObjectType,
    value: first.value,
    risk: worstRisk(rows.map(({ risk }) => risk as RiskLevel)),
    expiresMs: ends.includes(0) ? 0 : Math.max(...ends),
    addedMs: Math.min(...rows.map(({ added_ms: added }) => added)),
    source: sources.join(', ').slice(0, MAX_SOURCE),
    note: rows.find(({ note }) => note !== '')?.note ?? '',
  }
}

/** By key as the database orders them (values are ASCII, so bytes and UTF-16 agree), each key once: the last one given. */
function sortedOnce(objects: readonly FeedObject[]): FeedObject[] {
  const made = objects.map((object) => ({ ...object, value: storable(object.value), ref: storable(object.ref) }))
  const sorted = made.sort(compare)
  return sorted.filter((object, index) => {
    const next = sorted[index + 1]
    return next === undefined || compare(object, next) !== 0
  })
}

function compare(a: RowKey, b: RowKey): number {
  return order(a.type, b.type) || order(a.value, b.value) || order(a.ref, b.ref)
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Walks along the source's rows and what it has now, side by side: memory holds only what differs. */
async function differenceOf(trx: Kysely<Tables>, source: string, wanted: readonly FeedObject[]): Promise<Difference> {
  const difference: Difference = { put: [], removed: [], added: 0 }
  let at = 0
  for await (const row of rowsOf(trx, source)) {
    for (let next = wanted[at]; next !== undefined && compare(next, row) < 0; next = wanted[++at]) add(difference, next)
    const next = wanted[at]
    if (next === undefined || compare(next, row) > 0) difference.removed.push(row)
    else {
      if (isChanged(row, next)) difference.put.push(next)
      at++
    }
  }
  for (; at < wanted.length; at++) add(difference, wanted[at] as FeedObject)
  return difference
}

function add(difference: Difference, object: FeedObject): void {
  difference.put.push(object)
  difference.added++
}

function isChanged(row: FeedObjectRow, { risk, expiresMs, note }: FeedObject): boolean {
  return row.risk !== risk || row.expires_ms !== expiresMs || row.note !== storable(note)
}

async function* rowsOf(trx: Kysely<Tables>, source: string): AsyncGenerator<FeedObjectRow> {
  let after: FeedObjectRow | undefined
  do {
    let page = trx.selectFrom('feed_object').selectAll().where('source', '=', source)
    if (after !== undefined)
      page = page.where(sql<boolean>`(type, value, ref) > (${after.type}, ${after.value}, ${after.ref})`)
    const rows = await page.orderBy('type').orderBy('value').orderBy('ref').limit(PAGE_ROWS).execute()
    yield* rows
    after = rows.length === PAGE_ROWS ? rows.at(-1) : undefined
  } while (after !== undefined)
}

interface Changes {
  readonly source: string
  readonly wanted: readonly FeedObject[]
  readonly refs: readonly string[]
  readonly nowMs: number
}

/** What stands under the changed refs and is not brought again goes, and what has expired. */
async function changesOf(trx: Kysely<Tables>, { source, wanted, refs, nowMs }: Changes): Promise<Difference> {
  const changed = new Set(refs.map(storable))
  const brought = new Map(wanted.map((object) => [keyText(object), object]))
  const difference: Difference = { put: [], removed: [], added: 0 }
  for await (const row of rowsOf(trx, source)) {
    const again = brought.get(keyText(row))
    const hasExpired = row.expires_ms > 0 && row.expires_ms <= nowMs
    if (again !== undefined) {
      brought.delete(keyText(row))
      if (isChanged(row, again)) difference.put.push(again)
    } else if (hasExpired || changed.has(row.ref)) difference.removed.push(row)
  }
  for (const object of brought.values()) add(difference, object)
  return difference
}

function keyText({ type, value, ref }: RowKey): string {
  return `${type} ${value} ${ref}`
}

async function deleteRows(trx: Kysely<Tables>, source: string, keys: readonly RowKey[]): Promise<void> {
  for (const [type, ofType] of Map.groupBy(keys, (key) => key.type))
    for (let at = 0; at < ofType.length; at += CHUNK) {
      const chunk = ofType.slice(at, at + CHUNK)
      // By value an index finds the rows; pairs in one list would be compared with every row (PostgreSQL, measured).
      const pairs = chunk.map(({ value, ref }) => `${value} ${ref}`)
      await trx
        .deleteFrom('feed_object')
        .where('source', '=', source)
        .where('type', '=', type)
        .where('value', 'in', [...new Set(chunk.map(({ value }) => value))])
        .where(sql<boolean>`value || ' ' || ref in (${sql.join(pairs)})`)
        .execute()
    }
}

/** Each key once, at most `CHUNK` of one type together. */
function* chunksByType(keys: readonly Key[]): Generator<{ type: string; values: string[] }> {
  for (const [type, ofType] of Map.groupBy(keys, (key) => key.type)) {
    const values = [...new Set(ofType.map(({ value }) => value))]
    for (let at = 0; at < values.length; at += CHUNK) yield { type, values: values.slice(at, at + CHUNK) }
  }
}
