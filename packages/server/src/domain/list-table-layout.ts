import { hash } from 'node:crypto'
import { OBJECT_TYPES, type ObjectType } from './suspicious-object.ts'

/**
 * The file `lists-<revision>.bin`: a header of HEADER_BYTES, `capacity` slots of SLOT_BYTES, then JSON (`SideSections`).
 * All numbers are uint32 in the machine's order: a snapshot never leaves the machine, and MAGIC tells a foreign one.
 */
export const MAGIC = 0x41594c31
export const VERSION = 1
export const HEADER_BYTES = 128
export const SLOT_BYTES = 24
export const SLOT_WORDS = SLOT_BYTES / 4

/** Word positions in the header. */
export const HEADER = {
  magic: 0,
  version: 1,
  totalBytes: 2,
  checksum: 3,
  capacity: 4,
  count: 5,
  jsonBytes: 6,
  /** Entries of each type, in OBJECT_TYPES' order (5 words). */
  typeCounts: 8,
  /** Random multipliers of `slotHash` (8 words). */
  seeds: 16,
} as const

/** The checksum (CRC-32) covers all bytes from here on. */
export const CHECKSUM_FROM = 16

/** `[low, high, value, list, risk, expiresSeconds]`, sorted by low. */
export type RangeRow = readonly [string, string, string, number, number, number]
/** `[value, path, list, risk, expiresSeconds]` */
export type PatternRow = readonly [string, string, number, number, number]

export interface SideSections {
  readonly revision: string
  readonly v4: readonly RangeRow[]
  readonly v6: readonly RangeRow[]
  /** By host and port as the entry names it: `example.com`, `*.example.com:8080`. */
  readonly patterns: Readonly<Record<string, readonly PatternRow[]>>
}

export const TYPE_CODES = Object.fromEntries(OBJECT_TYPES.map((type, code) => [type, code])) as Readonly<
  Record<ObjectType, number>
>

/** Writes the 16-byte key into four words: a file hash's own first bytes, else those of SHA-256 of `type|value`. */
export function writeKey(key: Uint32Array, type: ObjectType, value: string): void {
  const hex = type === 'sha256' || type === 'sha1' ? value : hash('sha256', `${type}|${value}`, 'hex')
  key[0] = Number.parseInt(hex.slice(0, 8), 16)
  key[1] = Number.parseInt(hex.slice(8, 16), 16)
  key[2] = Number.parseInt(hex.slice(16, 24), 16)
  key[3] = Number.parseInt(hex.slice(24, 32), 16)
}

/**
 * The slot where a key's probe sequence starts. Keys of file hashes are chosen by whoever fills a feed, so the
 * multipliers are random for each table: nobody can aim a million entries at one slot.
 */
export function firstSlot(key: Uint32Array, seeds: Uint32Array, capacity: number): number {
  let sum = 0
  for (let word = 0; word < 4; word++) {
    const mixed = Math.imul((key[word] ?? 0) ^ (seeds[word] ?? 0), (seeds[word + 4] ?? 0) | 1)
    sum = Math.imul(sum ^ (mixed >>> 16) ^ mixed, 0x85ebca6b)
  }
  sum = Math.imul(sum ^ (sum >>> 15), 0xc2b2ae35)
  return Math.floor((((sum ^ (sum >>> 16)) >>> 0) / 0x1_0000_0000) * capacity)
}
