import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InputBuffer } from '../src/input-buffer.ts'
import { DEFAULT_LIMITS, DEFAULT_STRICTNESS, type IcapLimits, type IcapStrictness } from '../src/limits.ts'
import { type IcapRequest, RequestReader } from '../src/request-reader.ts'

const GET = 'GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
const RESPMOD =
  'RESPMOD icap://h/resp?arg=1&x=y ICAP/1.0\r\nHost: h\r\nPreview: 1024\r\nAllow: 204, 206, trailers\r\n' +
  `Encapsulated: req-hdr=0, res-hdr=${GET.length}, res-body=${GET.length + OK.length}\r\n\r\n${GET}${OK}`

interface Setup {
  limits?: Partial<IcapLimits>
  strictness?: Partial<IcapStrictness>
}

function readerWith({ limits, strictness }: Setup = {}): RequestReader {
  return new RequestReader({ ...DEFAULT_LIMITS, ...limits }, { ...DEFAULT_STRICTNESS, ...strictness })
}

/** Feeds the pieces; gives the first request and what is left of the input then. */
function read(pieces: readonly string[], setup?: Setup): { request: IcapRequest | undefined; rest: string } {
  const reader = readerWith(setup)
  const input = new InputBuffer()
  let request: IcapRequest | undefined
  for (const piece of pieces) {
    input.append(Buffer.from(piece, 'latin1'))
    request ??= reader.read(input)
  }
  return { request, rest: input.bytes.toString('latin1', input.start, input.end) }
}

