/**
 * `npm test`: unit tests on all cores, then the end-to-end ones one file at a time (each starts servers and wants the machine for
 * itself), as one run with one summary, printed last.
 *
 *     npm test                                   everything
 *     npm test -- packages/icap                  the test files whose path holds this text
 *     npm test -- --name 'keeps the connection'  only tests of that name (a regular expression)
 */
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { mergeRuns } from './merge-runs.ts'

const UNIT_FILE_TIMEOUT_MS = 300_000
const E2E_FILE_TIMEOUT_MS = 1_200_000

interface Phase {
  readonly files: readonly string[]
  readonly concurrency: number
  readonly timeout: number
}

function phasesOf(files: readonly string[]): readonly Phase[] {
  const isE2e = (file: string): boolean => file.includes('/e2e/')
  const phases = [
    {
      files: files.filter((file) => !isE2e(file)),
      concurrency: availableParallelism(),
      timeout: UNIT_FILE_TIMEOUT_MS,
    },
    { files: files.filter(isE2e), concurrency: 1, timeout: E2E_FILE_TIMEOUT_MS },
  ]
  return phases.filter((phase) => phase.files.length > 0)
}

function startPhase({ files, concurrency, timeout }: Phase, namePattern: string | undefined): AsyncIterable<TestEvent> {
  const only = namePattern === undefined ? {} : { testNamePatterns: new RegExp(namePattern) }
  return run({ files: [...files], concurrency, timeout, ...only }) as AsyncIterable<TestEvent>
}

process.chdir(new URL('..', import.meta.url).pathname)
// Node 24 warns of its own SQLite on every start: 100 times the same line hides what matters.
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --disable-warning=ExperimentalWarning`.trim()
const { values, positionals } = parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } })
const files = globSync(['packages/*/test/**/*.test.ts', 'scripts/test/**/*.test.ts'])
  .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ')}`)
  process.exit(64)
}
const starts = phasesOf(files).map((phase) => () => startPhase(phase, values.name))
const events = mergeRuns(starts, (failed) => {
  process.exitCode = failed ? 1 : 0
})
Readable.from(events).compose(new spec()).pipe(process.stdout)
