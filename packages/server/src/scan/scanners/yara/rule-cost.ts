import type { LoadedRules, RuleSource, YaraBinding } from './binding.ts'
import { commonCorpora, ownWordsCorpora, tortureMs } from './torture.ts'

/** What rules cost on the torture corpus: ms of CPU for 64 KiB, beyond what a rule that asks nothing costs. */
export interface RuleCost {
  /** Over the bodies that are the same for all rules, so that rules can be compared. */
  readonly meanMs: number
  /** Also on those made of the rules' own words. */
  readonly worstMs: number
}

/** Gives the cost of a file's rules; undefined once the time for all of them is used up, or where it does not compile. */
export type CostMeter = (file: RuleSource) => RuleCost | undefined

const NOTHING: RuleSource = { name: 'nothing.yar', source: 'rule nothing { condition: false }' }
const TIMEOUT_MS = 2000
/** What takes this long on one body is known to be dear: the others are not tried. */
const DEAR_MS = 100

/**
 * A few microseconds a scan are lost in the noise, so each body is tried thrice and its best time counts. Costs of several rules
 * do not add up exactly: YARA searches for the patterns of all of them in one pass.
 */
export function costMeter(binding: YaraBinding, forAllMs: number): CostMeter {
  const endsAt = performance.now() + forAllMs
  const corpora = commonCorpora()
  const idle = loadedFrom(binding, NOTHING)
  const idleMs = idle === undefined ? 0 : meanOf(corpora.map((corpus) => timed(idle, corpus)))
  return (file) => {
    if (performance.now() > endsAt) return undefined
    const rules = loadedFrom(binding, file)
    if (rules === undefined) return undefined
    const costs: number[] = []
    for (const corpus of [...corpora, ...ownWordsCorpora(file.source)]) {
      costs.push(Math.max(0, timed(rules, corpus) - idleMs))
      if ((costs.at(-1) ?? 0) >= DEAR_MS) break
    }
    return { meanMs: rounded(meanOf(costs.slice(0, corpora.length))), worstMs: rounded(Math.max(...costs)) }
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function loadedFrom(binding: YaraBinding, file: RuleSource): LoadedRules | undefined {
  const compiled = binding.compileFile(file)
  if ('faults' in compiled) return undefined
  // The first scan of a rule set also pays for its set-up.
  timed(compiled.rules, Buffer.alloc(16))
  return compiled.rules
}

function timed(rules: LoadedRules, corpus: Buffer): number {
  return tortureMs(rules, corpus, { budgetMs: 0, timeoutMs: TIMEOUT_MS })
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
