import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { InputBuffer } from '../src/input-buffer.ts'

const text = (input: InputBuffer) => input.bytes.toString('latin1', input.start, input.end)

describe('InputBuffer', () => {
  it('C1: holds what was appended and not consumed, whatever the order', () => {
    const step = fc.oneof(
      fc.string({ minLength: 1, maxLength: 40 }).map((add) => ({ add })),
      fc.integer({ min: 0, max: 60 }).map((take) => ({ take })),
      fc.string({ minLength: 1, maxLength: 10 }).map((back) => ({ back })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const input = new InputBuffer()
        let model = ''
        for (const act of steps) {
          if ('add' in act) {
            const bytes = Buffer.from(act.add)
            input.append(bytes)
            model += bytes.toString('latin1')
          } else if ('take' in act) {
            const count = Math.min(act.take, input.length)
            input.consume(count)
            model = model.slice(count)
          } else {
            const bytes = Buffer.from(act.back)
            input.putBack(bytes)
            model = bytes.toString('latin1') + model
          }
          assert.equal(text(input), model)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('adopts the first read without a copy and lets it go when it is consumed', () => {
    const input = new InputBuffer()
    const read = Buffer.from('abc')
    input.append(read)
    assert.equal(input.bytes, read)
    input.consume(3)
    assert.equal(input.bytes.length, 0)
  })

  it('keeps slices valid while it grows', () => {
    const input = new InputBuffer()
    input.append(Buffer.from('head'))
    input.append(Buffer.from('er'))
    const slice = input.bytes.subarray(input.start, input.end)
    for (let i = 0; i < 100; i++) input.append(Buffer.from('more'))
    input.consume(6)
    input.append(Buffer.from('x'))
    assert.equal(slice.toString(), 'header')
  })

  it('L2: byte by byte it copies each byte a bounded number of times', () => {
    const input = new InputBuffer()
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 100_000; i++) {
      input.append(Buffer.from('a'))
      buffers.add(input.bytes.buffer)
    }
    assert.ok(buffers.size < 25, `${buffers.size} buffers`)
  })
})
