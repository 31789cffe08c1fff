/** Every way an ICAP exchange can fail on the client's side, with its plain text. */
const FAULTS = {
  ICAP_CLIENT_BAD_REQUEST: 'the request cannot be written as ICAP',
  ICAP_CLIENT_CONNECT: 'no connection to the ICAP server',
  ICAP_CLIENT_TLS: 'the TLS handshake with the ICAP server failed',
  ICAP_CLIENT_TIMEOUT: 'the ICAP server did not go on within the deadline',
  ICAP_CLIENT_CLOSED: 'the ICAP server closed the connection before its answer was complete',
  ICAP_CLIENT_BAD_STATUS_LINE: 'the answer does not begin with ICAP/1.x STATUS REASON',
  ICAP_CLIENT_BAD_HEADER: 'a header line of the answer is malformed',
  ICAP_CLIENT_HEAD_TOO_LARGE: 'a head of the answer exceeds the limit',
  ICAP_CLIENT_BAD_ENCAPSULATED: 'the Encapsulated header of the answer is malformed or does not fit its bytes',
  ICAP_CLIENT_BAD_CHUNK: 'the chunked body of the answer is malformed',
  ICAP_CLIENT_BODY_TOO_LARGE: 'the body of the answer exceeds the limit',
  ICAP_CLIENT_UNEXPECTED_STATUS: 'the answer is not legal for this request',
  ICAP_CLIENT_OUT_OF_SYNC: 'bytes came after the end of the answer',
  ICAP_CLIENT_ORIGINAL_GONE: 'the answer refers to original bytes that were not kept',
  ICAP_CLIENT_SOURCE_FAILED: 'the body to be sent could not be read',
} as const

export type IcapClientErrorCode = keyof typeof FAULTS

/** Thrown by the ICAP client; `code` is stable, `detail` says what was met. */
export class IcapClientError extends Error {
  override readonly name = 'IcapClientError'
  readonly code: IcapClientErrorCode

  constructor(code: IcapClientErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? FAULTS[code] : `${FAULTS[code]}: ${detail}`, options)
    this.code = code
  }
}
