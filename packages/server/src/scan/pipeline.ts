import { createHash } from 'node:crypto'
import type { Sample } from '../domain/sample.ts'
import type { ObjectMatch } from '../domain/suspicious-object.ts'
import type { ScanResult } from '../domain/verdict.ts'
import { ContentView } from '../unpack/content-view.ts'
import { type ExclusionSettings, isExcluded } from './content-types.ts'
import {
  type Cancellable,
  cacheKey,
  type EnginePlan,
  failed,
  planOf,
  scanAll,
  scanNow,
  TYPE_ENGINE,
} from './engine-run.ts'
import { type ListSettings, type ObjectLookup, trustedMatch } from './object-lists.ts'
import type { EngineHealth, ScanContext, Scanner } from './scanner.ts'
import { askFileLists, type ListQuestion, type ScannedMember } from './scanners/suspicious-objects.ts'
import { trueFileType, typeOfView } from './true-file-type.ts'
import type { TrueType } from './true-types.ts'
import { unopened } from './unopened.ts'
import { type RatedMessage, rateUrl } from './url-rating.ts'
import { type CompleteResult, VerdictCache } from './verdict-cache.ts'

export { type Cancellable, downEngine } from './engine-run.ts'

/** What the settings say of the scan. Give the same object until a setting changes: what follows from it is kept by identity. */
export interface ScanSettings extends ListSettings {
  /** Names of the content engines that are on, hence required: `yara`, `predictive`, `clamav`. */
  readonly engines: ReadonlySet<string>
  readonly exclusion: ExclusionSettings
  /** For all engines together on one sample. */
  readonly timeoutMs: number
}

export interface ExcludedMessage extends Pick<ScanContext, 'scanSettings'> {
  readonly compressed: boolean
  readonly isPreviewOnly?: boolean
}

export interface PipelineOptions {
  /** Those that are loaded; more come and go by `swap`. */
  readonly engines: readonly Scanner[]
  readonly cacheEntries: number
  /** Smaller bodies that are scanned at once are not remembered. */
  readonly cacheFromBytes?: number
  settings(): ScanSettings
  /** Undefined where the snapshot is missing or damaged. */
  lists(): ObjectLookup | undefined
  /** Unix ms. */
  now(): number
}

/** What the content engines said of one sample. The lists are not in it: they are asked apart, every time. */
export interface PrescanResult {
  /** One a required engine at least; never empty. */
  readonly results: readonly ScanResult[]
  /** The true file type's MIME name. */
  readonly trueType: string
  readonly type: TrueType
  readonly cached: boolean
  readonly members: readonly ScannedMember[]
  /** The entry that made the engines needless. */
  readonly trusted?: ObjectMatch
}

export interface EngineReadiness extends EngineHealth {
  readonly engine: string
  readonly version: string
}

export interface Pipeline {
  /** Changes whenever an engine could answer differently; feeds the ISTag. */
  readonly version: string
  /** A value where every engine answers at once (small bodies), else a promise. Never throws, never rejects. */
  prescan(sample: Sample, context: ScanContext, cancel?: Cancellable): PrescanResult | Promise<PrescanResult>
  /** The file lists on a sample and the members a scan named. At least one result. */
  lists(sample: Sample, members: readonly ScannedMember[], settings?: ScanSettings): readonly ScanResult[]
  /** URL, host and server address. At least one result. */
  rateUrl(message: RatedMessage & Pick<ScanContext, 'scanSettings'>): readonly ScanResult[]
  /** Content-type exclusion on a whole body; `isPreviewOnly` where the content is not all of it. */
  excluded(sample: Sample, message: ExcludedMessage): boolean
  readiness(): readonly EngineReadiness[]
  /** Puts an engine in place of the one of its name, which is returned: close it. Scans under way keep the old one. */
  swap(engine: Scanner): Scanner | undefined
}

/** Raise it when true types, protection or the URL's signs may answer differently for the same bytes. */
const OWN_VERSION = '1'
/** A choice, not a measured break-even: inline YARA takes about 5 us for 1 KiB and grows with the body. */
const CACHE_FROM_BYTES = 4096
const NO_MEMBERS: readonly ScannedMember[] = []
const TRUSTED: readonly ScanResult[] = [Object.freeze({ outcome: 'clean', engine: 'trusted-objects' } as const)]
const PARTIAL: ScanResult = { outcome: 'unscanned', engine: 'sample', reason: 'partial', detail: 'not the whole of it' }

