import type { Message } from './message.ts'

/** When a body without a stated length is taken for a stream, long before it is too long or too late (`intake.endless...`). */
export interface StreamLimits {
  /** Declared types that may be streams, `audio/*` or exact; empty: none is looked for. */
  readonly types: readonly string[]
  /** A body of such a type that still comes after so long ... */
  readonly afterMs: number
  /** ... and has come slower than this is one: streams come as fast as they are played, downloads as fast as they can. */
  readonly maxBytesPerS: number
  /** The same for those that are streams by their nature. */
  readonly byNatureAfterMs: number
  /** So long a stream that policy allows may go on. */
  readonly maxPassMs: number
}

export interface StreamRule {
  readonly afterMs: number
  readonly maxBytesPerS: number
}

/** Parts that replace each other until the viewer leaves: cameras. */
const BY_NATURE = 'multipart/x-mixed-replace'
/** Shoutcast's status line, `ICY 200 OK`. */
const SHOUTCAST = /^ICY[ \t]/i

/** The rule for this message's body; undefined: it is no stream, as far as its head says. */
export function streamRuleFor({ context, head }: Message, limits: StreamLimits): StreamRule | undefined {
  if (limits.types.length === 0 || context.mode !== 'RESPMOD' || head === undefined) return undefined
  if (head.contentLength !== undefined && !head.transferEncoding) return undefined
  const isListed = limits.types.some((type) => isOfType(context.declaredType, type))
  if (SHOUTCAST.test(head.startLine) || (isListed && context.declaredType === BY_NATURE))
    return { afterMs: limits.byNatureAfterMs, maxBytesPerS: Number.POSITIVE_INFINITY }
  return isListed ? { afterMs: limits.afterMs, maxBytesPerS: limits.maxBytesPerS } : undefined
}

function isOfType(declared: string, type: string): boolean {
  return type.endsWith('/*') ? declared.startsWith(type.slice(0, -1)) : declared === type
}
