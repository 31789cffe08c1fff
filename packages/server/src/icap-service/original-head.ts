import type { Original } from './reply.ts'

/**
 * The head to give a message back with: byte-equal but for Transfer-Encoding, which ICAP takes out of the encapsulated
 * message (RFC 3507 4.4.2, row Q11): the client frames the body anew. Content-Length stays, also without a body (row E16).
 * Where the client sent a body without a head (storage scanners, rows E9, E10), a minimal head stands in its place: an ICAP
 * 200 with a body alone is refused by Squid (E19). undefined: there is nothing to give back.
 */
export function originalHead(original: Original): Buffer | undefined {
  const head = original.mode === 'REQMOD' ? original.requestHead : original.responseHead
  if (head !== undefined)
    return original.transferEncoding === false && beginsPlainly(head) ? head : withoutTransferEncoding(head)
  if (!original.hasBody) return undefined
  const startLine = original.mode === 'REQMOD' ? 'POST / HTTP/1.1' : 'HTTP/1.1 200 OK'
  return Buffer.from(`${startLine}\r\nContent-Length: ${original.size}\r\n\r\n`, 'latin1')
}

/** Whoever read the head took its first line for a start line: not where that is blank, or could be the field itself. */
function beginsPlainly(head: Buffer): boolean {
  const first = head[0] ?? 0
  return first > 0x20 && (first | 0x20) !== 0x74
}

const TRANSFER_ENCODING = /(^|\n)transfer-encoding[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*/gi

function withoutTransferEncoding(head: Buffer): Buffer {
  const text = head.toString('latin1')
  if (!/\ntransfer-encoding/i.test(text)) return head
  let before = text
  let after = before.replaceAll(TRANSFER_ENCODING, '$1')
  // Two such lines after one another share the line end that the pattern begins with.
  while (after !== before) {
    before = after
    after = before.replaceAll(TRANSFER_ENCODING, '$1')
  }
  return Buffer.from(after, 'latin1')
}
