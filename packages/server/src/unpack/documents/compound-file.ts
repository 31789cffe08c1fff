import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Damage } from '../opener.ts'

/**
 * [MS-CFB] compound files (doc, xls, ppt, msg, vbaProject.bin, encrypted OOXML), read from where they lie.
 *
 * npm `cfb` is not taken: it wants the whole file in memory and copies every stream of it at once, has no limit on entries or sizes,
 * and hides what malware uses: entries that no tree reaches, sectors that nobody owns, and that a chain was cut short.
 */
export interface CompoundEntry {
  /** Its place in the directory (section 2.6). */
  readonly id: number
  /** Names from below the root, joined by `/`; what the tree does not reach begins with `ORPHAN_FOLDER`. '' for the root. */
  readonly path: string
  readonly name: string
  readonly kind: 'root' | 'storage' | 'stream'
  /** As the directory says; `read` gives fewer bytes where the chain ends earlier. */
  readonly size: number
  /** `{0002CE02-0000-0000-C000-000000000046}`, upper case; '' where it is all zero. */
  readonly classId: string
  /** The `id` of the storage it lies in; -1 for the root and for what the tree does not reach. */
  readonly parent: number
  readonly orphan: boolean
}

/** Sectors that belong to no stream and to no table. */
export interface Leftover {
  readonly offset: number
  readonly size: number
}

export interface CompoundFile {
  /** The tree in the directory's order, then what it does not reach. The first one is the root. */
  readonly entries: readonly CompoundEntry[]
  /** What of the structure could not be read. */
  readonly faults: readonly Damage[]
  /** The entry at this path, in any case (names are compared in upper case, section 2.6.4). */
  find(path: string): CompoundEntry | undefined
  /** All streams of one of these names (upper case), wherever they lie: documents inside documents have the same names. */
  named(...names: readonly string[]): readonly CompoundEntry[]
  /** The entry of this name in the same storage. */
  sibling(entry: CompoundEntry, name: string): CompoundEntry | undefined
  /** In the directory's order. */
  children(storage: CompoundEntry): readonly CompoundEntry[]
  /** A stream's first `limit` bytes. Fewer than `min(limit, entry.size)`: its chain is broken. A copy. */
  read(entry: CompoundEntry, limit: number): Buffer
  /** The same in pieces of at most 64 KiB, for streams of any size. */
  pieces(entry: CompoundEntry): Generator<Buffer, void, undefined>
  /** At most `MAX_LEFTOVERS` runs that are not all zero. */
  leftovers(): readonly Leftover[]
  /** What stands in one of them, in pieces of at most 64 KiB. */
  leftoverPieces(leftover: Leftover): Generator<Buffer, void, undefined>
}

export const COMPOUND_MAGIC = Buffer.from('d0cf11e0a1b11ae1', 'hex')
export const ORPHAN_FOLDER = '(orphan)'
/** A mail with 1,000 recipients has about 25,000. */
export const MAX_COMPOUND_ENTRIES = 65_536
const MAX_LEFTOVERS = 64
const MAX_DEPTH = 64
const MAX_PATH = 1024
const MAX_PIECE = 64 * 1024
/** Section 2.1: special sector numbers begin here. */
const LAST_REGULAR = 0xfffffffa
const NO_STREAM = 0xffffffff
const HEADER_DIFAT = 109

/** True where the magic stands at the view's start. */
export function isCompoundFile(view: ContentView): boolean {
  return view.head.subarray(0, 8).equals(COMPOUND_MAGIC)
}

/** Throws Unscanned('malformed') where there is no header or no directory; everything else that is broken is in `faults`. */
export function openCompoundFile(view: ContentView): CompoundFile {
  return new Reader(view)
}

interface RawEntry {
  readonly name: string
  readonly type: number
  readonly left: number
  readonly right: number
  readonly child: number
  readonly classId: string
  readonly start: number
  readonly size: number
}

