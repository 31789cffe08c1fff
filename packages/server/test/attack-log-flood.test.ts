import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withinRate } from '../src/log-rate.ts'

describe('a flood of faults', () => {
  it('is logged at a bounded rate, and what was left out is told', () => {
    let nowMs = 0
    const lines: string[] = []
    const log = withinRate((_, text, fields) => lines.push(`${text} ${JSON.stringify(fields ?? {})}`), {
      burst: 3,
      perSecond: 2,
      now: () => nowMs,
    })
    for (let i = 0; i < 100; i++) log('info', 'ICAP fault')
    assert.equal(lines.length, 3)
    log('error', 'worker failed')
    assert.equal(lines[3], 'worker failed {}')
    nowMs += 1000
    log('info', 'ICAP fault')
    assert.deepEqual(lines.slice(4), ['log lines left out {"severity":"info","count":97}', 'ICAP fault {}'])
  })
})
