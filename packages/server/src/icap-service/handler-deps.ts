import type { BodySink, IcapMethod, Peer } from '@assay/icap'
import type { Policy } from '../domain/action.ts'
import type { Dialect } from '../domain/dialect.ts'
import type { Evidence } from '../domain/evidence.ts'
import type { Content, Sample } from '../domain/sample.ts'
import type { TransactionRecord } from '../domain/transaction-record.ts'
import type { ScanResult, UnscannedReason } from '../domain/verdict.ts'
import type { HeaderSwitches, SavedHeaderSwitches } from './icap-headers.ts'
import type { NotificationPages } from './notification-page.ts'
import type { RangeStore } from './range-store.ts'
import type { Spool } from './spool.ts'
import type { StreamLimits } from './stream-rule.ts'
import type { TrickleSettings } from './trickle.ts'

/** What this TCP peer may do and what policy decides for it; one object per client group, never made per transaction. */
export interface GroupPolicy {
  /** False: the peer is not on the client list; it gets ICAP 403 and a close, and no record. */
  readonly allowed: boolean
  /** The client group's name. */
  readonly group: string
  readonly policy: Policy
  /** Whose headers the clients understand. */
  readonly dialect?: Dialect
  /** Absent: the group does not trickle (only RESPMOD bodies are ever trickled). */
  readonly trickle?: TrickleSettings
}

/** What a message says of itself, for the lists and the engines. Hostile text; credentials are not in it. */
export interface MessageContext {
  readonly mode: IcapMethod
  readonly service: string
  /** The TCP peer's address and its client group. */
  readonly client: string
  readonly group: string
  /** Absolute, without userinfo, secrets not masked (lists need the whole of it; never log it); '' when unknown. CONNECT: `HOST:PORT`. */
  readonly url: string
  /** Lower case, without port and brackets; '' when unknown. */
  readonly host: string
  /** The HTTP request method; '' when the client sent no request head. */
  readonly httpMethod: string
  /** The HTTP status; 0 in REQMOD and where there is no status line. */
  readonly httpStatus: number
  /** Content-Type as it stands (multipart needs its boundary); '' when there is none. */
  readonly contentType: string
  /** The same, lower case, without parameters. */
  readonly declaredType: string
  /** Content-Encoding in the order applied, lower case, `identity` dropped. */
  readonly contentEncodings: readonly string[]
  readonly fileName: string
  /** X-Server-IP as the client claims it; '' when it does not. */
  readonly claimedServerIp: string
  /** `HandlerConfig.scanSettings` when the message began. */
  readonly scanSettings: object
}

/** Hashes and names found within a sample: what the lists are asked with on each transaction, also when the scan came from the cache. */
export interface ScannedMember {
  /** The path inside the sample. */
  readonly path: string
  readonly sha256: string
  readonly sha1?: string
  readonly urls?: readonly string[]
  readonly hosts?: readonly string[]
}

/** What the content engines said of one sample. Lists are not in it: `lists` is asked apart, every time. */
export interface PrescanResult {
  /** One result per required engine; empty = no engine looked, which is engine-down, never clean. */
  readonly results: readonly ScanResult[]
  /** The true file type's MIME name; '' when unknown. */
  readonly trueType: string
  readonly cached: boolean
  readonly members?: readonly ScannedMember[]
  /** `ENGINE@VERSION` of those that looked, blank between them. */
  readonly engines?: string
  readonly evidence?: Evidence
}

/** Whoever can be cancelled; the signal is made on first use, so ask for it only where something can last. */
export interface Cancellable {
  readonly signal: AbortSignal
}

/** How removing the Content-Encoding layers went. What was decoded before it stopped was written all the same. */
export interface DecodeOutcome {
  /** The layers removed, outermost first; empty when none could be. */
  readonly layers: readonly string[]
  /** Why the whole was not decoded; undefined when it was. */
  readonly unscanned: { readonly reason: UnscannedReason; readonly detail: string } | undefined
}