class Reader implements CompoundFile {
  readonly entries: readonly CompoundEntry[]
  readonly faults: Damage[] = []
  readonly #view: ContentView
  readonly #header: Buffer
  readonly #sectorBytes: number
  readonly #sectors: number
  readonly #fat: Uint32Array
  readonly #fatSectors: number[] = []
  readonly #raw: readonly RawEntry[]
  readonly #byPath = new Map<string, CompoundEntry>()
  readonly #children = new Map<number, CompoundEntry[]>()
  #mini: { readonly fat: Uint32Array; readonly sectors: readonly number[]; readonly bytes: number } | undefined

  constructor(view: ContentView) {
    this.#view = view
    this.#header = view.read(0, 512)
    if (!isCompoundFile(view) || this.#header.length < 512) throw new Unscanned('malformed', 'no compound file header')
    // Section 2.2: 9 for version 3, 12 for version 4. Nothing else is opened by Windows.
    this.#sectorBytes = this.#header.readUInt16LE(0x1e) === 12 ? 4096 : 512
    this.#sectors = Math.max(0, Math.ceil(view.size / this.#sectorBytes) - 1)
    this.#fat = this.#readFat()
    this.#raw = this.#readDirectory()
    this.entries = this.#walkTree()
    for (const entry of this.entries) this.#index(entry)
  }

  find(path: string): CompoundEntry | undefined {
    return this.#byPath.get(path.toUpperCase())
  }

  named(...names: readonly string[]): readonly CompoundEntry[] {
    return this.entries.filter((entry) => entry.kind === 'stream' && names.includes(entry.name.toUpperCase()))
  }

  sibling(entry: CompoundEntry, name: string): CompoundEntry | undefined {
    return this.find(joinPath(entry.path.slice(0, Math.max(0, entry.path.length - entry.name.length - 1)), name))
  }

  children(storage: CompoundEntry): readonly CompoundEntry[] {
    return this.#children.get(storage.id) ?? []
  }

  read(entry: CompoundEntry, limit: number): Buffer {
    const kept: Buffer[] = []
    let left = Math.min(limit, entry.size)
    for (const piece of this.pieces(entry)) {
      if (left <= 0) break
      // Small streams lie in pieces that the view owns: the concatenation below makes the copy.
      kept.push(piece.subarray(0, left))
      left -= piece.length
    }
    return Buffer.concat(kept)
  }

  *pieces(entry: CompoundEntry): Generator<Buffer, void, undefined> {
    const raw = this.#raw[entry.id]
    if (raw === undefined || entry.kind === 'storage') return
    if (entry.kind === 'stream' && raw.size < this.#miniCutoff()) yield* this.#miniPieces(raw)
    else yield* this.#sectorPieces(raw.start, raw.size)
  }

  leftovers(): readonly Leftover[] {
    const used = this.#usedSectors()
    const runs: Leftover[] = []
    for (let sector = 0; sector < this.#sectors && runs.length < MAX_LEFTOVERS; sector++) {
      if (used[sector] === 1) continue
      const first = sector
      while (sector < this.#sectors && used[sector] !== 1) sector++
      const offset = this.#offset(first)
      const run = { offset, size: Math.min(this.#view.size, this.#offset(sector)) - offset }
      if (!this.#isBlank(run)) runs.push(run)
    }
    return runs
  }

  *leftoverPieces({ offset, size }: Leftover): Generator<Buffer, void, undefined> {
    for (let at = offset; at < offset + size; at += MAX_PIECE) {
      yield this.#view.read(at, Math.min(MAX_PIECE, offset + size - at))
    }
  }

  /** Sectors that were never written, or wiped. */
  #isBlank(leftover: Leftover): boolean {
    for (const piece of this.leftoverPieces(leftover)) {
      if (piece.some((byte) => byte !== 0 && byte !== 0xff)) return false
    }
    return true
  }

  #offset(sector: number): number {
    return (sector + 1) * this.#sectorBytes
  }

  #miniCutoff(): number {
    return this.#header.readUInt32LE(0x38)
  }

  #fault(detail: string): void {
    this.faults.push({ reason: 'malformed', detail })
  }

  /** Section 2.5: 109 FAT sectors are named in the header, the rest in the DIFAT chain. */
  #readFat(): Uint32Array {
    const perSector = this.#sectorBytes / 4
    const wanted = Math.ceil(this.#sectors / perSector)
    for (let at = 0; at < HEADER_DIFAT && this.#fatSectors.length < wanted; at++) {
      this.#addFatSector(this.#header.readUInt32LE(0x4c + at * 4))
    }
    this.#readDifat(wanted)
    const fat = new Uint32Array(this.#sectors).fill(NO_STREAM)
    for (const [index, sector] of this.#fatSectors.entries()) {
      const bytes = this.#view.read(this.#offset(sector), this.#sectorBytes)
      const entries = Math.min(bytes.length >> 2, fat.length - index * perSector)
      for (let at = 0; at < entries; at++) fat[index * perSector + at] = bytes.readUInt32LE(at * 4)
    }
    if (this.#fatSectors.length < wanted) this.#fault('the sector table ends early')
    return fat
  }

  /** Each DIFAT sector ends with the number of the next; a loop ends where enough sectors are known or all were seen. */
  #readDifat(wanted: number): void {
    const perSector = this.#sectorBytes / 4 - 1
    const seen = new Set<number>()
    let sector = this.#header.readUInt32LE(0x44)
    while (this.#fatSectors.length < wanted && sector < this.#sectors && !seen.has(sector)) {
      seen.add(sector)
      const bytes = this.#view.read(this.#offset(sector), this.#sectorBytes)
      if (bytes.length < this.#sectorBytes) return
      for (let at = 0; at < perSector && this.#fatSectors.length < wanted; at++) {
        this.#addFatSector(bytes.readUInt32LE(at * 4))
      }
      sector = bytes.readUInt32LE(perSector * 4)
    }
  }

  #addFatSector(sector: number): void {
    if (sector < this.#sectors) this.#fatSectors.push(sector)
  }

  /** Sector numbers of a chain; ends at the end mark, at a number outside the file, at a loop, or after `most`. */
  *#chain(start: number, most: number, fat: Uint32Array = this.#fat): Generator<number, void, undefined> {
    // A chain longer than the table has gone round: no set of what was seen is needed.
    const bound = Math.min(most, fat.length)
    let sector = start
    for (let count = 0; count < bound && sector < fat.length; count++) {
      yield sector
      sector = fat[sector] ?? NO_STREAM
    }
  }

  #readDirectory(): RawEntry[] {
    const perSector = this.#sectorBytes / 128
    const raw: RawEntry[] = []
    const seen = new Set<number>()
    for (const sector of this.#chain(this.#header.readUInt32LE(0x30), this.#sectors)) {
      if (seen.has(sector)) {
        this.#fault('the directory goes in a circle')
        break
      }
      seen.add(sector)
      if (raw.length >= MAX_COMPOUND_ENTRIES) {
        this.faults.push({ reason: 'bomb', detail: `more than ${MAX_COMPOUND_ENTRIES} directory entries` })
        break
      }
      const bytes = this.#view.read(this.#offset(sector), this.#sectorBytes)
      for (let at = 0; at < perSector && (at + 1) * 128 <= bytes.length; at++) {
        raw.push(parseEntry(bytes.subarray(at * 128, (at + 1) * 128), this.#sectorBytes === 512))
      }
    }
    if (raw.length === 0) throw new Unscanned('malformed', 'no compound file directory')
    return raw
  }

  /** Section 2.6.4: siblings are a red-black tree. Walked with a list of its own, each entry once: neither depth nor loops hurt. */
  #walkTree(): CompoundEntry[] {
    const found = new Map<number, CompoundEntry>()
    const root = this.#raw[0] as RawEntry
    found.set(0, this.#entry(0, { path: '', parent: -1, orphan: false }))
    const waiting: { id: number; parent: number; path: string; depth: number }[] = []
    if (root.child !== NO_STREAM) waiting.push({ id: root.child, parent: 0, path: '', depth: 1 })
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const raw = this.#raw[next.id]
      if (raw === undefined || raw.type === 0 || found.has(next.id)) continue
      const { parent, path, depth } = next
      const own = joinPath(path, raw.name)
      found.set(next.id, this.#entry(next.id, { path: own, parent, orphan: false }))
      if (raw.right !== NO_STREAM) waiting.push({ id: raw.right, parent, path, depth })
      if (raw.left !== NO_STREAM) waiting.push({ id: raw.left, parent, path, depth })
      const inner = { id: raw.child, parent: next.id, path: own, depth: depth + 1 }
      if (raw.type === 1 && raw.child !== NO_STREAM && depth < MAX_DEPTH) waiting.push(inner)
    }
    const tree = [...found.values()].sort((a, b) => a.id - b.id)
    return [...tree, ...this.#orphans(found)]
  }

  #orphans(found: ReadonlyMap<number, CompoundEntry>): CompoundEntry[] {
    const orphans: CompoundEntry[] = []
    for (const [id, raw] of this.#raw.entries()) {
      if (found.has(id) || (raw.type !== 1 && raw.type !== 2)) continue
      orphans.push(this.#entry(id, { path: joinPath(ORPHAN_FOLDER, raw.name), parent: -1, orphan: true }))
    }
    return orphans
  }

  #entry(id: number, place: { path: string; parent: number; orphan: boolean }): CompoundEntry {
    const { name, type, size, classId } = this.#raw[id] as RawEntry
    const kind = id === 0 ? 'root' : type === 1 ? 'storage' : 'stream'
    return { id, name, kind, size: kind === 'storage' ? 0 : size, classId, ...place }
  }

  #index(entry: CompoundEntry): void {
    const key = entry.path.toUpperCase()
    if (!this.#byPath.has(key)) this.#byPath.set(key, entry)
    if (entry.parent < 0) return
    const siblings = this.#children.get(entry.parent)
    if (siblings === undefined) this.#children.set(entry.parent, [entry])
    else siblings.push(entry)
  }

  /** Sectors that lie one after another are read at once. */
  *#sectorPieces(start: number, size: number): Generator<Buffer, void, undefined> {
    let left = size
    let from = -1
    let count = 0
    const most = Math.ceil(size / this.#sectorBytes)
    for (const sector of this.#chain(start, most)) {
      if (count > 0 && sector === from + count && (count + 1) * this.#sectorBytes <= MAX_PIECE) {
        count++
        continue
      }
      if (count > 0) {
        const piece = this.#readSectors(from, count, left)
        yield piece
        left -= piece.length
      }
      from = sector
      count = 1
    }
    if (count > 0) yield this.#readSectors(from, count, left)
  }

  #readSectors(from: number, count: number, left: number): Buffer {
    return this.#view.read(this.#offset(from), Math.min(count * this.#sectorBytes, left))
  }

  /** Section 2.4: small streams lie in 64-byte sectors inside the root's own stream. */
  *#miniPieces(raw: RawEntry): Generator<Buffer, void, undefined> {
    const mini = this.#miniStream()
    const perSector = this.#sectorBytes / mini.bytes
    let left = raw.size
    for (const sector of this.#chain(raw.start, Math.ceil(raw.size / mini.bytes), mini.fat)) {
      const host = mini.sectors[Math.floor(sector / perSector)]
      if (host === undefined) return
      const offset = this.#offset(host) + (sector % perSector) * mini.bytes
      const piece = this.#view.read(offset, Math.min(mini.bytes, left))
      yield piece
      left -= piece.length
    }
  }

  #miniStream(): { readonly fat: Uint32Array; readonly sectors: readonly number[]; readonly bytes: number } {
    if (this.#mini !== undefined) return this.#mini
    const root = this.#raw[0] as RawEntry
    const sectors = [...this.#chain(root.start, Math.ceil(root.size / this.#sectorBytes))]
    const fat = new Uint32Array((sectors.length * this.#sectorBytes) / 64).fill(NO_STREAM)
    let at = 0
    for (const sector of this.#chain(this.#header.readUInt32LE(0x3c), this.#sectors)) {
      if (at >= fat.length) break
      const bytes = this.#view.read(this.#offset(sector), this.#sectorBytes)
      for (let from = 0; from + 4 <= bytes.length && at < fat.length; from += 4) fat[at++] = bytes.readUInt32LE(from)
    }
    this.#mini = { fat, sectors, bytes: 64 }
    return this.#mini
  }

  /** A chain is followed only to the first sector that is known, so that crossing chains cost no more than the file is long. */
  #usedSectors(): Uint8Array {
    const used = new Uint8Array(this.#sectors)
    const mark = (start: number) => {
      for (let at = start; at < used.length && used[at] !== 1; at = this.#fat[at] ?? LAST_REGULAR) used[at] = 1
    }
    for (const sector of this.#fatSectors) used[sector] = 1
    for (const at of [0x30, 0x3c, 0x44]) mark(this.#header.readUInt32LE(at))
    for (const raw of this.#raw) {
      if (raw.type === 5 || (raw.type === 2 && raw.size >= this.#miniCutoff())) mark(raw.start)
    }
    this.#markDifat(used)
    return used
  }

  #markDifat(used: Uint8Array): void {
    let sector = this.#header.readUInt32LE(0x44)
    for (let count = 0; count < used.length && sector < used.length; count++) {
      used[sector] = 1
      const next = this.#view.read(this.#offset(sector) + this.#sectorBytes - 4, 4)
      if (next.length < 4) return
      sector = next.readUInt32LE(0)
    }
  }
}

/** Section 2.6.1. */
function parseEntry(bytes: Buffer, version3: boolean): RawEntry {
  const nameBytes = Math.max(0, Math.min(64, bytes.readUInt16LE(64)) - 2) & ~1
  // Version 3 writers leave rubbish in the upper half of the size.
  const high = version3 ? 0 : bytes.readUInt32LE(124) & 0x1fffff
  return {
    name: utf16Text(bytes, 0, nameBytes),
    type: bytes.readUInt8(66),
    left: bytes.readUInt32LE(68),
    right: bytes.readUInt32LE(72),
    child: bytes.readUInt32LE(76),
    classId: guidAt(bytes, 80),
    start: bytes.readUInt32LE(116),
    size: high * 0x1_0000_0000 + bytes.readUInt32LE(120),
  }
}

/**
 * UTF-16LE between two places, whole characters only. Never `toString('utf16le')` of what may be odd: in Node an odd number of bytes at
 * an odd address writes one byte behind its buffer (nodejs/node#64697), and hostile files reach that at once.
 */
export function utf16Text(bytes: Buffer, from = 0, to = bytes.length): string {
  const start = Math.min(from, bytes.length)
  const length = Math.max(0, Math.min(to, bytes.length) - start)
  return bytes.toString('utf16le', start, start + (length & ~1))
}

/** [MS-DTYP] 2.3.4.2: the first three fields are little-endian. '' where it is all zero. */
export function guidAt(bytes: Buffer, offset: number): string {
  const guid = bytes.subarray(offset, offset + 16)
  if (guid.length < 16 || guid.every((byte) => byte === 0)) return ''
  const hex = (from: number, to: number) => guid.toString('hex', from, to)
  const first = guid.readUInt32LE(0).toString(16).padStart(8, '0')
  const word = (at: number) => guid.readUInt16LE(at).toString(16).padStart(4, '0')
  return `{${first}-${word(4)}-${word(6)}-${hex(8, 10)}-${hex(10, 16)}}`.toUpperCase()
}

function joinPath(path: string, name: string): string {
  return (path === '' ? name : `${path}/${name}`).slice(0, MAX_PATH)
}
