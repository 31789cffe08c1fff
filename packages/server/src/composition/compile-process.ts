import process from 'node:process'
import { compileRulesHere } from '../scan/scanners/yara/compile-rules.ts'
import type { RuleSource } from '../scan/scanners/yara/rule-compiler.ts'

/** The entry point of the rule compiler's process: compiles what it is sent, sends it back and ends. */
process.once('message', (files: readonly RuleSource[]) => {
  process.send?.(compileRulesHere(files), () => process.exit(0))
})
// Nobody waits for it any more.
process.once('disconnect', () => process.exit(0))
