import type { FeedConfig, FeedObject, FeedTally } from '../domain/feed.ts'
import { canonicalObject } from '../domain/object-value.ts'
import type { ObjectType } from '../domain/suspicious-object.ts'
import { FeedFault } from './feed-fault.ts'
import { neverTaken } from './never-taken.ts'

/** What a parser found, unchecked. */
export interface Candidate {
  readonly type: ObjectType
  readonly value: string
  readonly ref?: string | undefined
  readonly note?: string | undefined
  /** The source's own end, Unix ms. */
  readonly untilMs?: number | undefined
  /** When the source last changed it, Unix ms; absent in plain lists: now. */
  readonly sinceMs?: number | undefined
}

/** Takes what parsers find: makes it canonical, leaves out what must not be taken, and counts everything else. */
export interface Collector {
  /** Throws FeedFault too-large over the source's `maxEntries`. */
  take(candidate: Candidate, where: string): void
  /** A damaged line or object; `where` and `fault` become a sentence. */
  bad(where: string, fault: string): void
  /** Well-formed, and not taken for that reason. */
  ignore(reason: string): void
  /** Rows of one (type, value) under several refs count once. */
  readonly taken: number
  tally(): FeedTally
}

export interface CollectorOptions {
  readonly config: Pick<FeedConfig, 'types' | 'risk' | 'expiryDays' | 'maxEntries'>
  readonly nowMs: number
  /** Gets each object once a ref. */
  emit(object: FeedObject): void
}

const DAY_MS = 86_400_000
const MAX_FAULTS = 10
const MAX_NOTE = 200
const MAX_REF = 200
const MAX_REASONS = 32

export function createCollector({ config, nowMs, emit }: CollectorOptions): Collector {
  const types = new Set<string>(config.types)
  const seen = new Set<string>()
  const objects = new Set<string>()
  const ignored = new Map<string, number>()
  const faults: string[] = []
  let bad = 0

  const collector: Collector = {
    take(candidate, where) {
      const { type, value, ref = '', note = '' } = candidate
      const canonical = canonicalObject(type, value)
      if (!canonical.ok) return void collector.bad(where, `${type} ${shown(value)}: ${canonical.fault}`)
      if (!types.has(type)) return void collector.ignore(`type ${type}`)
      const never = neverTaken(type, canonical.value)
      if (never !== undefined) return void collector.ignore(never)
      const expiresMs = expiryOf(candidate, config.expiryDays, nowMs)
      if (expiresMs > 0 && expiresMs <= nowMs) return void collector.ignore('expired')
      const object = { type, value: canonical.value, risk: config.risk, expiresMs, ref: plain(ref, MAX_REF), note }
      const key = `${type} ${object.value}`
      if (seen.has(`${key} ${object.ref}`)) return void collector.ignore('duplicate')
      objects.add(key)
      seen.add(`${key} ${object.ref}`)
      if (seen.size > config.maxEntries)
        throw new FeedFault('too-large', `the source has more than ${config.maxEntries} entries`)
      emit({ ...object, note: plain(note, MAX_NOTE) })
    },
    bad(where, fault) {
      bad++
      if (faults.length < MAX_FAULTS) faults.push(`${where}: ${fault}`)
    },
    ignore(reason) {
      const key = ignored.has(reason) || ignored.size < MAX_REASONS ? reason : 'other'
      ignored.set(key, (ignored.get(key) ?? 0) + 1)
    },
    get taken() {
      return objects.size
    },
    tally: () => ({ taken: objects.size, bad, faults: [...faults], ignored: Object.fromEntries(ignored) }),
  }
  return collector
}

/**
 * In whole days, so that a list that is read every hour changes its rows once a day and not every hour; an end that the source
 * states is kept as it is.
 */
function expiryOf({ untilMs, sinceMs }: Candidate, expiryDays: number, nowMs: number): number {
  const ours = expiryDays === 0 ? 0 : (Math.ceil((sinceMs ?? nowMs) / DAY_MS) + expiryDays) * DAY_MS
  const theirs = untilMs !== undefined && Number.isSafeInteger(untilMs) && untilMs > 0 ? untilMs : 0
  if (ours === 0 || theirs === 0) return ours + theirs
  return Math.min(ours, theirs)
}

/** A wrong value as a fault may show it. */
export function shown(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value)
}

function plain(text: string, max: number): string {
  return text
    .slice(0, max)
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
}
