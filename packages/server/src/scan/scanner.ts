import type { Sample } from '../domain/sample.ts'
import type { Detection } from '../domain/verdict.ts'

/** One detection engine. Returns what it found; throws Unscanned(reason) when it could not look. */
export interface Scanner {
  readonly name: string
  /** Changes whenever the same bytes could get a new answer; feeds the ISTag and the verdict cache's key. */
  readonly version: string
  scan(sample: Sample, signal: AbortSignal): Promise<Detection[]> | Detection[]
}
