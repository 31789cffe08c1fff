import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { endsWithEmptyLine, mendHttpHead, sliceHttpHead } from '../src/http-head.ts'

const cut = (text: string) => sliceHttpHead(Buffer.from(text, 'latin1'), 0, text.length).toString('latin1')

describe('sliceHttpHead', () => {
  const kept: [row: string, head: string][] = [
    ['E2', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['E2', 'GET / HTTP/1.1\r\n\r\n'],
    ['R6', 'HTTP/1.1 200\r\n\r\n'],
    ['R9', 'HTTP/1.1 200 OK\nX: bare\r\n folded\r\nX: \xe4\0\r\n\r\n'],
  ]
  for (const [row, head] of kept)
    it(`${row}: ${JSON.stringify(head)} stays byte-equal`, () => assert.equal(cut(head), head))

  const refused: [row: string, head: string, because: string][] = [
    ['E12', 'GET / HTTP/1.1\r\nHost: h\r\n', 'no empty line'],
    ['E12', 'GET / HTTP/1.1\r\nHost: h\r\n\r', 'cut inside the empty line'],
    ['E12', 'GET / HTTP/1.1\nHost: h\n\n', 'ends with bare LF'],
    ['E12', 'GET / HTTP/1.1\n\r\n', 'ends with half a CRLF'],
    ['E13', 'GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n', 'a second request inside'],
    ['E13', 'GET / HTTP/1.1\n\nGET /2 HTTP/1.1\r\n\r\n', 'an empty line of bare LF inside'],
    ['E13', 'GET / HTTP/1.1\r\n\nGET /2 HTTP/1.1\r\n\r\n', 'a mixed empty line inside'],
    ['E13', 'GET / HTTP/1.1\n\r\nGET /2 HTTP/1.1\r\n\r\n', 'a mixed empty line inside'],
    ['E12', '\r\n\r\n', 'nothing but the empty line'],
  ]
  for (const [row, head, because] of refused)
    it(`${row}: refuses ${JSON.stringify(head)} (${because})`, () =>
      assert.throws(() => cut(head), { code: 'ICAP_BAD_HTTP_HEAD' }))

  it('E13: finds the first empty line wherever it stands', () => {
    const text = fc
      .array(fc.constantFrom('a', 'bb', '\r', '\n', '\r\n'), { maxLength: 14 })
      .map((parts) => `${parts.join('')}x\r\n\r\n`)
    fc.assert(
      fc.property(text, (head) => {
        const isPlain = head.search(/\n\r?\n/) === head.length - 3 && head.length > 4
        if (isPlain) assert.equal(cut(head), head)
        else assert.throws(() => cut(head))
      }),
      { numRuns: 2_000 },
    )
  })

  it('does not look beyond the declared end', () => {
    const bytes = Buffer.from('xxGET / HTTP/1.1\r\n\r\n\n\nbody')
    assert.equal(sliceHttpHead(bytes, 2, 20).toString(), 'GET / HTTP/1.1\r\n\r\n')
  })
})

describe('mendHttpHead', () => {
  it('E14: gives a head its missing empty line', () => {
    const mend = (text: string) => mendHttpHead(Buffer.from(text), 0, text.length).toString()
    assert.equal(mend('GET / HTTP/1.1\r\nHost: h\r\n'), 'GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    assert.equal(mend('GET / HTTP/1.1'), 'GET / HTTP/1.1\r\n\r\n')
    assert.equal(mend('GET / HTTP/1.1\r\n\r\n'), 'GET / HTTP/1.1\r\n\r\n')
    assert.throws(() => mend('GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n'), { code: 'ICAP_BAD_HTTP_HEAD' })
  })
})

describe('endsWithEmptyLine', () => {
  it('E17: tells a whole head from a cut one', () => {
    assert.equal(endsWithEmptyLine(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')), true)
    for (const text of ['HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\n\n', '\r\n\r\n', ''])
      assert.equal(endsWithEmptyLine(Buffer.from(text)), false)
  })
})
