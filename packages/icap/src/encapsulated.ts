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

/** In the only order they may stand in. */
const SECTIONS = ['req-hdr', 'res-hdr', 'req-body', 'res-body', 'opt-body', 'null-body'] as const
type Section = (typeof SECTIONS)[number]

const ALLOWED: Readonly<Record<EncapsulatedIn, ReadonlySet<Section>>> = {
  REQMOD: new Set<Section>(['req-hdr', 'req-body', 'null-body']),
  RESPMOD: new Set<Section>(['req-hdr', 'res-hdr', 'res-body', 'null-body']),
  OPTIONS: new Set<Section>(['opt-body', 'null-body']),
  response: new Set<Section>(SECTIONS),
}

/** Blanks may stand around commas, nowhere else; ten digits are beyond any limit and far below 2^53. */
const ITEM = /[ \t]*([a-z]{3,4}-[a-z]{3,4})=(\d{1,10})[ \t]*(,|$)/y

/**
 * Reads the Encapsulated header's value. Throws ICAP_BAD_ENCAPSULATED when it is not: known sections in order, each once,
 * the first at 0, ascending, one body at the end, and a head or a body to adapt.
 */
export function parseEncapsulated(value: string, where: EncapsulatedIn): Encapsulated {
  let requestHeadAt: number | undefined
  let responseHeadAt: number | undefined
  let rank = -1
  let last = -1
  ITEM.lastIndex = 0
  for (let more = true; more; ) {
    const item = ITEM.exec(value)
    if (item === null) throw bad('it is not a list of section=offset')
    const section = item[1] as Section
    const offset = Number(item[2])
    more = item[3] === ','
    rank = nextRank(section, rank, where)
    checkOffset(offset, last)
    last = offset
    if (section === 'req-hdr') requestHeadAt = offset
    else if (section === 'res-hdr') responseHeadAt = offset
    else if (!more) return checkContent({ requestHeadAt, responseHeadAt, body: section, bodyAt: offset }, where)
    else throw bad('the body is not the last section')
  }
  throw bad('no body section')
}

function nextRank(section: Section, before: number, where: EncapsulatedIn): number {
  if (!ALLOWED[where].has(section)) throw bad(`a section that ${where} has not`)
  const rank = SECTIONS.indexOf(section)
  if (rank <= before) throw bad('sections out of order or twice')
  return rank
}

function checkOffset(offset: number, before: number): void {
  if (before < 0 && offset !== 0) throw bad('the first section is not at 0')
  // No head is empty, so no two sections can stand at one offset.
  if (offset <= before) throw bad('offsets do not ascend')
}

/** `RESPMOD` with a request head alone, or a list of `null-body=0`, has nothing that could be adapted. */
function checkContent(found: Encapsulated, where: EncapsulatedIn): Encapsulated {
  if (found.body !== 'null-body' || where === 'OPTIONS' || where === 'response') return found
  const head = where === 'REQMOD' ? found.requestHeadAt : found.responseHeadAt
  if (head === undefined) throw bad('neither a head nor a body to adapt')
  return found
}

function bad(detail: string): IcapError {
  return new IcapError('ICAP_BAD_ENCAPSULATED', { detail })
}
