import type { Content } from '../../domain/sample.ts'
import type { UnscannedReason } from '../../domain/verdict.ts'

/** A member's bytes as they were taken in. */
export interface TakenMember {
  /** Undefined: not all of it was kept. */
  readonly content: Content | undefined
  readonly size: number
  readonly sha256: string
  readonly sha1: string
  readonly unscanned: { readonly reason: UnscannedReason; readonly detail: string } | undefined
}

/** Takes one member in, in memory or in an unlinked file, and hashes it meanwhile. */
export interface MemberBody {
  write(chunk: Buffer): void | Promise<void>
  finish(): TakenMember | Promise<TakenMember>
  /** Frees it. */
  discard(): void
}
