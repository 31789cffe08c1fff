/** How dangerous an object is; the appliance's four levels, worst last. */
export const RISK_LEVELS = ['none', 'low', 'medium', 'high'] as const

export type RiskLevel = (typeof RISK_LEVELS)[number]

/** A level that can be a threshold: "none" would block everything. */
export type RiskThreshold = Exclude<RiskLevel, 'none'>

export function isAtLeast(risk: RiskLevel, threshold: RiskThreshold): boolean {
  return RISK_LEVELS.indexOf(risk) >= RISK_LEVELS.indexOf(threshold)
}

export function worstRisk(risks: Iterable<RiskLevel>): RiskLevel {
  let worst = 0
  for (const risk of risks) worst = Math.max(worst, RISK_LEVELS.indexOf(risk))
  return RISK_LEVELS[worst] ?? 'none'
}
