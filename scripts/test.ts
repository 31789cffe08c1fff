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
import { resolve } from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { mergeRuns } from './merge-runs.ts'

/** The longest that a run may be silent: a test file that does not end (an open handle, a hang) must not take all of CI's time. */
const UNIT_SILENCE_MS = 180_000
const E2E_SILENCE_MS = 600_000

interface Phase {
  readonly files: readonly string[]
  readonly concurrency: number
  readonly silenceMs: number
}

function phasesOf(files: readonly string[]): readonly Phase[] {
  const isE2e = (file: string): boolean => file.includes('/e2e/')
  const phases = [
    {
      files: files.filter((file) => !isE2e(file)),
      concurrency: availableParallelism(),
      silenceMs: UNIT_SILENCE_MS,
    },
    { files: files.filter(isE2e), concurrency: 1, silenceMs: E2E_SILENCE_MS },
  ]
  return phases.filter((phase) => phase.files.length > 0)
}

async function* startPhase(phase: Phase, namePattern: string | undefined): AsyncGenerator<TestEvent> {
  const { files, concurrency, silenceMs } = phase
  const only = namePattern === undefined ? {} : { testNamePatterns: new RegExp(namePattern) }
  const { signal, heard, stop } = watchSilence(files, silenceMs)
  try {
    for await (const event of run({ files: [...files], concurrency, signal, ...only }) as AsyncIterable<TestEvent>) {
      heard(event)
      yield event
    }
  } finally {
    stop()
  }
}

/** Aborts (which ends the test processes) when nothing is heard for so long, and names the files that were not done. */
function watchSilence(files: readonly string[], silenceMs: number) {
  const controller = new AbortController()
  const open = new Set(files.map((file) => resolve(file)))
  const timer = setTimeout(() => {
    console.error(`STOPPED: silent for ${silenceMs / 1000} s, not done: ${[...open].join(' ')}`)
    process.exitCode = 1
    controller.abort()
  }, silenceMs)
  const heard = (event: TestEvent): void => {
    timer.refresh()
    if (event.type === 'test:summary' && event.data.file !== undefined) open.delete(event.data.file)
  }
  return { signal: controller.signal, heard, stop: () => clearTimeout(timer) }
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
