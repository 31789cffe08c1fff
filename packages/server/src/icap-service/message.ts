import type { Transaction } from '@assay/icap'
import type { SavedHeaders } from '../domain/transaction-record.ts'
import type { GroupPolicy, HandlerConfig, MessageContext } from './handler-deps.ts'
import { contentCodings, type HttpHead, mediaType, parseHttpHead, parseRequestLine, parseStatus } from './http-head.ts'
import { claimedHeaders, savedHeaders } from './icap-headers.ts'
import { type MessageUrl, messageFileName, messageUrl } from './message-url.ts'

/** One encapsulated HTTP message, its heads read once. */
export interface Message {
  readonly context: MessageContext
  readonly saved: SavedHeaders
  /** The head that speaks of the body: the request's in REQMOD, the response's in RESPMOD; undefined where the client sent none. */
  readonly head: HttpHead | undefined
  /** X-Client-IP where the client names one: whom a notification page is for. */
  readonly claimedClientIp: string
  /** Host of the Host header where the request target names another one (row S2); else ''. */
  readonly otherHost: string
  /** A range or an incremental piece of the whole: never clean (HTTP 206, Content-Range). */
  readonly range: boolean
}

const NO_URL: MessageUrl = { url: '', host: '' }

export function readMessage(transaction: Transaction, group: GroupPolicy, config: HandlerConfig): Message {
  const { method, requestHead, responseHead } = transaction
  const request = requestHead === undefined ? undefined : parseHttpHead(requestHead, method === 'RESPMOD')
  const response = responseHead === undefined ? undefined : parseHttpHead(responseHead)
  const line = request === undefined ? undefined : parseRequestLine(request.startLine)
  const where = request === undefined || line === undefined ? NO_URL : messageUrl(line, request.host)
  const head = method === 'REQMOD' ? request : response
  const httpStatus = response === undefined ? 0 : parseStatus(response.startLine)
  const claimed = claimedHeaders(transaction.headers)
  const contentType = head?.contentType ?? ''
  const context: MessageContext = {
    mode: method,
    service: transaction.service,
    client: transaction.peer.address,
    group: group.group,
    url: where.url,
    host: where.host,
    httpMethod: line?.method ?? '',
    httpStatus,
    contentType,
    declaredType: head === undefined || head.typeFault ? '' : mediaType(contentType),
    contentEncodings: contentCodings(head?.contentEncoding ?? ''),
    fileName: messageFileName(head?.contentDisposition ?? '', where.url),
    claimedServerIp: claimed.serverIp,
    scanSettings: config.scanSettings,
  }
  return {
    context,
    saved: savedHeaders(claimed, config.save),
    head,
    claimedClientIp: claimed.clientIp,
    otherHost: request === undefined ? '' : otherHost(request.host, where),
    range: httpStatus === 206 || head?.contentRange === true,
  }
}

/** Cheap where they agree, which is nearly always: the URL holds the header's text then. */
function otherHost(hostHeader: string, where: MessageUrl): string {
  if (hostHeader === '' || where.host === '' || hostHeader.toLowerCase().startsWith(where.host)) return ''
  const named = messageUrl({ method: 'CONNECT', target: hostHeader }, '').host
  return named === where.host ? '' : named
}
