import { IcapError } from './errors.ts'

export interface StartLine {
  /** As sent: methods are case-sensitive. */
  readonly method: string
  /** The path without slashes at its ends, as sent: `%2e` and `..` are never resolved, look-up is exact. */
  readonly path: string
  /** What follows `?`; '' when there is none. */
  readonly query: string
}

const METHODS: ReadonlySet<string> = new Set(['OPTIONS', 'REQMOD', 'RESPMOD'])
const LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) ICAP\/(\d{1,3})\.(\d{1,3})$/
/** RFC 3507 4.2: an absolute URI. The host is not compared: a server has many names, and NAT gives it more. */
const URI = /^icaps?:\/\/[^/?#]+(\/[^?#]*)?(?:\?([^#]*))?$/i
const PATH_ONLY = /^(\/[^?#]*)(?:\?([^#]*))?$/

/**
 * Reads `METHOD URI ICAP/1.x` (without its CRLF). Throws ICAP_BAD_REQUEST_LINE, ICAP_BAD_VERSION, ICAP_UNKNOWN_METHOD, ICAP_BAD_URI.
 * @param allowPathOnly serve `OPTIONS /svc` too, for buggy clients.
 */
export function parseStartLine(line: string, allowPathOnly = false): StartLine {
  const parts = LINE.exec(line)
  if (parts === null) throw new IcapError(/ HTTP\/\d\.\d$/.test(line) ? 'ICAP_NOT_ICAP' : 'ICAP_BAD_REQUEST_LINE')
  const [, method = '', uri = '', major] = parts
  // A later minor version is served as 1.0 (HTTP's rule, by RFC 3507 4.3).
  if (Number(major) !== 1) throw new IcapError('ICAP_BAD_VERSION')
  if (!METHODS.has(method)) throw new IcapError('ICAP_UNKNOWN_METHOD')
  const target = URI.exec(uri) ?? (allowPathOnly ? PATH_ONLY.exec(uri) : null)
  if (target === null) throw new IcapError('ICAP_BAD_URI')
  return { method, path: withoutEndSlashes(target[1] ?? ''), query: target[2] ?? '' }
}

function withoutEndSlashes(path: string): string {
  let from = 0
  let to = path.length
  while (from < to && path.charCodeAt(from) === 0x2f) from++
  while (to > from && path.charCodeAt(to - 1) === 0x2f) to--
  return path.slice(from, to)
}
