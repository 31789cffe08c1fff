import type { ScanResult } from '../domain/verdict.ts'
import type { ScannedMember } from './scanners/suspicious-objects.ts'

/** An engine's answer that is whole: only such are remembered. */
export type CompleteResult = Exclude<ScanResult, { outcome: 'unscanned' }>

export interface CachedScan {
  readonly results: readonly CompleteResult[]
  readonly members: readonly ScannedMember[]
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

interface Entry {
  readonly scan: CachedScan
  readonly bytes: number
}

/**
 * Complete results of content engines by content (the key: SHA-256, context where an engine used it, engines on), least
 * recently used out first. It belongs to one set of engine versions and is empty when they change.
 */
export class VerdictCache {
  readonly #entries = new Map<string, Entry>()
  readonly #maxEntries: number
  readonly #maxBytes: number
  #bytes = 0
  #version = ''

  constructor({ maxEntries, maxBytes = MAX_BYTES }: VerdictCacheOptions) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string, version: string): CachedScan | undefined {
    if (version !== this.#version) return undefined
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.scan
  }

  /** `version` is that of the engines that scanned: what was begun before a swap is not kept after it. */
  set(key: string, version: string, scan: CachedScan): void {
    if (this.#maxEntries === 0) return
    if (version !== this.#version) this.clear(version)
    const bytes = ENTRY_BYTES + key.length + sizeOf(scan)
    if (bytes > this.#maxBytes) return
    this.#drop(key)
    this.#entries.set(key, { scan, bytes })
    this.#bytes += bytes
    while (this.#entries.size > this.#maxEntries || this.#bytes > this.#maxBytes) this.#dropOldest()
  }

  /** Forgets everything; from now on entries of this version are taken. */
  clear(version: string): void {
    this.#entries.clear()
    this.#bytes = 0
    this.#version = version
  }

  #dropOldest(): void {
    const oldest = this.#entries.keys().next()
    if (oldest.done !== true) this.#drop(oldest.value)
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}

/** Clean results are shared constants and cost nothing. */
function sizeOf({ results, members }: CachedScan): number {
  const isSmall = members.length === 0 && results.every((result) => result.outcome === 'clean')
  return isSmall ? 0 : 2 * JSON.stringify([results, members]).length
}
