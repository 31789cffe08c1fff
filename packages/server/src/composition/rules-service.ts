import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RuleFile, RuleHitCount, RuleOptionsChange } from '../api/contract.ts'
import type { ApiDeps } from '../api/deps.ts'
import type { CompiledRules, RuleCheck, RuleSource } from '../scan/scanners/yara/rule-compiler.ts'
import type { Snapshot } from '../supervisor/messages.ts'
import { describeFiles, optionFaults } from './rule-files-view.ts'
import {
  builtInRules,
  enabledSources,
  type KnownFile,
  knownFiles,
  type RuleSet,
  type StoredOptions,
  type StoredRuleFile,
  usualOptions,
} from './rule-sources.ts'

export interface StoredRules {
  put(file: {
    readonly name: string
    readonly source: string
    readonly enabled: boolean
    readonly addedMs: number
    readonly status: string
    readonly fault: string
  }): Promise<unknown>
  remove(name: string): Promise<boolean>
  all(): Promise<readonly StoredRuleFile[]>
  options(): Promise<readonly StoredOptions[]>
  setOptions(options: StoredOptions): Promise<void>
  removeOptions(name: string): Promise<boolean>
}

export interface RulesServiceOptions {
  readonly store: StoredRules
  /** Elsewhere: torture may take seconds a slow rule. Rejects with one sentence where the compiler itself dies. */
  compile(files: readonly RuleSource[]): Promise<CompiledRules>
  /** Elsewhere too. Rejects as `compile` does. */
  check(file: RuleSource): Promise<RuleCheck>
  /** Since the start. */
  hits(): readonly RuleHitCount[]
  /** The worker's snapshot folder, and how a worker names it. */
  readonly snapshots: string
  /** Makes every worker use them; gives the faults they met. */
  publish(snapshot: Snapshot): Promise<readonly string[]>
}

export interface RulesService {
  readonly deps: ApiDeps['rules']
  /** At the start: compiles everything and gives the snapshot, without publishing it. */
  build(): Promise<Snapshot>
  files(): readonly RuleFile[]
}

interface Built {
  readonly snapshot: Snapshot
  readonly known: readonly KnownFile[]
  readonly files: readonly RuleFile[]
}

interface Change {
  /** What the store says of them as it is to be. */
  readonly next: RuleSet
  store(): Promise<unknown>
}

