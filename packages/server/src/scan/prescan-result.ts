import type { Evidence } from '../domain/evidence.ts'
import type { Sample } from '../domain/sample.ts'
import type { ObjectMatch } from '../domain/suspicious-object.ts'
import type { ScanResult } from '../domain/verdict.ts'
import type { ContentView } from '../unpack/content-view.ts'
import { withSample } from './contents/contents-scanner.ts'
import { type EnginePlan, failed, TYPE_ENGINE } from './engine-run.ts'
import type { ScanContext } from './scanner.ts'
import type { ScannedMember } from './scanners/suspicious-objects.ts'
import { trueFileType } from './true-file-type.ts'
import type { TrueType } from './true-types.ts'
import { unopened } from './unopened.ts'

/** What the content engines said of one sample. The lists are not in it: they are asked apart, every time. */
export interface PrescanResult {
  /** One a required engine at least; never empty. */
  readonly results: readonly ScanResult[]
  /** The true file type's MIME name. */
  readonly trueType: string
  readonly type: TrueType
  readonly cached: boolean
  readonly members: readonly ScannedMember[]
  /** `ENGINE@VERSION` of the engines that were asked, blank between them. */
  readonly engines: string
  /** The tree of members; absent where nothing was inside. */
  readonly evidence?: Evidence
  /** The entry that made the engines needless. */
  readonly trusted?: ObjectMatch
}

export const NO_MEMBERS: readonly ScannedMember[] = []
const PARTIAL: ScanResult = { outcome: 'unscanned', engine: 'sample', reason: 'partial', detail: 'not the whole of it' }

export interface Finish {
  readonly plan: EnginePlan
  readonly sample: Sample
  readonly view: ContentView
  readonly type: TrueType
  /** The outermost Content-Encoding, which is removed for a scan of its own; '' where there is none. */
  readonly coding: string
  readonly results: readonly ScanResult[]
  readonly isTrusted?: boolean
  /** What was inside: somebody looked. */
  readonly inside?: { readonly members: readonly ScannedMember[]; readonly evidence?: Evidence } | undefined
}

/** What was decoded already has its codings behind it. */
export function codingOf({ decoded }: Sample, { contentEncodings = [] }: ScanContext): string {
  return decoded.length === 0 ? (contentEncodings.at(-1) ?? '') : ''
}

/** gzip and zstd are files as well as codings: what the coding holds is looked at by itself. */
export function isCoding(type: TrueType, coding: string): boolean {
  return (
    (type.name === 'gz' && (coding === 'gzip' || coding === 'x-gzip')) || (type.name === 'zst' && coding === 'zstd')
  )
}

/** Adds what the engines do not know: that there is more inside, or less than the whole. */
export function finish({
  plan,
  sample,
  view,
  type,
  coding,
  results,
  isTrusted = false,
  inside,
}: Finish): PrescanResult {
  const extra: ScanResult[] = []
  const lock = isTrusted || inside !== undefined || isCoding(type, coding) ? undefined : unopened(view, type, sample)
  if (lock !== undefined) extra.push(lock)
  if (sample.partial) extra.push(PARTIAL)
  const all = extra.length === 0 ? results : [...results, ...extra]
  const evidence = inside?.evidence ?? noteEvidence({ plan, sample, type, results: all })
  return {
    results: all,
    trueType: type.mime,
    type,
    cached: false,
    members: inside?.members ?? NO_MEMBERS,
    engines: plan.versions,
    ...(evidence === undefined ? {} : { evidence }),
  }
}

/** A sample with nothing inside has a tree only where an engine noted something that no detection tells. */
function noteEvidence({ plan, sample, type, results }: Omit<Finish, 'view' | 'coding'>): Evidence | undefined {
  if (results === plan.clean || !results.some(({ notes }) => notes !== undefined)) return undefined
  const { size, sha256 } = sample
  const root = { path: '', parent: -1, type: type.name, size, sha256, ms: 0, findings: [], limits: [] }
  const versionOf = (name: string) => plan.engines.find((engine) => engine.name === name)?.version ?? ''
  return withSample({ nodes: [root], omitted: 0 }, results, versionOf)
}

export function unreadable(plan: EnginePlan, sample: Sample, error: unknown): PrescanResult {
  const down = plan.engines.map((engine) => failed(engine.name, error))
  const results = down.length > 0 ? down : [failed(TYPE_ENGINE, error)]
  const type = trueFileType({ kind: 'memory', bytes: Buffer.alloc(0) })
  const all = sample.partial ? [...results, PARTIAL] : results
  return { results: all, trueType: '', type, cached: false, members: NO_MEMBERS, engines: plan.versions }
}
