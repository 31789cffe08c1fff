export interface SplitRules {
  /** The imports, each file's rules need them all. */
  readonly head: string
  readonly rules: readonly { readonly name: string; readonly source: string }[]
}

/** Text, comments, regular expressions, then what is of interest: YARA divides with `\`, so `/` begins nothing else. */
export const RULE_TOKEN =
  /"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\/|\b(?:private|global)\b|\bimport\b|\brule\s+(\w+)|[{}]/g

/**
 * Cuts a rule file into its rules, so that the slow one can be named. Undefined where a cut could change what the file says:
 * global rules (they restrict all others) and anything that does not look like a row of rules.
 */
export function splitRules(source: string): SplitRules | undefined {
  const rules: { name: string; source: string }[] = []
  const imports: string[] = []
  let depth = 0
  let open: { name: string; at: number } | undefined
  let modifierAt: number | undefined
  for (const token of source.matchAll(RULE_TOKEN)) {
    const [text, name] = token
    if (text === '{') depth++
    else if (text === '}') {
      depth--
      if (depth < 0) return undefined
      if (depth === 0 && open !== undefined) {
        rules.push({ name: open.name, source: source.slice(open.at, token.index + 1) })
        open = undefined
      }
    } else if (depth > 0) continue
    else if (text === 'global') return undefined
    else if (text === 'private') modifierAt = token.index
    else if (text === 'import') imports.push(/^import\s+"[^"\n]*"/.exec(source.slice(token.index))?.[0] ?? '')
    else if (name !== undefined) {
      open = { name, at: modifierAt ?? token.index }
      modifierAt = undefined
    }
  }
  const sound = depth === 0 && open === undefined && rules.length > 1 && imports.every((line) => line !== '')
  return sound ? { head: imports.map((line) => `${line}\n`).join(''), rules } : undefined
}

/** Names of the rules of a file, in its order, also where it cannot be cut. */
export function ruleNames(source: string): string[] {
  const names: string[] = []
  let depth = 0
  for (const [text, name] of source.matchAll(RULE_TOKEN)) {
    if (text === '{') depth++
    else if (text === '}') depth--
    else if (depth === 0 && name !== undefined) names.push(name)
  }
  return names
}
