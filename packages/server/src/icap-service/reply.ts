import type { IcapMethod, IcapReply, ReplyBody, ReplyHeaders } from '@assay/icap'
import type { Action } from '../domain/action.ts'
import type { Dialect } from '../domain/dialect.ts'
import { type BlockSaid, blockHeaders, passHeaders } from './dialects.ts'
import { type HeaderSwitches, responseDesc } from './icap-headers.ts'
import type { Page } from './notification-page.ts'
import { originalHead } from './original-head.ts'

/** The message as it came, to be given back. */
export interface Original {
  readonly mode: IcapMethod
  readonly requestHead: Buffer | undefined
  readonly responseHead: Buffer | undefined
  /** False: whoever read the head found no such line in it. */
  readonly transferEncoding?: boolean | undefined
  readonly hasBody: boolean
  /** undefined with a body: not all of it was kept, so it cannot be given back. */
  readonly body: ReplyBody | undefined
  readonly size: number
}

export interface ReplyContext {
  readonly original: Original
  readonly allows204: boolean
  readonly send: HeaderSwitches
  readonly dialect: Dialect
  readonly fileName: string
  /** The two parts of X-Response-Desc. */
  readonly urlText: string
  readonly fileText: string
  readonly threats: readonly string[]
  /** The filled-in page of a block; undefined where pages are switched off. */
  readonly page: { readonly headerLines: Page['headerLines']; readonly body: Buffer } | undefined
  /** A HEAD request: its answer has a head only (RFC 9110 9.3.2). */
  readonly headOnly: boolean
  /** Bytes of the body are still to come and not wanted: an error ends the connection. */
  readonly unread: boolean
}

/**
 * The ICAP answer. A 204 comes out of `allow-clean` only, and that carries the complete verdict that permits it; everything
 * else that passes is a 200 with the original, byte-equal, labelled. A block is never an ICAP 403 (protocol fact 6).
 */
export function replyFor(action: Action, context: ReplyContext): IcapReply {
  switch (action.type) {
    case 'allow-clean':
      return context.allows204 ? { status: 204, headers: passed(context, false) } : original(context, false)
    case 'allow-unscanned': // never a 204: the client must be able to tell
      return original(context, true)
    case 'allow-excluded':
      return original(context, true)
    case 'block':
    case 'block-unscanned':
      return blocked(action, context)
    case 'error':
      return { status: 500, error: true, headers: described(context, false), close: context.unread }
  }
}

function passed(context: ReplyContext, label: boolean): ReplyHeaders {
  const headers = described(context, label)
  return context.dialect === 'trend' ? headers : { ...passHeaders(context.dialect), ...headers }
}

const NO_HEADERS: ReplyHeaders = {}
const CLEAN: ReplyHeaders = { 'X-Response-Desc': responseDesc('No risk found', 'No risk found') }
/** What is said of message after message where, say, the engines are off. */
let lastSaid = { urlText: 'No risk found', fileText: 'No risk found', headers: CLEAN }

function described(context: ReplyContext, always: boolean): ReplyHeaders {
  if (!always && !context.send.responseDesc) return NO_HEADERS
  if (context.urlText === 'No risk found' && context.fileText === 'No risk found') return CLEAN
  const { urlText, fileText } = context
  if (urlText !== lastSaid.urlText || fileText !== lastSaid.fileText)
    lastSaid = { urlText, fileText, headers: { 'X-Response-Desc': responseDesc(urlText, fileText) } }
  return lastSaid.headers
}

/** A body that was not kept cannot be given back: half a message as a whole one would be worse than an error (row L8). */
function original(context: ReplyContext, label: boolean): IcapReply {
  const { original: message } = context
  const headers = passed(context, label)
  const head = originalHead(message)
  if (head === undefined || (message.hasBody && message.body === undefined))
    return { status: head === undefined ? 400 : 500, error: true, headers: described(context, label) }
  const section = message.mode === 'REQMOD' ? 'req-hdr' : 'res-hdr'
  if (message.body === undefined) return { status: 200, headers, section, head }
  return { status: 200, headers, section, head, body: message.body }
}

/** ICAP 200 with an HTTP 403 in `res-hdr`, in REQMOD too: the client answers its user with it (RFC 3507 4.8.2). */
function blocked(action: BlockSaid['action'], context: ReplyContext): IcapReply {
  const { threats, fileName, send } = context
  const said = blockHeaders(context.dialect, { action, threats, fileName, send })
  // A dialect with an X-Response-Desc of its own means that one.
  const headers = { ...said, ...('X-Response-Desc' in said ? NO_HEADERS : described(context, false)) }
  const length = context.page?.body.length ?? 0
  const head = Buffer.from(
    `HTTP/1.1 403 Forbidden\r\n${context.page?.headerLines ?? 'Cache-Control: no-store\r\n'}Content-Length: ${length}\r\nVia: ICAP/1.0 assay\r\n\r\n`,
    'latin1',
  )
  if (context.page === undefined || context.headOnly) return { status: 200, headers, section: 'res-hdr', head }
  return { status: 200, headers, section: 'res-hdr', head, body: context.page.body }
}
