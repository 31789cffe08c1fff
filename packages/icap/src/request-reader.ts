import { type Encapsulated, readEncapsulated } from './encapsulated.ts'
import { IcapError } from './errors.ts'
import { type FramingFields, listItems, scanFields, unfold } from './headers.ts'
import { mendHttpHead, sliceHttpHead } from './http-head.ts'
import type { InputBuffer } from './input-buffer.ts'
import { latin1 } from './latin1.ts'
import type { IcapLimits, IcapStrictness } from './limits.ts'
import { parseStartLine, type StartLine } from './start-line.ts'

/** One request up to its body. The heads are slices of the bytes as they came. */
export interface IcapRequest {
  readonly startLine: StartLine
  /** The ICAP head (latin1, checked, unfolded); `fieldsAt` is where its fields begin. */
  readonly head: string
  readonly fieldsAt: number
  readonly requestHead: Buffer | undefined
  readonly responseHead: Buffer | undefined
  readonly hasBody: boolean
  readonly preview: number | undefined
  readonly allow204: boolean
  readonly allow206: boolean
  readonly wantsClose: boolean
  readonly startedMs: number
}

/** A request under construction: its encapsulated heads may not all be there yet. */
type Draft = { -readonly [K in keyof IcapRequest]: IcapRequest[K] }

const BARE_HEAD_END = Buffer.from('\n\n')
const MIXED_HEAD_END = Buffer.from('\n\r\n')
const CR = 0x0d
const LF = 0x0a
/** RFC 2616 4.1: skip empty lines before a request (some clients send one CRLF too many). More than this is no client. */
const MAX_EMPTY_LINES = 4
/** No method is longer: a first line without a space here is garbage, answered at once. */
const MAX_METHOD_BYTES = 32
/** A longer request line is read anew each time: idle connections hold little. */
const MAX_KEPT_LINE = 256
const NO_SECTIONS: Encapsulated = { requestHeadAt: undefined, responseHeadAt: undefined, body: 'null-body', bodyAt: 0 }

/** Reads requests out of a connection's input, one after the other. */
export class RequestReader {
  readonly #limits: IcapLimits
  readonly #strictness: IcapStrictness
  #draft: Draft | undefined
  #sections: Encapsulated = NO_SECTIONS
  /** Bytes behind `input.start` known to hold no end of the head. */
  #searched = 0
  #emptyLines = 0
  /** Clients repeat their request line: the last one and what it meant. */
  #lastLine = ''
  #lastStartLine: StartLine | undefined

  constructor(limits: IcapLimits, strictness: IcapStrictness) {
    this.#limits = limits
    this.#strictness = strictness
  }

  /** The ICAP head is read, its encapsulated heads are not. */
  get isMidRequest(): boolean {
    return this.#draft !== undefined
  }