const codeOf = (wire: string, setup?: Setup): string => {
  try {
    return read([wire], setup).request === undefined ? 'incomplete' : 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('RequestReader', () => {
  it('C1: a whole request, wherever the bytes are cut', () => {
    const wire = `\r\n${RESPMOD}5\r\nhello`
    const whole = read([wire])
    assert.equal(whole.rest, '5\r\nhello')
    assert.equal(whole.request?.requestHead?.toString(), GET)
    assert.equal(whole.request?.responseHead?.toString(), OK)
    assert.deepEqual(whole.request?.startLine, { method: 'RESPMOD', path: 'resp', query: 'arg=1&x=y' })
    const expected = { ...whole.request, startedMs: 0 }
    for (let cut = 1; cut < wire.length; cut++) {
      const { request, rest } = read([wire.slice(0, cut), wire.slice(cut)])
      assert.deepEqual({ ...request, startedMs: 0 }, expected, `cut at ${cut}`)
      assert.equal(rest, '5\r\nhello')
    }
    const { request } = read([...wire])
    assert.deepEqual({ ...request, startedMs: 0 }, expected, 'byte by byte')
  })

  it('K4: the next request stands behind the first', () => {
    const reader = readerWith()
    const input = new InputBuffer()
    const options = 'OPTIONS icap://h/a ICAP/1.0\r\nHost: h\r\n\r\n'
    input.append(Buffer.from(options + options.replace('/a', '/b')))
    assert.equal(reader.read(input)?.startLine.path, 'a')
    assert.equal(reader.read(input)?.startLine.path, 'b')
    assert.equal(reader.read(input), undefined)
  })

  it('K2: reads Connection: close as a token', () => {
    const options = (value: string) => `OPTIONS icap://h/a ICAP/1.0\r\nHost: h\r\nConnection: ${value}\r\n\r\n`
    assert.equal(read([options('Upgrade, Close')]).request?.wantsClose, true)
    assert.equal(read([options('keep-alive, not-close')]).request?.wantsClose, false)
  })

  const verdicts: [row: string, wire: string, code: string, setup?: Setup][] = [
    ['H7', '\x16\x03\x01\x02\x00\x01', 'ICAP_NOT_ICAP'],
    ['H7', 'GET / HTTP/1.1\r\nHost:', 'ICAP_NOT_ICAP'],
    ['H7', '\r', 'incomplete'],
    ['H7', '\rX', 'ICAP_NOT_ICAP'],
    ['H7', 'A'.repeat(33), 'ICAP_BAD_REQUEST_LINE'],
    ['H7', 'A'.repeat(20), 'incomplete'],
    ['H10', `\r\n\r\n${RESPMOD}`, 'accepted'],
    ['H10', `${'\r\n'.repeat(5)}${RESPMOD}`, 'ICAP_BAD_REQUEST_LINE'],
    ['H11', 'OPTIONS icap://h/a ICAP/1.0\nHost: h\n', 'ICAP_BAD_HEADER'],
    ['H11', 'OPTIONS icap://h/a ICAP/1.0\nHost: h\n\n', 'accepted', { strictness: { lenientLF: true } }],
    ['H11', '\n\r\nOPTIONS icap://h/a ICAP/1.0\r\nHost: h\n\r\n', 'accepted', { strictness: { lenientLF: true } }],
    ['H11', 'OPTIONS icap://h/a ICAP/1.0\nHost: h\n', 'incomplete', { strictness: { lenientLF: true } }],
    ['O17', 'OPTIONS icap://h/a ICAP/1.0\r\n\r\n', 'ICAP_HOST_MISSING'],
    ['O17', 'OPTIONS icap://h/a ICAP/1.0\r\n\r\n', 'accepted', { strictness: { requireHost: false } }],
    ['E1', 'REQMOD icap://h/a ICAP/1.0\r\nHost: h\r\n\r\n', 'ICAP_BAD_ENCAPSULATED'],
    [
      'E15',
      'REQMOD icap://h/a ICAP/1.0\r\nHost: h\r\nEncapsulated: req-hdr=0, null-body=65537\r\n\r\n',
      'ICAP_ENCAPSULATED_TOO_LARGE',
    ],
    ['L4', `OPTIONS icap://h/a ICAP/1.0\r\nX: ${'y'.repeat(66_000)}`, 'ICAP_HEAD_TOO_LARGE'],
    ['L4', `OPTIONS icap://h/a ICAP/1.0\r\nX: ${'y'.repeat(66_000)}\r\n\r\n`, 'ICAP_HEAD_TOO_LARGE'],
    ['P10', RESPMOD.replace('1024', '-1'), 'ICAP_BAD_PREVIEW'],
    ['P10', RESPMOD.replace('1024', '999999999999999'), 'accepted'],
    [
      'E14',
      `REQMOD icap://h/a ICAP/1.0\r\nHost: h\r\nEncapsulated: req-hdr=0, null-body=16\r\n\r\nGET / HTTP/1.1\r\n`,
      'ICAP_BAD_HTTP_HEAD',
    ],
    [
      'E14',
      `REQMOD icap://h/a ICAP/1.0\r\nHost: h\r\nEncapsulated: req-hdr=0, null-body=16\r\n\r\nGET / HTTP/1.1\r\n`,
      'accepted',
      { strictness: { supportBuggyClients: true } },
    ],
  ]
  for (const [row, wire, code, setup] of verdicts)
    it(`${row}: ${JSON.stringify(wire.slice(0, 70))} is ${code}${setup ? ` with ${JSON.stringify(setup)}` : ''}`, () =>
      assert.equal(codeOf(wire, setup), code))

  it('H16, H17: merges and reads Allow', () => {
    const allow = (lines: string) => {
      const request = read([RESPMOD.replace('Allow: 204, 206, trailers', lines)]).request
      return [request?.allow204, request?.allow206]
    }
    assert.deepEqual(allow('Allow: 204'), [true, false])
    assert.deepEqual(allow('Allow:204,206'), [true, true])
    assert.deepEqual(allow('Allow: 206\r\nAllow: 204, '), [true, true])
    assert.deepEqual(allow('Allow: 2040, x204, trailers'), [false, false])
    assert.deepEqual(allow('X-Allow: 204'), [false, false])
  })
})
