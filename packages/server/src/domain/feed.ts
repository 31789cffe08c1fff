import type { RiskLevel, RiskThreshold } from './risk.ts'
import type { ObjectType } from './suspicious-object.ts'

/** How a source of the synchronized list is read. */
export const FEED_KINDS = ['taxii', 'misp', 'misp-feed', 'text', 'csv', 'hosts', 'stix'] as const

export type FeedKind = (typeof FEED_KINDS)[number]

export const FEED_AUTHS = ['none', 'basic', 'bearer', 'header'] as const

export type FeedAuth = (typeof FEED_AUTHS)[number]

/** Name of a source; it stands in list entries, and in paths of the API. */
export const FEED_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/**
 * Names of headers that carry a key: those that the egress client drops at a redirect to another origin (RFC 9110 15.4).
 * Any other would be handed to whoever the source sends us to.
 */
export const KEY_HEADER =
  /^(?=[A-Za-z0-9-]{1,64}$)(?:authorization|[A-Za-z0-9-]*(?:token|secret|api-?key)[A-Za-z0-9-]*)$/i

/** A source as the administrator set it up, without its secret. */
export interface FeedConfig {
  readonly name: string
  readonly kind: FeedKind
  /** http or https. taxii: of the discovery page, an API root or a collection; misp: of the server; misp-feed: of its folder. */
  readonly url: string
  /** taxii: a collection's id, alias or title; '' where there is only one. */
  readonly collection: string
  /** misp, misp-feed: only what has one of these tags; none = all. */
  readonly tags: readonly string[]
  /** csv: the column that holds the object: its number from 1, or its name in the header. */
  readonly column: string
  /** csv: one character. */
  readonly delimiter: string
  readonly auth: FeedAuth
  /** basic: the user's name. */
  readonly user: string
  /** header: the header's name (`KEY_HEADER`). */
  readonly header: string
  readonly scheduleMinutes: number
  /**
   * Days that an object lives: since the source last named it (lists), or since the source last changed it (taxii, misp).
   * An end that the source itself states counts where it is earlier. 0: no end of ours.
   */
  readonly expiryDays: number
  readonly risk: RiskThreshold
  /** Types that are taken. */
  readonly types: readonly ObjectType[]
  /** stix, taxii: what the source is less sure of (0-100) is not taken. */
  readonly minConfidence: number
  readonly maxEntries: number
  /** Of one answer. */
  readonly maxBytes: number
  /** PEM of the authorities to trust for this source; '' = the usual ones. */
  readonly ca: string
}

/** One object that a source names, canonical (`canonicalObject`). */
export interface FeedObject {
  readonly type: ObjectType
  readonly value: string
  readonly risk: RiskLevel
  /** Unix ms; 0 = never. */
  readonly expiresMs: number
  /** What names it within the source (a STIX id, an attribute's or event's uuid), '' in plain lists: it goes with that. */
  readonly ref: string
  readonly note: string
}

/** What came of reading a source once. */
export interface FeedTally {
  readonly taken: number
  /** Lines or objects that are damaged. */
  readonly bad: number
  /** The first of them, each a sentence. */
  readonly faults: readonly string[]
  /** Well-formed and not taken: why -> how many. */
  readonly ignored: Readonly<Record<string, number>>
}

/** Where the next reading goes on; what is in it belongs to the kind. */
export interface FeedCursor {
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
  /** taxii: `added_after`; misp: Unix seconds; misp-feed: JSON of event uuid -> timestamp. */
  readonly since?: string | undefined
}

/** What came of the attempts at a source. */
export interface FeedState {
  /** 0 = never. */
  readonly successMs: number
  /** The last time that everything was read, not only what had changed. */
  readonly wholeMs: number
  /** In a row. */
  readonly failures: number
  /** Why the last attempt failed; '' when it did not. */
  readonly fault: string
  /** Not before: the source's own Retry-After. */
  readonly retryMs: number
  readonly tally: FeedTally
}

export const NEW_FEED: FeedState = {
  successMs: 0,
  wholeMs: 0,
  failures: 0,
  fault: '',
  retryMs: 0,
  tally: { taken: 0, bad: 0, faults: [], ignored: {} },
}
