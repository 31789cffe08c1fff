import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ChunkedDecoder } from '../src/chunked-decoder.ts'
import { IcapError } from '../src/errors.ts'
import { DEFAULT_LIMITS } from '../src/limits.ts'

interface Decoded {
  body: string
  done: boolean
  ieof: boolean
  useOriginalBody: number | undefined
  rest: string
}

function decode(pieces: readonly Buffer[], limits = DEFAULT_LIMITS): Decoded {
  const decoder = new ChunkedDecoder(limits)
  const data: Buffer[] = []
  let rest = ''
  for (const piece of pieces) {
    if (decoder.done) {
      rest += piece.toString('latin1')
      continue
    }
    decoder.push(piece)
    for (let part = decoder.read(); part !== undefined; part = decoder.read()) data.push(Buffer.from(part))
    if (decoder.done) rest += decoder.takeRest().toString('latin1')
  }
  const { done, ieof, useOriginalBody } = decoder
  return { body: Buffer.concat(data).toString('latin1'), done, ieof, useOriginalBody, rest }
}

function codeOf(wire: string, limits = DEFAULT_LIMITS): string {
  try {
    decode([Buffer.from(wire, 'latin1')], limits)
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof IcapError, String(error))
    return error.code
  }
}

const WIRES = [
  { row: 'C1', wire: `400\r\n${'x'.repeat(1024)}\r\n0\r\n\r\nREQMOD`, what: 'one chunk and the next request' },
  { row: 'P2', wire: '7\r\na=1&b=2\r\n0; ieof\r\n\r\n', what: 'a preview that is the whole body' },
  { row: 'C1', wire: '1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n', what: 'small chunks' },
  { row: 'C2', wire: '00000a\r\n0123456789\r\nB\r\nabcdefghijk\r\n000\r\n\r\n', what: 'leading zeros, both cases' },
  { row: 'C3', wire: '5;a=b\r\nhello\r\n5 ; a="x;y" ;b\r\nworld\r\n0;z\r\n\r\n', what: 'extensions' },
  { row: 'N13', wire: '3\r\nabc\r\n0\r\nX-T: 1\r\nX-U:\r\n folded\r\n\r\nrest', what: 'trailers' },
  { row: 'N9', wire: '2\r\nab\r\n0; use-original-body=4096\r\n\r\n', what: 'the last chunk of a 206' },
  { row: 'P5', wire: '0\r\n\r\n', what: 'an empty rest' },
]

