import type { Finding } from '../opener.ts'

/** One explainable rule: every pattern must fit. All repetitions are bounded; texts are at most a part of 4 MiB. */
export interface ScriptRule {
  readonly name: string
  readonly risk: Finding['risk']
  readonly attack: string
  /** True types that it speaks of. */
  readonly types: readonly string[]
  readonly all: readonly RegExp[]
  readonly says: string
}

export interface RuleHit {
  readonly rule: ScriptRule
  /** Of the first pattern's match. */
  readonly index: number
}

/** The rules of this type that the text fits, in the table's order. */
export function hitsOf(rules: readonly ScriptRule[], text: string, type: string): RuleHit[] {
  return rules.flatMap((rule) => {
    if (!rule.types.includes(type)) return []
    const index = rule.all[0]?.exec(text)?.index
    if (index === undefined || !rule.all.every((pattern) => pattern.test(text))) return []
    return [{ rule, index }]
  })
}
