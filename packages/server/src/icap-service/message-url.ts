import { domainToASCII } from 'node:url'
import type { RequestLine } from './http-head.ts'

/** Where a request goes, as its head says. */
export interface MessageUrl {
  /** Absolute where the head allows it, without userinfo, printable ASCII (other bytes percent-encoded); CONNECT: `HOST:PORT`. */
  readonly url: string
  /** Lower case, without port and brackets. */
  readonly host: string
}

/** Longest URL that a record keeps. */
export const MAX_RECORDED_URL = 8192

const NO_URL: MessageUrl = { url: '', host: '' }

/** The request's URL in all four forms of RFC 9112 3.2. */
export function messageUrl(request: RequestLine, hostHeader: string): MessageUrl {
  if (request.method === 'CONNECT') return authorityForm(request.target)
  const scheme = schemeEnd(request.target)
  if (scheme > 0) return absoluteForm(request.target, scheme)
  if (request.target === '' && hostHeader === '') return NO_URL
  const path = request.target === '*' || request.target === '' ? '/' : request.target
  if (hostHeader === '') return { url: printable(path), host: '' }
  const authority = withoutUserinfo(hostHeader)
  const slash = path.startsWith('/') || path.startsWith('\\') ? '' : '/'
  return { url: printable(`http://${authority}${slash}${path}`), host: hostOf(authority) }
}

/** The index behind `scheme://`, or 0. */
function schemeEnd(target: string): number {
  if (target.startsWith('http://')) return 7 // nearly all of them
  const colon = target.indexOf('://')
  return colon > 0 && colon <= 16 && /^[a-z][a-z0-9+.-]*$/i.test(target.slice(0, colon)) ? colon + 3 : 0
}

function authorityForm(target: string): MessageUrl {
  const authority = withoutUserinfo(target)
  return { url: printable(authority), host: hostOf(authority) }
}

function absoluteForm(target: string, start: number): MessageUrl {
  let end = start
  while (end < target.length && !isAuthorityEnd(target.charCodeAt(end))) end++
  const whole = target.slice(start, end)
  const authority = withoutUserinfo(whole)
  const url = authority.length === whole.length ? target : target.slice(0, start) + authority + target.slice(end)
  return { url: printable(url), host: hostOf(authority) }
}

/** `/ ? # \`: browsers take a backslash for a slash, so a scanner must too. */
function isAuthorityEnd(code: number): boolean {
  return code === 0x2f || code === 0x3f || code === 0x23 || code === 0x5c
}

function withoutUserinfo(authority: string): string {
  const at = authority.lastIndexOf('@')
  return at < 0 ? authority : authority.slice(at + 1)
}

const PLAIN_HOST = /^[a-z0-9.-]{1,255}$/

function hostOf(authority: string): string {
  if (PLAIN_HOST.test(authority)) return authority
  const text = authority.trim()
  if (text.startsWith('[')) {
    const close = text.indexOf(']')
    return text.slice(1, close < 0 ? undefined : close).toLowerCase()
  }
  const colon = text.lastIndexOf(':')
  const host = (colon < 0 ? text : text.slice(0, colon)).slice(0, 255)
  // Lower case only behind this test: the latin1 reading of UTF-8 bytes has upper-case letters of its own.
  return NOT_PLAIN_ASCII.test(host) ? internationalHost(host) : host.toLowerCase()
}

/** A host in raw UTF-8 or percent-encoded is the same host as its punycode form. */
function internationalHost(host: string): string {
  try {
    const text = decodeURIComponent(Buffer.from(host, 'latin1').toString('utf8'))
    return domainToASCII(text) || printable(host)
  } catch {
    return printable(host) // not UTF-8: kept as its bytes, matches nothing
  }
}

// Patterns, for they are three times as fast as a loop over a part of another text.
/** What is no ASCII, a blank, or a sign of percent-encoding. */
const NOT_PLAIN_ASCII = /[^\x21-\x24\x26-\x7e]/
const NOT_PRINTABLE = /[^\x20-\x7e]/

function isPrintable(text: string): boolean {
  return !NOT_PRINTABLE.test(text)
}

/** Control characters dropped, other bytes percent-encoded: what stands in a record or a list question is printable ASCII. */
export function printable(text: string): string {
  if (isPrintable(text)) return text
  let out = ''
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code >= 0x20 && code < 0x7f) out += text[index]
    else if (code > 0x7f) out += `%${(code & 0xff).toString(16).toUpperCase()}`
  }
  return out
}

const SECRET_WORDS = new Set(
  `key sig code pwd pw pass sid otp pin auth jwt ticket assertion secret token password passwd passphrase session credential
   credentials signature authorization bearer sess nonce apikey samlresponse samlrequest phpsessid jsessionid hmac cookie`.split(
    /\s+/,
  ),
)
const SECRET_PARTS = [
  'token',
  'passw',
  'secret',
  'session',
  'credential',
  'signature',
  'apikey',
  'accesskey',
  'oauth',
  'jwt',
]

const MAX_KNOWN_NAMES = 4096
/** Parameter names recur from request to request, so each is judged once. */
const knownNames = new Map<string, boolean>()

