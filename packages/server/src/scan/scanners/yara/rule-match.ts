import { RISK_LEVELS, type RiskLevel } from '../../../domain/risk.ts'
import type { Detection } from '../../../domain/verdict.ts'

/** A rule that matched, as both bindings can tell it. */
export interface RuleMatch {
  readonly rule: string
  readonly file: string
  readonly meta: Readonly<Record<string, unknown>>
  /** First offset of each matched pattern. */
  readonly patterns: readonly { readonly identifier: string; readonly offset: number }[]
}

/** A body that matches a thousand rules is bad enough: the header and the record stay bounded. */
const MAX_DETECTIONS = 32
const MAX_TEXT = 200

/** Worst first; at most 32. */
export function detectionsOf(matches: readonly RuleMatch[]): readonly Detection[] {
  return matches
    .map(detectionOf)
    .sort((a, b) => RISK_LEVELS.indexOf(b.risk) - RISK_LEVELS.indexOf(a.risk))
    .slice(0, MAX_DETECTIONS)
}

/** A rule is high unless its `risk` meta says less (architecture.md 4a); it is named by its `threat` meta, else by itself. */
function detectionOf({ rule, file, meta, patterns }: RuleMatch): Detection {
  const first = patterns.reduce<{ identifier: string; offset: number } | undefined>(
    (best, pattern) => (best === undefined || pattern.offset < best.offset ? pattern : best),
    undefined,
  )
  const detection = {
    engine: 'yara',
    name: textOf(meta.threat) ?? rule,
    risk: riskOf(meta.risk),
    about: 'file' as const,
    evidence: evidenceOf(`${file}: ${rule}${first ? ` ${first.identifier}` : ''}`, meta),
  }
  return first === undefined ? detection : { ...detection, offset: first.offset }
}

function evidenceOf(where: string, meta: RuleMatch['meta']): string {
  const words = [where, textOf(meta.description), textOf(meta.mitre)].filter((word) => word !== undefined)
  return words.join('; ')
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : undefined
}

function riskOf(value: unknown): RiskLevel {
  return RISK_LEVELS.find((level) => level === value && level !== 'none') ?? 'high'
}
