import type { FeedConfig } from '../domain/feed.ts'
import type { Collector } from './collector.ts'
import { FeedFault } from './feed-fault.ts'
import { arrayOf, isRecord, jsonOf, stringOf } from './source-client.ts'
import { readPattern } from './stix-pattern.ts'

/** A whole STIX 2.0 or 2.1 bundle. Gives nothing back: everything goes to the collector. Throws FeedFault. */
export function readStixBundle(bytes: Buffer, config: Pick<FeedConfig, 'minConfidence'>, collector: Collector): void {
  const bundle = jsonOf(bytes)
  if (bundle.type !== 'bundle' || !(bundle.objects === undefined || Array.isArray(bundle.objects)))
    throw new FeedFault('wrong-type', 'the answer is JSON, but no STIX bundle')
  readStixObjects(arrayOf(bundle.objects), config, collector)
}

/** The ids of the indicators among them, and what they convict. Of two versions the later one counts (STIX 2.1, 3.6.2). */
export function readStixObjects(
  objects: readonly unknown[],
  config: Pick<FeedConfig, 'minConfidence'>,
  collector: Collector,
): string[] {
  const latest = new Map<string, Readonly<Record<string, unknown>>>()
  for (const [index, object] of objects.entries()) {
    if (!isRecord(object)) collector.bad(`object ${index + 1}`, 'is no object')
    else if (object.type !== 'indicator') collector.ignore('no indicator')
    else if (!/^indicator--[0-9a-f-]{36}$/i.test(stringOf(object.id))) collector.bad(`object ${index + 1}`, 'has no id')
    else keepLatest(latest, object)
  }
  for (const [id, indicator] of latest) readIndicator(id, indicator, { minConfidence: config.minConfidence, collector })
  return [...latest.keys()]
}

function keepLatest(
  latest: Map<string, Readonly<Record<string, unknown>>>,
  indicator: Readonly<Record<string, unknown>>,
): void {
  const id = stringOf(indicator.id)
  const known = latest.get(id)
  if (known === undefined || stixMs(indicator.modified) >= stixMs(known.modified)) latest.set(id, indicator)
}

interface Reading {
  readonly minConfidence: number
  readonly collector: Collector
}

function readIndicator(
  id: string,
  indicator: Readonly<Record<string, unknown>>,
  { minConfidence, collector }: Reading,
): void {
  if (indicator.revoked === true) return void collector.ignore('revoked')
  // Absent before STIX 2.1, where every pattern was one of STIX.
  if (indicator.pattern_type !== undefined && indicator.pattern_type !== 'stix')
    return void collector.ignore('pattern of another language')
  const confidence = indicator.confidence
  if (typeof confidence === 'number' && confidence < minConfidence) return void collector.ignore('confidence')
  const labels = [...arrayOf(indicator.indicator_types), ...arrayOf(indicator.labels)]
  if (labels.includes('benign')) return void collector.ignore('benign')
  const result = readPattern(stringOf(indicator.pattern))
  if (!result.ok) return void collector.bad(id, result.fault)
  for (let i = 0; i < result.left; i++) collector.ignore('pattern that no list can hold')
  const untilMs = stixMs(indicator.valid_until) || undefined
  const sinceMs = stixMs(indicator.modified) || stixMs(indicator.valid_from) || undefined
  const note = stringOf(indicator.name)
  for (const object of result.objects) collector.take({ ...object, ref: id, note, untilMs, sinceMs }, id)
}

/** Unix ms of a STIX timestamp; 0 for anything else. */
export function stixMs(value: unknown): number {
  const ms = typeof value === 'string' && value.length <= 40 && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : 0
  return Number.isFinite(ms) && ms > 0 ? ms : 0
}
