/** Bounds on every length, count and time a peer controls. Bytes, counts and milliseconds. */
export interface IcapLimits {
  /** One ICAP head, request line included; real ones have 200-600 bytes. */
  readonly maxHeadBytes: number
  readonly maxHeadLines: number
  /** All encapsulated HTTP heads of one request together, decided from the offsets before they are read; 1 MiB at most. */
  readonly maxEncapsulatedBytes: number
  readonly maxChunkLineBytes: number
  readonly maxTrailerBytes: number
  /** What a preview may bring beyond its announced size (c-icap accepts it, so clients may do it). */
  readonly maxPreviewOverrunBytes: number
  readonly maxOptionsBodyBytes: number
  /** Bytes of later (pipelined) requests kept while one is served; then the socket is paused. */
  readonly maxReadAheadBytes: number
  /** The rest of a body that is read and dropped after a streamed reply to keep the connection in step. */
  readonly maxDrainBytes: number
  /** ICAP header lines of one reply; Squid fails above 64 KiB. */
  readonly maxReplyHeadBytes: number
  /** From the first byte of a request to the end of its encapsulated heads: 408. */
  readonly headTimeoutMs: number
  /** Between requests: a silent close. Longer than the pools of clients (Squid: 60 s). */
  readonly idleTimeoutMs: number
  /** Between two reads of a body we wait for: 408. */
  readonly bodyIdleTimeoutMs: number
  /** Over each `bodyRateWindowMs` of waiting: 408. 0 switches it off. */
  readonly minBodyBytesPerS: number
  readonly bodyRateWindowMs: number
  /** No reply bytes taken: the connection is cut. */
  readonly writeTimeoutMs: number
  /** Of a reply that waits to be taken, over each `replyRateWindowMs`: the connection is cut. 0 switches it off. */
  readonly minReplyBytesPerS: number
  readonly replyRateWindowMs: number
  /** After our last byte the peer's bytes are still read this long, so that no RST overtakes the answer. */
  readonly lingerTimeoutMs: number
}

export const DEFAULT_LIMITS: IcapLimits = {
  maxHeadBytes: 65_536,
  maxHeadLines: 200,
  maxEncapsulatedBytes: 65_536,
  maxChunkLineBytes: 4_096,
  maxTrailerBytes: 65_536,
  maxPreviewOverrunBytes: 65_536,
  maxOptionsBodyBytes: 65_536,
  maxReadAheadBytes: 65_536,
  maxDrainBytes: 1_048_576,
  maxReplyHeadBytes: 49_152,
  headTimeoutMs: 30_000,
  idleTimeoutMs: 300_000,
  bodyIdleTimeoutMs: 60_000,
  minBodyBytesPerS: 16,
  bodyRateWindowMs: 60_000,
  writeTimeoutMs: 60_000,
  minReplyBytesPerS: 16,
  replyRateWindowMs: 60_000,
  lingerTimeoutMs: 2_000,
}

/** Where clients break the letter of the RFC. The defaults refuse; each switch forgives one kind. */
export interface IcapStrictness {
  /** Accept bare LF as a line end of the ICAP head (default: 400). */
  readonly lenientLF: boolean
  /** Accept a bodiless HTTP head without its final empty line, and a path as URI (c-icap has the same switch). */
  readonly supportBuggyClients: boolean
  /** RFC 3507 4.3.2 demands Host; off for clients that leave it out. */
  readonly requireHost: boolean
}

export const DEFAULT_STRICTNESS: IcapStrictness = { lenientLF: false, supportBuggyClients: false, requireHost: true }

const HARD_MAX_ENCAPSULATED_BYTES = 1_048_576

/** Fills in the defaults. Throws RangeError for a limit that is no bound at all. */
export function resolveLimits(given: Partial<IcapLimits> = {}): IcapLimits {
  const limits = { ...DEFAULT_LIMITS, ...given }
  for (const [name, value] of Object.entries(limits)) {
    const least = name === 'minBodyBytesPerS' || name === 'minReplyBytesPerS' ? 0 : 1
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`limit ${name}: ${value} is not a whole number >= ${least}`)
  }
  if (limits.maxEncapsulatedBytes > HARD_MAX_ENCAPSULATED_BYTES) {
    throw new RangeError(
      `limit maxEncapsulatedBytes: ${limits.maxEncapsulatedBytes} exceeds ${HARD_MAX_ENCAPSULATED_BYTES}`,
    )
  }
  return limits
}
