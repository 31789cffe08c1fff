import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { faultLog } from '../../src/composition/fault-log.ts'

describe('the log of faults that strangers cause', () => {
  it('has twenty lines a second at most, and says how many it left out', () => {
    const lines: object[] = []
    let nowMs = 5000
    const log = faultLog(
      (_level, text, fields) => lines.push({ text, ...fields }),
      () => nowMs,
    )
    for (let n = 0; n < 100; n++) log('TLS fault', { n })
    assert.equal(lines.length, 20)
    nowMs += 1000
    log('TLS fault', { n: 100 })
    log('TLS fault', { n: 101 })
    assert.deepEqual(lines.slice(20), [
      { text: 'TLS fault', n: 100, leftOut: 80 },
      { text: 'TLS fault', n: 101 },
    ])
  })
})
