import { IcapClientError } from './client-errors.ts'
import type { IcapMethod } from './transaction.ts'

/** One REQMOD or RESPMOD to send. Heads are whole HTTP heads with their final empty line, sent byte for byte. */
export interface IcapClientRequest {
  readonly method: IcapMethod
  /** Path with an optional query, without the leading slash: `respmod?x=y`. */
  readonly service: string
  /** More ICAP header lines; a list gives one line a value. */
  readonly headers?: IcapClientHeaders
  readonly requestHead?: Buffer
  readonly responseHead?: Buffer
  /** Absent: null-body. A Buffer may be sent again when a kept connection turns out to be closed. */
  readonly body?: Buffer | AsyncIterable<Buffer>
  /** Preview size in bytes (RFC 3507 4.5); absent: no preview. */
  readonly preview?: number
  /** Says `Allow: 204` (RFC 3507 4.6); default true. */
  readonly allow204?: boolean
  /** Says `Allow: 206` (draft-icap-ext-partial-content); default false. The client then keeps the bytes that it has sent. */
  readonly allow206?: boolean
}

export type IcapClientHeaders = Readonly<Record<string, string | readonly string[]>>

/** How the URI and the Host header name the server. */
export interface Authority {
  readonly scheme: 'icap' | 'icaps'
  readonly host: string
  readonly port: number
}

/** Headers that the client computes itself: a caller's own would break the framing. */
const COMPUTED = new Set(['host', 'encapsulated', 'preview', 'allow', 'transfer-encoding', 'content-length'])
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get in
const UNSAFE_VALUE = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/
const UNSAFE_PATH = /[^\x21-\x7e]|#/

const refuse = (detail: string): never => {
  throw new IcapClientError('ICAP_CLIENT_BAD_REQUEST', detail)
}

/** `[::1]:1344` for IPv6 literals, `host:1344` else (RFC 3986 3.2.2). */
function hostPort({ host, port }: Authority): string {
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}

function uriOf(authority: Authority, service: string): string {
  const path = service.replace(/^\/+/, '')
  if (UNSAFE_PATH.test(path)) refuse('service path holds a space, a control character or non-ASCII')
  return `${authority.scheme}://${hostPort(authority)}/${path}`
}

/** Request line and Host, then the caller's headers; `own` are the lines that the client computes. */
export function icapHead(
  authority: Authority,
  {
    method,
    service,
    headers = {},
    own,
  }: { method: string; service: string; headers?: IcapClientHeaders; own: string[] },
): Buffer {
  const lines = [`${method} ${uriOf(authority, service)} ICAP/1.0`, `Host: ${hostPort(authority)}`, ...own]
  for (const [name, values] of Object.entries(headers)) {
    if (!TOKEN.test(name)) refuse(`header name ${JSON.stringify(name)}`)
    if (COMPUTED.has(name.toLowerCase())) refuse(`header ${name} is computed by the client`)
    for (const value of [values].flat()) {
      if (UNSAFE_VALUE.test(value)) refuse(`value of header ${name}`)
      lines.push(`${name}: ${value}`)
    }
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Refuses a head that would shift the offsets' meaning: it must end with its only empty line (RFC 3507 4.4.2). */
function checkedHead(head: Buffer | undefined, name: string): Buffer {
  if (head === undefined) return Buffer.alloc(0)
  if (head.indexOf('\r\n\r\n') !== head.length - 4 || head.length < 5)
    refuse(`${name} must end with its only empty line`)
  return head
}

function encapsulated(request: IcapClientRequest): string {
  const sections: string[] = []
  let offset = 0
  for (const [name, head] of [
    ['req-hdr', request.requestHead],
    ['res-hdr', request.responseHead],
  ] as const) {
    if (head === undefined) continue
    sections.push(`${name}=${offset}`)
    offset += head.length
  }
  const bodyName = request.method === 'REQMOD' ? 'req-body' : 'res-body'
  sections.push(`${request.body === undefined ? 'null-body' : bodyName}=${offset}`)
  return `Encapsulated: ${sections.join(', ')}`
}

/**
 * The ICAP head and the encapsulated heads of a request, in one piece.
 * Throws IcapClientError `ICAP_CLIENT_BAD_REQUEST` for what cannot be framed.
 */
export function requestBytes(authority: Authority, request: IcapClientRequest): Buffer {
  const { method, service, headers = {}, preview } = request
  if (method === 'REQMOD' && request.responseHead !== undefined) refuse('REQMOD carries no response head')
  if (preview !== undefined && (!Number.isSafeInteger(preview) || preview < 0)) refuse('preview is not a size')
  const own = [encapsulated(request)]
  if (preview !== undefined) own.push(`Preview: ${preview}`)
  const allow = [request.allow204 === false ? '' : '204', request.allow206 === true ? '206' : ''].filter(Boolean)
  if (allow.length > 0) own.push(`Allow: ${allow.join(', ')}`)
  const heads = [checkedHead(request.requestHead, 'requestHead'), checkedHead(request.responseHead, 'responseHead')]
  return Buffer.concat([icapHead(authority, { method, service, headers, own }), ...heads])
}

/** The head of an OPTIONS request; `null-body` as c-icap-client and rspamd send it. */
export function optionsBytes(authority: Authority, service: string, headers?: IcapClientHeaders): Buffer {
  const own = ['Encapsulated: null-body=0']
  return icapHead(authority, { method: 'OPTIONS', service, own, ...(headers && { headers }) })
}
