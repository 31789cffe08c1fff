/**
 * Every way a peer (or our own handler) can break a transaction, and the ICAP status that answers it (RFC 3507 4.3.3).
 * The texts are for logs and operators; on the wire only the status line goes out.
 */
const FAULTS = {
  ICAP_NOT_ICAP: { status: 400, text: 'the first bytes are not an ICAP request (TLS or HTTP on the ICAP port?)' },
  ICAP_BAD_REQUEST_LINE: { status: 400, text: 'request line is not METHOD URI ICAP/1.0' },
  ICAP_BAD_URI: { status: 400, text: 'request URI is not icap://host/service' },
  ICAP_BAD_HEADER: { status: 400, text: 'header block has a malformed line' },
  ICAP_HEAD_TOO_LARGE: { status: 400, text: 'header block exceeds maxHeadBytes or maxHeadLines' },
  ICAP_HOST_MISSING: { status: 400, text: 'Host header is missing' },
  ICAP_BAD_PREVIEW: { status: 400, text: 'Preview is not one decimal number, or the preview overran it' },
  ICAP_BAD_ENCAPSULATED: {
    status: 400,
    text: 'Encapsulated header is missing or its sections are not as RFC 3507 4.4.1 has them',
  },
  ICAP_ENCAPSULATED_TOO_LARGE: { status: 400, text: 'encapsulated heads exceed maxEncapsulatedBytes' },
  ICAP_BAD_HTTP_HEAD: { status: 400, text: 'an encapsulated head does not end where Encapsulated says' },
  ICAP_BAD_CHUNK: { status: 400, text: 'body is not in the chunked coding' },
  ICAP_CHUNK_LINE_TOO_LONG: { status: 400, text: 'chunk size line exceeds maxChunkLineBytes' },
  ICAP_TRAILER_TOO_LARGE: { status: 400, text: 'trailer exceeds maxTrailerBytes' },
  ICAP_OPTIONS_BODY_TOO_LARGE: { status: 400, text: 'OPTIONS body exceeds maxOptionsBodyBytes' },
  ICAP_INCOMPLETE: { status: 400, text: 'the peer ended its side in the middle of a message' },
  ICAP_FORBIDDEN: { status: 403, text: 'this client may not use the server' },
  ICAP_UNKNOWN_SERVICE: { status: 404, text: 'no service at this path' },
  ICAP_METHOD_NOT_ALLOWED: { status: 405, text: 'the service does not offer this method' },
  ICAP_HEAD_TIMEOUT: { status: 408, text: 'the heads were not complete within headTimeoutMs' },
  ICAP_BODY_TIMEOUT: { status: 408, text: 'the body stood still, or came slower than minBodyBytesPerS' },
  ICAP_WRITE_TIMEOUT: {
    status: 500,
    text: 'the peer took no reply bytes for writeTimeoutMs, or took them slower than minReplyBytesPerS',
  },
  ICAP_CONNECTION_ENDED: { status: 500, text: 'the transaction or its connection ended before the message did' },
  ICAP_HANDLER_FAILED: { status: 500, text: 'the handler threw, or returned without a reply' },
  ICAP_REPLY_MISUSE: { status: 500, text: 'the handler asked for a reply that RFC 3507 does not allow here' },
  ICAP_UNKNOWN_METHOD: { status: 501, text: 'method is not OPTIONS, REQMOD or RESPMOD' },
  ICAP_OVERLOADED: { status: 503, text: 'too many connections' },
  ICAP_DRAINING: { status: 503, text: 'the server is going down' },
  ICAP_BAD_VERSION: { status: 505, text: 'only ICAP/1.x is spoken here' },
} as const

export type IcapErrorCode = keyof typeof FAULTS

export interface IcapErrorOptions extends ErrorOptions {
  /** What exactly was wrong; free of client secrets, for logs. */
  readonly detail?: string
}

/** A named fault; `status` is what the peer is told, where it can still be told anything. */
export class IcapError extends Error {
  override readonly name = 'IcapError'
  readonly code: IcapErrorCode
  readonly status: number
  readonly detail: string | undefined

  constructor(code: IcapErrorCode, options?: IcapErrorOptions) {
    super(options?.detail === undefined ? FAULTS[code].text : `${FAULTS[code].text}: ${options.detail}`, options)
    this.code = code
    this.status = FAULTS[code].status
    this.detail = options?.detail
  }
}

/** The table as data, for docs/errors.md. */
export const ICAP_FAULTS: Readonly<Record<IcapErrorCode, { readonly status: number; readonly text: string }>> = FAULTS

/** Reason phrases of the statuses this server sends (RFC 3507 4.3.3). */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  204: 'No Content',
  206: 'Partial Content',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'ICAP Service Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  500: 'Server Error',
  501: 'Method Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Overloaded',
  505: 'ICAP Version Not Supported',
}

/** The words behind a status code; an unlisted one is named by its class. */
export function reasonPhrase(status: number): string {
  return REASONS[status] ?? (status < 500 ? 'Request Refused' : 'Server Error')
}
