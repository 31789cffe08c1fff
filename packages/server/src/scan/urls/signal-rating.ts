import type { RiskLevel } from '../../domain/risk.ts'
import type { Detection, ScanResult } from '../../domain/verdict.ts'
import { brandIndex } from './brand-index.ts'
import { type Brand, DEFAULT_BRANDS } from './brand-table.ts'
import { type HostFacts, hostFacts } from './host-facts.ts'
import { copied, Recent } from './recent.ts'
import { fallbackRegistrableDomain, type RegistrableDomain } from './registrable-domain.ts'
import { SIGNAL_NAMES, type Signal } from './signal.ts'
import { signalsOf } from './signals.ts'

export const URL_RATING = 'url-rating'

/**
 * What the signals may do. `record`: low at most. `medium`: medium at most (predictive-ml.md 6: by their letters alone URLs are
 * misjudged too often to block). `block`: what would be medium is high: the administrator's own will.
 */
export const URL_SIGNAL_MODES = ['off', 'record', 'medium', 'block'] as const
export type UrlSignalMode = (typeof URL_SIGNAL_MODES)[number]

export interface UrlRaterOptions {
  readonly mode?: UrlSignalMode
  /** Those built in where absent. */
  readonly brands?: readonly Brand[]
  readonly registrableDomain?: RegistrableDomain
  /** Hosts whose facts are kept; 4,096. */
  readonly hosts?: number
}

/** At once, and never throws: the hot path asks it for every message. */
export type UrlRater = (url: string) => ScanResult

const CLEAN: ScanResult = Object.freeze({ outcome: 'clean', engine: URL_RATING })
const LOW_FROM = 20
const MEDIUM_FROM = 50
const MAX_TOLD = 6

/** What signals add up to: never high. */
export function combinedRisk(signals: readonly Signal[]): Extract<RiskLevel, 'none' | 'low' | 'medium'> {
  let points = 0
  for (const { weight } of signals) points += weight
  return points >= MEDIUM_FROM ? 'medium' : points >= LOW_FROM ? 'low' : 'none'
}

export function createUrlRater(options: UrlRaterOptions = {}): UrlRater {
  const { mode = 'medium', brands = DEFAULT_BRANDS, registrableDomain = fallbackRegistrableDomain } = options
  if (mode === 'off') return () => CLEAN
  const context = { brands: brandIndex(brands), registrableDomain }
  const known = new Recent<HostFacts>(options.hosts ?? 4096)
  const factsOf = (host: string): HostFacts => {
    const before = known.get(host)
    if (before !== undefined) return before
    const facts = hostFacts(copied(host), context)
    known.set(host, facts)
    return facts
  }
  return (url) => {
    if (url === '') return CLEAN
    const signals = signalsOf(url, context, factsOf)
    return signals.length === 0 ? CLEAN : rate(signals, mode)
  }
}

function rate(signals: readonly Signal[], mode: UrlSignalMode): ScanResult {
  const risk = combinedRisk(signals)
  if (risk === 'none') return CLEAN
  const [first, ...others] = [...signals].sort((a, b) => b.weight - a.weight)
  if (first === undefined) return CLEAN
  const told = [first, ...others].slice(0, MAX_TOLD).map(({ id, detail, weight }) => `${id} (${weight}): ${detail}`)
  const detection: Detection = {
    engine: URL_RATING,
    name: `SuspiciousURL.${SIGNAL_NAMES[first.id]}`,
    risk: riskIn(mode, risk),
    about: 'url',
    evidence: told.join('; '),
  }
  return { outcome: 'detected', engine: URL_RATING, detections: [detection] }
}

function riskIn(mode: UrlSignalMode, risk: 'low' | 'medium'): RiskLevel {
  if (mode === 'record') return 'low'
  return mode === 'block' && risk === 'medium' ? 'high' : risk
}
