import type { Sample } from '../domain/sample.ts'
import { isNonEmpty, type Note, type ScanResult, Unscanned } from '../domain/verdict.ts'
import type { ScanContext, Scanner } from './scanner.ts'
import type { CompleteResult } from './verdict-cache.ts'

export const TYPE_ENGINE = 'true-file-type'
/** Lists suffice for a message without a body only (ARCHITECTURE.md, "Required engine"): with nobody to look inside, a body is not clean. */
export const NOBODY_LOOKED: readonly ScanResult[] = [
  Object.freeze({
    outcome: 'unscanned',
    engine: 'content-engines',
    reason: 'engine-down',
    detail: 'no content engine is switched on',
  } as const),
]

/** Engines that look at samples on the threads that look inside, so not among the pipeline's own. */
export const INSIDE_ENGINES: ReadonlySet<string> = new Set(['predictive'])

/** Whoever may cancel; its signal is asked for only where the scan lasts. */
export interface Cancellable {
  readonly signal: AbortSignal
}

/** Stands in for an engine that did not load: on, it is engine-down. */
export function downEngine(name: string, detail: string): Scanner {
  return {
    name,
    version: 'down',
    health: () => ({ state: 'down', detail }),
    scan() {
      throw new Unscanned('engine-down', detail)
    },
  }
}

/** What follows from the settings and the engines, made once for all scans between two changes. */
export interface EnginePlan {
  readonly settings: RunSettings
  readonly engines: readonly Scanner[]
  readonly usesContext: boolean
  /** Which engines are on, as the cache's key has it. */
  readonly mask: string
  /** Whether all of them may have their answer at once: else none is asked twice. */
  readonly isImmediate: boolean
  /** The answer to nearly every sample, shared: index = engine. */
  readonly clean: readonly CompleteResult[]
  /** `ENGINE@VERSION`, blank between them: for the record. */
  readonly versions: string
}

/** The settings that an engine plan follows from. */
export interface RunSettings {
  readonly engines: ReadonlySet<string>
  readonly timeoutMs: number
}

export function planOf(settings: RunSettings, loaded: ReadonlyMap<string, Scanner>): EnginePlan {
  const engines = [...settings.engines]
    .filter((name) => !INSIDE_ENGINES.has(name))
    .sort()
    .map((name) => loaded.get(name) ?? downEngine(name, 'switched on, but not loaded'))
  return {
    settings,
    engines,
    usesContext: engines.some((engine) => engine.usesContext === true),
    isImmediate: engines.every((engine) => engine.scanNow !== undefined),
    mask: [...settings.engines].sort().join(','),
    versions: engines.map(({ name, version }) => `${name}@${version}`).join(' '),
    clean: engines.map((engine) => Object.freeze({ outcome: 'clean', engine: engine.name } as const)),
  }
}

export function cacheKey(
  { engines, usesContext, mask }: EnginePlan,
  { sha256, declaredType, fileName }: Sample,
): string {
  if (engines.length === 0 || sha256 === '') return ''
  return usesContext ? `${sha256}${mask}\0${declaredType}\0${fileName}` : sha256 + mask
}

/** The whole answer where every engine has it at once; undefined as soon as one has not. */
export function scanNow(plan: EnginePlan, sample: Sample): readonly ScanResult[] | undefined {
  if (plan.engines.length === 0) return NOBODY_LOOKED
  if (!plan.isImmediate) return undefined
  let results: ScanResult[] | undefined
  for (let i = 0; i < plan.engines.length; i++) {
    const result = resultNow(plan, i, sample)
    if (result === undefined) return undefined
    if (result === plan.clean[i]) continue
    results ??= [...plan.clean]
    results[i] = result
  }
  return results ?? plan.clean
}

/** Filled and emptied within one call: nothing is made for the sample that nobody has anything to say of. */
const NOTES: Note[] = []

function noted(result: ScanResult, notes: readonly Note[]): ScanResult {
  return notes.length === 0 ? result : { ...result, notes }
}

function resultNow(plan: EnginePlan, index: number, sample: Sample): ScanResult | undefined {
  const engine = plan.engines[index]
  if (engine?.scanNow === undefined) return undefined
  try {
    const detections = engine.scanNow(sample, NOTES)
    if (detections === undefined) return undefined
    const answer: ScanResult | undefined = isNonEmpty(detections)
      ? { outcome: 'detected', engine: engine.name, detections }
      : plan.clean[index]
    return NOTES.length === 0 || answer === undefined ? answer : { ...answer, notes: NOTES.splice(0) }
  } catch (error) {
    return noted(failed(engine.name, error), NOTES.splice(0))
  } finally {
    NOTES.length = 0
  }
}

export function scanAll(
  { plan, sample, context }: { readonly plan: EnginePlan; readonly sample: Sample; readonly context: ScanContext },
  cancel: Cancellable | undefined,
): Promise<readonly ScanResult[]> {
  return withDeadline(plan, cancel, (signal) =>
    Promise.all(plan.engines.map((engine) => runScanner(engine, sample, { signal, context }))),
  )
}

/** Runs `work` with a signal that is aborted at the plan's deadline, and when whoever waits goes away. */
export async function withDeadline<T>(
  plan: EnginePlan,
  cancel: Cancellable | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const stop = () => deadline.abort()
  const timer = setTimeout(stop, plan.settings.timeoutMs)
  cancel?.signal.addEventListener('abort', stop, { once: true })
  if (cancel?.signal.aborted) stop()
  try {
    return await work(deadline.signal)
  } finally {
    clearTimeout(timer)
    cancel?.signal.removeEventListener('abort', stop)
  }
}

/** Errors become values here, and a hang is one. */
async function runScanner(
  engine: Scanner,
  sample: Sample,
  { signal, context }: { readonly signal: AbortSignal; readonly context: ScanContext },
): Promise<ScanResult> {
  const notes: Note[] = []
  try {
    const detections = await Promise.race([engine.scan(sample, signal, context, notes), rejectOnAbort(signal)])
    const answer: ScanResult = isNonEmpty(detections)
      ? { outcome: 'detected', engine: engine.name, detections }
      : { outcome: 'clean', engine: engine.name }
    return noted(answer, notes)
  } catch (error) {
    // Whoever has not answered yet may still add to its notes.
    return noted(failed(engine.name, error), [...notes])
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(new Unscanned('timeout', 'no answer before the deadline'))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Anything unknown is engine-down, never clean. */
export function failed(engine: string, error: unknown): ScanResult {
  if (error instanceof Unscanned) {
    const { reason, message, detections } = error
    return { outcome: 'unscanned', engine, reason, detail: message, detections }
  }
  const detail = error instanceof Error ? error.message : String(error)
  return { outcome: 'unscanned', engine, reason: 'engine-down', detail }
}
