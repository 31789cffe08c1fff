/** A rule of a rule file, as records and counters name it. */
export interface RuleName {
  /** The file's name below the rules folder. */
  readonly file: string
  readonly rule: string
}

const SHADOW = 'shadow, not enforced: '
const NAMED = /^(shadow, not enforced: )?([^:\n]{1,200}\.yara?): (\w{1,128})/

/** The one line of evidence of a rule's hit: which rule matched, by which pattern, and its author's words. */
export function ruleEvidence({ file, rule }: RuleName, more: readonly string[], shadow: boolean): string {
  const [pattern = '', ...words] = more
  const where = `${file}: ${rule}${pattern === '' ? '' : ` ${pattern}`}`
  return [`${shadow ? SHADOW : ''}${where}`, ...words].join('; ')
}

/** The rule that such a line names; undefined where it is no rule's. */
export function ruleOf(evidence: string | undefined): (RuleName & { readonly shadow: boolean }) | undefined {
  const named = NAMED.exec(evidence ?? '')
  if (named === null) return undefined
  const [, shadow, file = '', rule = ''] = named
  return { file, rule, shadow: shadow !== undefined }
}
