import type { Evidence } from './domain/evidence.ts'
import { ruleOf } from './domain/rule-hit.ts'
import type { Detection } from './domain/verdict.ts'

/** What of a transaction is counted here: a TransactionRecord will do. */
export interface CountedHits {
  readonly detections: readonly Pick<Detection, 'engine' | 'evidence'>[]
  readonly evidence?: Evidence
}

/** `FILE|RULE|enforced` or `FILE|RULE|shadow` -> transactions that it hit in. */
export type RuleHits = Readonly<Record<string, number>>

export interface RuleHitCount {
  readonly file: string
  readonly rule: string
  readonly enforced: number
  readonly shadow: number
}

export const RULE_HITS = 'rule_hits_total'
const ENGINE = 'yara'
/** Rules are the administrator's, some thousands: beyond this many the rarest are not counted, the others go on. */
const MAX_RULES = 8192
const KEY = /^[\w./-]{1,200}\|\w{1,128}\|(?:enforced|shadow)$/

/** Counts the rules of one process. Neither user, URL nor address is in it. */
export class RuleHitCounter {
  readonly #counts = new Map<string, number>()

  /** Once a transaction and rule, however often it matched. */
  count({ detections, evidence }: CountedHits): void {
    if (detections.length === 0 && evidence === undefined) return
    const keys = new Set<string>()
    for (const detection of detections) if (detection.engine === ENGINE) addKey(keys, detection.evidence)
    for (const { findings } of evidence?.nodes ?? [])
      for (const { engine, detail } of findings) if (engine === ENGINE) addKey(keys, detail)
    for (const key of keys) add(this.#counts, key, 1)
  }

  snapshot(): RuleHits {
    return Object.fromEntries(this.#counts)
  }
}

function addKey(keys: Set<string>, evidence: string | undefined): void {
  const rule = ruleOf(evidence)
  if (rule === undefined) return
  const key = `${rule.file}|${rule.rule}|${rule.shadow ? 'shadow' : 'enforced'}`
  if (KEY.test(key)) keys.add(key)
}

function add(counts: Map<string, number>, key: string, amount: number): void {
  const known = counts.get(key)
  if (known !== undefined || counts.size < MAX_RULES) counts.set(key, (known ?? 0) + amount)
}

/** The counts of several processes together; what is malformed in them is left out. */
export function mergedHits(all: Iterable<RuleHits | undefined>): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const hits of all)
    for (const [key, value] of Object.entries(hits ?? {}))
      if (KEY.test(key) && Number.isSafeInteger(value) && value > 0) add(sums, key, value)
  return sums
}

/** A row a rule, most hits first. */
export function hitRows(sums: ReadonlyMap<string, number>): RuleHitCount[] {
  const rows = new Map<string, { file: string; rule: string; enforced: number; shadow: number }>()
  for (const [key, value] of sums) {
    const [file = '', rule = '', mode] = key.split('|')
    const row = rows.get(`${file}|${rule}`) ?? { file, rule, enforced: 0, shadow: 0 }
    row[mode === 'shadow' ? 'shadow' : 'enforced'] += value
    rows.set(`${file}|${rule}`, row)
  }
  return [...rows.values()].sort((a, b) => b.enforced + b.shadow - (a.enforced + a.shadow))
}
