import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RuleFile } from '../api/contract.ts'
import type { ApiDeps } from '../api/deps.ts'
import { type CompiledRules, type RuleSource, readRuleFiles } from '../scan/scanners/yara/rule-compiler.ts'
import type { Snapshot } from '../supervisor/messages.ts'

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
}

export interface StoredRuleFile extends RuleSource {
  readonly enabled: boolean
}

export interface RulesServiceOptions {
  readonly store: StoredRules
  /** Elsewhere: torture may take seconds a slow rule. Rejects with one sentence where the compiler itself dies. */
  compile(files: readonly RuleSource[]): Promise<CompiledRules>
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

/** The pack that comes with the program; an administrator's file of the same name takes its place. */
const BUILT_IN = new URL('../../rules/', import.meta.url)

interface Built {
  readonly snapshot: Snapshot
  readonly files: readonly RuleFile[]
}

interface Change {
  /** The administrator's files as they are to be. */
  readonly next: readonly StoredRuleFile[]
  store(): Promise<unknown>
}

export function createRulesService(options: RulesServiceOptions): RulesService {
  let inForce: Built | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function build(stored: readonly StoredRuleFile[]): Promise<Built> {
    const sources = [...withoutReplaced(await builtInRules(), stored), ...stored.filter(({ enabled }) => enabled)]
    const compiled = await options.compile(sources)
    const name = `rules-${compiled.version}.bin`
    await writeWhole(join(options.snapshots, name), compiled.blob)
    return {
      snapshot: { revision: compiled.version, path: join('snapshots', name) },
      files: describeFiles(compiled, sources, new Set(stored.map(({ name }) => name))),
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

  async function add(name: string, source: string): ReturnType<ApiDeps['rules']['add']> {
    const others = (await options.store.all()).filter((file) => file.name !== name)
    const faults = await carryOut({
      next: [...others, { name, source, enabled: true }].sort((a, b) => (a.name < b.name ? -1 : 1)),
      store: () => options.store.put({ name, source, enabled: true, addedMs: Date.now(), status: '', fault: '' }),
    })
    const file = inForce?.files.find((one) => one.name === name)
    return faults.length > 0 || file === undefined ? { ok: false, faults } : { ok: true, file }
  }

  async function remove(name: string): ReturnType<ApiDeps['rules']['remove']> {
    if (inForce?.files.some((file) => file.name === name && file.builtIn))
      return { ok: false, faults: [`${name} comes with the program: add a file of that name to take its place`] }
    const stored = await options.store.all()
    const next = stored.filter((file) => file.name !== name)
    if (next.length === stored.length) return { ok: true, removed: false }
    const faults = await carryOut({ next, store: () => options.store.remove(name) })
    return faults.length > 0 ? { ok: false, faults } : { ok: true, removed: true }
  }

  return {
    async build() {
      inForce = await build(await options.store.all())
      await removeOthers(options.snapshots, inForce.snapshot)
      return inForce.snapshot
    },
    files: () => inForce?.files ?? [],
    deps: {
      add: ({ name, text }) => inTurn(() => add(name, text)),
      list: async () => inForce?.files ?? [],
      remove: ({ name }) => inTurn(() => remove(name)),
    },
  }
}

/** The signature pack of this checkout. */
export function builtInRules(): Promise<RuleSource[]> {
  return readRuleFiles(fileURLToPath(BUILT_IN))
}

export function withoutReplaced(
  builtIn: readonly RuleSource[],
  stored: readonly { readonly name: string }[],
): RuleSource[] {
  return builtIn.filter(({ name }) => !stored.some((file) => file.name === name))
}

function describeFiles(
  compiled: CompiledRules,
  sources: readonly RuleSource[],
  stored: ReadonlySet<string>,
): RuleFile[] {
  return sources.map(({ name, source }) => {
    const faults = compiled.quarantined.find((file) => file.name === name)?.faults
    const slow = compiled.slow.filter(({ file }) => file === name)
    return {
      name,
      builtIn: !stored.has(name),
      state: faults !== undefined ? 'quarantined' : slow.length > 0 ? 'slow' : 'loaded',
      rules: faults !== undefined ? 0 : countRules(source),
      faults: [
        ...(faults ?? []).map(({ line, text }) => `line ${line}: ${text}`),
        ...slow.map(
          ({ rule, worstMs }) => `${rule ?? 'the file'} takes ${worstMs} ms of CPU on 64 KiB that are made to be slow`,
        ),
      ],
    }
  })
}

/** Rule heads; only for people, the compiler does not tell. */
function countRules(source: string): number {
  return source.match(/^\s*(?:(?:private|global)\s+)*rule\s+\w+/gm)?.length ?? 0
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
