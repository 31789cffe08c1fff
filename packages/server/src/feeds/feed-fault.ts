/** Why a source could not be read; each a stable word. */
export type FeedFaultCode =
  | 'unreachable'
  | 'refused'
  | 'busy'
  | 'status'
  | 'wrong-type'
  | 'damaged'
  | 'too-large'
  | 'shrunk'
  | 'not-found'
  | 'timeout'

/** Ends a reading: what the source gave before stays in the list. The text is for the administrator and holds no secret. */
export class FeedFault extends Error {
  override readonly name = 'FeedFault'
  readonly code: FeedFaultCode
  /** As the source asked (Retry-After); 0 where it did not. */
  readonly retryAfterMs: number

  constructor(code: FeedFaultCode, text: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(text, options)
    this.code = code
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
}
