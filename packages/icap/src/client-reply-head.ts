import { IcapClientError } from './client-errors.ts'
import type { IcapHeaders } from './headers.ts'

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

const STATUS_LINE = /^ICAP\/1\.\d ([1-5]\d\d)(?: (.*))?$/
const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get in
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f]/
const NO_MESSAGE: ReplyLayout = { section: undefined, headBytes: 0, hasBody: false }

function headersOf(fields: readonly (readonly [string, string])[]): IcapHeaders {
  const all = (name: string): string[] => {
    const wanted = name.toLowerCase()
    return fields.filter(([known]) => known.toLowerCase() === wanted).map(([, value]) => value)
  }
  return {
    get: (name) => all(name)[0],
    all,
    list: (name) =>
      all(name)
        .flatMap((value) => value.split(','))
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    entries: () => fields,
  }
}

/** One field a line; a folded line (obs-fold) joins the one before it with a space (RFC 2616 4.2). */
function parseFields(lines: readonly string[]): IcapHeaders {
  const fields: [string, string][] = []
  for (const line of lines) {
    if (UNSAFE.test(line)) throw new IcapClientError('ICAP_CLIENT_BAD_HEADER', shown(line))
    const last = fields.at(-1)
    if (/^[ \t]/.test(line) && last !== undefined) {
      last[1] = `${last[1]} ${line.trim()}`
      continue
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon))
    if (!FIELD_NAME.test(name)) throw new IcapClientError('ICAP_CLIENT_BAD_HEADER', shown(line))
    fields.push([name, line.slice(colon + 1).trim()])
  }
  return headersOf(fields)
}

const shown = (line: string): string => JSON.stringify(line.slice(0, 80))

/** Parses an ICAP head without its final empty line; lines end with CRLF only. */
export function parseReplyHead(bytes: Buffer): ReplyHead {
  const [first = '', ...lines] = bytes.toString('latin1').split('\r\n')
  const [, status, reason = ''] = STATUS_LINE.exec(first) ?? []
  if (status === undefined) throw new IcapClientError('ICAP_CLIENT_BAD_STATUS_LINE', shown(first))
  return { status: Number(status), reason, headers: parseFields(lines) }
}

function parseSections(text: string): { name: string; offset: number }[] {
  return text.split(',').map((part) => {
    const [, name = '', offset = ''] = /^\s*([a-z-]+)\s*=\s*(\d{1,10})\s*$/.exec(part) ?? []
    if (name === '') throw new IcapClientError('ICAP_CLIENT_BAD_ENCAPSULATED', shown(text))
    return { name, offset: Number(offset) }
  })
}

/** An answer holds at most one head, from offset 0, then exactly one body or null-body (RFC 3507 4.4.1). */
export function parseReplyLayout(headers: IcapHeaders): ReplyLayout {
  const values = headers.all('encapsulated')
  if (values.length === 0) return NO_MESSAGE
  const fail = (): never => {
    throw new IcapClientError('ICAP_CLIENT_BAD_ENCAPSULATED', shown(values.join(' | ')))
  }
  if (values.length > 1) return fail()
  const sections = parseSections(values[0] ?? '')
  const body = sections.pop()
  const [head, ...more] = sections
  if (body === undefined || more.length > 0) return fail()
  const isBody = body.name === 'req-body' || body.name === 'res-body'
  if (!isBody && body.name !== 'null-body' && body.name !== 'opt-body') return fail()
  const hasBody = body.name !== 'null-body'
  if (head === undefined) return body.offset === 0 ? { section: undefined, headBytes: 0, hasBody } : fail()
  if (head.offset !== 0 || body.offset <= 0) return fail()
  if (head.name !== 'req-hdr' && head.name !== 'res-hdr') return fail()
  if (isBody && body.name.slice(0, 3) !== head.name.slice(0, 3)) return fail()
  return { section: head.name, headBytes: body.offset, hasBody }
}
