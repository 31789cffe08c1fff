import type { Action } from './action.ts'
import type { Evidence } from './evidence.ts'
import type { RiskLevel } from './risk.ts'
import type { Detection, UnscannedReason } from './verdict.ts'

/** Headers of the client that the settings save, decoded; "claimed by" the client, never trusted. */
export interface SavedHeaders {
  readonly clientIp?: string
  readonly serverIp?: string
  readonly authenticatedUser?: string
  readonly authenticatedGroups?: string
  readonly clientUsername?: string
}

/**
 * One ICAP transaction as it is written to the journal before the reply, and later to the store.
 * Text is free of NUL (PostgreSQL refuses it); secret-like URL parameters are masked; credentials are never in it.
 */
export interface TransactionRecord {
  /** Unique on all nodes, sorts by time: the journals are taken in by it, idempotently. */
  readonly id: string
  /** Unix time in ms when the request's head was read. */
  readonly timeMs: number
  /** The TCP peer's address. */
  readonly client: string
  readonly clientGroup: string
  readonly mode: 'REQMOD' | 'RESPMOD'
  readonly service: string
  readonly httpMethod: string
  readonly httpStatus: number
  readonly url: string
  readonly fileName: string
  readonly saved: SavedHeaders
  /** '' where the message has no body. */
  readonly sha256: string
  readonly sha1: string
  /** Body bytes as they came; -1 where there was none. */
  readonly size: number
  readonly declaredType: string
  readonly trueType: string
  readonly outcome: 'clean' | 'detected' | 'unscanned' | 'excluded'
  /** The verdict's risk, or what an unscanned one is at least. */
  readonly risk: RiskLevel
  readonly reasons: readonly UnscannedReason[]
  readonly details: readonly string[]
  readonly detections: readonly Detection[]
  readonly action: Action['type']
  /** The ICAP status of the reply. */
  readonly icapStatus: number
  /** Milliseconds of each stage: `read` (first to last byte), `scan`, `total`. */
  readonly stagesMs: { readonly read: number; readonly scan: number; readonly total: number }
  /** Whether the verdict came from the cache. */
  readonly cached: boolean
  /** `ENGINE@VERSION` of those that looked at the body, blank between them; '' where none did. */
  readonly engines: string
  /** The tree of what was inside; absent where there was nothing. */
  readonly evidence?: Evidence
}
