import type { Content, Sample } from '../../../domain/sample.ts'
import { type Detection, type Note, Unscanned } from '../../../domain/verdict.ts'
import type { EngineHealth, ScanContext, Scanner } from '../../scanner.ts'
import { type LoadedRules, loadBinding, type RuleHits } from './binding.ts'
import { type RuleBlobHeader, unpackRuleBlob } from './rule-blob.ts'
import { NO_HITS } from './rule-match.ts'
import { ThreadLane } from './thread-lane.ts'

export interface YaraEngineOptions {
  /** What `compileRules` made. */
  readonly blob: Buffer
  /** Threads for bodies over `inlineMaxBytes`. */
  readonly threads?: number
  /** Threads for the slow rules; none is started when no rule is slow. */
  readonly slowThreads?: number
  readonly inlineMaxBytes?: number
  /** Jobs that may wait in each lane. */
  readonly maxQueued?: number
  /** The longest that YARA may take over one sample, in ms; large files get it, small ones a part of it. */
  readonly maxTimeoutMs?: number
  /** How long after its limit a scan thread may stay silent before it counts as dead. */
  readonly graceMs?: number
  /** The process should be replaced: a thread died, or native code does not come back. */
  onThreadDead?(detail: string): void
}

export interface YaraEngine extends Scanner {
  readonly name: 'yara'
  scanNow(sample: Sample, notes?: Note[]): readonly Detection[] | undefined
  scan(sample: Sample, signal: AbortSignal, context: ScanContext, notes?: Note[]): Promise<readonly Detection[]>
  health(): EngineHealth
  /** Finishes the scans under way, then ends the threads. */
  close(): Promise<void>
}

const DEFAULTS = {
  threads: 1,
  slowThreads: 4,
  inlineMaxBytes: 64 * 1024,
  maxQueued: 1024,
  maxTimeoutMs: 30_000,
  // YARA's clock ticks once a second, and a busy machine wakes threads late.
  graceMs: 5000,
}
/** YARA's clock ticks in seconds; this one stops an inline scan after one to two. */
const INLINE_TIMEOUT_MS = 2000
const BYTES_A_SECOND = 16 * 1024 * 1024
const NICE = 10

/**
 * Loads a compiled rule set and starts its threads; call it before the process drops its rights. Rejects with one plain
 * sentence when the set is damaged or was made by another engine. New rules: make a new engine, swap, `close` the old one.
 */
export async function createYaraEngine(options: YaraEngineOptions): Promise<YaraEngine> {
  const settings = { ...DEFAULTS, ...options }
  const { header, fast, slow } = unpackRuleBlob(options.blob)
  const binding = loadBinding(header.binding)
  if (binding.version !== header.bindingVersion)
    throw new Error(`the rules were compiled by ${header.binding} ${header.bindingVersion}, this is ${binding.version}`)
  const startLane = (rules: Buffer, nices: readonly number[], maxPerClient: number) =>
    ThreadLane.start({
      binding: header.binding,
      rules: shared(rules),
      options: header.options,
      nices,
      maxPerClient,
      maxQueued: settings.maxQueued,
      graceMs: settings.graceMs,
      onThreadDead: (detail) => options.onThreadDead?.(detail),
    })
  const slowShare = Math.max(1, settings.slowThreads - 1)
  const lanes = await Promise.allSettled([
    fast.length > 0 ? startLane(fast, Array(settings.threads).fill(NICE), settings.threads) : undefined,
    slow.length > 0 ? startLane(slow, slowNices(settings.slowThreads), slowShare) : undefined,
  ])
  const started = lanes.map((lane) => (lane.status === 'fulfilled' ? lane.value : undefined))
  const failed = lanes.find((lane) => lane.status === 'rejected')
  if (failed !== undefined) {
    await Promise.all(started.map((lane) => lane?.close()))
    throw new Error('the scan threads did not start', { cause: failed.reason })
  }
  const inline = binding.fastInline && fast.length > 0 ? binding.load(fast, header.options) : undefined
  const [fastLane, slowLane] = started
  return new LoadedYaraEngine({ header, inline, fastLane, slowLane, ...settings })
}

interface EngineParts {
  readonly header: RuleBlobHeader
  readonly inline: LoadedRules | undefined
  readonly fastLane: ThreadLane | undefined
  readonly slowLane: ThreadLane | undefined
  readonly inlineMaxBytes: number
  readonly maxTimeoutMs: number
}

/** An engine that can find nothing must not say clean. */
const NO_RULES = 'no YARA rule is loaded'

