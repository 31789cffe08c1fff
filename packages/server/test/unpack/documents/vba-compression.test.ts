import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decompressVba } from '../../../src/unpack/documents/vba-compression.ts'
import { compressVba } from './make-vba.ts'

describe('VBA compression', () => {
  it('reads the examples of [MS-OVBA] 3.2', () => {
    const noCompression = Buffer.from('0119B000616263646566676800696A6B6C6D6E6F70007172737475762E', 'hex')
    assert.equal(decompressVba(noCompression, 1000).bytes.toString(), 'abcdefghijklmnopqrstuv.')
    const maximum = Buffer.from('0103B002614500', 'hex')
    assert.equal(decompressVba(maximum, 1000).bytes.toString(), 'a'.repeat(73))
  })

  it('gives back what was compressed, whatever it was', () => {
    const text = fc.oneof(
      fc.uint8Array({ maxLength: 9000 }),
      fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 9000 }),
    )
    fc.assert(
      fc.property(text, (value) => {
        const data = Buffer.from(value as string)
        const { bytes, whole } = decompressVba(compressVba(data), 100_000)
        // A chunk that does not shrink is stored whole, filled up with zeros.
        assert.ok(whole && bytes.subarray(0, data.length).equals(data))
      }),
      { numRuns: 100 },
    )
  })

  it('says where it ends early, and keeps to its limit', () => {
    const text = Buffer.alloc(50_000, 'Sub AutoOpen()\r\n')
    const packed = compressVba(text)
    for (let length = 0; length < packed.length; length++) {
      const { bytes, whole } = decompressVba(packed.subarray(0, length), 100_000)
      assert.ok(bytes.equals(text.subarray(0, bytes.length)))
      assert.ok(!whole || bytes.length % 4096 === 0, 'only the end of a chunk can be an end')
    }
    const cut = decompressVba(packed, 10_000)
    assert.equal(cut.whole, false)
    assert.equal(cut.bytes.length, 10_000)
  })

  it('ends on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
        assert.ok(decompressVba(Buffer.concat([Buffer.from([1]), bytes]), 20_000).bytes.length <= 20_000)
      }),
    )
  })
})
