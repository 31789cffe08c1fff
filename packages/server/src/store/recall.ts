import type { RecallFinding } from '../domain/recall.ts'
import type { Database } from './database.ts'
import { storable } from './schema.ts'

export interface RecallQuery {
  readonly limit: number
  /** Of the message, not of when it was found out; inclusive. */
  readonly sinceMs?: number | undefined
  /** The `next` of the page before. */
  readonly cursor?: string | undefined
}

export interface RecallPage {
  /** By the record's id, so the latest messages first. */
  readonly findings: readonly RecallFinding[]
  readonly next: string | null
}

export interface Recall {
  /** Those that are known already stay as they were found first. Gives the number of new ones. */
  add(findings: readonly RecallFinding[]): Promise<number>
  page(query: RecallQuery): Promise<RecallPage>
  count(): Promise<number>
  /** Deletes those whose message is older, and the oldest of more than `keep`. */
  trim(limits: { readonly beforeMs: number; readonly keep: number }): Promise<void>
}

/** The only module that reads or writes `recall`. */
export function recallIn({ db }: Database): Recall {
  async function count(): Promise<number> {
    const { rows } = await db
      .selectFrom('recall')
      .select((eb) => eb.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow()
    return Number(rows)
  }
  return {
    count,
    async add(findings) {
      if (findings.length === 0) return 0
      const result = await db
        .insertInto('recall')
        .values(findings.map(rowOf))
        .onConflict((conflict) => conflict.column('id').doNothing())
        .executeTakeFirst()
      return Number(result.numInsertedOrUpdatedRows ?? 0n)
    },
    async page({ limit, sinceMs, cursor }) {
      let rows = db.selectFrom('recall').select(['id', 'data']).orderBy('id', 'desc')
      if (cursor !== undefined) rows = rows.where('id', '<', storable(cursor))
      if (sinceMs !== undefined) rows = rows.where('time_ms', '>=', sinceMs)
      const found = await rows.limit(limit + 1).execute()
      const page = found.slice(0, limit)
      return {
        findings: page.map(({ data }) => JSON.parse(data) as RecallFinding),
        next: found.length > limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
    async trim({ beforeMs, keep }) {
      await db.deleteFrom('recall').where('time_ms', '<', beforeMs).execute()
      const oldest = await db
        .selectFrom('recall')
        .select('id')
        .orderBy('id', 'desc')
        .offset(keep)
        .limit(1)
        .executeTakeFirst()
      if (oldest !== undefined) await db.deleteFrom('recall').where('id', '<=', oldest.id).execute()
    },
  }
}

function rowOf(finding: RecallFinding) {
  const { id, timeMs, foundMs } = finding
  return { id: storable(id), time_ms: timeMs, found_ms: foundMs, data: storable(JSON.stringify(finding)) }
}