/** When a body stops being kept, and when a stream without a length counts as endless. */
export interface IntakeLimits {
  /** Bodies up to this many bytes stay in memory, larger ones go to the spool. */
  readonly memoryBytes: number
  /** A larger body is too-large: hashed whole, not kept. */
  readonly maxBytes: number
  /** No Content-Length and more bytes than this: endless. */
  readonly endlessAfterBytes: number
  /** No Content-Length and still coming after so many milliseconds: endless. */
  readonly endlessAfterMs: number
  /** SHA-1 is computed only where a list holds SHA-1 entries or a stored sample needs it; MD5 likewise. */
  readonly sha1: boolean
  readonly md5: boolean
}

/** The settings a transaction needs; asked once per transaction, so a change never splits one. */
export interface HandlerConfig {
  readonly send: HeaderSwitches
  readonly save: SavedHeaderSwitches
  readonly bypassUrlInRespmod: boolean
  /** What the engines go by; handed to them with each message, so that they and the policy are of one moment. */
  readonly scanSettings: object
  readonly pages: NotificationPages
  readonly intake: IntakeLimits
  readonly streams: StreamLimits
}

export type HandlerMetric =
  | 'allow-clean'
  | 'allow-unscanned'
  | 'allow-excluded'
  | 'block'
  | 'block-unscanned'
  | 'error'
  | 'refused'
  | 'client-gone'
  | 'journal-failed'
  | 'handler-failed'
  | 'not-returnable'
  | 'range-joined'
  | 'range-blocked'
  | 'stream-ended'
  | 'trickled'
  | 'trickle-cut'

/** Everything `createHandler` needs; the composition root (worker.ts) supplies it. */
export interface HandlerDeps {
  /** Unix ms with fractions where the clock has them (stage times). */
  now(): number
  /** A new record id: unique on all nodes, sorts by time. */
  nextId(): string
  /** Matched on the TCP peer and the service only, never on a header. */
  policyFor(peer: Peer, service: string): GroupPolicy
  config(): HandlerConfig
  /** URL, host and IP against lists and lexical signals; asked for every transaction whose URL is not bypassed. At least one result. */
  rateUrl(context: MessageContext): readonly ScanResult[] | Promise<readonly ScanResult[]>
  /**
   * The content engines on one sample. Called for the body as it came and, where Content-Encoding was removed, for the decoded
   * body too (`sample.decoded` names the layers then). Must not throw, but a throw counts as engine-down.
   */
  prescan(sample: Sample, context: MessageContext, cancel: Cancellable): PrescanResult | Promise<PrescanResult>
  /** Hash lists on the sample and the members the scan named; also for excluded bodies. At least one result. */
  lists(
    sample: Sample,
    members: readonly ScannedMember[],
    context: MessageContext,
  ): readonly ScanResult[] | Promise<readonly ScanResult[]>
  /** Content-type exclusion, validation included; `context.contentEncodings` tells compressed bodies. Absent: nothing is excluded. */
  excluded?(sample: Sample, context: MessageContext): boolean | Promise<boolean>
  /**
   * Removes Content-Encoding for the scan and writes what comes out (unpack/content-encoding.ts `decodeContent`).
   * `encodings` in the order applied. Must not throw, but a throw counts as engine-down.
   */
  decode(
    content: Content,
    encodings: readonly string[],
    write: BodySink,
    cancel: Cancellable,
  ): DecodeOutcome | Promise<DecodeOutcome>
  /** Returns (or resolves) once the record survives the death of this process; a rejection or throw = no space, answered with 500. */
  journal(record: TransactionRecord): void | Promise<void>
  readonly spool: Spool
  /** Absent: ranges are not joined, each is unscanned(partial). */
  readonly ranges?: RangeStore
  count(metric: HandlerMetric): void
  /** An exception of ours, for the log; never holds client bytes. */
  failed(error: unknown, id: string): void
}
