import { usageError } from './exit.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Unix ms of an ISO date, or of how long before `nowMs`: 90s, 15m, 2h, 7d. */
export function parseTime(text: string, nowMs: number): number {
  const ago = spanMs(text)
  if (ago !== undefined) return Math.max(0, nowMs - ago)
  return parseDate(text)
}

/** Unix ms of an ISO date, or of how long after `nowMs`. */
export function parseExpiry(text: string, nowMs: number): number {
  const ahead = spanMs(text)
  return ahead === undefined ? parseDate(text) : nowMs + ahead
}

function spanMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? []
  return amount === undefined || unit === undefined ? undefined : Number(amount) * (UNIT_MS[unit] ?? 0)
}

// Date.parse alone also takes "1" and other things that nobody meant as a date.
function parseDate(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (ms >= 0) return ms
  throw usageError(`${JSON.stringify(text)} is neither an ISO date (2026-01-31T12:00Z) nor a span (90s, 15m, 2h, 7d)`)
}
