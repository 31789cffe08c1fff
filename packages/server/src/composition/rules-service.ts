import { rename, unlink, writeFile } from 'node:fs/promises'
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
  all(): Promise<readonly { readonly name: string; readonly source: string; readonly enabled: boolean }[]>
}

export interface RulesServiceOptions {
  readonly store: StoredRules
  /** Compiles on a thread: torture may take seconds a slow rule. */
  compile(files: readonly RuleSource[]): Promise<CompiledRules>
  /** The worker's snapshot folder, and how a worker names it. */
  readonly snapshots: string
  /** Makes every worker use them. */
  publish(snapshot: Snapshot): Promise<readonly string[]>
}

export interface RulesService {
  readonly deps: ApiDeps['rules']
  /** Compiles everything anew and gives the snapshot, without publishing it. */
  build(): Promise<Snapshot>
  files(): readonly RuleFile[]
}

/** The pack that comes with the program; an administrator's file of the same name takes its place. */
const BUILT_IN = new URL('../../rules/', import.meta.url)

export function createRulesService(options: RulesServiceOptions): RulesService {
  let files: readonly RuleFile[] = []
  let last: Promise<unknown> = Promise.resolve()
  let snapshotPath: string | undefined

  async function build(): Promise<Snapshot> {
    const stored = await options.store.all()
    const sources = [...withoutReplaced(await builtInRules(), stored), ...stored.filter(({ enabled }) => enabled)]
    const compiled = await options.compile(sources)
    files = describeFiles(compiled, sources, new Set(stored.map(({ name }) => name)))
    const name = `rules-${compiled.version}.bin`
    await writeWhole(join(options.snapshots, name), compiled.blob)
    return { revision: compiled.version, path: join('snapshots', name) }
  }

  /** One change at a time; the files of before go when every worker uses the new ones. */
  function rebuilt(change: () => Promise<void>): Promise<void> {
    const done = last
      .catch(() => {})
      .then(async () => {
        await change()
        const snapshot = await build()
        await options.publish(snapshot)
        if (snapshotPath !== undefined && snapshotPath !== snapshot.path)
          await unlink(join(options.snapshots, '..', snapshotPath)).catch(() => {})
        snapshotPath = snapshot.path
      })
    last = done
    return done
  }

  return {
    build: async () => {
      const snapshot = await build()
      snapshotPath = snapshot.path
      return snapshot
    },
    files: () => files,
    deps: {
      async add({ name, text }) {
        const stored = { name, source: text, enabled: true, addedMs: Date.now(), status: '', fault: '' }
        await rebuilt(async () => {
          await options.store.put(stored)
        })
        const file = files.find((one) => one.name === name)
        return file === undefined ? { ok: false, faults: [`${name} was removed meanwhile`] } : { ok: true, file }
      },
      list: async () => files,
      async remove({ name }) {
        if (files.some((file) => file.name === name && file.builtIn))
          return { ok: false, faults: [`${name} comes with the program: add a file of that name to take its place`] }
        let removed = false
        await rebuilt(async () => {
          removed = await options.store.remove(name)
        })
        return { ok: true, removed }
      },
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
  await writeFile(temporary, bytes, { mode: 0o644, flush: true })
  await rename(temporary, path)
}
