import type { Kysely } from 'kysely'
import { storable, type Tables } from './schema.ts'

/** Small facts by name: what has no table of its own. */
export interface Meta {
  get(name: string): Promise<string | undefined>
  set(name: string, value: string): Promise<void>
  /** Adds one to a whole number that starts at 0, and gives the new one. */
  increment(name: string): Promise<number>
  remove(name: string): Promise<void>
}

export function metaIn(db: Kysely<Tables>): Meta {
  return {
    async get(name) {
      const row = await db.selectFrom('meta').select('value').where('name', '=', name).executeTakeFirst()
      return row?.value
    },
    async set(name, value) {
      await db
        .insertInto('meta')
        .values({ name, value: storable(value) })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: storable(value) }))
        .execute()
    },
    async increment(name) {
      const row = await db
        .insertInto('meta')
        .values({ name, value: '1' })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((eb) => ({
            value: eb.cast<string>(eb(eb.cast<number>('meta.value', 'bigint'), '+', 1), 'text'),
          })),
        )
        .returning('value')
        .executeTakeFirstOrThrow()
      return Number(row.value)
    },
    async remove(name) {
      await db.deleteFrom('meta').where('name', '=', name).execute()
    },
  }
}
