import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { RuleSource } from './binding.ts'
import type { CompiledRules, CompileOptions } from './compile-rules.ts'

export type { RuleFault, RuleOptions, RuleSource } from './binding.ts'
export type { CheckedRule, RuleCheck } from './check-rules.ts'
export type { CompiledRules, CompileOptions, FileFaults, SlowRule } from './compile-rules.ts'

const COMPILE_TIMEOUT_MS = 120_000
const MAX_SOURCE_BYTES = 32 * 1024 * 1024

/**
 * Compiles rule files on a thread of its own: a slow rule blocks it for seconds while it is being found out. Rejects only where
 * the engine itself fails or takes longer than two minutes; bad files are in `quarantined`.
 */
export function compileRules(files: readonly RuleSource[], options: CompileOptions = {}): Promise<CompiledRules> {
  const worker = new Worker(new URL('./compile-thread.ts', import.meta.url), { workerData: { files, options } })
  const { promise, resolve, reject } = Promise.withResolvers<CompiledRules>()
  const timer = setTimeout(() => reject(new Error('compiling the rules took too long')), COMPILE_TIMEOUT_MS)
  worker.once('message', (compiled: CompiledRules) => resolve({ ...compiled, blob: Buffer.from(compiled.blob) }))
  worker.once('error', (error) => reject(new Error('the rules could not be compiled', { cause: error })))
  worker.once('exit', () => reject(new Error('the rule compiler ended without an answer')))
  return promise.finally(() => {
    clearTimeout(timer)
    void worker.terminate()
  })
}

/** `*.yar` and `*.yara` of a folder and its subfolders, by name. A file that cannot be read is given empty words, not left out. */
export async function readRuleFiles(folder: string): Promise<RuleSource[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.yara?$/i.test(name)).sort()
  return Promise.all(names.map(async (name) => ({ name, source: await readSource(join(folder, name)) })))
}

async function readSource(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > MAX_SOURCE_BYTES) return `rule file of ${size} bytes is over the limit`
    return await readFile(path, 'utf8')
  } catch (error) {
    // Not YARA, so it lands in quarantine with these words in its first line.
    return `unreadable: ${(error as Error).message}`
  }
}