export function createRulesService(options: RulesServiceOptions): RulesService {
  let inForce: Built | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function stored(): Promise<RuleSet> {
    return { files: await options.store.all(), options: await options.store.options() }
  }

  async function build(rules: RuleSet): Promise<Built> {
    const known = knownFiles(await builtInRules(), rules)
    const compiled = await options.compile(enabledSources(known))
    const name = `rules-${compiled.version}.bin`
    await writeWhole(join(options.snapshots, name), compiled.blob)
    return {
      snapshot: { revision: compiled.version, path: join('snapshots', name) },
      known,
      files: describeFiles(compiled, known),
    }
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work, work)
    last = done
    return done
  }

  /**
   * Compiled, used by every worker, then stored: a file that takes the compiler down is not met again at the next start, and one
   * that a worker or the store refuses changes nothing. Gives the faults.
   */
  async function carryOut({ next, store }: Change): Promise<readonly string[]> {
    const built = await build(next).catch((error: Error) => error.message)
    if (typeof built === 'string') return [built]
    const faults = await options.publish(built.snapshot)
    if (faults.length > 0) {
      await takeBack(built)
      return [...new Set(faults)]
    }
    try {
      await store()
    } catch (error) {
      await takeBack(built)
      throw error
    }
    await dropFile(inForce, built)
    inForce = built
    return []
  }

  async function takeBack(built: Built): Promise<void> {
    if (inForce === undefined) return
    await options.publish(inForce.snapshot)
    await dropFile(built, inForce)
  }

  /** The files of before go when every worker uses the others. */
  async function dropFile(old: Built | undefined, kept: Built): Promise<void> {
    if (old === undefined || old.snapshot.path === kept.snapshot.path) return
    await rm(join(options.snapshots, '..', old.snapshot.path), { force: true })
  }

  function outcomeFor(name: string, faults: readonly string[]) {
    const file = inForce?.files.find((one) => one.name === name)
    return faults.length > 0 || file === undefined
      ? { ok: false as const, faults: faults.length > 0 ? faults : [`no rule file is called ${name}`] }
      : { ok: true as const, file }
  }

  async function add(file: StoredRuleFile, change: RuleOptionsChange = {}): ReturnType<ApiDeps['rules']['add']> {
    const now = await stored()
    const said = changedOptions(now, file.name, change)
    const bad = optionFaults(said)
    if (bad.length > 0) return { ok: false, faults: bad }
    const others = now.files.filter(({ name }) => name !== file.name)
    const faults = await carryOut({
      next: withOptions({ ...now, files: [...others, file].sort((a, b) => (a.name < b.name ? -1 : 1)) }, said),
      async store() {
        await options.store.put({ ...file, enabled: true, addedMs: Date.now(), status: '', fault: '' })
        if (Object.keys(change).length > 0) await options.store.setOptions(said)
      },
    })
    return outcomeFor(file.name, faults)
  }

  async function setOptions(name: string, change: RuleOptionsChange): ReturnType<ApiDeps['rules']['setOptions']> {
    const now = await stored()
    if (!inForce?.known.some(({ source }) => source.name === name)) return outcomeFor(name, [])
    const said = changedOptions(now, name, change)
    const bad = optionFaults(said)
    if (bad.length > 0) return { ok: false, faults: bad }
    const store = () => options.store.setOptions(said)
    return outcomeFor(name, await carryOut({ next: withOptions(now, said), store }))
  }

  async function remove(name: string): ReturnType<ApiDeps['rules']['remove']> {
    const now = await stored()
    const files = now.files.filter((file) => file.name !== name)
    if (files.length === now.files.length) {
      const builtIn = inForce?.known.some(({ source }) => source.name === name) ?? false
      return builtIn ? { ok: false, faults: [comesWithProgram(name)] } : { ok: true, removed: false }
    }
    // A built-in file of its name comes back as it was made, not as this one was set.
    const next = { files, options: now.options.filter((one) => one.name !== name) }
    const faults = await carryOut({
      next,
      async store() {
        await options.store.remove(name)
        await options.store.removeOptions(name)
      },
    })
    return faults.length > 0 ? { ok: false, faults } : { ok: true, removed: true }
  }

  async function show(name: string): ReturnType<ApiDeps['rules']['show']> {
    const known = inForce?.known.find(({ source }) => source.name === name)
    const file = inForce?.files.find((one) => one.name === name)
    if (known === undefined || file === undefined) return undefined
    const check = await options.check(known.source)
    return { file, check, hits: options.hits().filter((hit) => hit.file === name) }
  }

  async function check(source: RuleSource): ReturnType<ApiDeps['rules']['check']> {
    try {
      return { ok: true, check: await options.check(source) }
    } catch (error) {
      return { ok: false, faults: [(error as Error).message] }
    }
  }

  return {
    async build() {
      inForce = await build(await stored())
      await removeOthers(options.snapshots, inForce.snapshot)
      return inForce.snapshot
    },
    files: () => inForce?.files ?? [],
    deps: {
      add: ({ name, text, options: change }) => inTurn(() => add({ name, source: text }, change)),
      list: async () => inForce?.files ?? [],
      show,
      remove: ({ name }) => inTurn(() => remove(name)),
      setOptions: ({ name, by: _, ...change }) => inTurn(() => setOptions(name, change)),
      check: ({ name, text }) => check({ name, source: text }),
      hits: async () => options.hits(),
    },
  }
}

function comesWithProgram(name: string): string {
  return `${name} comes with the program: add a file of that name to take its place, or disable it`
}

function changedOptions({ options }: RuleSet, name: string, change: RuleOptionsChange): StoredOptions {
  const { weight: before, ...said } = options.find((one) => one.name === name) ?? usualOptions(name)
  const { enabled = said.enabled, shadow = said.shadow, types = said.types } = change
  const weight = change.weight === undefined ? before : (change.weight ?? undefined)
  return { name, enabled, shadow, types, ...(weight === undefined ? {} : { weight }) }
}

function withOptions(rules: RuleSet, said: StoredOptions): RuleSet {
  return { ...rules, options: [...rules.options.filter(({ name }) => name !== said.name), said] }
}

/** Whole or not at all: a worker may read it at any moment. Only root and the worker's own user can enter the folder. */
async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  const temporary = `${path}.new`
  await rm(temporary, { force: true })
  // `wx`: the folder is the workers', and one that fell to an attacker may have laid a link to a file of root's there.
  await writeFile(temporary, bytes, { mode: 0o644, flag: 'wx', flush: true })
  await rename(temporary, path)
}

/** What earlier runs left. */
async function removeOthers(folder: string, { path }: Snapshot): Promise<void> {
  for (const name of await readdir(folder))
    if (/^rules-.*\.bin(\.new)?$/.test(name) && join('snapshots', name) !== path)
      await rm(join(folder, name), { force: true })
}
