import { randomBytes } from 'node:crypto'

/** Base-36 digits of Unix ms: enough until the year 5188. */
const TIME_DIGITS = 9
const COUNTER_LIMIT = 36 ** 5

/** The smallest id of that millisecond or later: ids are compared as text, so a span of time is a span of ids. */
export function recordIdFloor(timeMs: number): string {
  return Math.max(0, Math.floor(timeMs)).toString(36).padStart(TIME_DIGITS, '0')
}

/**
 * Makes transaction ids of one process: 9 digits of time, 5 of a counter, then the process's own random 8; all base 36 or
 * lower-case, so they sort by time as bytes on both databases. Unique on all nodes.
 */
export function recordIds(now: () => number = Date.now): () => string {
  const process = Array.from(randomBytes(8), (byte) => (byte % 36).toString(36)).join('')
  let counter = 0
  return () => {
    counter = (counter + 1) % COUNTER_LIMIT
    return recordIdFloor(now()) + counter.toString(36).padStart(5, '0') + process
  }
}

/** Unix ms of an id of `recordIds`; undefined for any other text. */
export function recordIdTime(id: string): number | undefined {
  return /^[0-9a-z]{22}$/.test(id) ? Number.parseInt(id.slice(0, TIME_DIGITS), 36) : undefined
}
