import { crc32 } from 'node:zlib'
import { addressHex, addressText, carriedV4 } from './ip-value.ts'
import {
  CHECKSUM_FROM,
  firstSlot,
  HEADER,
  HEADER_BYTES,
  MAGIC,
  type PatternRow,
  type SideSections,
  SLOT_BYTES,
  SLOT_WORDS,
  TYPE_CODES,
  VERSION,
  writeKey,
} from './list-table-layout.ts'
import { canonicalHost, parentsOf, type UrlKeys, urlKeys } from './object-value.ts'
import { type RangeIndex, rangeIndex } from './range-index.ts'
import { RISK_LEVELS } from './risk.ts'
import { OBJECT_LISTS, type ObjectMatch, type ObjectType } from './suspicious-object.ts'

export { buildListTable, type ListTableBuilder, listTableBuilder } from './list-table-builder.ts'

/** A snapshot that is not what the store wrote: torn, changed, or of another version. The old table must be kept. */
export class ListTableDamaged extends Error {
  override readonly name = 'ListTableDamaged'
}

/**
 * The lists as one immutable look-up structure. Each look-up gives the matches of all lists, exceptions and trusted ones
 * included (the caller decides what they mean), and never an expired entry.
 */
export interface ListTable {
  readonly revision: string
  readonly count: number
  /** Whether an entry asks for SHA-1: only then need a sample's be computed. */
  readonly needsSha1: boolean
  /** Hashes are lower-case hex. */
  findFile(hashes: { readonly sha256: string; readonly sha1?: string }, nowMs: number): readonly ObjectMatch[]
  /** The exact URL, wildcard URLs, and what `findHost` gives for its host. No match for what is no URL. */
  findUrl(url: string, nowMs: number): readonly ObjectMatch[]
  /** The domain and the wildcards above it, or the address and the ranges around it. */
  findHost(hostOrIp: string, nowMs: number): readonly ObjectMatch[]
}

const NONE: readonly ObjectMatch[] = Object.freeze([])

/** Opens what `buildListTable` made: checks it whole, reads no entry. Throws ListTableDamaged. The buffer must not change afterwards. */
export function openListTable(buffer: Buffer): ListTable {
  const bytes = buffer.byteOffset % 4 === 0 ? buffer : Buffer.from(Uint8Array.from(buffer).buffer)
  if (bytes.length < HEADER_BYTES) throw new ListTableDamaged('shorter than its header')
  const header = new Uint32Array(bytes.buffer, bytes.byteOffset, HEADER_BYTES / 4)
  const fault = findFault(bytes, header)
  if (fault !== undefined) throw new ListTableDamaged(fault)
  return new Table(bytes, header)
}

function findFault(bytes: Buffer, header: Uint32Array): string | undefined {
  const [magic, version, totalBytes, checksum, capacity = 0, , jsonBytes = 0] = header
  if (magic !== MAGIC) return 'not a list table'
  if (version !== VERSION) return `of version ${version}, not ${VERSION}`
  if (totalBytes !== bytes.length) return `${bytes.length} bytes long, not ${totalBytes}`
  if (HEADER_BYTES + capacity * SLOT_BYTES + jsonBytes !== totalBytes) return 'its parts do not fill it'
  return crc32(bytes.subarray(CHECKSUM_FROM)) === checksum ? undefined : 'its checksum does not fit'
}

class Table implements ListTable {
  readonly revision: string
  readonly count: number
  readonly needsSha1: boolean
  readonly #slots: Uint32Array
  readonly #seeds: Uint32Array
  readonly #capacity: number
  readonly #typeCounts: Uint32Array
  readonly #patterns: ReadonlyMap<string, readonly PatternRow[]>
  readonly #v4: RangeIndex
  readonly #v6: RangeIndex
  readonly #key = new Uint32Array(4)

