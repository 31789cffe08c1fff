import { randomFillSync } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { addressRange } from './ip-value.ts'
import {
  CHECKSUM_FROM,
  firstSlot,
  HEADER,
  HEADER_BYTES,
  MAGIC,
  type PatternRow,
  type RangeRow,
  SLOT_WORDS,
  TYPE_CODES,
  VERSION,
  writeKey,
} from './list-table-layout.ts'
import { RISK_LEVELS } from './risk.ts'
import { OBJECT_LISTS, type SuspiciousObject } from './suspicious-object.ts'

/** Slots for each entry: long probe sequences cost more than memory does. */
const SLOTS_PER_ENTRY = 1.6

export interface ListTableBuilder {
  /** Takes one entry with a canonical value. */
  add(object: SuspiciousObject): void
  /** The finished table; the builder must not be used afterwards. */
  finish(revision: string): Buffer
}

/** Builds the look-up table of all lists at once. See `openListTable`. */
export function buildListTable(objects: Iterable<SuspiciousObject>, revision: string): Buffer {
  const builder = listTableBuilder()
  for (const object of objects) builder.add(object)
  return builder.finish(revision)
}

/** The same step by step, for entries that come in pages from a database. */
export function listTableBuilder(): ListTableBuilder {
  return new Builder()
}

class Builder implements ListTableBuilder {
  #entries = new Uint32Array(1024 * SLOT_WORDS)
  #entryCount = 0
  #count = 0
  readonly #typeCounts = new Uint32Array(5)
  readonly #v4: RangeRow[] = []
  readonly #v6: RangeRow[] = []
  readonly #patterns = new Map<string, PatternRow[]>()

  add(object: SuspiciousObject): void {
    const { type, value } = object
    this.#count++
    const code = TYPE_CODES[type]
    this.#typeCounts[code] = (this.#typeCounts[code] ?? 0) + 1
    if (type === 'ip' && /[-/]/.test(value)) this.#addRange(object)
    else if (type === 'url' && value.includes('*')) this.#addPattern(object)
    else this.#addEntry(object)
  }

  #addRange(object: SuspiciousObject): void {
    const range = addressRange(object.value)
    if (range === undefined) return
    const side = range.low.length === 8 ? this.#v4 : this.#v6
    side.push([range.low, range.high, object.value, listCode(object), riskCode(object), expirySeconds(object)])
  }

  #addPattern(object: SuspiciousObject): void {
    const path = object.value.indexOf('/', 'http://'.length)
    const host = object.value.slice('http://'.length, path)
    const row: PatternRow = [
      object.value,
      object.value.slice(path),
      listCode(object),
      riskCode(object),
      expirySeconds(object),
    ]
    const rows = this.#patterns.get(host)
    if (rows === undefined) this.#patterns.set(host, [row])
    else rows.push(row)
  }

  #addEntry(object: SuspiciousObject): void {
    const at = this.#entryCount++ * SLOT_WORDS
    if (at === this.#entries.length) {
      const larger = new Uint32Array(this.#entries.length * 2)
      larger.set(this.#entries)
      this.#entries = larger
    }
    writeKey(this.#entries.subarray(at, at + 4), object.type, object.value)
    // The 1 marks the slot as used: an empty one is all zeros.
    this.#entries[at + 4] = listCode(object) | (riskCode(object) << 8) | (TYPE_CODES[object.type] << 16) | (1 << 24)
    this.#entries[at + 5] = expirySeconds(object)
  }

  finish(revision: string): Buffer {
    const capacity = Math.ceil(this.#entryCount * SLOTS_PER_ENTRY) + 1
    const json = Buffer.from(JSON.stringify(this.#sideSections(revision)))
    const slotsEnd = HEADER_BYTES + capacity * SLOT_WORDS * 4
    const bytes = new ArrayBuffer(slotsEnd + json.length)
    const header = new Uint32Array(bytes, 0, HEADER_BYTES / 4)
    const seeds = header.subarray(HEADER.seeds, HEADER.seeds + 8)
    randomFillSync(seeds)
    this.#fillSlots(new Uint32Array(bytes, HEADER_BYTES, capacity * SLOT_WORDS), seeds)
    json.copy(new Uint8Array(bytes), slotsEnd)
    header.set([MAGIC, VERSION, bytes.byteLength, 0, capacity, this.#count, json.length])
    header.set(this.#typeCounts, HEADER.typeCounts)
    header[HEADER.checksum] = crc32(new Uint8Array(bytes, CHECKSUM_FROM))
    return Buffer.from(bytes)
  }

  #sideSections(revision: string) {
    const byLow = (a: RangeRow, b: RangeRow) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)
    return {
      revision,
      v4: this.#v4.sort(byLow),
      v6: this.#v6.sort(byLow),
      patterns: Object.fromEntries(this.#patterns),
    }
  }

  #fillSlots(slots: Uint32Array, seeds: Uint32Array): void {
    const capacity = slots.length / SLOT_WORDS
    for (let entry = 0; entry < this.#entryCount; entry++) {
      const words = this.#entries.subarray(entry * SLOT_WORDS, (entry + 1) * SLOT_WORDS)
      let slot = firstSlot(words, seeds, capacity)
      while (slots[slot * SLOT_WORDS + 4] !== 0 && !isSameEntry(slots, slot * SLOT_WORDS, words)) {
        slot = slot + 1 === capacity ? 0 : slot + 1
      }
      slots.set(words, slot * SLOT_WORDS)
    }
  }
}

/** The same key on the same list: the later one replaces it, so that repeats cannot make long probe sequences. */
function isSameEntry(slots: Uint32Array, at: number, words: Uint32Array): boolean {
  for (let word = 0; word < 4; word++) if (slots[at + word] !== words[word]) return false
  return ((slots[at + 4] ?? 0) & 0xff00ff) === ((words[4] ?? 0) & 0xff00ff)
}

function listCode(object: SuspiciousObject): number {
  return OBJECT_LISTS.indexOf(object.list)
}

function riskCode(object: SuspiciousObject): number {
  return RISK_LEVELS.indexOf(object.risk)
}

/** 0 = never; an expiry before 1970 has passed, one after 2106 is 2106. */
function expirySeconds({ expiresMs }: SuspiciousObject): number {
  return expiresMs === 0 ? 0 : Math.min(Math.max(1, Math.ceil(expiresMs / 1000)), 0xffff_ffff)
}
