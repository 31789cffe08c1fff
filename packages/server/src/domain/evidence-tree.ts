import type { Evidence, EvidenceFinding, EvidenceNode } from './evidence.ts'
import type { TransactionRecord } from './transaction-record.ts'
import type { Detection, UnscannedReason } from './verdict.ts'

/** What a verdict was made of, as a record or a scan has it. */
export interface Judged {
  readonly sha256: string
  readonly size: number
  /** The true type's MIME name. */
  readonly type: string
  /** `ENGINE@VERSION`, blank between them. */
  readonly engines: string
  readonly detections: readonly Detection[]
  readonly reasons: readonly UnscannedReason[]
  readonly details: readonly string[]
  readonly evidence?: Evidence | undefined
}

/**
 * The whole tree of a verdict, the same for API, console and command line: what was found inside, and what lists and URL rating
 * said at its place. A body with nothing inside is a tree of one.
 */
export function evidenceTree(judged: Judged): Evidence {
  const { evidence } = judged
  const nodes = evidence === undefined || evidence.nodes.length === 0 ? [rootOf(judged)] : [...evidence.nodes]
  const versions = versionsOf(judged.engines)
  const seen = new Set(nodes.flatMap((node) => node.findings.map((finding) => keyOf(node.path, finding))))
  for (const detection of judged.detections) {
    const path = detection.member ?? ''
    if (seen.has(keyOf(path, detection))) continue
    seen.add(keyOf(path, detection))
    // A member that the tree does not hold: its finding stands at the sample, with the path in its words.
    const place = Math.max(
      0,
      nodes.findIndex((node) => node.path === path),
    )
    const node = nodes[place]
    if (node !== undefined) nodes[place] = { ...node, findings: [...node.findings, findingOf(detection, versions)] }
  }
  return { nodes, omitted: evidence?.omitted ?? 0 }
}

function rootOf({ sha256, size, type, reasons, details }: Judged): EvidenceNode {
  const limits = reasons.map((reason) => ({ engine: '', reason, detail: details.join('; ') }))
  return { path: '', parent: -1, type, size: Math.max(0, size), sha256, ms: 0, findings: [], limits }
}

function keyOf(path: string, { engine, name, offset }: Pick<EvidenceFinding, 'engine' | 'name' | 'offset'>): string {
  return `${path}\0${engine}\0${name}\0${offset}`
}

function findingOf(detection: Detection, versions: ReadonlyMap<string, string>): EvidenceFinding {
  const { engine, name, risk, offset, member, evidence } = detection
  const detail = [member, evidence].filter((text) => text !== undefined && text !== '').join(': ')
  return {
    engine,
    engineVersion: versions.get(engine) ?? '',
    name,
    risk,
    ...(offset === undefined ? {} : { offset }),
    ...(detail === '' ? {} : { detail }),
  }
}

function versionsOf(engines: string): ReadonlyMap<string, string> {
  return new Map(
    engines.split(' ').map((text) => [text.slice(0, text.indexOf('@')), text.slice(text.indexOf('@') + 1)]),
  )
}

/** One line a node, finding and limit, indented by depth: for people. Texts may be hostile: the caller makes them printable. */
export function evidenceLines({ nodes, omitted }: Evidence): string[] {
  const depths: number[] = []
  const lines = nodes.flatMap((node, index) => {
    const depth = node.parent < 0 ? 0 : (depths[node.parent] ?? 0) + 1
    depths[index] = depth
    const indent = '  '.repeat(depth)
    const opened = node.openedBy === undefined ? '' : `, opened by a password ${node.openedBy}`
    return [
      `${indent}${node.path.split('!/').at(-1) || '(sample)'} [${node.type}, ${node.size} bytes, ${node.ms} ms${opened}]`,
      ...node.findings.map((finding) => `${indent}  ! ${findingText(finding)}`),
      ...node.limits.map(({ engine, reason, detail }) => `${indent}  ? ${engine}: ${reason}: ${detail}`),
    ]
  })
  return omitted === 0 ? lines : [...lines, `(${omitted} more members)`]
}

function findingText({ engine, engineVersion, name, risk, offset, detail }: EvidenceFinding): string {
  const by = engineVersion === '' ? engine : `${engine} ${engineVersion}`
  const where = offset === undefined ? '' : ` at ${offset}`
  return `${risk}: ${name}${where} (${by})${detail === undefined ? '' : `: ${detail}`}`
}

/** A record with its whole tree. */
export function recordWithTree(record: TransactionRecord): TransactionRecord & { readonly evidence: Evidence } {
  return { ...record, evidence: evidenceTree({ ...record, type: record.trueType }) }
}

/** A record as a page of many has it: the tree of one may be as large as all the rest. */
export function recordWithoutTree({ evidence: _, ...record }: TransactionRecord): Omit<TransactionRecord, 'evidence'> {
  return record
}
