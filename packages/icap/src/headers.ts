import { IcapError } from './errors.ts'

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

/**
 * One header line: a token, the colon at once (a space before it, or no colon, is how requests are smuggled: RFC 9112 5.1),
 * then anything but control characters, then CRLF.
 */
const LINE = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n/y

/** The fields that decide framing and keep-alive; read in the one pass that also checks every line. */
export interface FramingFields {
  /** The head, unfolded where it was folded. */
  readonly head: string
  readonly hasHost: boolean
  readonly encapsulated: string | undefined
  readonly preview: string | undefined
  /** All values joined by commas; '' when there is none. */
  readonly allow: string
  readonly connection: string
}

type Found = { -readonly [K in keyof FramingFields]: FramingFields[K] }

/**
 * Checks each header line of a head (latin1, CRLF line ends, with its final empty line) from offset `from` on.
 * Throws ICAP_BAD_HEADER, ICAP_HEAD_TOO_LARGE; ICAP_BAD_ENCAPSULATED or ICAP_BAD_PREVIEW for two that differ.
 */
export function scanFields(head: string, from: number, maxLines: number): FramingFields {
  const found: Found = {
    head,
    hasHost: false,
    encapsulated: undefined,
    preview: undefined,
    allow: '',
    connection: '',
  }
  const end = head.length - 2
  let at = from
  for (let lines = 1; at < end; lines++) {
    if (lines > maxLines) throw new IcapError('ICAP_HEAD_TOO_LARGE', { detail: `more than ${maxLines} lines` })
    LINE.lastIndex = at
    if (!LINE.test(head)) {
      if (at > from && isBlank(head.charCodeAt(at))) return scanFields(unfold(head, from), from, maxLines)
      throw new IcapError('ICAP_BAD_HEADER')
    }
    noteField(found, head, at, LINE.lastIndex - 2)
    at = LINE.lastIndex
  }
  return found
}

/** RFC 2616 4.2: a line that begins with blanks goes on with the value before it. */
function unfold(head: string, from: number): string {
  return head.slice(0, from) + head.slice(from).replace(/\r\n[ \t]+/g, ' ')
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function noteField(found: Found, head: string, at: number, end: number): void {
  switch (head.charCodeAt(at) | 0x20) {
    case 0x61: // a
      if (isNamed(head, at, 'Allow:')) found.allow = joined(found.allow, head.slice(at + 6, end))
      break
    case 0x63: // c
      if (isNamed(head, at, 'Connection:')) found.connection = joined(found.connection, head.slice(at + 11, end))
      break
    case 0x65: // e
      if (isNamed(head, at, 'Encapsulated:'))
        found.encapsulated = same(found.encapsulated, head.slice(at + 13, end).trim(), 'ICAP_BAD_ENCAPSULATED')
      break
    case 0x68: // h
      if (isNamed(head, at, 'Host:')) found.hasHost = true
      break
    case 0x70: // p
      if (isNamed(head, at, 'Preview:'))
        found.preview = same(found.preview, head.slice(at + 8, end).trim(), 'ICAP_BAD_PREVIEW')
  }
}

function isNamed(head: string, at: number, name: string): boolean {
  return head.startsWith(name, at) || head.slice(at, at + name.length).toLowerCase() === name.toLowerCase()
}

function joined(before: string, value: string): string {
  return before === '' ? value : `${before},${value}`
}

/** Two framing fields that differ would let two readers cut the stream at two places. */
function same(before: string | undefined, value: string, code: 'ICAP_BAD_ENCAPSULATED' | 'ICAP_BAD_PREVIEW'): string {
  if (before !== undefined && before !== value) throw new IcapError(code, { detail: 'two lines that differ' })
  return value
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

  /** `head` as `scanFields` gave it back, `from` = the first byte behind the start line. */
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

/** A whole checked head: what follows `from` (behind the start line) as fields. For clients and tests. */
export function parseHeaders(head: string, from: number, maxLines = 200): HeaderLines {
  return new HeaderLines(scanFields(head, from, maxLines).head, from)
}
