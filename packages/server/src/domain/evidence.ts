import type { RiskLevel } from './risk.ts'
import type { UnscannedReason } from './verdict.ts'

/** What one engine said of one member. */
export interface EvidenceFinding {
  readonly engine: string
  readonly engineVersion: string
  /** The threat's, rule's or signal's name. */
  readonly name: string
  readonly risk: RiskLevel
  /** Byte offset in the member's own bytes. */
  readonly offset?: number | undefined
  /** MITRE ATT&CK technique: `T1059.005`. */
  readonly attack?: string | undefined
  readonly detail?: string | undefined
}

/** A part that nobody could look at, and why. */
export interface EvidenceLimit {
  readonly engine: string
  readonly reason: UnscannedReason
  readonly detail: string
}

/** One member of the tree that a verdict keeps. The list is in the order of the walk: a parent stands before its children. */
export interface EvidenceNode {
  /** The path inside the sample, `''` for the sample itself: names as the containers have them, joined by `!/`. */
  readonly path: string
  /** Index of the parent in the list; -1 for the sample itself. */
  readonly parent: number
  /** The true type's short name. */
  readonly type: string
  readonly size: number
  readonly sha256: string
  /** Wall time in ms that this member took, its own members not counted. */
  readonly ms: number
  /** What opened it, where a password did: `listed #3`, `from the mail's text`. Never the password. */
  readonly openedBy?: string | undefined
  readonly findings: readonly EvidenceFinding[]
  readonly limits: readonly EvidenceLimit[]
}

/** The members that matter of one scan. What found nothing beyond `MAX_EVIDENCE_NODES` is only counted. */
export interface Evidence {
  readonly nodes: readonly EvidenceNode[]
  /** Members that were scanned and are not in `nodes`. */
  readonly omitted: number
}

/** Joins a member's name to the path of what holds it. */
export const MEMBER_JOINT = '!/'
export const MAX_EVIDENCE_NODES = 200

/** Text that evidence may take in a record, in characters of JSON. */
const MAX_CHARACTERS = 256 * 1024

/** As much of it as a record holds: plain members go first, then whatever stands last. `plain` cleans each text. */
export function boundedEvidence({ nodes, omitted }: Evidence, plain: (text: string) => string): Evidence {
  const kept = new Set<number>()
  let left = MAX_CHARACTERS
  const order = [...nodes.keys()].sort((a, b) => rank(nodes[a]) - rank(nodes[b]) || a - b)
  for (const index of order) {
    const chain = chainOf(nodes, index).filter((place) => !kept.has(place))
    const cost = chain.reduce((sum, place) => sum + JSON.stringify(nodes[place]).length, 0)
    if (cost > left) continue
    left -= cost
    for (const place of chain) kept.add(place)
  }
  const places = [...kept].sort((a, b) => a - b)
  const moved = new Map(places.map((place, index) => [place, index]))
  return {
    nodes: places.flatMap((place) => {
      const node = nodes[place]
      return node === undefined ? [] : [plainNode({ ...node, parent: moved.get(node.parent) ?? -1 }, plain)]
    }),
    omitted: omitted + nodes.length - places.length,
  }
}

function rank(node: EvidenceNode | undefined): number {
  return node !== undefined && (node.parent < 0 || node.findings.length + node.limits.length > 0) ? 0 : 1
}

/** The node and all that holds it. */
function chainOf(nodes: readonly EvidenceNode[], index: number): number[] {
  const chain: number[] = []
  for (let at = index; at >= 0 && chain.length <= nodes.length; at = nodes[at]?.parent ?? -1) chain.push(at)
  return chain
}

function plainNode(node: EvidenceNode, plain: (text: string) => string): EvidenceNode {
  return {
    ...node,
    path: plain(node.path),
    findings: node.findings.map((finding) => ({
      ...finding,
      name: plain(finding.name),
      ...(finding.detail === undefined ? {} : { detail: plain(finding.detail) }),
    })),
    limits: node.limits.map((limit) => ({ ...limit, detail: plain(limit.detail) })),
  }
}

/** Puts the tree of what a body was without its Content-Encoding beneath that of the body as it came. */
export function joinEvidence(
  outer: Evidence | undefined,
  inner: Evidence | undefined,
  name: string,
): Evidence | undefined {
  if (outer === undefined || inner === undefined) return inner ?? outer
  const shift = outer.nodes.length
  const nodes = inner.nodes.map((node) => ({
    ...node,
    path: node.path === '' ? name : `${name}${MEMBER_JOINT}${node.path}`,
    parent: node.parent < 0 ? 0 : node.parent + shift,
  }))
  return { nodes: [...outer.nodes, ...nodes], omitted: outer.omitted + inner.omitted }
}