export function createPipeline(options: PipelineOptions): Pipeline {
  return new ScanPipeline(options)
}

interface LaterJob {
  readonly plan: EnginePlan
  readonly sample: Sample
  readonly view: ContentView
  readonly type: TrueType
  readonly coding: string
  readonly key: string
}

class ScanPipeline implements Pipeline {
  readonly #options: PipelineOptions
  readonly #cache: VerdictCache
  readonly #cacheFromBytes: number
  readonly #engines = new Map<string, Scanner>()
  #version = ''
  #plan: EnginePlan | undefined
  /** The last look-up: `lists` is asked right after `prescan` with the same sample. */
  #asked:
    | { readonly sample: Sample; readonly table: ObjectLookup; readonly matches: readonly ObjectMatch[] }
    | undefined

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#cache = new VerdictCache({ maxEntries: options.cacheEntries })
    this.#cacheFromBytes = options.cacheFromBytes ?? CACHE_FROM_BYTES
    for (const engine of options.engines) this.#engines.set(engine.name, engine)
    this.#enginesChanged()
  }

  get version(): string {
    return this.#version
  }

  swap(engine: Scanner): Scanner | undefined {
    const old = this.#engines.get(engine.name)
    this.#engines.set(engine.name, engine)
    this.#enginesChanged()
    return old
  }

  prescan(sample: Sample, context: ScanContext, cancel?: Cancellable): PrescanResult | Promise<PrescanResult> {
    const plan = this.#planFor(context.scanSettings ?? this.#options.settings())
    let view: ContentView
    let type: TrueType
    try {
      view = new ContentView(sample.content)
      type = typeOfView(view, sample)
    } catch (error) {
      return unreadable(plan, sample, error)
    }
    const trusted = this.#trusted(sample)
    const coding = codingOf(sample, context)
    if (trusted !== undefined)
      return { ...finish({ sample, view, type, coding, results: TRUSTED, isTrusted: true }), trusted }
    // A small body is scanned for not much more than it costs to remember it, and nearly all are seen once.
    const isSmall = sample.size < this.#cacheFromBytes
    const early = isSmall ? scanNow(plan, sample) : undefined
    if (early !== undefined) return finish({ sample, view, type, coding, results: early })
    const key = cacheKey(plan, sample)
    const known = this.#cache.get(key, this.#version)
    if (known !== undefined)
      return { ...finish({ sample, view, type, coding, results: known.results }), cached: true, members: known.members }
    const settled = isSmall ? undefined : scanNow(plan, sample)
    if (settled === undefined) return this.#scanLater({ plan, sample, view, type, coding, key }, context, cancel)
    this.#remember(key, this.#version, settled)
    return finish({ sample, view, type, coding, results: settled })
  }

  lists(sample: Sample, members: readonly ScannedMember[], settings?: ScanSettings): readonly ScanResult[] {
    const question = this.#question(settings)
    const asked = this.#asked
    const isSame = asked !== undefined && asked.sample === sample && asked.table === question.table
    return askFileLists(sample, members, isSame ? { ...question, known: asked.matches } : question)
  }

  rateUrl(message: RatedMessage & Pick<ScanContext, 'scanSettings'>): readonly ScanResult[] {
    return rateUrl(message, this.#question(message.scanSettings))
  }

  excluded(sample: Sample, message: ExcludedMessage): boolean {
    const { exclusion } = message.scanSettings ?? this.#options.settings()
    if (!exclusion.enabled) return false
    const body = {
      declaredType: sample.declaredType,
      compressed: message.compressed,
      isPreviewOnly: message.isPreviewOnly ?? false,
      fileName: sample.fileName,
    }
    const answer = isExcluded(exclusion, body)
    if (answer !== 'needs-true-type') return answer === 'excluded'
    return isExcluded(exclusion, { ...body, trueType: trueFileType(sample.content, sample) }) === 'excluded'
  }

  readiness(): readonly EngineReadiness[] {
    const settings = this.#options.settings()
    const names = new Set([...this.#engines.keys(), ...settings.engines])
    const engines = [...names].map((name) => readinessOf(name, this.#engines.get(name), settings.engines.has(name)))
    const own = [
      listReadiness('suspicious-objects', settings.suspiciousObjects.enabled, this.#options.lists()),
      listReadiness('user-defined-objects', settings.userDefinedObjects, this.#options.lists()),
      { engine: TYPE_ENGINE, state: 'up' as const, version: OWN_VERSION, detail: '' },
    ]
    return [...engines, ...own]
  }

  async #scanLater(job: LaterJob, context: ScanContext, cancel: Cancellable | undefined): Promise<PrescanResult> {
    const version = this.#version
    const results = await scanAll({ ...job, context }, cancel)
    this.#remember(job.key, version, results)
    return finish({ ...job, results })
  }

  /** Only whole answers, and only of the engines that are still there. */
  #remember(key: string, version: string, results: readonly ScanResult[]): void {
    if (version !== this.#version || key === '' || results.length === 0) return
    if (results.every(isComplete)) this.#cache.set(key, version, { results, members: NO_MEMBERS })
  }

  #trusted(sample: Sample): ObjectMatch | undefined {
    const table = this.#options.lists()
    if (table === undefined) return undefined
    try {
      const matches = table.findFile(sample, this.#options.now())
      this.#asked = { sample, table, matches }
      return matches.length === 0 ? undefined : trustedMatch(matches)
    } catch {
      // The lists say so themselves when they are asked; here it only means that the engines look.
      return undefined
    }
  }

  #question(settings = this.#options.settings()): ListQuestion {
    return { table: this.#options.lists(), settings, nowMs: this.#options.now() }
  }

  #planFor(settings: ScanSettings): EnginePlan {
    if (this.#plan === undefined || this.#plan.settings !== settings) this.#plan = planOf(settings, this.#engines)
    return this.#plan
  }

  #enginesChanged(): void {
    const hash = createHash('sha256').update(OWN_VERSION)
    for (const name of [...this.#engines.keys()].sort()) hash.update(`\0${name}@${this.#engines.get(name)?.version}`)
    this.#version = hash.digest('hex').slice(0, 16)
    this.#plan = undefined
    this.#cache.clear(this.#version)
  }
}

function isComplete(result: ScanResult): result is CompleteResult {
  return result.outcome !== 'unscanned'
}

interface Finish {
  readonly sample: Sample
  readonly view: ContentView
  readonly type: TrueType
  /** The outermost Content-Encoding, which is removed for a scan of its own; '' where there is none. */
  readonly coding: string
  readonly results: readonly ScanResult[]
  readonly isTrusted?: boolean
}

/** What was decoded already has its codings behind it. */
function codingOf({ decoded }: Sample, { contentEncodings = [] }: ScanContext): string {
  return decoded.length === 0 ? (contentEncodings.at(-1) ?? '') : ''
}

/** gzip and zstd are files as well as codings: what the coding holds is looked at by itself. */
function isCoding(type: TrueType, coding: string): boolean {
  return (
    (type.name === 'gz' && (coding === 'gzip' || coding === 'x-gzip')) || (type.name === 'zst' && coding === 'zstd')
  )
}

/** Adds what the engines do not know: that there is more inside, or less than the whole. */
function finish({ sample, view, type, coding, results, isTrusted = false }: Finish): PrescanResult {
  const extra: ScanResult[] = []
  const lock = isTrusted || isCoding(type, coding) ? undefined : unopened(view, type, sample)
  if (lock !== undefined) extra.push(lock)
  if (sample.partial) extra.push(PARTIAL)
  return {
    results: extra.length === 0 ? results : [...results, ...extra],
    trueType: type.mime,
    type,
    cached: false,
    members: NO_MEMBERS,
  }
}

function unreadable(plan: EnginePlan, sample: Sample, error: unknown): PrescanResult {
  const down = plan.engines.map((engine) => failed(engine.name, error))
  const results = down.length > 0 ? down : [failed(TYPE_ENGINE, error)]
  const type = trueFileType({ kind: 'memory', bytes: Buffer.alloc(0) })
  const all = sample.partial ? [...results, PARTIAL] : results
  return { results: all, trueType: '', type, cached: false, members: NO_MEMBERS }
}

function readinessOf(name: string, engine: Scanner | undefined, isOn: boolean): EngineReadiness {
  const health = engine?.health?.() ?? { state: engine === undefined ? 'down' : 'up', detail: '' }
  return {
    engine: name,
    state: isOn ? health.state : 'off',
    version: engine?.version ?? '',
    detail: engine === undefined ? 'switched on, but not loaded' : health.detail,
  }
}

function listReadiness(engine: string, isOn: boolean, table: ObjectLookup | undefined): EngineReadiness {
  if (!isOn) return { engine, state: 'off', version: '', detail: '' }
  if (table === undefined) return { engine, state: 'down', version: '', detail: 'the lists are not loaded' }
  return { engine, state: 'up', version: table.revision, detail: '' }
}
