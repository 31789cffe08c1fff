/** What a child is to do. */
export interface Job {
  readonly target: string
  readonly seed: number
  /** The first input's number. */
  readonly from: number
  readonly inputs: number
  /** Every input is blown up to about this; 0: none is. */
  readonly largeBytes: number
  /** Wall time after which it ends in any case. */
  readonly forMs: number
  /** Holds the number of the input that is being run: 8 bytes, a double. */
  readonly progress: string
  /** Runs this file's bytes instead, once, and says what they cost. */
  readonly file?: string
}

export type FindingKind = 'exception' | 'slow' | 'memory' | 'hang' | 'death'

export interface FuzzFinding {
  readonly kind: FindingKind
  readonly index: number
  readonly what: string
  readonly stack: string
  readonly fileName: string
  readonly declaredType: string
  /** Where the bytes are kept; '' where there were enough of the same. */
  readonly saved: string
}

export interface Tally {
  readonly inputs: number
  readonly cpuMs: number
  readonly wallMs: number
  readonly slowestMs: number
  readonly slowestIndex: number
  /** Of the whole process, with all garbage. */
  readonly peakBytes: number
}

export type FromChild =
  | { readonly type: 'tally'; readonly tally: Tally; readonly isLast: boolean }
  | { readonly type: 'finding'; readonly finding: FuzzFinding }
  /** The process has grown too much: what comes next is for a new one. */
  | { readonly type: 'full'; readonly index: number; readonly grownBytes: number }

const MAX_CPU_MS = 1000
const LARGE_BYTES = 512 * 1024

/** An input that costs more is a finding: a second of CPU time, a large one a second for each half MiB. */
export function mostCpuMs(bytes: number): number {
  return MAX_CPU_MS * Math.max(1, bytes / LARGE_BYTES)
}

export const MAX_GROWTH_BYTES = 512 * 1024 * 1024
