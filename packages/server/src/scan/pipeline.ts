import { createHash } from 'node:crypto'
import type { Sample } from '../domain/sample.ts'
import type { ObjectMatch } from '../domain/suspicious-object.ts'
import type { ScanResult } from '../domain/verdict.ts'
import { ContentView } from '../unpack/content-view.ts'
import { type ExclusionSettings, isExcluded } from './content-types.ts'
import { type ContentsJob, type ContentsScanner, withSample } from './contents/contents-scanner.ts'
import type { ContentsResult } from './contents/walk.ts'
import {
  type Cancellable,
  cacheKey,
  type EnginePlan,
  failed,
  INSIDE_ENGINES,
  NOBODY_LOOKED,
  planOf,
  scanAll,
  scanNow,
  TYPE_ENGINE,
  withDeadline,
} from './engine-run.ts'
import { type ListSettings, type ObjectLookup, trustedMatch } from './object-lists.ts'
import { codingOf, finish, isCoding, NO_MEMBERS, type PrescanResult, unreadable } from './prescan-result.ts'
import type { EngineHealth, ScanContext, Scanner } from './scanner.ts'
import { askFileLists, type ListQuestion, type ScannedMember } from './scanners/suspicious-objects.ts'
import { trueFileType, typeOfView } from './true-file-type.ts'
import type { TrueType } from './true-types.ts'
import { type RatedMessage, rateUrl } from './url-rating.ts'
import type { UrlRater } from './urls/signal-rating.ts'
import { type CachedScan, type CompleteResult, VerdictCache } from './verdict-cache.ts'

export { type Cancellable, downEngine } from './engine-run.ts'
export type { PrescanResult } from './prescan-result.ts'

/** What the settings say of the scan. Give the same object until a setting changes: what follows from it is kept by identity. */
export interface ScanSettings extends ListSettings {
  /** Names of the content engines that are on, hence required: `yara`, `predictive`, `clamav`. */
  readonly engines: ReadonlySet<string>
  readonly exclusion: ExclusionSettings
  /** By signals; absent: the built-in brands, a medium risk at most. */
  readonly urlRater?: UrlRater
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
  /** An engine's version has changed: what was remembered is forgotten. */
  versionsChanged(): void
  /** Puts what looks inside in place; the one before is returned: close it. Absent: containers are unscanned. */
  useContents(contents: ContentsScanner | undefined): ContentsScanner | undefined
  /** Puts an engine in place of the one of its name, which is returned: close it. Scans under way keep the old one. */
  swap(engine: Scanner): Scanner | undefined
}

/** Raise it when true types, protection or the URL's signs may answer differently for the same bytes. */
const OWN_VERSION = '1'
/** A choice, not a measured break-even: inline YARA takes about 5 us for 1 KiB and grows with the body. */
const CACHE_FROM_BYTES = 4096
const TRUSTED: readonly ScanResult[] = [Object.freeze({ outcome: 'clean', engine: 'trusted-objects' } as const)]

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

type Answer = Omit<CachedScan, 'results'> & { readonly results: readonly ScanResult[] }

