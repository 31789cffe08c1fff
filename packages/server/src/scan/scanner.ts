import type { Sample } from '../domain/sample.ts'
import type { Detection, Note } from '../domain/verdict.ts'
import type { ScanSettings } from './pipeline.ts'

/** Who asks: what an engine needs to share its threads fairly. */
export interface ScanContext {
  /** The TCP peer's address: one client may never hold all of a lane. */
  readonly client: string
  /** Codings of the message's body in the order applied, lower case; absent: none. */
  readonly contentEncodings?: readonly string[]
  /** What was in force when the message began: a change of settings never splits one. Absent: what is in force now. */
  readonly scanSettings?: ScanSettings
}

export interface EngineHealth {
  readonly state: 'up' | 'down' | 'off'
  /** One line for people: what is loaded, what is slow, why it is down. */
  readonly detail: string
}

/** One detection engine. Returns what it found; throws Unscanned(reason) when it could not look. */
export interface Scanner {
  readonly name: string
  /** Changes whenever the same bytes could get a new answer; feeds the ISTag and the verdict cache's key. */
  readonly version: string
  /** True where the answer depends on the declared type or the file name too: they join the verdict cache's key. */
  readonly usesContext?: boolean
  /** Absent: up. */
  health?(): EngineHealth
  /**
   * The whole answer if it can be had at once (no promise, no signal: the hot path for small bodies), undefined where `scan`
   * must be called. Throws like `scan`. What accuses nobody is added to `notes`, also where it throws.
   */
  scanNow?(sample: Sample, notes?: Note[]): readonly Detection[] | undefined
  scan(
    sample: Sample,
    signal: AbortSignal,
    context: ScanContext,
    notes?: Note[],
  ): Promise<readonly Detection[]> | readonly Detection[]
}
