import type { RiskLevel } from './risk.ts'
import type { UnscannedReason } from './verdict.ts'

/** What one engine said of one member. */
export interface EvidenceFinding {
  readonly engine: string
  readonly engineVersion: string
  /** The threat's, rule's or signal's name. */
  readonly name: string
  readonly risk: RiskLevel
  /** Byte offset in the member's own bytes. */
  readonly offset?: number
  /** MITRE ATT&CK technique: `T1059.005`. */
  readonly attack?: string
  readonly detail?: string
}

/** A part that nobody could look at, and why. */
export interface EvidenceLimit {
  readonly engine: string
  readonly reason: UnscannedReason
  readonly detail: string
}

/** One member of the tree that a verdict keeps. The list is in the order of the walk: a parent stands before its children. */
export interface EvidenceNode {
  /** The path inside the sample, `''` for the sample itself: names as the containers have them, joined by `!/`. */
  readonly path: string
  /** Index of the parent in the list; -1 for the sample itself. */
  readonly parent: number
  /** The true type's short name. */
  readonly type: string
  readonly size: number
  readonly sha256: string
  /** Wall time in ms that this member took, its own members not counted. */
  readonly ms: number
  /** What opened it, where a password did: `listed #3`, `from the mail's text`. Never the password. */
  readonly openedBy?: string
  readonly findings: readonly EvidenceFinding[]
  readonly limits: readonly EvidenceLimit[]
}

/** The members that matter of one scan. What found nothing beyond `MAX_EVIDENCE_NODES` is only counted. */
export interface Evidence {
  readonly nodes: readonly EvidenceNode[]
  /** Members that were scanned and are not in `nodes`. */
  readonly omitted: number
}

/** Joins a member's name to the path of what holds it. */
export const MEMBER_JOINT = '!/'
export const MAX_EVIDENCE_NODES = 200
