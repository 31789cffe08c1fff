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

/**
 * The sections in the only order they may stand in, each once, one body at the end (RFC 3507 4.4.1). Blanks may stand around
 * commas, nowhere else; ten digits are beyond any limit and far below 2^53.
 */
const LIST =
  /^(?:req-hdr=(\d{1,10})[ \t]*,[ \t]*)?(?:res-hdr=(\d{1,10})[ \t]*,[ \t]*)?((?:req|res|opt|null)-body)=(\d{1,10})$/

/** Which bodies each list may end with. */
const BODIES: Readonly<Record<EncapsulatedIn, readonly string[]>> = {
  REQMOD: ['req-body', 'null-body'],
  RESPMOD: ['res-body', 'null-body'],
  OPTIONS: ['opt-body', 'null-body'],
  response: ['req-body', 'res-body', 'opt-body', 'null-body'],
}

/**
 * Reads the Encapsulated header's trimmed value. Throws ICAP_BAD_ENCAPSULATED when it is not: known sections in order, each
 * once, the first at 0, ascending, one body at the end, and a head or a body to adapt.
 */
export function parseEncapsulated(value: string, where: EncapsulatedIn): Encapsulated {
  const found = LIST.exec(value)
  if (found === null) throw bad('it is not an ordered list of section=offset that ends with a body')
  const requestHeadAt = offsetOf(found[1])
  const responseHeadAt = offsetOf(found[2])
  const bodyAt = Number(found[4])
  const body = found[3] as BodySection
  if (!BODIES[where].includes(body)) throw bad(`${body} in ${where}`)
  checkHeads(where, requestHeadAt, responseHeadAt)
  checkOffsets(requestHeadAt, responseHeadAt, bodyAt)
  const head = where === 'REQMOD' ? requestHeadAt : responseHeadAt
  // A RESPMOD with a request head alone, or a list of `null-body=0`, has nothing that could be adapted.
  if (body === 'null-body' && head === undefined && (where === 'REQMOD' || where === 'RESPMOD'))
    throw bad('neither a head nor a body to adapt')
  return { requestHeadAt, responseHeadAt, body, bodyAt }
}

function offsetOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits)
}

function checkHeads(
  where: EncapsulatedIn,
  requestHeadAt: number | undefined,
  responseHeadAt: number | undefined,
): void {
  const isAllowed =
    where === 'REQMOD'
      ? responseHeadAt === undefined
      : where !== 'OPTIONS' || (requestHeadAt ?? responseHeadAt) === undefined
  if (!isAllowed) throw bad(`a head that ${where} has not`)
}

/** No head is empty, so no two sections can stand at one offset. */
function checkOffsets(requestHeadAt: number | undefined, responseHeadAt: number | undefined, bodyAt: number): void {
  if ((requestHeadAt ?? responseHeadAt ?? bodyAt) !== 0) throw bad('the first section is not at 0')
  const isAscending =
    (requestHeadAt === undefined || requestHeadAt < (responseHeadAt ?? bodyAt)) &&
    (responseHeadAt === undefined || responseHeadAt < bodyAt)
  if (!isAscending) throw bad('offsets do not ascend')
}

function bad(detail: string): IcapError {
  return new IcapError('ICAP_BAD_ENCAPSULATED', { detail })
}
