import { IcapError } from './errors.ts'

const CR = 0x0d
const LF = 0x0a
const CRLF = Buffer.from('\r\n')

/**
 * Cuts one encapsulated HTTP head out of `bytes`, byte-equal and without a copy. Its first empty line must be its end: a head that
 * goes on behind one, or stops before one, is two messages to some other reader (request smuggling). A bare LF ends a line there too.
 * Throws ICAP_BAD_HTTP_HEAD.
 */
export function sliceHttpHead(bytes: Buffer, from: number, to: number): Buffer {
  const end = findEmptyLine(bytes, from, to)
  if (end !== to || to - from < 5 || bytes[to - 2] !== CR || bytes[to - 4] !== CR)
    throw new IcapError('ICAP_BAD_HTTP_HEAD', { detail: end === -1 ? 'no empty line' : 'an empty line inside' })
  return bytes.subarray(from, to)
}

/** For buggy clients: a head that lacks its final empty line gets one (then it is a copy); all else as `sliceHttpHead`. */
export function mendHttpHead(bytes: Buffer, from: number, to: number): Buffer {
  if (findEmptyLine(bytes, from, to) !== -1) return sliceHttpHead(bytes, from, to)
  const cut = bytes.subarray(from, to)
  const mended = Buffer.concat([cut, cut.subarray(-2).equals(CRLF) ? CRLF : Buffer.from('\r\n\r\n')])
  return sliceHttpHead(mended, 0, mended.length)
}

/** Whether a head that is to be sent ends with an empty line, as each encapsulated head must (RFC 3507 4.4). */
export function endsWithEmptyLine(head: Buffer): boolean {
  const at = head.length - 4
  return at > 0 && head[at] === CR && head[at + 1] === LF && head[at + 2] === CR && head[at + 3] === LF
}

/**
 * The offset behind the first empty line (LF, perhaps a CR, LF) in from..to, or -1. A loop and not `indexOf`: it steps over
 * two bytes at a time, does not run on into the body, and leaves out two calls into C++ a head.
 */
function findEmptyLine(bytes: Buffer, from: number, to: number): number {
  for (let at = from + 1; at < to; ) {
    const byte = bytes[at] as number
    // The empty line's last LF has a LF one or two bytes before it, so stepping by two meets one of the pair or the CR between.
    if (byte > CR) at += 2
    else if (byte === LF && endsEmptyLine(bytes, from, at)) return at + 1
    else at += 1
  }
  return -1
}

function endsEmptyLine(bytes: Buffer, from: number, at: number): boolean {
  const before = bytes[at - 1]
  return before === LF || (before === CR && at - 2 >= from && bytes[at - 2] === LF)
}
