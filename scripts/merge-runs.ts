import type { TestEvent } from 'node:test/reporters'

/** Node's own order of the closing lines. */
const COUNTS = ['tests', 'suites', 'passed', 'failed', 'cancelled', 'skipped', 'todo'] as const

/** What the reporters print for each count. */
const LABELS: Readonly<Record<string, string>> = { passed: 'pass', failed: 'fail' }

const SUMMARY_LINE = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/

/**
 * Runs `node:test` runs one after the other and gives their events as those of one run: the closing lines of each are kept back and
 * their sums come last. `done(failed)` is called at the end; a run that executed no test at all has failed.
 */
export async function* mergeRuns(
  starts: readonly (() => AsyncIterable<TestEvent>)[],
  done: (failed: boolean) => void,
): AsyncGenerator<TestEvent> {
  const totals = new Map<string, number>()
  let durationMs = 0
  let failed = false
  for (const start of starts) {
    for await (const event of start()) {
      if (isRunSummary(event)) {
        const counts: Readonly<Record<string, number>> = event.data.counts
        for (const count of COUNTS) totals.set(count, (totals.get(count) ?? 0) + (counts[count] ?? 0))
        durationMs += event.data.duration_ms
        failed ||= !event.data.success
      } else if (!isSummaryLine(event)) {
        yield event
      }
    }
  }
  for (const count of COUNTS) yield closingLine(`${LABELS[count] ?? count} ${totals.get(count) ?? 0}`)
  yield closingLine(`duration_ms ${durationMs}`)
  done(failed || (totals.get('tests') ?? 0) === 0)
}

/** Each file has a summary too: the run's is the one without a file. */
function isRunSummary(event: TestEvent): event is Extract<TestEvent, { type: 'test:summary' }> {
  return event.type === 'test:summary' && event.data.file === undefined
}

function isSummaryLine(event: TestEvent): boolean {
  return event.type === 'test:diagnostic' && event.data.nesting === 0 && SUMMARY_LINE.test(event.data.message)
}

function closingLine(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } } as TestEvent
}
