import { createHash } from 'node:crypto'
import {
  type LoadedRules,
  loadBinding,
  type OptionsByFile,
  type RuleFault,
  type RuleSource,
  type YaraBinding,
} from './binding.ts'
import { guardConditions } from './guard-conditions.ts'
import { packRuleBlob } from './rule-blob.ts'
import { splitRules } from './split-rules.ts'
import { type Excess, type RuleCost, type TortureLimits, tortureMs, tryRules } from './torture.ts'

export interface FileFaults {
  readonly name: string
  readonly faults: readonly RuleFault[]
}

export interface SlowRule {
  readonly file: string
  /** Absent: the file could not be taken apart, so the whole of it counts as slow. */
  readonly rule?: string
  /** CPU ms on the torture body that told; 2000 where YARA's limit stopped it; absent where the time for trying was used up. */
  readonly worstMs?: number
}

export interface FileCost extends RuleCost {
  readonly name: string
}

export interface CompiledRules {
  /** For `createYaraEngine`, on any thread or process of this machine. */
  readonly blob: Buffer
  readonly version: string
  /** Files that do not compile: shown, and silent in the scan; they silence no other. */
  readonly quarantined: readonly FileFaults[]
  readonly slow: readonly SlowRule[]
  readonly warnings: readonly FileFaults[]
  /** Names of the files that scan. */
  readonly files: readonly string[]
  /** Of those that scan; without those for which no time was left, and none with the WASM build. */
  readonly costs: readonly FileCost[]
}

export interface CompileOptions {
  /** CPU ms that 64 KiB may cost a file before its rules leave the inline lane. */
  readonly slowMs?: number
  readonly binding?: 'native' | 'wasm'
}

const SLOW_MS = 10
const TORTURE_TIMEOUT_MS = 2000
/** For all files together. */
const ALL_TORTURE_MS = 60_000
const MAX_FILES = 10_000
/** Faults and warnings kept a file. */
const MAX_SHOWN = 20
const MAX_FILE_CHARS = 32 * 1024 * 1024

