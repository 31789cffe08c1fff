import { IcapError } from './errors.ts'

const EMPTY_LINE = Buffer.from('\n\r\n')
const BARE_EMPTY_LINE = Buffer.from('\n\n')
const CRLF = Buffer.from('\r\n')

/**
 * Cuts one encapsulated HTTP head out of `bytes`, byte-equal and without a copy. Its first empty line must be its end: a head that goes on
 * behind one, or stops before one, is two messages to some other reader (request smuggling). Throws ICAP_BAD_HTTP_HEAD.
 */
export function sliceHttpHead(bytes: Buffer, from: number, to: number): Buffer {
  if (bytes.indexOf(EMPTY_LINE, from) !== to - 3 || bytes[to - 4] !== 0x0d || to - from < 5)
    throw new IcapError('ICAP_BAD_HTTP_HEAD')
  const bare = bytes.indexOf(BARE_EMPTY_LINE, from)
  if (bare !== -1 && bare < to) throw new IcapError('ICAP_BAD_HTTP_HEAD', { detail: 'an empty line inside' })
  return bytes.subarray(from, to)
}

/** For buggy clients: a head that lacks its final empty line gets one (then it is a copy); all else as `sliceHttpHead`. */
export function mendHttpHead(bytes: Buffer, from: number, to: number): Buffer {
  const cut = bytes.subarray(from, to)
  if (cut.length < 2 || cut.includes(EMPTY_LINE)) return sliceHttpHead(bytes, from, to)
  const mended = Buffer.concat([cut, cut.subarray(-2).equals(CRLF) ? CRLF : Buffer.from('\r\n\r\n')])
  return sliceHttpHead(mended, 0, mended.length)
}

/** Whether a head that is to be sent ends with an empty line, as each encapsulated head must (RFC 3507 4.4). */
export function endsWithEmptyLine(head: Buffer): boolean {
  const at = head.length - 4
  return at > 0 && head[at] === 0x0d && head[at + 1] === 0x0a && head[at + 2] === 0x0d && head[at + 3] === 0x0a
}
