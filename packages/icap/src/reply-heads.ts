import { IcapError } from './errors.ts'
import type { IcapService } from './service.ts'
import type { ReplyHeaders } from './transaction.ts'

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** No CR, LF, NUL or other controls; nothing beyond latin1 either, for U+010A would be cut down to a LF. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** The writer's own: a second one would contradict it. */
const RESERVED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'encapsulated',
  'istag',
  'trailer',
  'transfer-encoding',
])

/** Header lines ready for the wire. Throws ICAP_REPLY_MISUSE for a name or value that would break the head. */
export function headerLines(headers: ReplyHeaders | undefined): string {
  if (headers === undefined) return ''
  let lines = ''
  for (const name in headers) {
    const given = headers[name] ?? ''
    const value = typeof given === 'string' ? given : folded(name, given)
    if (!NAME.test(name) || RESERVED.has(name.toLowerCase())) throw misuse(`header name ${JSON.stringify(name)}`)
    if (given === value && !VALUE.test(value)) throw misuse(`value of ${name} has control or non-latin1 characters`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

/** A line without text would be a line of blanks, which some take for the end of the head. */
function folded(name: string, lines: readonly string[]): string {
  if (lines.length === 0 || lines.some((line) => line.trim() === '' || !VALUE.test(line)))
    throw misuse(`a line of ${name} is empty or has control or non-latin1 characters`)
  return lines.join('\r\n\t')
}

/** RFC 3507 4.7: at most 32 bytes of ASCII, quoted. Takes it with or without the quotes; throws ICAP_REPLY_MISUSE. */
export function quotedIsTag(tag: string): string {
  const inner = /^"?([\x20\x21\x23-\x7e]{1,32})"?$/.exec(tag)?.[1]
  if (inner === undefined) throw misuse(`ISTag ${JSON.stringify(tag)}`)
  return `"${inner}"`
}

interface CachedLines {
  isTag: string
  second: number
  lines: string
}

/** The header lines every reply begins with, kept ready: they change once a second, or with the ISTag. */
export class ReplyHeads {
  readonly #server: string
  readonly #isTagOf: (service: IcapService) => string
  readonly #ofService = new Map<IcapService, CachedLines>()
  #second = -1
  #date = ''

  constructor(serverHeader: string, isTagOf: (service: IcapService) => string) {
    if (serverHeader === '' || !VALUE.test(serverHeader))
      throw new RangeError(`Server header ${JSON.stringify(serverHeader)}`)
    this.#server = serverHeader
    this.#isTagOf = isTagOf
  }

  /** `ISTag`, `Server` and `Date` of a service's replies. */
  lines(service: IcapService): string {
    const isTag = this.#isTagOf(service)
    const second = this.#tick()
    let cached = this.#ofService.get(service)
    if (cached === undefined) {
      cached = { isTag: '', second: -1, lines: '' }
      this.#ofService.set(service, cached)
    }
    if (cached.second !== second || cached.isTag !== isTag) {
      cached.lines = this.linesWithTag(isTag)
      cached.isTag = isTag
      cached.second = second
    }
    return cached.lines
  }

  /** The same with a tag of the caller's; `none` stands where no service was found yet. */
  linesWithTag(isTag: string): string {
    this.#tick()
    return `ISTag: ${quotedIsTag(isTag)}\r\nServer: ${this.#server}\r\nDate: ${this.#date}\r\n`
  }

  /** A stale Date lets Squid take a service for dead (it adds Options-TTL to it), so it is the clock's, by the second. */
  #tick(): number {
    const second = Math.floor(Date.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#date = new Date(second * 1000).toUTCString()
    }
    return second
  }
}

function misuse(detail: string): IcapError {
  return new IcapError('ICAP_REPLY_MISUSE', { detail })
}