class LoadedYaraEngine implements YaraEngine {
  readonly name = 'yara'
  readonly version: string
  readonly #parts: EngineParts
  readonly #inlineMaxBytes: number
  #inline: LoadedRules | undefined
  #stalled = false

  constructor(parts: EngineParts) {
    this.version = parts.header.version
    this.#parts = parts
    this.#inline = parts.inline
    this.#inlineMaxBytes = parts.inlineMaxBytes
  }

  scanNow(sample: Sample, notes?: Note[]): readonly Detection[] | undefined {
    if (this.#parts.slowLane !== undefined) return undefined
    if (this.#parts.fastLane === undefined) throw new Unscanned('engine-down', NO_RULES)
    const hits = this.#scanInline(sample.content)
    if (hits !== undefined && hits.notes.length > 0) notes?.push(...hits.notes)
    return hits?.detections
  }

  async scan(
    sample: Sample,
    signal: AbortSignal,
    { client }: ScanContext,
    notes?: Note[],
  ): Promise<readonly Detection[]> {
    const job = { content: sample.content, client, timeoutMs: this.#timeoutMs(sample.size), signal }
    const { fastLane, slowLane } = this.#parts
    if (fastLane === undefined && slowLane === undefined) throw new Unscanned('engine-down', NO_RULES)
    // The slow lane starts first: its threads work while the inline scan has this one.
    const slow = slowLane?.scan(job) ?? NO_HITS
    const fast = this.#settled(() =>
      fastLane === undefined ? NO_HITS : (this.#scanInline(sample.content) ?? fastLane.scan(job)),
    )
    const [fastAnswer, slowAnswer] = await Promise.allSettled([fast, slow])
    for (const answer of [fastAnswer, slowAnswer]) if (answer.status === 'fulfilled') notes?.push(...answer.value.notes)
    return merge(fastAnswer, slowAnswer)
  }

  health(): EngineHealth {
    const { header, fastLane, slowLane } = this.#parts
    const lanes = [fastLane, slowLane].filter((lane) => lane !== undefined)
    const dead = lanes.reduce((count, lane) => count + lane.deadThreads, 0)
    const words = [`${header.files.length} rule files`]
    if (header.slowFiles.length > 0) words.push(`slow: ${header.slowFiles.join(', ')}`)
    if (header.quarantined.length > 0) words.push(`quarantined: ${header.quarantined.join(', ')}`)
    if (this.#stalled) words.push('an inline scan stalled, so all scans go through threads')
    if (dead > 0) words.push(`${dead} scan threads dead`)
    const up = lanes.length > 0 && lanes.every((lane) => lane.alive)
    return { state: up ? 'up' : 'down', detail: words.join('; ') }
  }

  async close(): Promise<void> {
    await Promise.all([this.#parts.fastLane?.close(), this.#parts.slowLane?.close()])
  }

  #scanInline(content: Content): RuleHits | undefined {
    if (this.#inline === undefined || content.kind === 'file' || content.bytes.length > this.#inlineMaxBytes)
      return undefined
    try {
      return this.#inline.scan(content.bytes, INLINE_TIMEOUT_MS)
    } catch (error) {
      // The torture corpus missed this one. It shall not stop the loop a second time.
      if (error instanceof Unscanned && error.reason === 'timeout') {
        this.#inline = undefined
        this.#stalled = true
      }
      throw error
    }
  }

  async #settled(scan: () => RuleHits | Promise<RuleHits>): Promise<RuleHits> {
    return scan()
  }

  #timeoutMs(size: number): number {
    return Math.min(this.#parts.maxTimeoutMs, INLINE_TIMEOUT_MS + 1000 * Math.floor(size / BYTES_A_SECOND))
  }
}

/** From favoured to least favoured: a client that tortures YARA gets the last ones, so that it slows nobody else down. */
function slowNices(threads: number): number[] {
  return Array.from({ length: threads }, (_, index) => Math.min(19, NICE / 2 + index * NICE))
}

type Answer = PromiseSettledResult<RuleHits>

/** What one lane found stands beside what the other could not look at. */
function merge(fast: Answer, slow: Answer): readonly Detection[] {
  const detections = [fast, slow].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.detections : []))
  const failed = [fast, slow].find((answer) => answer.status === 'rejected')
  if (failed === undefined) return detections
  const { reason } = failed as PromiseRejectedResult
  const known = reason instanceof Unscanned ? reason : new Unscanned('engine-down', String(reason))
  throw new Unscanned(known.reason, known.message, { cause: reason, detections })
}

/** One copy for all threads. */
function shared(bytes: Buffer): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}
