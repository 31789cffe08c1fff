import { parentPort, workerData } from 'node:worker_threads'
import type { RuleSource } from './binding.ts'
import { type CompileOptions, compileRulesHere } from './compile-rules.ts'

/** Compiles one rule set on a thread of its own and ends. */
const { files, options } = workerData as { files: readonly RuleSource[]; options: CompileOptions }
parentPort?.postMessage(compileRulesHere(files, options))
