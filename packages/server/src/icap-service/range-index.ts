import { createHash, type Hash } from 'node:crypto'

/** One part as the index of an object's file keeps it. */
export interface PartRecord {
  readonly start: number
  readonly end: number
  /** SHA-256 of its bytes, as they went to whoever asked for them. */
  readonly sha256: Buffer
}

/** start u64, end u64, SHA-256; a record of 0-0 says that the parts do not fit together. */
export const RECORD_BYTES = 48

export function encodeRecord({ start, end, sha256 }: PartRecord): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES)
  bytes.writeBigUInt64LE(BigInt(start), 0)
  bytes.writeBigUInt64LE(BigInt(end), 8)
  sha256.copy(bytes, 16)
  return bytes
}

export const CONFLICT: PartRecord = { start: 0, end: 0, sha256: Buffer.alloc(32) }

/** The parts, each once, in the order of their places; undefined: torn, contradictory or marked as not fitting together. */
export function decodeIndex(bytes: Buffer, total: number): readonly PartRecord[] | undefined {
  if (bytes.length % RECORD_BYTES !== 0) return undefined
  const parts = new Map<string, PartRecord>()
  for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
    const start = Number(bytes.readBigUInt64LE(at))
    const end = Number(bytes.readBigUInt64LE(at + 8))
    if (end <= start || end > total) return undefined
    parts.set(bytes.toString('latin1', at, at + RECORD_BYTES), {
      start,
      end,
      sha256: bytes.subarray(at + 16, at + RECORD_BYTES),
    })
  }
  return [...parts.values()].sort((a, b) => a.start - b.start || a.end - b.end)
}

/** How many of the bytes have come; `parts` in the order of their places. */
export function coveredBytes(parts: readonly PartRecord[]): number {
  let covered = 0
  let reached = 0
  for (const { start, end } of parts) {
    if (end <= reached) continue
    covered += end - Math.max(start, reached)
    reached = end
  }
  return covered
}

/** All bytes that `coveredBytes` counted, counted again where parts overlap: the work of checking them. */
export function sumOfParts(parts: readonly PartRecord[]): number {
  return parts.reduce((sum, { start, end }) => sum + end - start, 0)
}

interface Open {
  readonly part: PartRecord
  readonly hash: Hash
}

/**
 * Checks, while the whole streams by, that each part that was ever handed out is in it byte for byte. Two workers may have
 * written overlapping parts at the same time: whatever that left in the file, it is found here.
 */
export class PartsCheck {
  readonly #parts: readonly PartRecord[]
  #next = 0
  #position = 0
  #open: Open[] = []
  #isRight = true

  constructor(parts: readonly PartRecord[]) {
    this.#parts = parts
  }

  /** To be given all bytes in order. */
  update(chunk: Buffer): void {
    const end = this.#position + chunk.length
    for (let part = this.#parts[this.#next]; part !== undefined && part.start < end; part = this.#parts[++this.#next])
      this.#open.push({ part, hash: createHash('sha256') })
    this.#open = this.#open.filter((one) => !this.#feed(one, chunk))
    this.#position = end
  }

  /** Whether all parts have gone by, each as it was. */
  get isRight(): boolean {
    return this.#isRight && this.#open.length === 0 && this.#next === this.#parts.length
  }

  /** True when the part is over. */
  #feed({ part, hash }: Open, chunk: Buffer): boolean {
    const from = Math.max(0, part.start - this.#position)
    hash.update(chunk.subarray(from, part.end - this.#position))
    if (part.end > this.#position + chunk.length) return false
    if (!hash.digest().equals(part.sha256)) this.#isRight = false
    return true
  }
}
