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

/** Node's Buffers have it, its types do not: `toString('latin1')` without the look-up of an encoding's name. */
type Latin1Sliceable = Buffer & { latin1Slice(): string }

type Fields = { -readonly [K in keyof HttpHead]: HttpHead[K] } & { transferCodings: string }

/** One short rule per header that matters; a repeated header is where parsers disagree, so each says what happens then. */
const TAKERS: Readonly<Record<string, (fields: Fields, value: string) => void>> = {
  host(fields, value) {
    fields.host ||= value
  },
  'content-length': takeLength,
  'content-type'(fields, value) {
    if (fields.contentType !== '' && fields.contentType !== value) fields.typeFault = true
    fields.contentType ||= value
  },
  'content-encoding'(fields, value) {
    fields.contentEncoding = fields.contentEncoding === '' ? value : `${fields.contentEncoding},${value}`
  },
  'content-disposition'(fields, value) {
    fields.contentDisposition ||= value
  },
  'content-range'(fields) {
    fields.contentRange = true
  },
  'transfer-encoding'(fields, value) {
    fields.transferEncoding = true
    fields.transferCodings = `${fields.transferCodings},${value}`
  },
}

interface Known {
  readonly name: string
  readonly take: (fields: Fields, value: string) => void
}

// Most header lines of a message are none of ours: their first letter or their length tells it, without a copy of each name.
const IS_FIRST_LETTER = new Array<boolean>(256).fill(false)
const KNOWN_BY_LENGTH: Known[][] = Array.from({ length: 32 }, () => [])
for (const [name, take] of Object.entries(TAKERS)) {
  KNOWN_BY_LENGTH[name.length]?.push({ name, take })
  for (const letter of [name.slice(0, 1), name.slice(0, 1).toUpperCase()]) IS_FIRST_LETTER[letter.charCodeAt(0)] = true
}

const SPACE = 0x20
const TAB = 0x09
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const HYPHEN = 0x2d
const ZERO = 0x30

/** RFC 9110 8.6: repeated equal values (c-icap-client sends the same one twice) count as one. */
function takeLength(fields: Fields, value: string): void {
  if (value.includes(',')) for (const part of value.split(',')) takeOneLength(fields, part.trim())
  else takeOneLength(fields, value)
}

function takeOneLength(fields: Fields, digits: string): void {
  const length = wholeNumber(digits)
  if (length < 0 || (fields.contentLength !== undefined && fields.contentLength !== length)) fields.lengthFault = true
  fields.contentLength = length
}

/** -1 where it is not one to fifteen digits. `Number` and `parseInt` would call into V8. */
function wholeNumber(digits: string): number {
  if (digits === '' || digits.length > 15) return -1
  let length = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(index) - ZERO
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length
}

function knownAt(text: string, start: number, colon: number): Known | undefined {
  let end = colon
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  const candidates = KNOWN_BY_LENGTH[end - start]
  if (candidates === undefined) return undefined
  for (const known of candidates) if (isNamed(text, start, known.name)) return known
  return undefined
}

/** `name` is in lower case; a hyphen has no case (but would have a CR for its pair). */
function isNamed(text: string, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const wanted = name.charCodeAt(index)
    const code = text.charCodeAt(start + index)
    if (code !== wanted && (wanted === HYPHEN || (code | 0x20) !== wanted)) return false
  }
  return true
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

/** The end of a header's value: folded lines (RFC 9112 5.2) belong to it. */
function foldedEnd(text: string, lineEnd: number): number {
  let end = lineEnd
  while (isBlank(text.charCodeAt(end + 1))) {
    const next = text.indexOf('\n', end + 1)
    if (next < 0) return text.length
    end = next
  }
  return end
}

function unfolded(value: string): string {
  return value.replaceAll(/\r?\n[ \t]+/g, ' ')
}

/**
 * Reads an HTTP head as tolerantly as browsers do (bare LF, folded lines, odd start lines); linear in its length, never throws.
 * `hostOnly`: of the fields, only Host is wanted.
 */
export function parseHttpHead(head: Buffer, hostOnly = false): HttpHead {
  const raw = (head as Latin1Sliceable).latin1Slice()
  const text = isOdd(raw) ? tidied(raw) : raw
  const firstEnd = text.indexOf('\n')
  const startEnd = firstEnd < 0 ? text.length : firstEnd
  const cut = text.charCodeAt(startEnd - 1) === CARRIAGE_RETURN ? startEnd - 1 : startEnd
  const fields: Fields = {
    startLine: text.slice(0, cut),
    host: '',
    contentLength: undefined,
    lengthFault: false,
    contentType: '',
    typeFault: false,
    contentEncoding: '',
    contentDisposition: '',
    contentRange: false,
    transferEncoding: false,
    transferCodings: '',
  }
  if (firstEnd >= 0) readFields(text, firstEnd + 1, fields, hostOnly)
  if (fields.lengthFault) fields.contentLength = undefined
  if (fields.transferEncoding) fields.contentEncoding = withTransferCodings(fields)
  return fields
}

