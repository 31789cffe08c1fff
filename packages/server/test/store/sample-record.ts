import type { TransactionRecord } from '../../src/domain/transaction-record.ts'

/** A plain record; `id` sorts by time as the real ones do. */
export function recordOf(id: string, more: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    id,
    timeMs: 1_700_000_000_000,
    client: '192.0.2.1',
    clientGroup: 'default',
    mode: 'RESPMOD',
    service: 'respmod',
    httpMethod: 'GET',
    httpStatus: 200,
    url: 'http://www.example.com/a/b.html',
    fileName: 'b.html',
    saved: { clientIp: '198.51.100.7' },
    sha256: 'ab'.repeat(32),
    sha1: '',
    size: 1234,
    declaredType: 'text/html',
    trueType: 'text/html',
    outcome: 'clean',
    risk: 'none',
    reasons: [],
    details: [],
    detections: [],
    action: 'allow-clean',
    icapStatus: 204,
    stagesMs: { read: 1, scan: 2.25, total: 3.5 },
    cached: false,
    engines: '',
    ...more,
  }
}
