import { IcapError } from './errors.ts'
import { latin1 } from './latin1.ts'

/** Header fields of an ICAP head in order; names compared without case, values trimmed (RFC 3507 4.3). */
export interface IcapHeaders {
  /** The first value of that name. */
  get(name: string): string | undefined
  /** Every value of that name, in order. */
  all(name: string): readonly string[]
  /** All values of that name as one comma-separated list, empty items dropped, each trimmed. */
  list(name: string): string[]
  entries(): Iterable<readonly [name: string, value: string]>
}

const COLON = 0x3a
const CR = 0x0d
const LF = 0x0a

/** Which bytes may stand in a name (a token, RFC 2616 2.2) and in a value: anything but control characters. */
const IS_TOKEN = bytesThat((char) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char))
const IS_TEXT = bytesThat((char) => /[\t\x20-\x7e\x80-\xff]/.test(char))

function bytesThat(fits: (char: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (fits(String.fromCharCode(byte)) ? 1 : 0))
}

/** The fields that decide framing and keep-alive; read in the one pass that also checks every line. */
export interface FramingFields {
  hasHost: boolean
  /** Where the trimmed value stands; -1: no such field. */
  encapsulatedAt: number
  encapsulatedEnd: number
  preview: string | undefined
  /** All values joined by commas; '' when there is none. */
  allow: string
  connection: string
}

const ALLOW = Buffer.from('allow')
const CONNECTION = Buffer.from('connection')
const ENCAPSULATED = Buffer.from('encapsulated')
const HOST = Buffer.from('host')
const PREVIEW = Buffer.from('preview')

/**
 * Checks each header line of `from`..`to` (CRLF line ends, the final empty line included): a token, the colon at once (a space before
 * it, or no colon, is how requests are smuggled: RFC 9112 5.1), text, CRLF. Undefined: a line is folded, `unfold` first.
 * Throws ICAP_BAD_HEADER, ICAP_HEAD_TOO_LARGE; ICAP_BAD_ENCAPSULATED or ICAP_BAD_PREVIEW for two that differ.
 * On bytes with tables, not with regular expressions on text: it runs for every request and is three times as fast.
 */
export function scanFields(bytes: Buffer, from: number, to: number, maxLines: number): FramingFields | undefined {
  const found: FramingFields = {
    hasHost: false,
    encapsulatedAt: -1,
    encapsulatedEnd: -1,
    preview: undefined,
    allow: '',
    connection: '',
  }
  const last = to - 2
  let at = from
  for (let lines = 1; at < last; lines++) {
    if (lines > maxLines) throw new IcapError('ICAP_HEAD_TOO_LARGE', { detail: `more than ${maxLines} lines` })
    const colon = skip(IS_TOKEN, bytes, at)
    if (colon === at && at > from && isBlank(bytes[at])) return undefined
    const end = skip(IS_TEXT, bytes, colon + 1)
    if (colon === at || bytes[colon] !== COLON || bytes[end] !== CR || bytes[end + 1] !== LF || end > last)
      throw new IcapError('ICAP_BAD_HEADER')
    noteField(found, bytes, at, colon, end)
    at = end + 2
  }
  return found
}

function skip(table: Uint8Array, bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && table[bytes[at] as number] === 1) at++
  return at
}

