import { type RiskLevel, worstRisk } from './risk.ts'

/** Why an engine could not look, each with its own policy. Never absorbed into "clean". */
export const UNSCANNED_REASONS = [
  'engine-down',
  'timeout',
  'too-large',
  'encrypted',
  'too-deep',
  'bomb',
  'partial',
  'malformed',
  'endless',
  'no-space',
  'not-unpacked',
] as const

export type UnscannedReason = (typeof UNSCANNED_REASONS)[number]

export type NonEmpty<T> = readonly [T, ...T[]]

export function isNonEmpty<T>(items: readonly T[]): items is NonEmpty<T> {
  return items.length > 0
}

/** What one engine found: its words, before any verdict. */
export interface Detection {
  /** Stable engine name: yara, suspicious-objects, url-rating, true-file-type, ... */
  readonly engine: string
  /** The threat's name as it stands in X-Virus-ID (made safe for headers only there). */
  readonly name: string
  readonly risk: RiskLevel
  /** Whether it speaks of the URL or of the file: X-Response-Desc has a part for each. */
  readonly about: 'url' | 'file'
  /** The archive member, form field or encoding layer, outermost first; absent for the sample itself. */
  readonly member?: string
  /** Byte offset in the scanned bytes (in the decoded body where an encoding was removed). */
  readonly offset?: number
  /** One line of evidence for people: rule file, list and value, matched string's identifier. */
  readonly evidence?: string
}

/** Worth keeping with the sample though it accuses nobody: a rule in shadow, a score in monitor mode. No verdict sees it. */
export interface Note {
  readonly name: string
  /** One line for people. */
  readonly detail: string
  readonly offset?: number
}

interface Noted {
  readonly engine: string
  readonly notes?: readonly Note[]
}

/** One engine's whole answer. `unscanned` is never `clean`. */
export type ScanResult =
  | (Noted & { readonly outcome: 'clean' })
  | (Noted & { readonly outcome: 'detected'; readonly detections: NonEmpty<Detection> })
  | (Noted & {
      readonly outcome: 'unscanned'
      readonly reason: UnscannedReason
      /** What went wrong, for the record; never shown to the user behind the client. */
      readonly detail?: string
      /** What it had found before it stopped. */
      readonly detections?: readonly Detection[]
    })

declare const decided: unique symbol

/**
 * Every required engine answered, so there is a risk. Only `decideVerdict` makes one (the brand
 * is not exported): a reply that says "clean" needs it, so nothing else can say it.
 */
export interface CompleteVerdict {
  readonly state: 'complete'
  readonly risk: RiskLevel
  readonly detections: readonly Detection[]
  readonly [decided]: true
}

/** At least one required engine could not look; `atLeast` is what the others found. */
export interface UnscannedVerdict {
  readonly state: 'unscanned'
  readonly reasons: NonEmpty<UnscannedReason>
  readonly atLeast: RiskLevel
  readonly detections: readonly Detection[]
  /** `ENGINE: DETAIL` of each engine that could not look. */
  readonly details: readonly string[]
}

export type Verdict = CompleteVerdict | UnscannedVerdict

const NO_DETECTIONS: readonly Detection[] = []
const NOTHING_FOUND = Object.freeze({
  state: 'complete',
  risk: 'none',
  detections: Object.freeze([]),
}) as unknown as CompleteVerdict

/** A risk is stated only when every required engine answered, and somebody did. */
export function decideVerdict(results: readonly ScanResult[]): Verdict {
  return results.length > 0 && results.every(isClean) ? NOTHING_FOUND : weigh(results)
}

function isClean(result: ScanResult): boolean {
  return result.outcome === 'clean'
}

function weigh(results: readonly ScanResult[]): Verdict {
  const detections: Detection[] = []
  const reasons: UnscannedReason[] = []
  const details: string[] = []
  for (const result of results) {
    if (result.outcome === 'clean') continue
    for (const detection of result.detections ?? NO_DETECTIONS) detections.push(detection)
    if (result.outcome === 'detected') continue
    if (!reasons.includes(result.reason)) reasons.push(result.reason)
    details.push(`${result.engine}: ${result.detail ?? result.reason}`)
  }
  // No engine at all is an engine that is down: an empty list never means clean.
  if (results.length === 0) reasons.push('engine-down')
  const risk = worstRisk(detections.map((detection) => detection.risk))
  if (!isNonEmpty(reasons)) return { state: 'complete', risk, detections } as unknown as CompleteVerdict
  return { state: 'unscanned', reasons, atLeast: risk, detections, details }
}

/** Thrown by an engine that could not look; the pipeline makes it a value at one border. */
export class Unscanned extends Error {
  override readonly name = 'Unscanned'
  readonly reason: UnscannedReason
  readonly detections: readonly Detection[]

  constructor(
    reason: UnscannedReason,
    detail: string,
    options: ErrorOptions & { detections?: readonly Detection[] } = {},
  ) {
    super(detail, options)
    this.reason = reason
    this.detections = options.detections ?? []
  }
}
