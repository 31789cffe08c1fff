import { messageOf, StoreError } from './errors.ts'

/** What an engine's error means, told once for both. */
interface EngineError {
  /** PostgreSQL's SQLSTATE. */
  readonly code?: unknown
  /** SQLite's extended result code. */
  readonly errcode?: unknown
}

/** https://www.sqlite.org/rescode.html: TOOBIG, CONSTRAINT, MISMATCH, RANGE */
const SQLITE_DATA = [18, 19, 20, 25]
/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE */
const SQLITE_UNIQUE = [1555, 2067]

export function isUniqueViolation(error: unknown): boolean {
  const { code, errcode } = error as EngineError
  return code === '23505' || (typeof errcode === 'number' && SQLITE_UNIQUE.includes(errcode))
}

/** The row itself is refused: trying again will not help. SQLSTATE classes 22 (data exception) and 23 (constraint). */
export function isDataError(error: unknown): boolean {
  const { code, errcode } = error as EngineError
  if (typeof errcode === 'number') return SQLITE_DATA.includes(errcode & 0xff)
  return typeof code === 'string' && /^2[23][0-9A-Z]{3}$/.test(code)
}

/** SQLITE_BUSY, LOCKED, IOERR, FULL, CANTOPEN */
const SQLITE_AWAY = [5, 6, 10, 13, 14]

/** The database is away or cannot write for now; the same may succeed later. SQLSTATE classes 08, 53 and 57. */
export function isAway(error: unknown): boolean {
  const { code, errcode } = error as EngineError
  if (typeof errcode === 'number') return SQLITE_AWAY.includes(errcode & 0xff)
  if (typeof code === 'string') return /^(?:08|53|57)[0-9A-Z]{3}$|^E[A-Z]{3,}$/.test(code) && !code.startsWith('ERR_')
  // pg gives these no code.
  return (
    error instanceof Error && /^(?:Connection terminated|timeout exceeded when trying to connect)/.test(error.message)
  )
}

/** The error as callers are told it: every one named. */
export function namedError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  return new StoreError(isAway(error) ? 'STORE_UNAVAILABLE' : 'STORE_FAILED', messageOf(error), { cause: error })
}
