import type { RiskLevel } from './risk.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** Why it would be blocked today. */
export interface RecallCause {
  /** The engine, or '' where a reason for not scanning is blocked today. */
  readonly engine: string
  readonly name: string
  readonly risk: RiskLevel
  readonly member?: string | undefined
  readonly evidence?: string | undefined
}

/** A message that was let through, and that today's lists and policy would block: who got the first copies. */
export interface RecallFinding
  extends Pick<
    TransactionRecord,
    'id' | 'timeMs' | 'client' | 'clientGroup' | 'mode' | 'url' | 'fileName' | 'sha256' | 'action'
  > {
  /** Unix ms when it was found out. */
  readonly foundMs: number
  /** As the client claims it; '' where it says nothing. */
  readonly user: string
  readonly causes: readonly RecallCause[]
}
