import { fileURLToPath } from 'node:url'
import { type RuleOptions, type RuleSource, readRuleFiles } from '../scan/scanners/yara/rule-compiler.ts'

/** A file of the administrator's, as the store has it. */
export interface StoredRuleFile {
  readonly name: string
  readonly source: string
}

/** What the store keeps of a file, whoever it comes from. */
export interface StoredOptions {
  readonly name: string
  readonly enabled: boolean
  readonly shadow: boolean
  readonly weight?: number
  readonly types: readonly string[]
}

/** All that is known of the rules before they are compiled. */
export interface RuleSet {
  readonly files: readonly StoredRuleFile[]
  readonly options: readonly StoredOptions[]
}

export interface KnownFile {
  readonly source: RuleSource
  readonly builtIn: boolean
  readonly options: StoredOptions
}

/** The pack that comes with the program; an administrator's file of the same name takes its place. */
const BUILT_IN = new URL('../../rules/', import.meta.url)

export function builtInRules(): Promise<RuleSource[]> {
  return readRuleFiles(fileURLToPath(BUILT_IN))
}

export function usualOptions(name: string): StoredOptions {
  return { name, enabled: true, shadow: false, types: [] }
}

/** Every file there is, the disabled ones too. */
export function knownFiles(builtIn: readonly RuleSource[], { files, options }: RuleSet): KnownFile[] {
  const own = new Set(files.map(({ name }) => name))
  const all = [...builtIn.filter(({ name }) => !own.has(name)), ...files]
  return all.map(({ name, source }) => {
    const said = options.find((one) => one.name === name) ?? usualOptions(name)
    return { source: { name, source, ...compilerOptions(said) }, builtIn: !own.has(name), options: said }
  })
}

/** What the compiler is given. */
export function enabledSources(files: readonly KnownFile[]): RuleSource[] {
  return files.filter(({ options }) => options.enabled).map(({ source }) => source)
}

/** None where all is as usual: the same rules shall have the same version as without a word. */
function compilerOptions({ shadow, weight, types }: StoredOptions): { readonly options?: RuleOptions } {
  const options: RuleOptions = {
    ...(shadow ? { shadow } : {}),
    ...(weight === undefined ? {} : { weight }),
    ...(types.length === 0 ? {} : { types }),
  }
  return Object.keys(options).length === 0 ? {} : { options }
}
