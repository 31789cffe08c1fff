import type { RiskLevel } from './risk.ts'

/** The lists, by who fills them. `exceptions` override the other lists and learning; `trusted` hashes override engines. */
export const OBJECT_LISTS = ['generated', 'synchronized', 'user-defined', 'exceptions', 'trusted'] as const

export type ObjectListName = (typeof OBJECT_LISTS)[number]

export const OBJECT_TYPES = ['ip', 'domain', 'url', 'sha1', 'sha256'] as const

export type ObjectType = (typeof OBJECT_TYPES)[number]

/**
 * One entry, its value canonical (`canonicalObject`):
 * ip: an address, `low-high`, or CIDR, v4 or v6; domain: `example.com` or `*.example.com`; url: `http://host/path`, where the
 * host may begin with `*.` and the path may hold `*` anywhere; sha1, sha256: lower-case hex.
 */
export interface SuspiciousObject {
  readonly list: ObjectListName
  readonly type: ObjectType
  readonly value: string
  readonly risk: RiskLevel
  /** Unix ms; 0 = never. */
  readonly expiresMs: number
  readonly addedMs: number
  /** Where it came from: `cli`, a feed's name, a submission's id. */
  readonly source: string
  /** Why; required for `trusted`. */
  readonly note: string
}

/** A list entry that answers a look-up, as evidence. */
export interface ObjectMatch {
  readonly list: ObjectListName
  readonly type: ObjectType
  readonly value: string
  readonly risk: RiskLevel
}