/** RFC 2616 4.2: a line that begins with blanks goes on with the value before it. */
export function unfold(head: string): string {
  return head.replace(/\r\n[ \t]+/g, ' ')
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

function noteField(found: FramingFields, bytes: Buffer, at: number, colon: number, end: number): void {
  switch (colon - at) {
    case 4:
      if (isNamed(bytes, at, HOST)) found.hasHost = true
      break
    case 5:
      if (isNamed(bytes, at, ALLOW)) found.allow = joined(found.allow, textOf(bytes, colon, end))
      break
    case 7:
      if (isNamed(bytes, at, PREVIEW)) notePreview(found, textOf(bytes, colon, end))
      break
    case 10:
      if (isNamed(bytes, at, CONNECTION)) found.connection = joined(found.connection, textOf(bytes, colon, end))
      break
    case 12:
      if (isNamed(bytes, at, ENCAPSULATED)) noteEncapsulated(found, bytes, colon, end)
  }
}

/** Compares without case; `name` is in lower case. */
function isNamed(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (((bytes[at + i] as number) | 0x20) !== name[i]) return false
  return true
}

function textOf(bytes: Buffer, colon: number, end: number): string {
  return latin1(bytes, firstOf(bytes, colon, end), lastOf(bytes, colon, end))
}

/** Where the value begins and ends without the blanks around it. */
function firstOf(bytes: Buffer, colon: number, end: number): number {
  let at = colon + 1
  while (at < end && isBlank(bytes[at])) at++
  return at
}

function lastOf(bytes: Buffer, colon: number, end: number): number {
  const first = firstOf(bytes, colon, end)
  let at = end
  while (at > first && isBlank(bytes[at - 1])) at--
  return at
}

function joined(before: string, value: string): string {
  return before === '' ? value : `${before},${value}`
}

/** Two framing fields that differ would let two readers cut the stream at two places. */
function notePreview(found: FramingFields, value: string): void {
  if (found.preview !== undefined && found.preview !== value)
    throw new IcapError('ICAP_BAD_PREVIEW', { detail: 'two lines that differ' })
  found.preview = value
}

function noteEncapsulated(found: FramingFields, bytes: Buffer, colon: number, end: number): void {
  const at = firstOf(bytes, colon, end)
  const valueEnd = lastOf(bytes, colon, end)
  if (found.encapsulatedAt !== -1) {
    const before = latin1(bytes, found.encapsulatedAt, found.encapsulatedEnd)
    if (before !== latin1(bytes, at, valueEnd))
      throw new IcapError('ICAP_BAD_ENCAPSULATED', { detail: 'two lines that differ' })
  }
  found.encapsulatedAt = at
  found.encapsulatedEnd = valueEnd
}

interface Field {
  readonly key: string
  readonly name: string
  readonly value: string
}

/** The fields of a head that `scanFields` has passed. Split up on first use only: most transactions read one or two. */
export class HeaderLines implements IcapHeaders {
  readonly #head: string
  readonly #from: number
  #fields: readonly Field[] | undefined

  /** `head` unfolded, `from` = the first character behind the start line. */
  constructor(head: string, from: number) {
    this.#head = head
    this.#from = from
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase()
    return this.#split().find((field) => field.key === key)?.value
  }

  all(name: string): readonly string[] {
    const key = name.toLowerCase()
    return this.#split().flatMap((field) => (field.key === key ? [field.value] : []))
  }

  list(name: string): string[] {
    return listItems(this.all(name).join(','))
  }

  entries(): Iterable<readonly [name: string, value: string]> {
    return this.#split().map((field) => [field.name, field.value] as const)
  }

  #split(): readonly Field[] {
    this.#fields ??= this.#head
      .slice(this.#from)
      .split('\r\n')
      .filter((line) => line !== '')
      .map(toField)
    return this.#fields
  }
}

function toField(line: string): Field {
  const colon = line.indexOf(':')
  const name = line.slice(0, colon)
  return { key: name.toLowerCase(), name, value: line.slice(colon + 1).trim() }
}

/** Items of a comma-separated list, trimmed, empty ones dropped (`204, ` and `204,,206` are sent by real clients). */
export function listItems(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** A whole checked head (latin1): what follows `from` (behind the start line) as fields. For clients and tests. */
export function parseHeaders(head: string, from: number, maxLines = 200): HeaderLines {
  const bytes = Buffer.from(head, 'latin1')
  if (scanFields(bytes, from, bytes.length, maxLines) !== undefined) return new HeaderLines(head, from)
  return parseHeaders(head.slice(0, from) + unfold(head.slice(from)), from, maxLines)
}
