import type { RiskThreshold } from './risk.ts'
import type { CompleteVerdict, Detection, NonEmpty, UnscannedReason } from './verdict.ts'

export const UNSCANNED_ACTIONS = ['allow', 'block', 'error'] as const

export type UnscannedAction = (typeof UNSCANNED_ACTIONS)[number]

/** What a client group's administrator decided. Pure data, so that decisions can be tables in tests. */
export interface Policy {
  readonly blockFrom: RiskThreshold
  readonly unscanned: { readonly [R in UnscannedReason]: UnscannedAction }
  readonly classifyPasswordProtected: 'off' | 'label' | 'block'
}

/** What is done with the message. `allow-clean` carries the complete verdict that permits it. */
export type Action =
  | { readonly type: 'allow-clean'; readonly verdict: CompleteVerdict }
  | { readonly type: 'allow-unscanned'; readonly reason: UnscannedReason; readonly passwordClass?: string }
  | { readonly type: 'allow-excluded' }
  | { readonly type: 'block'; readonly causes: NonEmpty<Detection> }
  /** Blocked for what could not be scanned: there is a reason, and no detection. */
  | { readonly type: 'block-unscanned'; readonly reason: UnscannedReason; readonly threat: string }
  | { readonly type: 'error'; readonly reason: UnscannedReason }
