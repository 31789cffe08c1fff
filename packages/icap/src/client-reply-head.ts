import { IcapClientError, type IcapClientErrorCode } from './client-errors.ts'
import { parseEncapsulated } from './encapsulated.ts'
import { type IcapHeaders, parseHeaders } from './headers.ts'

/** The ICAP head of an answer. */
export interface ReplyHead {
  readonly status: number
  readonly reason: string
  readonly headers: IcapHeaders
}

/** Where the parts of an answer's encapsulated message stand (RFC 3507 4.4.1). */
export interface ReplyLayout {
  readonly section: 'req-hdr' | 'res-hdr' | undefined
  readonly headBytes: number
  readonly hasBody: boolean
}

const STATUS_LINE = /^ICAP\/1\.\d ([1-5]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/
const NO_MESSAGE: ReplyLayout = { section: undefined, headBytes: 0, hasBody: false }

/** Parses an ICAP head without its final empty line; lines end with CRLF only. */
export function parseReplyHead(bytes: Buffer): ReplyHead {
  const head = `${bytes.toString('latin1')}\r\n\r\n`
  const from = head.indexOf('\r\n') + 2
  const line = head.slice(0, from - 2)
  const [, status, reason = ''] = STATUS_LINE.exec(line) ?? []
  if (status === undefined) throw new IcapClientError('ICAP_CLIENT_BAD_STATUS_LINE', JSON.stringify(line.slice(0, 80)))
  return { status: Number(status), reason, headers: named('ICAP_CLIENT_BAD_HEADER', () => parseHeaders(head, from)) }
}

/** An answer holds at most one head, from offset 0, then exactly one body of its kind or null-body (RFC 3507 4.4.1). */
export function parseReplyLayout(headers: IcapHeaders): ReplyLayout {
  const value = headers.get('encapsulated')
  if (value === undefined) return NO_MESSAGE
  const found = named('ICAP_CLIENT_BAD_ENCAPSULATED', () => parseEncapsulated(value, 'response'))
  const hasRequest = found.requestHeadAt !== undefined
  const hasResponse = found.responseHeadAt !== undefined
  const foreignBody = hasRequest ? 'res-body' : 'req-body'
  if ((hasRequest && hasResponse) || ((hasRequest || hasResponse) && found.body === foreignBody)) {
    throw new IcapClientError('ICAP_CLIENT_BAD_ENCAPSULATED', value)
  }
  const hasBody = found.body !== 'null-body'
  if (!hasRequest && !hasResponse) return { section: undefined, headBytes: found.bodyAt, hasBody }
  return { section: hasRequest ? 'req-hdr' : 'res-hdr', headBytes: found.bodyAt, hasBody }
}

/** Gives a fault of the shared parsers the client's name. */
export function named<T>(code: IcapClientErrorCode, parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new IcapClientError(code, cause instanceof Error ? cause.message : undefined, { cause })
  }
}
