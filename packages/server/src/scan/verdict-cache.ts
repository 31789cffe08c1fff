import type { Evidence } from '../domain/evidence.ts'
import type { ScanResult } from '../domain/verdict.ts'
import type { ScannedMember } from './scanners/suspicious-objects.ts'

/** An engine's answer that is whole: only such are remembered. */
export type CompleteResult = Exclude<ScanResult, { outcome: 'unscanned' }>

export interface CachedScan {
  readonly results: readonly CompleteResult[]
  readonly members: readonly ScannedMember[]
  readonly evidence?: Evidence
}

export interface VerdictCacheOptions {
  /** 0 = none. */
  readonly maxEntries: number
  /** Estimated bytes of keys and results together. */
  readonly maxBytes?: number
}

const MAX_BYTES = 64 * 1024 * 1024
/** A key of some 70 characters, its place in the table, and an entry whose results are shared constants. */
const ENTRY_BYTES = 250

interface Generation {
  readonly entries: Map<string, CachedScan>
  bytes: number
}

const newGeneration = (): Generation => ({ entries: new Map(), bytes: 0 })

/**
 * Complete results of content engines by content (the key: SHA-256, context where an engine used it, engines on). It belongs to
 * one set of engine versions and is empty when they change. Two generations instead of an order of use: what is asked for moves
 * to the young one, and when that is full the old one goes as a whole. With single entries taken out of a full Map the cache had
 * 8 % of a worker's samples at 1 KiB, YARA 12 %.
 */
export class VerdictCache {
  readonly #maxEntries: number
  readonly #maxBytes: number
  #young = newGeneration()
  #old = newGeneration()
  #version = ''

  constructor({ maxEntries, maxBytes = MAX_BYTES }: VerdictCacheOptions) {
    this.#maxEntries = Math.ceil(maxEntries / 2)
    this.#maxBytes = maxBytes / 2
  }

  get size(): number {
    return this.#young.entries.size + this.#old.entries.size
  }

  get bytes(): number {
    return this.#young.bytes + this.#old.bytes
  }

  get(key: string, version: string): CachedScan | undefined {
    if (version !== this.#version) return undefined
    const recent = this.#young.entries.get(key)
    if (recent !== undefined) return recent
    const older = this.#old.entries.get(key)
    if (older !== undefined) this.#keep(key, older)
    return older
  }

  /** `version` is that of the engines that scanned: what was begun before a swap is not kept after it. */
  set(key: string, version: string, scan: CachedScan): void {
    if (this.#maxEntries === 0) return
    if (version !== this.#version) this.clear(version)
    this.#keep(key, scan)
  }

  /** Forgets everything; from now on entries of this version are taken. */
  clear(version: string): void {
    this.#young = newGeneration()
    this.#old = newGeneration()
    this.#version = version
  }

  #keep(key: string, scan: CachedScan): void {
    const bytes = ENTRY_BYTES + key.length + sizeOf(scan)
    if (bytes > this.#maxBytes) return
    if (this.#young.entries.size >= this.#maxEntries || this.#young.bytes + bytes > this.#maxBytes) {
      this.#old = this.#young
      this.#young = newGeneration()
    }
    // One that stands here already is counted twice, which only makes the generation end sooner.
    this.#young.entries.set(key, scan)
    this.#young.bytes += bytes
  }
}

/** Clean results are shared constants and cost nothing. */
function sizeOf({ results, members, evidence }: CachedScan): number {
  const isSmall =
    evidence === undefined &&
    members.length === 0 &&
    results.every(({ outcome, notes }) => outcome === 'clean' && notes === undefined)
  return isSmall ? 0 : 2 * JSON.stringify([results, members, evidence]).length
}
