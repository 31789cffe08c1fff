import { IcapError } from './errors.ts'

export type BodySection = 'req-body' | 'res-body' | 'opt-body' | 'null-body'

/** Where the sections of a message stand, in bytes from the end of the ICAP head (RFC 3507 4.4.1). */
export interface Encapsulated {
  readonly requestHeadAt: number | undefined
  readonly responseHeadAt: number | undefined
  readonly body: BodySection
  /** Where the body begins, so also the length of all heads together. */
  readonly bodyAt: number
}

/** Whose list it is: what may stand in it differs. `response` is a server's answer to REQMOD or RESPMOD. */
export type EncapsulatedIn = 'REQMOD' | 'RESPMOD' | 'OPTIONS' | 'response'

/** The sections in the only order they may stand in, each once, one body at the end. */
const SECTIONS = ['req-hdr', 'res-hdr', 'req-body', 'res-body', 'opt-body', 'null-body'] as const
const NAMES = SECTIONS.map((section) => Buffer.from(`${section}=`))
const FIRST_BODY = SECTIONS.indexOf('req-body')

const ALLOWED: Readonly<Record<EncapsulatedIn, readonly string[]>> = {
  REQMOD: ['req-hdr', 'req-body', 'null-body'],
  RESPMOD: ['req-hdr', 'res-hdr', 'res-body', 'null-body'],
  OPTIONS: ['opt-body', 'null-body'],
  response: SECTIONS,
}
const COMMA = 0x2c
/** Far above every limit on heads, far below what a digit more could overflow. */
const MAX_OFFSET = 0x7fff_ffff

/** As `readEncapsulated`, of a header's trimmed value. */
export function parseEncapsulated(value: string, where: EncapsulatedIn): Encapsulated {
  const bytes = Buffer.from(value, 'latin1')
  return readEncapsulated(bytes, 0, bytes.length, where)
}

/**
 * Reads the Encapsulated header's trimmed value at `from`..`to`. Throws ICAP_BAD_ENCAPSULATED when it is not: known sections in
 * order, each once, the first at 0, ascending, one body at the end, and a head or a body to adapt. Blanks may stand around
 * commas, nowhere else. On bytes: a regular expression's match makes an array and four strings, for every request.
 */
export function readEncapsulated(bytes: Buffer, from: number, to: number, where: EncapsulatedIn): Encapsulated {
  let requestHeadAt: number | undefined
  let responseHeadAt: number | undefined
  let rank = -1
  let last = -1
  for (let at = from; ; ) {
    rank = nextRank(bytes, at, rank, where)
    const digits = at + (NAMES[rank] as Buffer).length
    const end = skipDigits(bytes, digits, to)
    const offset = checkOffset(numberAt(bytes, digits, end), last)
    last = offset
    if (rank >= FIRST_BODY)
      return finish({ requestHeadAt, responseHeadAt, body: bodyOf(rank), bodyAt: offset }, end === to, where)
    if (rank === 0) requestHeadAt = offset
    else responseHeadAt = offset
    at = skipComma(bytes, end, to)
  }
}

/** The place in the order of the section that stands at `at`; it must come behind `before`. */
function nextRank(bytes: Buffer, at: number, before: number, where: EncapsulatedIn): number {
  for (let rank = before + 1; rank < NAMES.length; rank++) {
    if (!startsWith(bytes, at, NAMES[rank] as Buffer)) continue
    if (!ALLOWED[where].includes(SECTIONS[rank] as string)) throw bad(`${SECTIONS[rank]} in ${where}`)
    return rank
  }
  throw bad('a section is unknown, twice or out of order')
}

function startsWith(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false
  return true
}

function skipDigits(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && isDigit(bytes[at] as number)) at++
  return at
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function numberAt(bytes: Buffer, from: number, to: number): number {
  if (from === to) throw bad('an offset is not a decimal number')
  let value = 0
  for (let at = from; at < to; at++) {
    value = value * 10 + (bytes[at] as number) - 0x30
    if (value > MAX_OFFSET) throw bad('an offset is beyond 2^31')
  }
  return value
}

/** No head is empty, so no two sections can stand at one offset. */
function checkOffset(offset: number, before: number): number {
  if (before < 0 && offset !== 0) throw bad('the first section is not at 0')
  if (offset <= before) throw bad('offsets do not ascend')
  return offset
}

function skipComma(bytes: Buffer, from: number, to: number): number {
  const comma = skipBlanks(bytes, from, to)
  if (comma === to || bytes[comma] !== COMMA) throw bad('it is not a list of section=offset that ends with a body')
  return skipBlanks(bytes, comma + 1, to)
}

function skipBlanks(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++
  return at
}

function bodyOf(rank: number): BodySection {
  return SECTIONS[rank] as BodySection
}

/** A RESPMOD with a request head alone, or a list of `null-body=0`, has nothing that could be adapted. */
function finish(found: Encapsulated, isLast: boolean, where: EncapsulatedIn): Encapsulated {
  if (!isLast) throw bad('the body is not the last section')
  const head = where === 'REQMOD' ? found.requestHeadAt : found.responseHeadAt
  if (found.body === 'null-body' && head === undefined && (where === 'REQMOD' || where === 'RESPMOD'))
    throw bad('neither a head nor a body to adapt')
  return found
}

function bad(detail: string): IcapError {
  return new IcapError('ICAP_BAD_ENCAPSULATED', { detail })
}
