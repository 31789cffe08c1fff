import type { RuleFile } from '../api/contract.ts'
import type { CompiledRules } from '../scan/scanners/yara/rule-compiler.ts'
import { ruleNames } from '../scan/scanners/yara/split-rules.ts'
import { typeNames } from '../scan/true-types.ts'
import type { KnownFile, StoredOptions } from './rule-sources.ts'

/** The rule files as people see them. */
export function describeFiles(compiled: CompiledRules, files: readonly KnownFile[]): RuleFile[] {
  const allMs = compiled.costs.reduce((sum, { meanMs }) => sum + meanMs, 0)
  return files.map(({ source: { name, source }, builtIn, options }) => {
    const { shadow, weight, types } = options
    const cost = compiled.costs.find((one) => one.name === name)
    return {
      name,
      builtIn,
      ...stateOf(compiled, name, { source, enabled: options.enabled }),
      shadow,
      ...(weight === undefined ? {} : { weight }),
      types,
      ...(cost === undefined ? {} : { cost: costOf(cost, allMs) }),
    }
  })
}

function stateOf(
  compiled: CompiledRules,
  name: string,
  { source, enabled }: { readonly source: string; readonly enabled: boolean },
): Pick<RuleFile, 'state' | 'rules' | 'faults'> {
  if (!enabled) return { state: 'disabled', rules: 0, faults: [] }
  const faults = compiled.quarantined.find((file) => file.name === name)?.faults
  if (faults !== undefined)
    return { state: 'quarantined', rules: 0, faults: faults.map(({ line, text }) => `line ${line}: ${text}`) }
  const slow = compiled.slow.filter(({ file }) => file === name)
  return {
    state: slow.length > 0 ? 'slow' : 'loaded',
    rules: ruleNames(source).length,
    faults: slow.map(
      ({ rule, worstMs }) => `${rule ?? 'the file'} takes ${worstMs} ms of CPU on 64 KiB that are made to be slow`,
    ),
  }
}

function costOf({ meanMs, worstMs }: { readonly meanMs: number; readonly worstMs: number }, allMs: number) {
  return { meanMs, worstMs, share: allMs > 0 ? Math.round((1000 * meanMs) / allMs) / 1000 : 0 }
}

/** What cannot be asked of a rule file. */
export function optionFaults({ types }: Pick<StoredOptions, 'types'>): string[] {
  const known = typeNames()
  return types.filter((type) => !known.has(type)).map((type) => `types: no true type or family is called ${type}`)
}
