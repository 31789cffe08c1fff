import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { buildListTable, openListTable } from '../../src/domain/list-table.ts'
import { createPipeline } from '../../src/scan/pipeline.ts'
import type { Scanner } from '../../src/scan/scanner.ts'
import { sampleOf } from './samples.ts'

const BLIND: Scanner = { name: 'yara', version: '1', scanNow: () => [], scan: () => [] }
const LISTS = openListTable(buildListTable([], '1'))
const SETTINGS = {
  engines: new Set(['yara']),
  suspiciousObjects: { enabled: true, list: 'both' },
  userDefinedObjects: true,
  exclusion: { enabled: false, types: [], validate: true },
  timeoutMs: 5000,
} as const

async function reasons(bytes: Buffer, contentEncodings: readonly string[], decoded: readonly string[] = []) {
  const pipeline = createPipeline({
    engines: [BLIND],
    cacheEntries: 10,
    settings: () => SETTINGS,
    lists: () => LISTS,
    now: () => 1,
  })
  const sample = { ...sampleOf('x'), content: { kind: 'memory', bytes }, size: bytes.length, decoded } as const
  const { results } = await pipeline.prescan(sample, { client: '192.0.2.1', contentEncodings })
  return results.flatMap((result) => (result.outcome === 'unscanned' ? [result.reason] : []))
}

const GZIP = gzipSync('page')
const ZSTD = zstdCompressSync('page')

describe('a body with a Content-Encoding', () => {
  const cases = [
    { name: 'a page in gzip', bytes: GZIP, codings: ['gzip'], unpacked: true },
    { name: 'a page in x-gzip', bytes: GZIP, codings: ['x-gzip'], unpacked: true },
    { name: 'a page in br, then gzip', bytes: GZIP, codings: ['br', 'gzip'], unpacked: true },
    { name: 'a page in zstd', bytes: ZSTD, codings: ['zstd'], unpacked: true },
    { name: 'a gzip file without a coding', bytes: GZIP, codings: [], unpacked: false },
    { name: 'a gzip file that says it is br', bytes: GZIP, codings: ['br'], unpacked: false },
    { name: 'gzip, then an unknown coding', bytes: GZIP, codings: ['gzip', 'x'], unpacked: false },
    { name: 'zstd that says it is gzip', bytes: ZSTD, codings: ['gzip'], unpacked: false },
  ]
  for (const { name, bytes, codings, unpacked } of cases) {
    it(`${unpacked ? 'is no archive' : 'stays an archive that nobody opened'}: ${name}`, async () =>
      assert.deepEqual(await reasons(bytes, codings), unpacked ? [] : ['not-unpacked']))
  }

  it('is still an archive once it was decoded: a gzip file sent in gzip', async () =>
    assert.deepEqual(await reasons(GZIP, ['gzip'], ['gzip']), ['not-unpacked']))
})
