import { addressHex, addressText, canonicalAddresses } from './ip-value.ts'
import type { ObjectType } from './suspicious-object.ts'

export type CanonicalObject =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly fault: string }

/** What one URL is looked up by. */
export interface UrlKeys {
  /** Canonical as an entry would be (scheme difference dropped), with a literal `*` written `%2A`. */
  readonly url: string
  /** Everything after host and port: `/path?query`. */
  readonly path: string
  /** A domain, or an address without brackets. */
  readonly host: string
  /** '' or `:8080`. */
  readonly port: string
  /** `*.b.com`, `*.com` for `a.b.com`; none for an address. */
  readonly parents: readonly string[]
  /** The host again, where it is an address. */
  readonly ip?: string
}

/** A canonical URL or domain is never longer (PostgreSQL's B-tree holds keys of 2,704 bytes). */
const MAX_VALUE_LENGTH = 2048
const MAX_INPUT_LENGTH = 4096
const MAX_LOOKUP_LENGTH = 65_536
const MAX_HOST_LENGTH = 253

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const CONTROL = /[\u0000-\u001f\u007f]/
const NOT_IN_DOMAIN = /[\s/\\:@?#%[\]<>^|*"`{}]/

/**
 * The one spelling of a list entry, so that equal things compare equal (rules: Deep Discovery Analyzer, "User-defined list"
 * and "Exceptions"). Faults are plain sentences for the person who typed the line.
 */
export function canonicalObject(type: ObjectType, value: string): CanonicalObject {
  if (value.length > MAX_INPUT_LENGTH) return fault(`longer than ${MAX_INPUT_LENGTH} characters`)
  if (CONTROL.test(value)) return fault('holds a control character (a line break, NUL, ...)')
  const text = value.trim()
  if (text === '') return fault('empty')
  switch (type) {
    case 'ip':
      return orFault(canonicalAddresses(text), 'not an IP address, LOW-HIGH range or CIDR')
    case 'domain':
      return canonicalDomain(text)
    case 'url':
      return canonicalUrl(text)
    case 'sha1':
      return orFault(/^[0-9a-f]{40}$/i.test(text) ? text.toLowerCase() : undefined, 'not 40 hexadecimal digits')
    case 'sha256':
      return orFault(/^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined, 'not 64 hexadecimal digits')
  }
}

function fault(text: string): CanonicalObject {
  return { ok: false, fault: text }
}

function orFault(value: string | undefined, text: string): CanonicalObject {
  return value === undefined ? fault(text) : { ok: true, value }
}

function canonicalDomain(text: string): CanonicalObject {
  const prefix = text.startsWith('*.') ? '*.' : ''
  const rest = text.slice(prefix.length)
  if (rest.includes('*')) return fault('"*" is allowed only once, as the prefix "*."')
  if (NOT_IN_DOMAIN.test(rest)) return fault('not a domain name')
  const host = canonicalHost(rest)
  if (host === undefined) return fault('not a domain name')
  if (addressHex(host) !== undefined) return fault('an IP address, not a domain name')
  return isDomain(host) ? { ok: true, value: prefix + host } : fault('not a domain name')
}

function isDomain(host: string): boolean {
  return host.length <= MAX_HOST_LENGTH - 2 && host.split('.').every((label) => label.length > 0 && label.length <= 63)
}

function canonicalUrl(text: string): CanonicalObject {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^https?:\/\//i.test(text)) return fault('not an http or https URL')
  const rest = text.replace(/^https?:\/\//i, '')
  if (/^(?:\*\.)?[/\\]/.test(rest)) return fault('not a URL: it names no host')
  const prefix = rest.startsWith('*.') ? '*.' : ''
  const url = parseHttp(rest.slice(prefix.length))
  const host = url && hostOf(url)
  if (url === undefined || host === undefined) return fault('not a URL')
  if (host.includes('*') || (prefix !== '' && url.username !== '')) {
    return fault('"*" in the host is allowed only once, as the prefix "*."')
  }
  const isAddress = addressHex(host) !== undefined
  if (isAddress ? prefix !== '' : !isDomain(host)) return fault('not a URL: its host is no domain name')
  const value = `http://${prefix}${bracketed(host)}${portOf(url)}${pathOf(url).replace(/\*+/g, '*')}`
  return value.length <= MAX_VALUE_LENGTH
    ? { ok: true, value }
    : fault(`longer than ${MAX_VALUE_LENGTH} characters once encoded`)
}

/**
 * What a client's URL is looked up by; undefined when no URL can be made of it. Accepts any scheme (the host counts), and
 * `host:port` as CONNECT names it. Input beyond 65,536 characters is cut: no entry is that long, and the host stands in front.
 */
export function urlKeys(url: string): UrlKeys | undefined {
  const text = url.slice(0, MAX_LOOKUP_LENGTH).trim()
  if (/^[/\\]/.test(text)) return undefined // a path; after a scheme, clients skip surplus slashes, and so does URL
  const rest = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
  const parsed = parseHttp(rest)
  const host = parsed && hostOf(parsed)
  if (parsed === undefined || host === undefined) return undefined
  const port = portOf(parsed)
  const path = pathOf(parsed).replaceAll('*', '%2A')
  const keys = { url: `http://${bracketed(host)}${port}${path}`, path, host, port }
  return addressHex(host) === undefined ? { ...keys, parents: parentsOf(host) } : { ...keys, parents: [], ip: host }
}

/** A host as entries spell it: lower case, punycode, without the final dot, addresses without brackets; undefined if it is none. */
export function canonicalHost(host: string): string | undefined {
  const address = addressHex(host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host)
  if (address !== undefined) return addressText(address)
  if (host.length > MAX_INPUT_LENGTH || /[/\\:@?#]/.test(host)) return undefined
  const url = parseHttp(host)
  return url && hostOf(url)
}

/** Every wildcard that covers the host, nearest first. `*.b.com` covers what is below `b.com`, not `b.com` itself. */
export function parentsOf(host: string): string[] {
  const parents: string[] = []
  for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) parents.push(`*${host.slice(dot)}`)
  return parents
}

function parseHttp(rest: string): URL | undefined {
  return URL.parse(`http://${rest}`) ?? undefined
}

function hostOf(url: URL): string | undefined {
  const name = url.hostname
  if (name.startsWith('[')) {
    const address = addressHex(name.slice(1, -1))
    return address === undefined ? undefined : addressText(address)
  }
  const host = name.endsWith('.') ? name.slice(0, -1) : name
  return host === '' || host.length > MAX_HOST_LENGTH ? undefined : host
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

// Entries match http and https alike, so both default ports are dropped whatever the scheme was.
function portOf(url: URL): string {
  return url.port === '' || url.port === '443' ? '' : `:${url.port}`
}

const PLAIN = /^[\w\-.~:/?#[\]@!$&'()*+,;=]*$/
/** Characters that mean the same encoded and plain (RFC 3986 6.2.2.2, and those sub-delimiters that no server reads as such). */
const DECODED = /[\w\-.~!$'(),:@]/

/** Path and query with one spelling: what may stand plain is plain, the rest is `%` and upper-case hex; no empty query, no fragment. */
function pathOf(url: URL): string {
  const text = url.pathname + url.search
  if (PLAIN.test(text)) return text
  return text
    .replace(/%([0-9a-f]{2})?/gi, (_, hex: string | undefined) => (hex === undefined ? '%25' : decodedOrUpper(hex)))
    .replace(/[^\w\-.~:/?#[\]@!$&'()*+,;=%]/g, encodeURIComponent)
}

function decodedOrUpper(hex: string): string {
  const character = String.fromCharCode(Number.parseInt(hex, 16))
  return DECODED.test(character) ? character : `%${hex.toUpperCase()}`
}
