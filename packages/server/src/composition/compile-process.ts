import process from 'node:process'
import { checkRulesHere } from '../scan/scanners/yara/check-rules.ts'
import { compileRulesHere } from '../scan/scanners/yara/compile-rules.ts'
import type { RuleSource } from '../scan/scanners/yara/rule-compiler.ts'

export type CompilerJob =
  | { readonly type: 'compile'; readonly files: readonly RuleSource[] }
  | { readonly type: 'check'; readonly file: RuleSource }

/** The entry point of the rule compiler's process: does what it is sent, sends the answer back and ends. */
process.once('message', (job: CompilerJob) => {
  const answer = job.type === 'compile' ? compileRulesHere(job.files) : checkRulesHere(job.file)
  process.send?.(answer, () => process.exit(0))
})
// Nobody waits for it any more.
process.once('disconnect', () => process.exit(0))