class ScanPipeline implements Pipeline {
  readonly #options: PipelineOptions
  readonly #cache: VerdictCache
  readonly #cacheFromBytes: number
  readonly #engines = new Map<string, Scanner>()
  #contents: ContentsScanner | undefined
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
    this.versionsChanged()
  }

  get version(): string {
    return this.#version
  }

  swap(engine: Scanner): Scanner | undefined {
    const old = this.#engines.get(engine.name)
    this.#engines.set(engine.name, engine)
    this.versionsChanged()
    return old
  }

  useContents(contents: ContentsScanner | undefined): ContentsScanner | undefined {
    const old = this.#contents
    this.#contents = contents
    this.versionsChanged()
    return old
  }

  prescan(body: Sample, context: ScanContext, cancel?: Cancellable): PrescanResult | Promise<PrescanResult> {
    const coding = codingOf(body, context)
    const sample = coding === '' ? body : nameless(body)
    const plan = this.#planFor(context.scanSettings ?? this.#options.settings())
    let view: ContentView
    let type: TrueType
    try {
      view = new ContentView(sample.content)
      type = typeOfView(view, sample)
    } catch (error) {
      return unreadable(plan, sample, error)
    }
    const trusted = this.#trusted(body)
    if (trusted !== undefined)
      return { ...finish({ plan, sample, view, type, coding, results: TRUSTED, isTrusted: true }), trusted }
    if (!isCoding(type, coding) && this.#isToBeWalked(plan, { sample, view, type }))
      return this.#lookInside({ plan, sample, view, type, coding }, context, cancel)
    // A small body is scanned for not much more than it costs to remember it, and nearly all are seen once.
    const isSmall = sample.size < this.#cacheFromBytes
    const early = isSmall ? scanNow(plan, sample) : undefined
    if (early !== undefined) return finish({ plan, sample, view, type, coding, results: early })
    const key = cacheKey(plan, sample)
    const known = this.#cache.get(key, this.#version)
    if (known !== undefined)
      return { ...finish({ plan, sample, view, type, coding, results: known.results }), cached: true }
    const settled = isSmall ? undefined : scanNow(plan, sample)
    if (settled === undefined) return this.#scanLater({ plan, sample, view, type, coding, key }, context, cancel)
    this.#remember(key, this.#version, { results: settled, members: NO_MEMBERS })
    return finish({ plan, sample, view, type, coding, results: settled })
  }

  lists(sample: Sample, members: readonly ScannedMember[], settings?: ScanSettings): readonly ScanResult[] {
    const question = this.#question(settings)
    const asked = this.#asked
    const isSame = asked !== undefined && asked.sample === sample && asked.table === question.table
    return askFileLists(sample, members, isSame ? { ...question, known: asked.matches } : question)
  }

  rateUrl(message: RatedMessage & Pick<ScanContext, 'scanSettings'>): readonly ScanResult[] {
    return rateUrl(
      message,
      this.#question(message.scanSettings),
      (message.scanSettings ?? this.#options.settings()).urlRater,
    )
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
    const inside = [...INSIDE_ENGINES].filter((name) => this.#contents?.engineHealth(name) !== undefined)
    const names = new Set([...this.#engines.keys(), ...settings.engines, ...inside])
    const engines = [...names].map((name) => {
      const own = this.#contents?.engineHealth(name)
      const engine = this.#engines.get(name) ?? (own && { version: own.version, health: () => own })
      return readinessOf(name, engine, settings.engines.has(name))
    })
    const own = [
      listReadiness('suspicious-objects', settings.suspiciousObjects.enabled, this.#options.lists()),
      listReadiness('user-defined-objects', settings.userDefinedObjects, this.#options.lists()),
      contentsReadiness(this.#contents),
      { engine: TYPE_ENGINE, state: 'up' as const, version: OWN_VERSION, detail: '' },
    ]
    return [...engines, ...own]
  }

  #isToBeWalked(plan: EnginePlan, { sample, view, type }: Pick<LaterJob, 'sample' | 'view' | 'type'>): boolean {
    return this.#contents?.wants(sample, view, type) ?? insideEnginesFor(plan, type).length > 0
  }

  /** The engines on the sample itself, and meanwhile the walk through what it holds. */
  #lookInside(
    job: Omit<LaterJob, 'key'>,
    context: ScanContext,
    cancel: Cancellable | undefined,
  ): PrescanResult | Promise<PrescanResult> {
    const key = insideKey(job.plan, job.sample)
    const known = this.#cache.get(key, this.#version)
    if (known !== undefined) return { ...finish({ ...job, results: known.results, inside: known }), cached: true }
    return this.#scanInside({ ...job, key }, context, cancel)
  }

  async #scanInside(job: LaterJob, context: ScanContext, cancel: Cancellable | undefined): Promise<PrescanResult> {
    const version = this.#version
    const { plan, sample } = job
    const [own, inside] = await Promise.all([
      plan.engines.length === 0 ? [] : scanAll({ ...job, context }, cancel),
      withDeadline(plan, cancel, (signal) =>
        this.#walk(sample, { ...context, signal, timeoutMs: plan.settings.timeoutMs }),
      ),
    ])
    const missing = insideEnginesFor(plan, job.type).filter(
      (name) => !inside.results.some(({ engine }) => engine === name),
    )
    const isLooked = own.length > 0 || inside.results.some(({ engine }) => plan.settings.engines.has(engine))
    const results = [...own, ...(isLooked ? [] : NOBODY_LOOKED), ...inside.results, ...missing.map(notLoaded)]
    const evidence = withSample(inside.evidence, own, (name) => this.#engines.get(name)?.version ?? '')
    this.#remember(job.key, version, { results, members: inside.members, evidence })
    return finish({ ...job, results, inside: { members: inside.members, evidence } })
  }

  async #walk(sample: Sample, job: ContentsJob): Promise<ContentsResult> {
    try {
      if (this.#contents === undefined) throw new Error('nothing that looks inside is loaded')
      return await this.#contents.scan(sample, job)
    } catch (error) {
      return notWalked(sample, failed('unpack', error))
    }
  }

  async #scanLater(job: LaterJob, context: ScanContext, cancel: Cancellable | undefined): Promise<PrescanResult> {
    const version = this.#version
    const results = await scanAll({ ...job, context }, cancel)
    this.#remember(job.key, version, { results, members: NO_MEMBERS })
    return finish({ ...job, results })
  }

  /** Only whole answers, and only of the engines that are still there. */
  #remember(key: string, version: string, { results, ...inside }: Answer): void {
    if (version !== this.#version || key === '' || results.length === 0) return
    if (results.every(isComplete)) this.#cache.set(key, version, { results, ...inside })
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

  versionsChanged(): void {
    const hash = createHash('sha256').update(`${OWN_VERSION} ${this.#contents?.version}`)
    for (const name of [...this.#engines.keys()].sort()) hash.update(`\0${name}@${this.#engines.get(name)?.version}`)
    this.#version = hash.digest('hex').slice(0, 16)
    this.#plan = undefined
    this.#cache.clear(this.#version)
  }
}

/** The type and the name are those of what the Content-Encoding holds, not of the coded bytes. */
function nameless(sample: Sample): Sample {
  return { ...sample, declaredType: '', fileName: '' }
}

/** Engines that are on, look at this type, and only on the threads that look inside. */
function insideEnginesFor({ settings }: EnginePlan, type: TrueType): readonly string[] {
  return type.name === 'pe' && settings.engines.has('predictive') ? ['predictive'] : []
}

function notLoaded(engine: string): ScanResult {
  return { outcome: 'unscanned', engine, reason: 'engine-down', detail: 'switched on, but not loaded' }
}

/** The name counts: it decides between languages, and a password may stand in it. */
function insideKey(plan: EnginePlan, { sha256, declaredType, fileName }: Sample): string {
  return sha256 === '' ? '' : `${sha256}${plan.mask}\0${declaredType}\0${fileName}\0inside`
}

function notWalked({ sha256, size }: Sample, result: ScanResult): ContentsResult {
  const root = { path: '', parent: -1, type: '', size, sha256, ms: 0, findings: [], limits: [] }
  return {
    results: [result],
    members: NO_MEMBERS,
    evidence: withSample({ nodes: [root], omitted: 0 }, [result], () => ''),
  }
}

function isComplete(result: ScanResult): result is CompleteResult {
  return result.outcome !== 'unscanned'
}

function contentsReadiness(contents: ContentsScanner | undefined): EngineReadiness {
  const health = contents?.health() ?? { state: 'off' as const, detail: 'containers are not opened' }
  return { engine: 'unpack', version: contents?.version ?? '', ...health }
}

function readinessOf(
  name: string,
  engine: Pick<Scanner, 'version' | 'health'> | undefined,
  isOn: boolean,
): EngineReadiness {
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
