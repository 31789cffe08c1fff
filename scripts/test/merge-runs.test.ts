import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { mergeRuns } from '../merge-runs.ts'

async function* fakeRun(counts: Partial<Record<string, number>>, success = true): AsyncGenerator<TestEvent> {
  const whole = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0, topLevel: 0, ...counts }
  yield { type: 'test:diagnostic', data: { nesting: 0, message: `tests ${whole.tests}`, level: 'info' } } as TestEvent
  yield { type: 'test:diagnostic', data: { nesting: 1, message: 'a test speaks', level: 'info' } } as TestEvent
  yield {
    type: 'test:summary',
    data: { counts: { ...whole, tests: 99 }, duration_ms: 9, success, file: 'a' },
  } as TestEvent
  yield {
    type: 'test:summary',
    data: { counts: whole, duration_ms: 5, success, file: undefined },
  } as unknown as TestEvent
}

async function collect(runs: readonly (() => AsyncIterable<TestEvent>)[]) {
  const lines: string[] = []
  let failed: boolean | undefined
  for await (const event of mergeRuns(runs, (value) => {
    failed = value
  }))
    if (event.type === 'test:diagnostic') lines.push(event.data.message)
  return { lines, failed }
}

describe('merged test runs', () => {
  it('close with the sums of all runs, once and last', async () => {
    const { lines, failed } = await collect([
      () => fakeRun({ tests: 3, passed: 2, skipped: 1 }),
      () => fakeRun({ tests: 4, passed: 4 }),
    ])
    assert.deepEqual(lines.slice(0, 3), ['a test speaks', 'a test speaks', 'tests 7'])
    assert.deepEqual(lines.slice(3), [
      'suites 0',
      'pass 6',
      'fail 0',
      'cancelled 0',
      'skipped 1',
      'todo 0',
      'duration_ms 10',
    ])
    assert.equal(failed, false)
  })

  it('fail when any run failed', async () => {
    assert.equal((await collect([() => fakeRun({ tests: 1 }, false), () => fakeRun({ tests: 1 })])).failed, true)
  })

  it('fail when no test was executed', async () => {
    assert.equal((await collect([() => fakeRun({})])).failed, true)
  })
})
