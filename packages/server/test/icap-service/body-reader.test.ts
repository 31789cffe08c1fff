import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import type { BodySink, BodyState, Transaction } from '@assay/icap'
import { BodyReader } from '../../src/icap-service/body-reader.ts'
import { createSpool } from '../../src/icap-service/spool.ts'
import { CONFIG } from './service-rig.ts'

/** A body of which these chunks stand in the buffer already: they are fed before `readBody` returns. */
function buffered(chunks: readonly Buffer[]): Transaction {
  const readBody = async (sink: BodySink): Promise<BodyState> => {
    for (const chunk of chunks) {
      const busy = sink(chunk)
      if (busy !== undefined) await busy
    }
    return 'whole'
  }
  return { readBody } as unknown as Transaction
}

function readerOf(chunks: readonly Buffer[], contentLength: number | undefined): BodyReader {
  return new BodyReader(buffered(chunks), {
    spool: createSpool({ directory: tmpdir(), maxBytes: 0, maxMemoryBytes: 1_048_576 }),
    limits: { ...CONFIG.intake, endlessAfterBytes: 100 },
    contentLength,
    clock: performance,
    startedMs: performance.now(),
  })
}

const CHUNKS = [Buffer.alloc(80), Buffer.alloc(80)]

describe('body reader', () => {
  it('finds a stream endless that goes beyond the bound within the first bytes', async () => {
    const reader = readerOf(CHUNKS, undefined)
    assert.equal(await reader.readFirst(), 'endless')
    reader.drop()
  })

  it('takes a body whole that says its length', async () => {
    const reader = readerOf(CHUNKS, 160)
    assert.equal(await reader.readFirst(), 'whole')
    assert.equal(reader.intake.size, 160)
  })
})
