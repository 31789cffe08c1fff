import type { RiskLevel } from '../../../domain/risk.ts'
import { loadBinding, type RuleFault, type RuleSource, type YaraBinding } from './binding.ts'
import { metaWeight, riskOf } from './rule-match.ts'
import { ruleNames, splitRules } from './split-rules.ts'
import { type RuleCost, tryRules } from './torture.ts'

export interface CheckedRule {
  readonly name: string
  readonly risk: RiskLevel
  /** Its meta's; absent: it has none. */
  readonly weight?: number
  /** Absent where it was not measured: no time left, it leans on other rules, or the WASM build. */
  readonly cost?: RuleCost
  /** Of the time that all rules of the file take together, 0-1; absent where one of them was not measured. */
  readonly share?: number
}

/** What can be told of a rule file before anybody uses it. */
export interface RuleCheck {
  readonly name: string
  /** Every error; none: it compiles. */
  readonly faults: readonly RuleFault[]
  readonly warnings: readonly RuleFault[]
  /** Empty where it does not compile. */
  readonly rules: readonly CheckedRule[]
  /** Of the whole file. */
  readonly cost?: RuleCost
}

const CHECK_MS = 20_000
const MAX_SHOWN = 200
/** What takes this long on one body is known to be dear, and is tried no further. */
const LIMITS = { budgetMs: 100, timeoutMs: 2000 }

/** Blocks the thread for as long as its rules are slow, 20 s at most and the last rule's time. */
export function checkRulesHere(file: RuleSource, only?: 'native' | 'wasm'): RuleCheck {
  const binding = loadBinding(only)
  const compiled = binding.compileFile(file)
  const warnings = compiled.warnings.slice(0, MAX_SHOWN)
  if ('faults' in compiled) return { name: file.name, faults: compiled.faults.slice(0, MAX_SHOWN), warnings, rules: [] }
  const meter = costMeter(binding)
  const cost = meter(file)
  const rules = rulesOf(file).map((rule) => ({ ...describe(rule), ...costOf(meter, rule) }))
  return { name: file.name, faults: [], warnings, rules: withShares(rules), ...(cost === undefined ? {} : { cost }) }
}

interface OneRule {
  readonly name: string
  /** With the imports: compiles by itself unless it leans on other rules. */
  readonly file: RuleSource
}

function rulesOf(file: RuleSource): OneRule[] {
  const split = splitRules(file.source)
  if (split !== undefined)
    return split.rules.map(({ name, source }) => ({ name, file: { name: file.name, source: split.head + source } }))
  // One rule, or a file that cannot be cut: global rules speak of all others.
  const names = ruleNames(file.source)
  return names.map((name) => ({ name, file: names.length === 1 ? file : { name: file.name, source: '' } }))
}

function describe({ name, file }: OneRule): Omit<CheckedRule, 'cost' | 'share'> {
  const weight = metaWeight(Number(metaText(file.source, 'weight')))
  return { name, risk: riskOf(metaText(file.source, 'risk')), ...(weight === undefined ? {} : { weight }) }
}

/** For people only: the binding tells a rule's meta where it matches, not before. */
function metaText(source: string, key: string): string | undefined {
  const meta = /\bmeta\s*:([\s\S]{0,4000}?)(?:\bstrings\s*:|\bcondition\s*:)/.exec(source)?.[1] ?? ''
  return new RegExp(`\\b${key}\\s*=\\s*"?(\\w{1,20})`).exec(meta)?.[1]
}

type CostMeter = (file: RuleSource) => RuleCost | undefined

/** Nothing once the time for all is used up; nor of the WASM build, which takes half a second a scan whatever the rule. */
function costMeter(binding: YaraBinding): CostMeter {
  const endsAt = performance.now() + CHECK_MS
  return (file) => {
    if (!binding.fastInline || performance.now() > endsAt) return undefined
    const compiled = binding.compileFile(file)
    return 'faults' in compiled ? undefined : tryRules(compiled.rules, file, LIMITS).cost
  }
}

function costOf(meter: CostMeter, { file }: OneRule) {
  const cost = file.source === '' ? undefined : meter(file)
  return cost === undefined ? {} : { cost }
}

function withShares(rules: readonly Omit<CheckedRule, 'share'>[]): CheckedRule[] {
  const sum = rules.reduce((all, { cost }) => all + (cost?.meanMs ?? Number.NaN), 0)
  if (!(sum > 0)) return [...rules]
  return rules.map((rule) => ({ ...rule, share: Math.round((1000 * (rule.cost?.meanMs ?? 0)) / sum) / 1000 }))
}
