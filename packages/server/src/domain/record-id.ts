/** Base-36 digits of Unix ms at the front of a record's id (`transactionIds`): enough until the year 5188. */
const TIME_DIGITS = 9

/** The smallest id of that millisecond or later: ids are compared as text, so a span of time is a span of ids. */
export function recordIdFloor(timeMs: number): string {
  return Math.max(0, Math.floor(timeMs)).toString(36).padStart(TIME_DIGITS, '0')
}

/** Unix ms of an id that `transactionIds` made; undefined for any other text. */
export function recordIdTime(id: string): number | undefined {
  return /^[0-9a-z]{9}-/.test(id) ? Number.parseInt(id.slice(0, TIME_DIGITS), 36) : undefined
}
