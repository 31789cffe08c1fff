import { createHash } from 'node:crypto'
import type { Evidence, EvidenceFinding, EvidenceNode } from '../../domain/evidence.ts'
import type { Sample } from '../../domain/sample.ts'
import type { Detection, ScanResult } from '../../domain/verdict.ts'
import type { ContentView } from '../../unpack/content-view.ts'
import type { Opener, OpenerNode } from '../../unpack/opener.ts'
import type { EngineHealth } from '../scanner.ts'
import type { TrueType } from '../true-types.ts'
import type { ContentsPool } from './contents-pool.ts'
import { readingsOf } from './readings.ts'
import type { ContentsResult } from './walk.ts'

/** What must be looked into, by whom. */
export interface ContentsScanner {
  /** Changes whenever the same bytes could get a new answer. */
  readonly version: string
  /** Cheap: it is asked of every body. */
  wants(sample: Sample, view: ContentView, type: TrueType): boolean
  /** Settles soon after the signal at the latest. Rejects with Unscanned. */
  scan(sample: Sample, job: ContentsJob): Promise<ContentsResult>
  health(): EngineHealth
  /** Of an engine that looks only here (`predictive`); undefined where it is not known. */
  engineHealth(name: string): (EngineHealth & { readonly version: string }) | undefined
  close(): Promise<void>
}

export interface ContentsJob {
  readonly client: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** An engine that looks at the sample itself on the contents' threads, as those who start them know it. */
export interface ContentsEngine {
  readonly name: string
  readonly version: string
  readonly health: EngineHealth
  /** It must look at samples of this type. */
  readonly types: ReadonlySet<string>
}

export interface ContentsScannerOptions {
  readonly pool: ContentsPool
  readonly openers: readonly Opener[]
  readonly engines: readonly ContentsEngine[]
  /** What else answers depend on: limits, passwords, rules, engines that look at members. */
  readonly versions: readonly string[]
}

export function createContentsScanner(options: ContentsScannerOptions): ContentsScanner {
  const { pool, openers, engines } = options
  const wanted = new Set(engines.flatMap(({ types, health }) => (health.state === 'off' ? [] : [...types])))
  return {
    version: versionOf(options),
    wants(sample, view, type) {
      if (type.packed || wanted.has(type.name)) return true
      const readings = readingsOf(nodeOf(sample, view, type))
      // One that cannot say is asked again where its fault is a result.
      return openers.some((opener) => readings.some((reading) => isWanted(opener, reading)))
    },
    scan: (sample, job) => pool.scan({ ...job, sample: plain(sample) }),
    health() {
      const words = pool.restarts > 0 ? [`${pool.restarts} threads were replaced`] : []
      if (pool.detail !== '') words.unshift(pool.detail)
      return { state: pool.alive ? 'up' : 'down', detail: words.join('; ') }
    },
    engineHealth(name) {
      const engine = engines.find((one) => one.name === name)
      return engine && { ...engine.health, version: engine.version }
    },
    close: () => pool.close(),
  }
}

function isWanted(opener: Opener, node: OpenerNode): boolean {
  try {
    return opener.wants(node) !== undefined
  } catch {
    return true
  }
}

function nodeOf({ content, size, fileName, declaredType }: Sample, view: ContentView, type: TrueType): OpenerNode {
  return {
    content,
    size,
    view,
    type: type.name,
    family: type.family,
    packed: type.packed,
    fileName,
    declaredType,
    within: [],
  }
}

/** What a thread needs of it; nothing that cannot be sent. */
function plain({ content, size, sha256, fileName, declaredType }: Sample) {
  return { content, size, sha256, fileName, declaredType }
}

function versionOf({ openers, engines, versions }: ContentsScannerOptions): string {
  const parts = [
    ...openers.map(({ name, version }) => `${name}@${version}`),
    ...engines.map(({ name, version }) => `${name}@${version}`),
    ...versions,
  ]
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16)
}

/** Adds what the pipeline's engines said of the sample itself to the tree's root. */
export function withSample(
  evidence: Evidence,
  results: readonly ScanResult[],
  versionOfEngine: (name: string) => string,
): Evidence {
  const [root, ...others] = evidence.nodes
  if (root === undefined || results.every(({ outcome, notes }) => outcome === 'clean' && notes === undefined))
    return evidence
  const findings = results.flatMap((result) => {
    const { engine, notes = [] } = result
    const noted = notes.map((note) => ({
      engine,
      engineVersion: versionOfEngine(engine),
      risk: 'none' as const,
      ...note,
    }))
    return [...(result.outcome === 'clean' ? [] : (result.detections ?? []).map(findingOf)), ...noted]
  })
  const limits = results.flatMap((result) =>
    result.outcome === 'unscanned'
      ? [{ engine: result.engine, reason: result.reason, detail: result.detail ?? result.reason }]
      : [],
  )
  const node: EvidenceNode = {
    ...root,
    findings: [...findings, ...root.findings],
    limits: [...limits, ...root.limits],
  }
  return { ...evidence, nodes: [node, ...others] }

  function findingOf({ engine, name, risk, offset, evidence: detail }: Detection): EvidenceFinding {
    return {
      engine,
      engineVersion: versionOfEngine(engine),
      name,
      risk,
      ...(offset === undefined ? {} : { offset }),
      ...(detail === undefined ? {} : { detail }),
    }
  }
}
