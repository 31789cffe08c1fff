import { RISK_LEVELS, type RiskLevel } from '../../../domain/risk.ts'
import { ruleEvidence } from '../../../domain/rule-hit.ts'
import type { Content } from '../../../domain/sample.ts'
import type { Detection, Note } from '../../../domain/verdict.ts'
import { type TrueType, trueFileType } from '../../true-file-type.ts'
import type { OptionsByFile, RuleHits, RuleOptions } from './binding.ts'

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
const USUAL_WEIGHT = 5

export const NO_HITS: RuleHits = Object.freeze({ detections: Object.freeze([]), notes: Object.freeze([]) })

/** Makes matches detections, and those of files in shadow notes. */
export class HitReader {
  readonly #options: OptionsByFile

  constructor(options: OptionsByFile) {
    this.#options = options
    // Its tables are loaded at the first call, which must not come after root's rights are gone.
    if (Object.values(options).some(({ types = [] }) => types.length > 0))
      trueFileType({ kind: 'memory', bytes: Buffer.from('warm up') })
  }

  /** Worst first, of equal ones the weightiest; at most 32 of each. */
  hitsOf(matches: readonly RuleMatch[], content: Content): RuleHits {
    if (matches.length === 0) return NO_HITS
    const asked = this.#asked(matches, content).sort(byRiskAndWeight)
    return {
      detections: asked
        .filter(({ options }) => options.shadow !== true)
        .slice(0, MAX_DETECTIONS)
        .map(detectionOf),
      notes: asked
        .filter(({ options }) => options.shadow === true)
        .slice(0, MAX_DETECTIONS)
        .map(noteOf),
    }
  }

  /** Without those of files that are not asked about this type. */
  #asked(matches: readonly RuleMatch[], content: Content): Hit[] {
    let type: TrueType | undefined
    const hits = matches.map((match) => ({ match, options: this.#optionsOf(match.file) }))
    return hits.filter(({ options: { types = [] } }) => {
      if (types.length === 0) return true
      type ??= trueFileType(content)
      return types.includes(type.name) || types.includes(type.family)
    })
  }

  #optionsOf(file: string): RuleOptions {
    return (Object.hasOwn(this.#options, file) ? this.#options[file] : undefined) ?? {}
  }
}

interface Hit {
  readonly match: RuleMatch
  readonly options: RuleOptions
}

function byRiskAndWeight(a: Hit, b: Hit): number {
  const byRisk = RISK_LEVELS.indexOf(riskOf(b.match.meta.risk)) - RISK_LEVELS.indexOf(riskOf(a.match.meta.risk))
  return byRisk !== 0 ? byRisk : (weightOf(b) ?? USUAL_WEIGHT) - (weightOf(a) ?? USUAL_WEIGHT)
}

/** A rule is high unless its `risk` meta says less (architecture.md 4a); it is named by its `threat` meta, else by itself. */
function detectionOf(hit: Hit): Detection {
  const { meta, rule } = hit.match
  const first = firstOf(hit.match)
  const detection = {
    engine: 'yara',
    name: textOf(meta.threat) ?? rule,
    risk: riskOf(meta.risk),
    about: 'file' as const,
    evidence: evidenceOf(hit),
  }
  return first === undefined ? detection : { ...detection, offset: first.offset }
}

function noteOf(hit: Hit): Note {
  const { name, risk, evidence, offset } = detectionOf(hit)
  const note = { name, detail: `${evidence}; would be ${risk}` }
  return offset === undefined ? note : { ...note, offset }
}

function firstOf({ patterns }: RuleMatch): RuleMatch['patterns'][number] | undefined {
  return patterns.reduce<RuleMatch['patterns'][number] | undefined>(
    (best, pattern) => (best === undefined || pattern.offset < best.offset ? pattern : best),
    undefined,
  )
}

function evidenceOf(hit: Hit): string {
  const { match, options } = hit
  const weight = weightOf(hit)
  const words = [
    textOf(match.meta.description),
    textOf(match.meta.attack) ?? textOf(match.meta.mitre),
    weight === undefined ? undefined : `weight ${weight}`,
  ]
  const more = [firstOf(match)?.identifier ?? '', ...words.filter((word) => word !== undefined)]
  return ruleEvidence(match, more, options.shadow === true)
}

/** 1-10 (the appliance's `weight`); anything else counts as none. */
export function metaWeight(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 10 ? value : undefined
}

function weightOf({ match, options }: Hit): number | undefined {
  return metaWeight(match.meta.weight) ?? options.weight
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : undefined
}

export function riskOf(value: unknown): RiskLevel {
  return RISK_LEVELS.find((level) => level === value && level !== 'none') ?? 'high'
}
