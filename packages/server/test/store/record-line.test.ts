import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TransactionRecord } from '../../src/domain/transaction-record.ts'
import { parseRecordLine, recordLine } from '../../src/store/record-line.ts'
import { recordOf } from './sample-record.ts'

/** A line keeps what it has in common with the line before: each of these differs from the plain record in one thing. */
const CHANGES: readonly Partial<TransactionRecord>[] = [
  { timeMs: 1_700_000_000_001 },
  { client: '2001:db8::1' },
  { clientGroup: 'a "quoted" group' },
  { mode: 'REQMOD' },
  { service: 'avscan' },
  { httpMethod: 'POST' },
  { httpStatus: 404 },
  { saved: {} },
  { saved: { authenticatedUser: 'D\\u' } },
  { declaredType: 'image/png' },
  { trueType: 'image/png' },
  { outcome: 'excluded' },
  { risk: 'low' },
  { reasons: ['timeout'] },
  { details: ['yara: no answer'] },
  { detections: [{ engine: 'yara', name: 'X', risk: 'low', about: 'file' }] },
  { action: 'allow-excluded' },
  { icapStatus: 200 },
  { cached: true },
  { stagesMs: { read: 0.01, scan: 0.1, total: 12.34 } },
  { stagesMs: { read: 0, scan: 99.99, total: 86_400_000.25 } },
]

describe('lines of records', () => {
  for (const change of CHANGES)
    it(`tells ${JSON.stringify(change)} from the record before and after it`, () => {
      const records = [recordOf('1'), recordOf('2', change), recordOf('3', change), recordOf('4')]
      assert.deepEqual(
        records.map((record) => parseRecordLine(recordLine(record))),
        records,
      )
    })

  it('rounds times to hundredths of a millisecond, and writes -1 for what is no number', () => {
    const { stagesMs } = parseRecordLine(
      recordLine(recordOf('1', { stagesMs: { read: 0.006, scan: 1.999, total: Number.NaN } })),
    ) as TransactionRecord
    assert.deepEqual(stagesMs, { read: 0.01, scan: 2, total: -1 })
  })
})
