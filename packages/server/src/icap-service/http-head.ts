/** What Assay needs of an HTTP head. Credentials (Authorization, Cookie, Proxy-Authorization) are never taken out of it. */
export interface HttpHead {
  readonly startLine: string
  readonly host: string
  /** undefined when absent, or unusable (`lengthFault`). */
  readonly contentLength: number | undefined
  /** Two different Content-Length values, or one that is no number (RFC 9112 6.3): nobody can say where the message ends. */
  readonly lengthFault: boolean
  readonly contentType: string
  /** Two Content-Type lines that differ: the type is not to be relied on. */
  readonly typeFault: boolean
  readonly contentEncoding: string
  readonly contentDisposition: string
  readonly contentRange: boolean
  readonly transferEncoding: boolean
}

interface Fields {
  host: string
  contentLength: string
  contentType: string
  contentEncoding: string
  contentDisposition: string
  contentRange: boolean
  transferEncoding: boolean
  lengthFault: boolean
  typeFault: boolean
}

type FieldName = keyof typeof TAKERS

/** One short rule per header that matters; a repeated header is where parsers disagree, so each says what happens then. */
const TAKERS = {
  host: (fields: Fields, value: string) => {
    fields.host ||= value
  },
  'content-length': (fields: Fields, value: string) => takeLength(fields, value),
  'content-type': (fields: Fields, value: string) => {
    if (fields.contentType !== '' && fields.contentType !== value) fields.typeFault = true
    fields.contentType ||= value
  },
  'content-encoding': (fields: Fields, value: string) => {
    fields.contentEncoding = fields.contentEncoding === '' ? value : `${fields.contentEncoding},${value}`
  },
  'content-disposition': (fields: Fields, value: string) => {
    fields.contentDisposition ||= value
  },
  'content-range': (fields: Fields) => {
    fields.contentRange = true
  },
  'transfer-encoding': (fields: Fields) => {
    fields.transferEncoding = true
  },
}

// Most header lines of a message are none of ours: their length alone tells it, without a lower-cased copy of each name.
const NAMES_BY_LENGTH = new Map<number, FieldName[]>()
for (const name of Object.keys(TAKERS) as FieldName[]) {
  NAMES_BY_LENGTH.set(name.length, [...(NAMES_BY_LENGTH.get(name.length) ?? []), name])
}
const LENGTH_IS_OURS = Array.from({ length: 32 }, (_, length) => NAMES_BY_LENGTH.has(length))

const SPACE = 0x20
const TAB = 0x09
const CARRIAGE_RETURN = 0x0d

/** RFC 9110 8.6: repeated equal values (c-icap-client sends the same one twice) count as one. */
function takeLength(fields: Fields, value: string): void {
  const parts = value.includes(',') ? value.split(',') : [value]
  for (const part of parts) {
    const length = part.trim()
    if (
      !/^\d{1,15}$/.test(length) ||
      (fields.contentLength !== '' && Number(fields.contentLength) !== Number(length))
    ) {
      fields.lengthFault = true
    }
    fields.contentLength = length
  }
}

function nameAt(text: string, start: number, colon: number): FieldName | undefined {
  let end = colon
  while (end > start && (text.charCodeAt(end - 1) === SPACE || text.charCodeAt(end - 1) === TAB)) end--
  if (LENGTH_IS_OURS[end - start] !== true) return undefined
  const name = text.slice(start, end).toLowerCase()
  return NAMES_BY_LENGTH.get(end - start)?.find((candidate) => candidate === name)
}

/** The end of a header's value: folded lines (RFC 9112 5.2) belong to it. */
function foldedEnd(text: string, lineEnd: number): number {
  let end = lineEnd
  while (text.charCodeAt(end + 1) === SPACE || text.charCodeAt(end + 1) === TAB) {
    const next = text.indexOf('\n', end + 1)
    if (next < 0) return text.length
    end = next
  }
  return end
}

function valueIn(text: string, start: number, end: number): string {
  return text
    .slice(start, end)
    .replaceAll(/\r?\n[ \t]+/g, ' ')
    .trim()
}

/** Reads an HTTP head as tolerantly as browsers do (bare LF, folded lines, odd start lines); linear in its length, never throws. */
export function parseHttpHead(head: Buffer): HttpHead {
  const text = head.toString('latin1')
  const fields: Fields = {
    host: '',
    contentLength: '',
    contentType: '',
    contentEncoding: '',
    contentDisposition: '',
    contentRange: false,
    transferEncoding: false,
    lengthFault: false,
    typeFault: false,
  }
  const firstEnd = text.indexOf('\n')
  const startEnd = firstEnd < 0 ? text.length : firstEnd
  if (firstEnd >= 0) readFields(text, firstEnd + 1, fields)
  const cut = text.charCodeAt(startEnd - 1) === CARRIAGE_RETURN ? startEnd - 1 : startEnd
  const known = fields.contentLength !== '' && !fields.lengthFault
  return {
    startLine: text.slice(0, cut),
    host: fields.host,
    contentLength: known ? Number(fields.contentLength) : undefined,
    lengthFault: fields.lengthFault,
    contentType: fields.contentType,
    typeFault: fields.typeFault,
    contentEncoding: fields.contentEncoding,
    contentDisposition: fields.contentDisposition,
    contentRange: fields.contentRange,
    transferEncoding: fields.transferEncoding,
  }
}

function readFields(text: string, from: number, fields: Fields): void {
  let start = from
  let colon = -1
  while (start < text.length) {
    const found = text.indexOf('\n', start)
    const end = foldedEnd(text, found < 0 ? text.length : found)
    if (colon < start) colon = text.indexOf(':', start) // searched once per colon, so that empty lines stay linear
    if (colon < 0) return
    if (colon < end) {
      const name = nameAt(text, start, colon)
      if (name !== undefined) TAKERS[name](fields, valueIn(text, colon + 1, end))
    }
    start = end + 1
  }
}

export interface RequestLine {
  readonly method: string
  readonly target: string
}

/** `METHOD TARGET HTTP/x`; a target with spaces keeps them, an HTTP/0.9 line has no version. */
export function parseRequestLine(line: string): RequestLine {
  const first = line.indexOf(' ')
  if (first < 0) return { method: line.slice(0, 64), target: '' }
  const last = line.lastIndexOf(' ')
  const hasVersion = last > first && line.startsWith('HTTP/', last + 1)
  return {
    method: line.slice(0, Math.min(first, 64)),
    target: line.slice(first + 1, hasVersion ? last : undefined).trim(),
  }
}

/** The status of `HTTP/1.1 200 OK`, `HTTP/1.1 200`, `ICY 200 OK`; 0 where there is none (HTTP/0.9). */
export function parseStatus(line: string): number {
  const space = line.indexOf(' ')
  if (space < 0) return 0
  const status = Number.parseInt(line.slice(space + 1, space + 4), 10)
  return status >= 100 && status <= 999 ? status : 0
}

/** `text/html` of `Text/HTML; charset=x`. */
export function mediaType(contentType: string): string {
  const semicolon = contentType.indexOf(';')
  const type = semicolon < 0 ? contentType : contentType.slice(0, semicolon)
  return type.trim().toLowerCase().slice(0, 255)
}

const NO_ENCODINGS: readonly string[] = []

/** Content codings in the order applied, lower case; `identity` changes nothing (RFC 9110 8.4). */
export function contentCodings(value: string): readonly string[] {
  if (value === '') return NO_ENCODINGS
  const codings = value.split(',', 32).map((item) => item.trim().toLowerCase())
  return codings.filter((item) => item !== '' && item !== 'identity')
}
