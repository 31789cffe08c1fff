import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type FramingFields, listItems, parseHeaders, scanFields } from '../src/headers.ts'

function scan(lines: string, maxLines = 200): FramingFields | undefined {
  const bytes = Buffer.from(`X\r\n${lines}\r\n`, 'latin1')
  return scanFields(bytes, 3, bytes.length, maxLines)
}

describe('scanFields', () => {
  it('H15: finds the framing fields in any case', () => {
    const lines = 'hOST: h\r\nENCAPSULATED:   null-body=0  \r\npreview:1024\r\nAllow:\t204 \r\nConnection: close\r\n'
    const { encapsulatedAt, encapsulatedEnd, ...found } = scan(lines) as FramingFields
    assert.deepEqual(found, { hasHost: true, preview: '1024', allow: '204', connection: 'close' })
    assert.equal(`X\r\n${lines}`.slice(encapsulatedAt, encapsulatedEnd), 'null-body=0')
  })

  it('takes no other name for one of them', () => {
    const found = scan(
      'Hosts: h\r\nXost: h\r\nAllo\x77s: 204\r\nPreviex: 1\r\nEncapsulatee: a\r\nUser-Agent: close\r\nX:\r\n',
    )
    assert.deepEqual(found, {
      hasHost: false,
      encapsulatedAt: -1,
      encapsulatedEnd: -1,
      preview: undefined,
      allow: '',
      connection: '',
    })
  })

  it('H16: two Allow lines are one list', () =>
    assert.deepEqual(listItems(scan('Allow: 204, 206\r\nAllow: 206\r\n')?.allow ?? ''), ['204', '206', '206']))

  it('H12: tells a folded line, which is then unfolded, also twice', () => {
    const folded = 'Allow: 204,\r\n 206,\r\n\t trailers\r\nHost: h\r\n'
    assert.equal(scan(folded), undefined)
    const headers = parseHeaders(`X\r\n${folded}\r\n`, 3)
    assert.deepEqual(headers.list('allow'), ['204', '206', 'trailers'])
    assert.equal(headers.get('Host'), 'h')
  })

  it('H18: equal framing lines are one, different ones are refused', () => {
    assert.equal(scan('Preview: 5\r\nPreview: 5\r\n')?.preview, '5')
    assert.throws(() => scan('Preview: 5\r\nPreview: 6\r\n'), { code: 'ICAP_BAD_PREVIEW' })
    assert.throws(() => scan('Encapsulated: null-body=0\r\nencapsulated: opt-body=0\r\n'), {
      code: 'ICAP_BAD_ENCAPSULATED',
    })
  })

  const refused: [row: string, line: string, because: string][] = [
    ['H13', 'X-N : a', 'a blank before the colon'],
    ['H13', 'no colon', 'no colon'],
    ['H13', ': a', 'no name'],
    ['H13', '', 'an empty line inside'],
    ['H14', 'X: a\0b', 'NUL'],
    ['H14', 'X: a\x01b', 'a control character'],
    ['H14', 'X: a\x7fb', 'DEL'],
    ['H11', 'X: a\nY: b', 'a bare LF'],
    ['H14', 'X: a\rY: b', 'a bare CR'],
    ['H13', 'X(: a', 'no token'],
    ['H12', ' folded: first', 'a folded line behind nothing'],
  ]
  for (const [row, line, because] of refused)
    it(`${row}: refuses ${JSON.stringify(line)} (${because})`, () =>
      assert.throws(() => scan(`${line}\r\nHost: h\r\n`), { code: 'ICAP_BAD_HEADER' }))

  it('L4: counts the lines', () => {
    assert.doesNotThrow(() => scan('X: y\r\n'.repeat(200)))
    assert.throws(() => scan('X: y\r\n'.repeat(201)), { code: 'ICAP_HEAD_TOO_LARGE' })
  })
})

describe('HeaderLines', () => {
  const headers = parseHeaders('X\r\nX-A: 1\r\nx-a:  two, three ,\r\nX-Client-IP: 10.0.0.1\r\nX-Empty:\r\n\r\n', 3)

  it('gives the first value, all values, the list', () => {
    assert.equal(headers.get('X-a'), '1')
    assert.deepEqual(headers.all('x-A'), ['1', 'two, three ,'])
    assert.deepEqual(headers.list('X-A'), ['1', 'two', 'three'])
    assert.equal(headers.get('X-Empty'), '')
    assert.equal(headers.get('X-None'), undefined)
    assert.deepEqual(headers.list('X-None'), [])
  })

  it('keeps names as sent, in order', () =>
    assert.deepEqual(
      [...headers.entries()].map(([name]) => name),
      ['X-A', 'x-a', 'X-Client-IP', 'X-Empty'],
    ))

  it('keeps bytes above ASCII as latin1', () =>
    assert.equal(parseHeaders('X\r\nX-U: \xe4\r\n\r\n', 3).get('x-u'), '\xe4'))
})