describe('ChunkedDecoder', () => {
  for (const { row, wire, what } of WIRES) {
    it(`${row}: ${what}: the same result wherever the bytes are cut`, () => {
      const bytes = Buffer.from(wire, 'latin1')
      const whole = decode([bytes])
      assert.equal(whole.done, true)
      for (let cut = 1; cut < bytes.length; cut++)
        assert.deepEqual(decode([bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `cut at ${cut}`)
      assert.deepEqual(decode(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))), whole, 'byte by byte')
    })
  }

  it('C1, C9: any chunking and any cutting gives the body back', () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 700 }), { maxLength: 12 })
    fc.assert(
      fc.property(
        chunks,
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 20 }),
        (parts, cuts) => {
          const body = Buffer.concat(parts)
          const framed = parts.map((part) =>
            Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
          )
          const wire = Buffer.concat([...framed, Buffer.from('0\r\n\r\nNEXT')])
          const pieces: Buffer[] = []
          for (let at = 0, turn = 0; at < wire.length; turn++) {
            const length = cuts[turn % cuts.length] ?? 1
            pieces.push(wire.subarray(at, at + length))
            at += length
          }
          const decoded = decode(pieces)
          assert.equal(decoded.body, body.toString('latin1'))
          assert.equal(decoded.rest, 'NEXT')
        },
      ),
      { numRuns: 200 },
    )
  })

  for (const last of ['0;ieof', '0; ieof', '0 ; ieof', '0; IEOF', '0; ieof; a=b', '0;a="; b";ieof', '00; ieof'])
    it(`P3: "${last}" means ieof`, () => assert.equal(decode([Buffer.from(`${last}\r\n\r\n`)]).ieof, true))

  for (const last of ['0', '0;ieof2', '0; a="; ieof"', '0; a=ieof', '3; ieof\r\nabc\r\n0'])
    it(`P3: ${JSON.stringify(last)} does not`, () => assert.equal(decode([Buffer.from(`${last}\r\n\r\n`)]).ieof, false))

  const refused = [
    { row: 'C5', wire: '-5\r\nhello\r\n', because: 'a sign' },
    { row: 'C5', wire: '+5\r\nhello\r\n', because: 'a sign' },
    { row: 'C5', wire: '0x5\r\nhello\r\n', because: 'a prefix' },
    { row: 'C5', wire: ' 5\r\nhello\r\n', because: 'a blank in front' },
    { row: 'C5', wire: '5 5\r\nhello\r\n', because: 'two numbers' },
    { row: 'C5', wire: '\r\nhello\r\n', because: 'no size' },
    { row: 'C5', wire: ';a\r\nhello\r\n', because: 'an extension without a size' },
    { row: 'C5', wire: '5g\r\nhello\r\n', because: 'not hexadecimal' },
    { row: 'C6', wire: 'fffffffffffffff\r\n', because: 'beyond 2^53' },
    { row: 'C6', wire: '00000000000000005\r\nhello\r\n', because: '17 digits' },
    { row: 'C4', wire: '5\nhello\r\n', because: 'a bare LF behind the size' },
    { row: 'C4', wire: '5;a\nb\r\nhello\r\n', because: 'LF in an extension' },
    { row: 'C4', wire: '5;a\rb\r\nhello\r\n', because: 'CR in an extension' },
    { row: 'C4', wire: '5;a\0b\r\nhello\r\n', because: 'NUL in an extension' },
    { row: 'C4', wire: '5;a="b\r\nhello\r\n', because: 'a quote that does not end' },
    { row: 'C7', wire: '5\r\nhelloX\r\n0\r\n\r\n', because: 'data goes on behind its size' },
    { row: 'C7', wire: '5\r\nhello\n0\r\n\r\n', because: 'a bare LF behind the data' },
    { row: 'C7', wire: '5\r\nhello\r0\r\n\r\n', because: 'a bare CR behind the data' },
    { row: 'N13', wire: '0\r\nno colon\r\n\r\n', because: 'a trailer without a colon' },
    { row: 'N13', wire: '0\r\n folded: first\r\n\r\n', because: 'a folded line behind nothing' },
    { row: 'N13', wire: '0\r\nX: 1\n\r\n', because: 'a bare LF in the trailer' },
  ]
  for (const { row, wire, because } of refused)
    it(`${row}: refuses ${JSON.stringify(wire)} (${because})`, () => assert.equal(codeOf(wire), 'ICAP_BAD_CHUNK'))

  it('C6: 16 digits that are a small number are one', () =>
    assert.equal(decode([Buffer.from('0000000000000005\r\nhello\r\n0\r\n\r\n')]).body, 'hello'))

  it('C8: a size line beyond its limit is refused, ended or not', () => {
    assert.equal(codeOf(`5;${'a'.repeat(5_000)}\r\n`), 'ICAP_CHUNK_LINE_TOO_LONG')
    assert.equal(codeOf(`5;${'a'.repeat(5_000)}`), 'ICAP_CHUNK_LINE_TOO_LONG')
    assert.equal(codeOf(`5;${'a'.repeat(4_000)}\r\nhello\r\n`), 'accepted')
  })

  it('N13: a trailer beyond its limit is refused', () => {
    assert.equal(codeOf(`0\r\n${'X: y\r\n'.repeat(20_000)}\r\n`), 'ICAP_TRAILER_TOO_LARGE')
    assert.equal(codeOf(`0\r\nX: ${'y'.repeat(70_000)}`), 'ICAP_TRAILER_TOO_LARGE')
    assert.equal(codeOf(`0\r\n${'X: y\r\n'.repeat(2_000)}\r\n`), 'accepted')
  })

  it('C9: a read full of 1-byte chunks is joined into a few pieces', () => {
    const decoder = new ChunkedDecoder(DEFAULT_LIMITS)
    decoder.push(Buffer.from('1\r\nx\r\n'.repeat(10_922)))
    let pieces = 0
    while (decoder.read() !== undefined) pieces++
    assert.equal(decoder.bodyBytes, 10_922)
    assert.ok(pieces <= 2, `${pieces} pieces`)
  })

  it('gives large data without a copy', () => {
    const wire = Buffer.from(`400\r\n${'x'.repeat(1024)}\r\n`)
    const decoder = new ChunkedDecoder(DEFAULT_LIMITS)
    decoder.push(wire)
    assert.equal(decoder.read()?.buffer, wire.buffer)
  })

  it('reads a part of a buffer only', () => {
    const decoder = new ChunkedDecoder(DEFAULT_LIMITS)
    const wire = Buffer.from('ab5\r\nhello\r\n0\r\n\r\nzz')
    decoder.push(wire, 2, wire.length - 2)
    assert.equal(decoder.read()?.toString(), 'hello')
    assert.equal(decoder.read(), undefined)
    assert.equal(decoder.done, true)
    assert.equal(decoder.takeRest().length, 0)
  })
})