  /** The next request, or undefined when it is not all there. Throws IcapError; nothing can be read after that. */
  read(input: InputBuffer): IcapRequest | undefined {
    if (this.#draft === undefined) {
      this.#skipEmptyLines(input)
      if (input.length === 0 || isLoneCr(input)) return undefined
      this.#draft = this.#readIcapHead(input)
    }
    const draft = this.#draft
    if (draft === undefined || input.length < this.#sections.bodyAt) return undefined
    this.#draft = undefined
    this.#emptyLines = 0
    this.#takeHeads(draft, input)
    return draft
  }

  #skipEmptyLines(input: InputBuffer): void {
    while (input.length > 0 && this.#searched === 0) {
      const first = input.bytes[input.start]
      const width = first === LF && this.#strictness.lenientLF ? 1 : 2
      if (width === 2 && (first !== CR || input.length < 2 || input.bytes[input.start + 1] !== LF)) return
      if (++this.#emptyLines > MAX_EMPTY_LINES) throw new IcapError('ICAP_BAD_REQUEST_LINE', { detail: 'empty lines' })
      input.consume(width)
    }
  }

  #readIcapHead(input: InputBuffer): Draft | undefined {
    const end = this.#findHeadEnd(input)
    const length = end === -1 ? input.length : end - input.start
    if (length > this.#limits.maxHeadBytes) throw new IcapError('ICAP_HEAD_TOO_LARGE', { detail: 'bytes' })
    if (end === -1) {
      this.#checkPartialHead(input)
      return undefined
    }
    const draft = this.#strictness.lenientLF
      ? this.#understandText(latin1(input.bytes, input.start, end).replace(/\r?\n/g, '\r\n'))
      : this.#understand(input.bytes, input.start, end)
    input.consume(length)
    this.#searched = 0
    return draft
  }

  #findHeadEnd(input: InputBuffer): number {
    const from = input.start + Math.max(0, this.#searched - 3)
    const end = findStrictEnd(input.bytes, from, input.end)
    return this.#strictness.lenientLF ? earlier(end, findLenientEnd(input, from)) : end
  }

  /** Garbage is answered at once, not when a deadline falls: TLS, HTTP, bare LF line ends. */
  #checkPartialHead(input: InputBuffer): void {
    const { bytes, start, end } = input
    if (!isMethodByte(bytes[start])) throw new IcapError('ICAP_NOT_ICAP')
    for (let at = start + this.#searched; at < end; at++) {
      if (bytes[at] !== LF) continue
      if (bytes[at - 1] !== CR && !this.#strictness.lenientLF)
        throw new IcapError('ICAP_BAD_HEADER', { detail: 'bare LF' })
    }
    this.#searched = end - start
    const newline = bytes.indexOf(LF, start)
    if (newline !== -1 && newline < end) this.#startLineOf(latin1(bytes, start, newline).replace(/\r$/, ''))
    else if (end - start > MAX_METHOD_BYTES && !latin1(bytes, start, start + MAX_METHOD_BYTES + 1).includes(' '))
      throw new IcapError('ICAP_BAD_REQUEST_LINE')
  }

  #startLineOf(line: string): StartLine {
    if (this.#lastStartLine !== undefined && line === this.#lastLine) return this.#lastStartLine
    const isKept = line.length <= MAX_KEPT_LINE
    // A copy, for a slice would keep the whole head alive as long as the connection.
    const kept = isKept ? Buffer.from(line, 'latin1').toString('latin1') : line
    const startLine = parseStartLine(kept, this.#strictness.supportBuggyClients)
    this.#lastLine = isKept ? kept : ''
    this.#lastStartLine = isKept ? startLine : undefined
    return startLine
  }

  #understandText(head: string): Draft {
    const bytes = Buffer.from(head, 'latin1')
    return this.#understand(bytes, 0, bytes.length)
  }

  #understand(bytes: Buffer, from: number, to: number): Draft {
    const head = latin1(bytes, from, to)
    const lineEnd = head.indexOf('\r\n')
    const startLine = this.#startLineOf(head.slice(0, lineEnd))
    const fieldsAt = lineEnd + 2
    const fields = scanFields(bytes, from + fieldsAt, to, this.#limits.maxHeadLines)
    if (fields === undefined) return this.#understandText(unfold(head))
    if (!fields.hasHost && this.#strictness.requireHost) throw new IcapError('ICAP_HOST_MISSING')
    this.#sections = sectionsOf(fields, bytes, startLine.method)
    if (this.#sections.bodyAt > this.#limits.maxEncapsulatedBytes) throw new IcapError('ICAP_ENCAPSULATED_TOO_LARGE')
    const allow = allowanceOf(fields.allow)
    return {
      startLine,
      head,
      fieldsAt,
      requestHead: undefined,
      responseHead: undefined,
      hasBody: this.#sections.body !== 'null-body',
      preview: previewOf(fields.preview),
      allow204: allow.allow204,
      allow206: allow.allow206,
      wantsClose: fields.connection !== '' && hasToken(fields.connection, 'close'),
      startedMs: Date.now(),
    }
  }

  #takeHeads(draft: Draft, input: InputBuffer): void {
    const { requestHeadAt, responseHeadAt, bodyAt } = this.#sections
    if (requestHeadAt !== undefined) draft.requestHead = this.#httpHead(input, requestHeadAt, responseHeadAt ?? bodyAt)
    if (responseHeadAt !== undefined) draft.responseHead = this.#httpHead(input, responseHeadAt, bodyAt)
    input.consume(bodyAt)
  }

  #httpHead(input: InputBuffer, from: number, to: number): Buffer {
    const mayMend = this.#strictness.supportBuggyClients && this.#sections.body === 'null-body'
    const cut = mayMend ? mendHttpHead : sliceHttpHead
    return cut(input.bytes, input.start + from, input.start + to)
  }
}

function earlier(one: number, other: number): number {
  if (one === -1 || other === -1) return Math.max(one, other)
  return Math.min(one, other)
}

/** The offset behind CRLFCRLF. Steps over four bytes at a time: of the four, one is met. No call into C++. */
function findStrictEnd(bytes: Buffer, from: number, to: number): number {
  for (let at = from + 3; at < to; ) {
    const byte = bytes[at] as number
    if (byte > CR) at += 4
    else if (byte === LF && bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) return at + 1
    else at += 1
  }
  return -1
}

function findLenientEnd(input: InputBuffer, from: number): number {
  const bare = input.bytes.indexOf(BARE_HEAD_END, from)
  const mixed = input.bytes.indexOf(MIXED_HEAD_END, from)
  const end = earlier(bare === -1 ? -1 : bare + 2, mixed === -1 ? -1 : mixed + 3)
  return end > input.end ? -1 : end
}

function isMethodByte(byte: number | undefined): boolean {
  return byte !== undefined && ((byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a))
}

/** Half an empty line: not yet the beginning of a request. */
function isLoneCr(input: InputBuffer): boolean {
  return input.length === 1 && input.bytes[input.start] === CR
}

/** Errata e1: only Encapsulated says whether there is a body; OPTIONS may leave it out, and then has none. */
function sectionsOf(fields: FramingFields, bytes: Buffer, method: string): Encapsulated {
  const { encapsulatedAt, encapsulatedEnd } = fields
  if (encapsulatedAt !== -1)
    return readEncapsulated(bytes, encapsulatedAt, encapsulatedEnd, method as 'OPTIONS' | 'REQMOD' | 'RESPMOD')
  if (method === 'OPTIONS') return NO_SECTIONS
  throw new IcapError('ICAP_BAD_ENCAPSULATED', { detail: 'missing' })
}

/** A huge preview is a preview without a stop; nothing is allocated by it. */
function previewOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,15}$/.test(value)) throw new IcapError('ICAP_BAD_PREVIEW')
  return Number(value)
}

interface Allowance {
  readonly allow204: boolean
  readonly allow206: boolean
}

const NOTHING_ALLOWED: Allowance = { allow204: false, allow206: false }
const ONLY_204: Allowance = { allow204: true, allow206: false }

/** Unknown tokens (`trailers`) are ignored. */
function allowanceOf(value: string): Allowance {
  if (value === '') return NOTHING_ALLOWED
  if (value === '204') return ONLY_204
  const items = listItems(value)
  return { allow204: items.includes('204'), allow206: items.includes('206') }
}

function hasToken(value: string, token: string): boolean {
  return listItems(value).some((item) => item.toLowerCase() === token)
}