/** Whether a parameter's name says that its value is a secret: `access_token`, `X-Amz-Signature`, `apiKey`, `sid`. */
export function isSecretName(name: string): boolean {
  const key = name.slice(0, 256)
  const known = knownNames.get(key)
  if (known !== undefined) return known
  const answer = judgeName(key)
  if (knownNames.size >= MAX_KNOWN_NAMES) knownNames.clear()
  knownNames.set(key, answer)
  return answer
}

function judgeName(name: string): boolean {
  const plain = decodeLoosely(name)
  const lower = plain.toLowerCase()
  const joined = lower.replaceAll(/[-_.]/g, '')
  if (SECRET_PARTS.some((part) => joined.includes(part))) return true
  const words = plain.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
  return SECRET_WORDS.has(lower) || words.split(/[^a-z0-9]+/).some((word) => SECRET_WORDS.has(word))
}

function decodeLoosely(text: string): string {
  if (!text.includes('%')) return text
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** The URL for records: at most 8 KB, values of secret-like parameters replaced by `***` in path, query and fragment. */
export function recordedUrl(url: string): string {
  const bounded = url.length > MAX_RECORDED_URL ? url.slice(0, MAX_RECORDED_URL) : url
  return bounded.includes('=') || bounded.includes('eyJ') ? maskParameters(bounded, 0) : bounded
}

/** A file name for records: it is often the URL's last segment, with what that hides. */
export function recordedName(fileName: string): string {
  return fileName.includes('=') || fileName.includes('eyJ') ? maskParameters(fileName, 0) : fileName
}

function maskParameters(text: string, depth: number): string {
  let out = ''
  let kept = 0
  let start = firstSuspect(text)
  for (let at = start; at <= text.length; at++) {
    if (at < text.length && !isDelimiter(text.charCodeAt(at))) continue
    const from = secretFrom(text, start, at, depth)
    if (from >= 0) {
      out += `${text.slice(kept, from)}***`
      kept = at
    }
    start = at + 1
  }
  return kept === 0 ? text : out + text.slice(kept)
}

/** Where the first part begins that has a value or looks like a token; nothing before it can be a secret. */
function firstSuspect(text: string): number {
  const token = text.indexOf('eyJ')
  let at = endBefore(text, '=', token < 0 ? text.length : token)
  while (at > 0 && !isDelimiter(text.charCodeAt(at - 1))) at--
  return at
}

/** `? & ; # /`: what parameters and path segments stand between. */
function isDelimiter(code: number): boolean {
  return code === 0x3f || code === 0x26 || code === 0x3b || code === 0x23 || code === 0x2f
}

/** Where the secret in one part begins; -1 where there is none. */
function secretFrom(text: string, start: number, end: number, depth: number): number {
  if (start === end) return -1
  const equals = equalsIn(text, start, end)
  if (equals < 0) return isJwt(text, start, end) ? start : -1
  const from = equals + 1
  if (from >= end) return -1
  if (isSecretName(text.slice(start, equals)) || isJwt(text, from, end)) return from
  return hidesSecret(text.slice(from, end), depth) ? from : -1
}

function equalsIn(text: string, start: number, end: number): number {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) === 0x3d) return at
  return -1
}

/** A JSON Web Token is a secret under any name. */
function isJwt(text: string, start: number, end: number): boolean {
  return text.startsWith('eyJ', start) && text.slice(start, end).includes('.')
}

/** A whole URL with its own parameters, encoded into one value: `next=https%3A%2F%2Fh%2F%3Ftoken%3D1`. */
function hidesSecret(value: string, depth: number): boolean {
  if (depth >= 3 || (!value.includes('%') && !value.includes('='))) return false
  const plain = decodeLoosely(value)
  return maskParameters(plain, depth + 1) !== plain
}

/** The name a download or upload goes by: Content-Disposition first, else the URL path's last segment. Control characters dropped. */
export function messageFileName(disposition: string, url: string): string {
  return (disposition === '' ? '' : dispositionName(disposition)) || lastSegment(url)
}

function dispositionName(disposition: string): string {
  const value = disposition.slice(0, 4096)
  const extended = /filename\*\s*=\s*([\w-]*)'[^']*'([^;\s]+)/i.exec(value)
  if (extended?.[2] !== undefined) return cleanName(utf8Of(decodeLoosely(extended[2])))
  const plain = /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(value)
  return cleanName(utf8Of(plain?.[1]?.replaceAll(/\\(.)/g, '$1') ?? plain?.[2] ?? ''))
}

function lastSegment(url: string): string {
  const end = endBefore(url, '#', endBefore(url, '?', url.length))
  const slash = url.lastIndexOf('/', end - 1)
  if (slash < 0 || url[slash - 1] === '/') return ''
  const segment = url.slice(slash + 1, end)
  return segment.includes('%') || segment.length > 255 ? cleanName(utf8Of(decodeLoosely(segment))) : segment
}

function endBefore(text: string, mark: string, end: number): number {
  const at = text.indexOf(mark)
  return at >= 0 && at < end ? at : end
}

/** Header text comes as latin1; where its bytes are UTF-8 it is read as that. */
export function utf8Of(latin1: string): string {
  if (isPrintable(latin1)) return latin1
  const text = Buffer.from(latin1, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? latin1 : text
}

function cleanName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? ''
  let out = ''
  for (const char of base.trim()) if ((char.codePointAt(0) ?? 0) >= 0x20 && char !== '\x7f') out += char
  return out.slice(0, 255)
}
