import type { FeedKind, FeedState } from '../domain/feed.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const FIRST_RETRY_MS = 5 * MINUTE_MS
const MAX_RETRY_MS = 6 * 60 * MINUTE_MS
/** Servers that tell only what is new lose sight of what they delete: now and then everything is read. */
const WHOLE_EVERY_MS = 7 * DAY_MS

export interface Attempted {
  readonly name: string
  /** Unix ms; 0 = never. */
  readonly attemptMs: number
  readonly scheduleMinutes: number
  readonly state: Pick<FeedState, 'failures' | 'retryMs'>
}

/**
 * Unix ms of the next attempt: the schedule less up to a tenth, so that sources and nodes do not all ask at once; after a
 * failure 5 minutes doubled each time up to 6 hours (never later than the schedule says), and not before the source's own
 * Retry-After.
 */
export function nextAttemptMs({ name, attemptMs, scheduleMinutes, state }: Attempted): number {
  if (attemptMs === 0) return 0
  const scheduleMs = scheduleMinutes * MINUTE_MS
  const backoffMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(20, Math.max(0, state.failures - 1)))
  const waitMs = state.failures === 0 ? scheduleMs : Math.min(scheduleMs, backoffMs)
  const jitter = 1 - 0.1 * fractionOf(`${name} ${attemptMs}`)
  return Math.max(attemptMs + Math.round(waitMs * jitter), state.retryMs)
}

/** 0 up to 1, the same on every node (FNV-1a). */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0) / 2 ** 32
}

/** Whether the next reading must not be for changes only: objects have to be renewed before their end, deletions to be seen. */
export function needsWhole(
  { wholeMs }: Pick<FeedState, 'wholeMs'>,
  { kind, expiryDays, nowMs }: { kind: FeedKind; expiryDays: number; nowMs: number },
): boolean {
  if (wholeMs === 0) return true
  if (kind === 'misp-feed') return false // its manifest always tells everything
  if (kind === 'taxii' || kind === 'misp') return nowMs - wholeMs > WHOLE_EVERY_MS
  return expiryDays > 0 && nowMs - wholeMs > Math.min(DAY_MS, (expiryDays * DAY_MS) / 4)
}

/** A source that lost nearly everything is more likely broken than cured: what it gave stays until somebody confirms. */
export function shrinkFault({
  before,
  after,
}: {
  readonly before: number
  readonly after: number
}): string | undefined {
  if (before === 0 || after >= before * 0.1) return undefined
  return `the source has ${after} entries and had ${before}: the list stays as it was until this is confirmed`
}
