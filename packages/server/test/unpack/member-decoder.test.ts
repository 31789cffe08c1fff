import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { deflateRawSync, zstdCompressSync } from 'node:zlib'
import { decodeStream, RAW_INFLATE, ZSTD_FRAME } from '../../src/unpack/archives/member-decoder.ts'

const TEXT = Buffer.from('some text that is packed. '.repeat(20))
const ENOUGH = new Error('enough')

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('a taker that wants no more', () => {
  const kinds = [
    { maker: RAW_INFLATE, bytes: deflateRawSync(TEXT), name: 'deflate', cuts: [0, 1] },
    // A frame gives nothing before its last block is whole.
    { maker: ZSTD_FRAME, bytes: zstdCompressSync(TEXT), name: 'zstd', cuts: [0] },
  ]
  for (const { maker, bytes, name, cuts } of kinds) {
    for (const cut of cuts) {
      for (const turns of [0, 1, 3]) {
        it(`ends a ${name} stream of less ${cut} bytes ${turns} turns late: what it throws comes out`, async () => {
          const out = async () => {
            for (let turn = 0; turn < turns; turn++) await setImmediate()
            throw ENOUGH
          }
          const decoded = decodeStream(maker, inPieces(bytes.subarray(0, bytes.length - cut), 16), out)
          // Left waiting forever, the process would end with code 13.
          await assert.rejects(decoded, ENOUGH)
        })
      }
    }
  }
})
