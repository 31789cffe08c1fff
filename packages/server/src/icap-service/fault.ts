import { Unscanned, type UnscannedReason } from '../domain/verdict.ts'

/** What an exception behind the head comes to: the ICAP status, and the record's words. */
export interface Fault {
  readonly status: number
  readonly reason: UnscannedReason
  readonly engine: string
  readonly detail: string
  readonly isOurs: boolean
}

/** A fault of the transfer names its ICAP status; everything else is ours. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Error && error.name === 'IcapError' && 'status' in error && typeof error.status === 'number') {
    return { status: error.status, reason: 'partial', engine: 'transfer', detail: error.message, isOurs: false }
  }
  const detail = error instanceof Error ? error.message : String(error)
  const reason = error instanceof Unscanned ? error.reason : 'engine-down'
  return { status: 500, reason, engine: 'handler', detail, isOurs: true }
}