/**
 * RFC 3507 4.4.2 has the client undo them; one that did not (only `chunked` is its own) sends a body that is coded still, and
 * the user's program may undo it. One that did makes it malformed, which is not clean either.
 */
function withTransferCodings({ contentEncoding, transferCodings }: Fields): string {
  const coded = contentCodings(transferCodings).filter((coding) => coding !== 'chunked')
  return [contentEncoding, ...coded].filter((coding) => coding !== '').join(',')
}

/** A bare CR, a head that begins with blanks or empty lines, a first field that does: rare, and where readers disagree. */
function isOdd(text: string): boolean {
  if (text.charCodeAt(0) <= SPACE || isBlank(text.charCodeAt(text.indexOf('\n') + 1))) return true
  return hasBareReturn(text)
}

/** A loop of searches, which takes a third of the time of a pattern. A CR that ends the head is not bare. */
function hasBareReturn(text: string): boolean {
  const last = text.length - 1
  for (let at = text.indexOf('\r'); at >= 0; at = text.indexOf('\r', at + 1))
    if (at < last && text.charCodeAt(at + 1) !== LINE_FEED) return true
  return false
}

/** As the most tolerant reader takes it: a bare CR ends a line (browsers), what stands before the start line is skipped (RFC 9112 2.2). */
function tidied(text: string): string {
  return text
    .replaceAll(/\r(?!\n)/g, '\n')
    .replace(/^[\r\n \t]+/, '')
    .replace(/^([^\n]*\n)[ \t]+/, '$1')
}

function readFields(text: string, from: number, fields: Fields, hostOnly: boolean): void {
  let start = from
  let colon = -1
  while (start < text.length) {
    const found = text.indexOf('\n', start)
    const lineEnd = found < 0 ? text.length : found
    const end = foldedEnd(text, lineEnd)
    if (IS_FIRST_LETTER[text.charCodeAt(start)] === true) {
      if (colon < start) colon = text.indexOf(':', start) // searched once per colon, so that empty lines stay linear
      if (colon < 0) return
      const known = colon < end ? knownAt(text, start, colon) : undefined
      if (known !== undefined) {
        const value = text.slice(colon + 1, end)
        known.take(fields, (end === lineEnd ? value : unfolded(value)).trim())
        if (hostOnly && fields.host !== '') return
      }
    }
    start = end + 1
  }
}

export interface RequestLine {
  readonly method: string
  readonly target: string
}

const USUAL_VERSION = ' HTTP/1.1'
const VERSION = / HTTP\/\d/i

/** `METHOD TARGET HTTP/x`; a target with spaces keeps them, an HTTP/0.9 line has no version. Blanks as RFC 9112 3 forgives them. */
export function parseRequestLine(line: string): RequestLine {
  const first = line.indexOf(' ')
  const end = line.length - USUAL_VERSION.length
  const isUsual =
    first > 0 && first <= MAX_METHOD && line.indexOf(' ', first + 1) === end && line.endsWith(USUAL_VERSION)
  return isUsual ? { method: line.slice(0, first), target: line.slice(first + 1, end) } : unusualLine(line)
}

const MAX_METHOD = 64

function unusualLine(line: string): RequestLine {
  const text = line.replaceAll(/[\t\v\f]/g, ' ')
  const first = text.indexOf(' ')
  if (first < 0) return { method: text.slice(0, MAX_METHOD), target: '' }
  const version = text.search(VERSION)
  return {
    method: text.slice(0, Math.min(first, MAX_METHOD)),
    target: text.slice(first + 1, version > first ? version : undefined).trim(),
  }
}

/** The status of `HTTP/1.1 200 OK`, `HTTP/1.1 200`, `ICY 200 OK`; 0 where there is none (HTTP/0.9). */
export function parseStatus(line: string): number {
  let at = line.search(/[ \t]/)
  if (at < 0) return 0
  while (isBlank(line.charCodeAt(at))) at++
  const status = wholeNumber(line.slice(at, at + 3))
  return status >= 100 ? status : 0
}

const PLAIN_TYPE = /^[a-z0-9.+/-]{1,255}$/

/** `text/html` of `Text/HTML; charset=x`. */
export function mediaType(contentType: string): string {
  if (PLAIN_TYPE.test(contentType)) return contentType
  const semicolon = contentType.indexOf(';')
  const type = semicolon < 0 ? contentType : contentType.slice(0, semicolon)
  return type.trim().toLowerCase().slice(0, 255)
}

const NO_ENCODINGS: readonly string[] = []

/** More layers than anybody takes off. */
const MAX_CODINGS = 32

/** Content codings in the order applied, lower case; `identity` changes nothing (RFC 9110 8.4), however often it stands there. */
export function contentCodings(value: string): readonly string[] {
  if (value === '') return NO_ENCODINGS
  const codings = value.split(',').map((item) => item.trim().toLowerCase())
  return codings.filter((item) => item !== '' && item !== 'identity').slice(0, MAX_CODINGS)
}
