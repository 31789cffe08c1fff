import type { Evidence, EvidenceFinding, EvidenceLimit, EvidenceNode } from '../../domain/evidence.ts'
import { MAX_EVIDENCE_NODES } from '../../domain/evidence.ts'
import { type RiskLevel, worstRisk } from '../../domain/risk.ts'
import { type Detection, isNonEmpty, type ScanResult, type UnscannedReason } from '../../domain/verdict.ts'

/** A node of the walk while it is under way. */
export interface NodeRecord {
  readonly path: string
  readonly parent: NodeRecord | undefined
  type: string
  size: number
  sha256: string
  ms: number
  /** Handed over by its openers so far. */
  members: number
  openedBy?: string
  readonly findings: EvidenceFinding[]
  readonly limits: EvidenceLimit[]
}

/** What is kept beyond the plain members: findings and limits. An archive of nothing but findings must not fill the store. */
const MAX_KEPT = 1000
const MAX_A_NODE = 50
const MAX_DETECTIONS = 200
const MAX_DETAILS = 20

interface EngineAnswers {
  readonly detections: Detection[]
  readonly faults: Map<UnscannedReason, string[]>
}

/** Collects what engines and openers say of all the members, and turns it into results and evidence. */
export class Findings {
  readonly #engines = new Map<string, EngineAnswers>()
  readonly #kept = new Set<NodeRecord>()
  #seen = 0
  #weight = 0

  /** Grows with each finding and each limit. */
  get weight(): number {
    return this.#weight
  }

  /** Every node of the walk, a parent before its children. */
  node(node: NodeRecord): void {
    this.#seen++
    if (this.#kept.size < MAX_EVIDENCE_NODES) this.#kept.add(node)
  }

  /** The engine answered for a member, whatever it said. */
  answered(engine: string): EngineAnswers {
    let answers = this.#engines.get(engine)
    if (answers === undefined) {
      answers = { detections: [], faults: new Map() }
      this.#engines.set(engine, answers)
    }
    return answers
  }

  detected(node: NodeRecord, finding: EvidenceFinding, isDetection = true): void {
    this.#weight++
    this.#keep(node)
    if (node.findings.length < MAX_A_NODE) node.findings.push(finding)
    if (!isDetection) return
    const { detections } = this.answered(finding.engine)
    // Any number of harmless ones must not keep out the one that decides.
    if (detections.length >= MAX_DETECTIONS && !isWorse(finding.risk, detections)) return
    detections.push({
      engine: finding.engine,
      name: finding.name,
      risk: finding.risk,
      about: 'file',
      ...(node.path === '' ? {} : { member: node.path }),
      ...(finding.offset === undefined ? {} : { offset: finding.offset }),
      ...(finding.detail === undefined ? {} : { evidence: finding.detail }),
    })
  }

  unscanned(node: NodeRecord, limit: EvidenceLimit): void {
    this.#weight++
    this.#keep(node)
    if (node.limits.length < MAX_A_NODE) node.limits.push(limit)
    const { faults } = this.answered(limit.engine)
    const details = faults.get(limit.reason)
    const detail = node.path === '' ? limit.detail : `${node.path}: ${limit.detail}`
    if (details === undefined) faults.set(limit.reason, [detail])
    else if (details.length < MAX_DETAILS) details.push(detail)
  }

  /** One result an engine and reason. */
  results(): ScanResult[] {
    return [...this.#engines].flatMap(([engine, answers]) => resultsOf(engine, answers))
  }

  evidence(): Evidence {
    const kept = [...this.#kept]
    const places = new Map(kept.map((node, index) => [node, index]))
    const nodes = kept.map(
      ({ parent, members: _, ...node }): EvidenceNode => ({
        ...node,
        ms: Math.round(node.ms * 10) / 10,
        parent: parent === undefined ? -1 : (places.get(parent) ?? -1),
      }),
    )
    return { nodes, omitted: this.#seen - nodes.length }
  }

  /** With all that holds it, so that the tree has no holes. */
  #keep(node: NodeRecord): void {
    if (this.#kept.has(node) || this.#kept.size >= MAX_KEPT) return
    if (node.parent !== undefined) this.#keep(node.parent)
    this.#kept.add(node)
  }
}

function isWorse(risk: RiskLevel, detections: readonly Detection[]): boolean {
  const worst = worstRisk(detections.map((detection) => detection.risk))
  return worst !== risk && worstRisk([worst, risk]) === risk
}

function resultsOf(engine: string, { detections, faults }: EngineAnswers): ScanResult[] {
  if (faults.size === 0)
    return [isNonEmpty(detections) ? { outcome: 'detected', engine, detections } : { outcome: 'clean', engine }]
  return [...faults].map(([reason, details], index) => ({
    outcome: 'unscanned',
    engine,
    reason,
    detail: details.join('; '),
    ...(index === 0 ? { detections } : {}),
  }))
}