/** Compiles on the calling thread, which may block for seconds a slow rule: `compileRules` does it on a thread of its own. */
export function compileRulesHere(files: readonly RuleSource[], options: CompileOptions = {}): CompiledRules {
  const binding = loadBinding(options.binding)
  const trial = {
    budgetMs: options.slowMs ?? SLOW_MS,
    timeoutMs: TORTURE_TIMEOUT_MS,
    endsAt: performance.now() + ALL_TORTURE_MS,
  }
  const sorted = files
    .map((file) => ({ ...file, source: guardConditions(file.source) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const parts = sorted.map((file, index) => compileFile(binding, file, { trial, fault: faultBefore(sorted, index) }))
  const good = parts.filter((part) => part.faults.length === 0)
  const fast = good.flatMap((part) => part.fast)
  const slow = good.flatMap((part) => part.slowSources)
  const quarantined = shown(parts, (part) => part.faults)
  const header = {
    binding: binding.name,
    bindingVersion: binding.version,
    version: versionOf(binding, [...fast, ...slow], optionsOf(sorted)),
    files: good.map((part) => part.name),
    slowFiles: slow.map((file) => file.name),
    quarantined: quarantined.map((entry) => entry.name),
    options: optionsOf(sorted),
  }
  return {
    blob: packRuleBlob({ header, fast: serialize(binding, fast), slow: serialize(binding, slow) }),
    version: header.version,
    quarantined,
    slow: good.flatMap((part) => part.slow),
    warnings: shown(parts, (part) => part.warnings),
    files: header.files,
    costs: good.flatMap(({ name, cost }) => (cost === undefined ? [] : [{ name, ...cost }])),
  }
}

function optionsOf(files: readonly RuleSource[]): OptionsByFile {
  return Object.fromEntries(files.flatMap(({ name, options: own }) => (own === undefined ? [] : [[name, own]])))
}

interface FilePart {
  readonly name: string
  readonly faults: readonly RuleFault[]
  readonly warnings: readonly RuleFault[]
  readonly fast: readonly RuleSource[]
  readonly slowSources: readonly RuleSource[]
  readonly slow: readonly SlowRule[]
  readonly cost?: RuleCost
}

interface Trial extends TortureLimits {
  /** On the clock of `performance.now()`: from then on what was not tried counts as slow. */
  readonly endsAt: number
}

function shown(parts: readonly FilePart[], pick: (part: FilePart) => readonly RuleFault[]): FileFaults[] {
  return parts
    .map((part) => ({ name: part.name, faults: pick(part).slice(0, MAX_SHOWN) }))
    .filter((entry) => entry.faults.length > 0)
}

function compileFile(
  binding: YaraBinding,
  file: RuleSource,
  { trial, fault }: { trial: Trial; fault: RuleFault | undefined },
): FilePart {
  const none = { name: file.name, faults: [], warnings: [], fast: [], slowSources: [], slow: [] }
  if (fault !== undefined) return { ...none, faults: [fault] }
  const compiled = binding.compileFile(file)
  if ('faults' in compiled) return { ...none, faults: compiled.faults, warnings: compiled.warnings }
  return { ...none, warnings: compiled.warnings, ...sortBySpeed(binding, file, { rules: compiled.rules, trial }) }
}

type BySpeed = Pick<FilePart, 'fast' | 'slowSources' | 'slow' | 'cost'>

function sortBySpeed(
  binding: YaraBinding,
  file: RuleSource,
  { rules, trial }: { rules: LoadedRules; trial: Trial },
): BySpeed {
  const allSlow = (entry: SlowRule): BySpeed => ({ fast: [], slowSources: [file], slow: [entry] })
  // The WASM build takes up to half a second a scan, and never runs inline: trying its rules would take minutes for nothing.
  if (!binding.fastInline) return { fast: [file], slowSources: [], slow: [] }
  if (performance.now() > trial.endsAt) return allSlow({ file: file.name })
  const { cost, excess } = tryRules(rules, file, trial)
  if (excess === undefined) return { fast: [file], slowSources: [], slow: [], cost }
  const apart = takeApart(binding, file, { trial, excess }) ?? allSlow({ file: file.name, worstMs: excess.ms })
  return { ...apart, cost }
}

/**
 * One slow rule in a pack of thousands should not slow the others down: the rules that exceed the budget alone leave, and what
 * stays is tried anew. Undefined where the file cannot be cut, a rule leans on another, or only all of them together are slow.
 */
function takeApart(
  binding: YaraBinding,
  file: RuleSource,
  { trial, excess }: { trial: Trial; excess: Excess },
): BySpeed | undefined {
  const split = splitRules(file.source)
  if (split === undefined) return undefined
  const sourceOf = (rules: typeof split.rules) => ({
    name: file.name,
    source: split.head + rules.map((rule) => rule.source).join('\n'),
  })
  const slow = new Map<string, number>()
  for (const rule of split.rules) {
    if (performance.now() > trial.endsAt) return undefined
    const compiled = binding.compileFile(sourceOf([rule]))
    if ('faults' in compiled) return undefined
    const ms = tortureMs(compiled.rules, excess.corpus, trial)
    if (ms > trial.budgetMs) slow.set(rule.name, ms)
  }
  if (slow.size === 0) return undefined
  const found = [...slow].map(([rule, worstMs]) => ({ file: file.name, rule, worstMs }))
  const slowSource = sourceOf(split.rules.filter((rule) => slow.has(rule.name)))
  const rest = split.rules.filter((rule) => !slow.has(rule.name))
  if (rest.length === 0) return { fast: [], slowSources: [slowSource], slow: found }
  const compiled = binding.compileFile(sourceOf(rest))
  if ('faults' in compiled) return undefined
  const more = sortBySpeed(binding, sourceOf(rest), { rules: compiled.rules, trial })
  return {
    fast: more.fast,
    slowSources: [joined(slowSource, more.slowSources)],
    slow: [...found, ...more.slow],
  }
}

/** One source a file in each lane: its name is the namespace. Imports may stand before any rule. */
function joined(first: RuleSource, others: readonly RuleSource[]): RuleSource {
  return { name: first.name, source: [first, ...others].map((part) => part.source).join('\n') }
}

function faultBefore(files: readonly RuleSource[], index: number): RuleFault | undefined {
  const file = files[index]
  if (file === undefined || index >= MAX_FILES)
    return { line: 0, code: 'too-many', text: `over ${MAX_FILES} rule files` }
  if (file.source.length > MAX_FILE_CHARS)
    return { line: 0, code: 'too-large', text: `over ${MAX_FILE_CHARS} characters` }
  if (file.name === files[index - 1]?.name)
    return { line: 0, code: 'duplicate', text: 'a file of this name is loaded already' }
  return undefined
}

function serialize(binding: YaraBinding, files: readonly RuleSource[]): Buffer {
  return files.length === 0 ? Buffer.alloc(0) : binding.serialize(files)
}

function versionOf(binding: YaraBinding, files: readonly RuleSource[], options: OptionsByFile): string {
  const hash = createHash('sha256').update(`${binding.name} ${binding.version}\0${JSON.stringify(options)}\0`)
  for (const { name, source } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(`${name}\0${source.length}\0${source}`)
  return hash.digest('hex').slice(0, 16)
}