  constructor(bytes: Buffer, header: Uint32Array) {
    this.#capacity = header[HEADER.capacity] ?? 0
    this.count = header[HEADER.count] ?? 0
    this.#typeCounts = header.subarray(HEADER.typeCounts, HEADER.typeCounts + 5)
    this.#seeds = header.subarray(HEADER.seeds, HEADER.seeds + 8)
    this.#slots = new Uint32Array(bytes.buffer, bytes.byteOffset + HEADER_BYTES, this.#capacity * SLOT_WORDS)
    const side = JSON.parse(bytes.toString('utf8', HEADER_BYTES + this.#capacity * SLOT_BYTES)) as SideSections
    this.revision = side.revision
    this.#patterns = new Map(Object.entries(side.patterns))
    this.#v4 = rangeIndex(side.v4)
    this.#v6 = rangeIndex(side.v6)
    this.needsSha1 = this.#has('sha1')
  }

  findFile({ sha256, sha1 }: { sha256: string; sha1?: string }, nowMs: number): readonly ObjectMatch[] {
    const matches: ObjectMatch[] = []
    if (this.#has('sha256')) this.#findExact('sha256', sha256, { nowMs, matches })
    if (sha1 !== undefined && this.needsSha1) this.#findExact('sha1', sha1, { nowMs, matches })
    return matches.length === 0 ? NONE : matches
  }

  findUrl(url: string, nowMs: number): readonly ObjectMatch[] {
    if (!this.#has('url') && !this.#has('domain') && !this.#has('ip')) return NONE
    const keys = urlKeys(url)
    if (keys === undefined) return NONE
    const matches: ObjectMatch[] = []
    if (this.#has('url')) {
      this.#findExact('url', keys.url, { nowMs, matches })
      this.#findPatterns(keys, { nowMs, matches })
    }
    this.#findCanonicalHost(keys.host, keys.parents, { nowMs, matches })
    return matches
  }

  findHost(hostOrIp: string, nowMs: number): readonly ObjectMatch[] {
    if (!this.#has('domain') && !this.#has('ip')) return NONE
    const host = canonicalHost(hostOrIp)
    if (host === undefined) return NONE
    const matches: ObjectMatch[] = []
    this.#findCanonicalHost(host, addressHex(host) === undefined ? parentsOf(host) : [], { nowMs, matches })
    return matches
  }

  #has(type: ObjectType): boolean {
    return this.#typeCounts[TYPE_CODES[type]] !== 0
  }

  #findCanonicalHost(host: string, parents: readonly string[], found: Found): void {
    const hex = addressHex(host)
    if (hex === undefined) {
      if (!this.#has('domain')) return
      this.#findExact('domain', host, found)
      for (const parent of parents) if (parent !== host) this.#findExact('domain', parent, found)
      return
    }
    if (!this.#has('ip')) return
    this.#findAddress(host, hex, found)
    const inner = carriedV4(hex)
    if (inner !== undefined) this.#findAddress(addressText(inner), inner, found)
  }

  #findAddress(address: string, hex: string, found: Found): void {
    this.#findExact('ip', address, found)
    const ranges = hex.length === 8 ? this.#v4 : this.#v6
    for (const [, , value, list, risk, expires] of ranges.around(hex))
      addMatch(found, { type: 'ip', value }, [list, risk, expires])
  }

  #findExact(type: ObjectType, value: string, found: Found): void {
    const key = this.#key
    const slots = this.#slots
    const code = TYPE_CODES[type]
    writeKey(key, type, value)
    let slot = firstSlot(key, this.#seeds, this.#capacity)
    for (;;) {
      const at = slot * SLOT_WORDS
      const packed = slots[at + 4] ?? 0
      if (packed === 0) return // the builder always leaves an empty slot
      if (((packed >>> 16) & 0xff) === code && isKeyAt(slots, at, key)) {
        addMatch(found, { type, value }, [packed & 0xff, (packed >>> 8) & 0xff, slots[at + 5] ?? 0])
      }
      slot = slot + 1 === this.#capacity ? 0 : slot + 1
    }
  }

  #findPatterns({ host, port, parents, path }: UrlKeys, found: Found): void {
    if (this.#patterns.size === 0) return
    const name = host.includes(':') ? `[${host}]` : host
    for (const owner of [name, ...parents]) {
      for (const [value, pattern, list, risk, expires] of this.#patterns.get(owner + port) ?? []) {
        if (matchesPattern(pattern, path)) addMatch(found, { type: 'url', value }, [list, risk, expires])
      }
    }
  }
}

interface Found {
  readonly nowMs: number
  readonly matches: ObjectMatch[]
}

function addMatch(found: Found, entry: { type: ObjectType; value: string }, codes: readonly number[]): void {
  const [listCode = 0, riskCode = 0, expires = 0] = codes
  if (expires !== 0 && found.nowMs >= expires * 1000) return
  const list = OBJECT_LISTS[listCode]
  const risk = RISK_LEVELS[riskCode]
  if (list !== undefined && risk !== undefined) found.matches.push({ list, ...entry, risk })
}

function isKeyAt(slots: Uint32Array, at: number, key: Uint32Array): boolean {
  return slots[at] === key[0] && slots[at + 1] === key[1] && slots[at + 2] === key[2] && slots[at + 3] === key[3]
}

/** Whether `*` in the pattern (any run of characters) makes it equal the path. Goes forward only: no backtracking. */
export function matchesPattern(pattern: string, path: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === path
  if (!path.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const next = path.indexOf(part, at)
    if (next < 0) return false
    at = next + part.length
  }
  return path.length - last.length >= at && path.endsWith(last)
}
