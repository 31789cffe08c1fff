import { setImmediate as nextTurn } from 'node:timers/promises'
import { Unscanned } from '../../domain/verdict.ts'
import type { OpenerNode } from '../opener.ts'
import { ByteCover, type ByteRange } from './byte-cover.ts'
import { type ByteSource, failIfLate, passStray } from './member-writer.ts'
import type { Decoding } from './zip-decode.ts'
import { ZipMembers } from './zip-member.ts'
import { keyOf, readingsOf, type ZipReading } from './zip-readings.ts'
import {
  CENTRAL_MARK,
  centralHeader,
  type DirectoryPlace,
  END_MARK,
  type EndRecord,
  endRecord,
  LOCAL_MARK,
  localHeader,
  markAt,
  type ZipHeader,
} from './zip-records.ts'

/** Extra fields and comments beyond this are handed over raw like anything that belongs to nothing. */
const MAX_ODD_BYTES = 512
const MAX_END_RECORDS = 64
/** Headers of all directories together: records that are the same are free of the members' budget, and still cost time. */
const MAX_HEADERS = 2_000_000
const MAX_LOST = 1000
/** Damaged local headers outside of any directory that are tried; each costs a decoder. */
const MAX_DAMAGED = 1000
const HEADERS_A_TURN = 256

/** One walk through one archive. First the directories, then whatever they do not account for. */
export class ZipWalk {
  readonly #source: ByteSource
  readonly #decoding: Decoding
  readonly #members: ZipMembers
  readonly #cover = new ByteCover()
  readonly #seenCentral = new Set<number>()
  readonly #seenLocal = new Set<number>()
  readonly #seenReadings = new Set<string>()
  readonly #seenEnds = new Set<number>()
  readonly #shifts = new Set<number>([0])
  /** Places where a reader that believes the smaller size looks for the next member. */
  readonly #doubtful: number[] = []
  /** Members that a directory names and no header was found for: by raw name. */
  readonly #lost = new Map<string, string>()
  readonly #comments: ByteRange[] = []
  /** Behind the directory record that was read last. */
  #directoryEnd = 0
  #headers = 0
  #damagedAlone = 0
  hasDirectory = false

  constructor(source: ByteSource, node: OpenerNode, decoding: Decoding) {
    this.#source = source
    this.#decoding = decoding
    this.#members = new ZipMembers(source, node, decoding)
  }

  get isEmpty(): boolean {
    return !this.hasDirectory && this.#seenReadings.size === 0
  }

  skip(from: number, to: number): void {
    this.#cover.add(from, to)
  }

  /** An end record and the directories that it may mean. One inside a member's data belongs to that member. */
  async end(at: number): Promise<void> {
    if (this.#seenEnds.has(at) || this.#seenEnds.size >= MAX_END_RECORDS || this.#cover.has(at)) return
    this.#seenEnds.add(at)
    const end = endRecord(this.#source, at)
    if (end === undefined) return
    const places = end.places.filter((place) => markAt(this.#source, place.at) === CENTRAL_MARK)
    if (places.length === 0 && !isEmptyArchive(end)) return
    this.hasDirectory = true
    this.#cover.add(end.zip64?.from ?? at, at + 22)
    const { run } = this.#decoding
    if (end.isPart) run.unscanned({ reason: 'partial', detail: 'one of several volumes' })
    if (end.comment.length > 0) run.hint(end.comment.toString('utf8'))
    const counts = await this.#directories(places)
    // 4.4.22: the count is of 16 bits. Readers that go by it see fewer or expect more.
    const isCounted = end.entries === 0xffff || counts.some((count) => count % 65_536 === end.entries)
    if (counts.length > 0 && !end.isPart && !isCounted)
      run.unscanned({ reason: 'malformed', detail: `its directory has ${counts} entries, not ${end.entries}` })
    this.#comments.push({ from: at + 22, to: end.end })
  }

  /** What no directory accounts for: local headers, lost directories, other bytes. */
  async rest(): Promise<void> {
    await this.#followDoubts()
    let from = 0
    for (const gap of this.#cover.gaps(this.#source.size)) {
      from = Math.max(from, gap.from)
      while (from < gap.to) from = await this.#structureIn(from, gap.to)
      await this.#followDoubts()
    }
    await this.#strays()
    for (const name of this.#lost.values())
      this.#decoding.run.unscanned({ reason: 'malformed', detail: 'it is not where the directory says' }, name)
  }

  /** The number of entries in each that was not read before. */
  async #directories(places: readonly DirectoryPlace[]): Promise<number[]> {
    const counts: number[] = []
    for (const at of new Set(places.map((place) => place.at))) {
      const shifts = places.filter((place) => place.at === at).map((place) => place.shift)
      for (const shift of shifts) this.#shifts.add(shift)
      if (!this.#seenCentral.has(at)) counts.push(await this.#directory(at, [...shifts, 0]))
    }
    return counts
  }

  /** The number of entries from here on, however many the end record counts. */
  async #directory(start: number, shifts: readonly number[]): Promise<number> {
    let count = 0
    let at = start
    for (; ; count++) {
      if (this.#seenCentral.has(at)) break
      const header = centralHeader(this.#source, at)
      if (header === undefined) break
      this.#seenCentral.add(at)
      await this.#countHeader()
      this.#directoryEnd = this.#coverRecord(header)
      await this.#entry(header, new Set(shifts))
      at = header.end
    }
    return count
  }

  async #countHeader(): Promise<void> {
    failIfLate(this.#decoding.run.signal)
    if (++this.#headers > MAX_HEADERS) throw new Unscanned('bomb', `more than ${MAX_HEADERS} entries`)
    if (this.#headers % HEADERS_A_TURN === 0) await nextTurn()
  }

  /** Where the part ends that is nothing but the record. */
  #coverRecord({ at, end, nameEnd, oddBytes }: ZipHeader): number {
    const recordEnd = oddBytes > MAX_ODD_BYTES ? nameEnd : end
    this.#cover.add(at, recordEnd)
    return recordEnd
  }

  /** One entry of a directory, with every local header that it may mean. */
  async #entry(central: ZipHeader, shifts: ReadonlySet<number>): Promise<void> {
    const locals = [...shifts].flatMap((shift) => localHeader(this.#source, central.localAt + shift) ?? [])
    for (const local of likeliest(central, locals)) await this.#member([central, local], local)
    if (locals.length > 0 || isFolder(central)) return
    if (this.#lost.size < MAX_LOST) this.#lost.set(central.rawName, central.names[0] ?? '')
  }

  /** The end of the member, whatever reading goes furthest. */
  async #member(headers: readonly ZipHeader[], local: ZipHeader): Promise<number> {
    this.#seenLocal.add(local.at)
    this.#lost.delete(local.rawName)
    this.#coverRecord(local)
    if (headers.every(isFolder)) return local.end
    let furthest = local.end
    for (const reading of readingsOf(headers, local.end)) {
      const names = this.#freshNames(reading)
      if (names.length === 0) continue
      const { end } = await this.#members.handOver(reading, names)
      this.#cover.add(local.end, end)
      furthest = Math.max(furthest, end)
    }
    for (const header of headers) {
      const stated = local.end + (header.packed ?? 0)
      if (header.packed !== undefined && stated < furthest) this.#doubtful.push(stated)
    }
    return furthest
  }

  /** Names under which this reading was not handed over yet. Where a thousand entries mean the same bytes, the ending tells. */
  #freshNames(reading: ZipReading): string[] {
    const base = `${reading.dataAt} ${reading.method} ${keyOf(reading.encryption)} ${reading.lengths}`
    const names = reading.headers.flatMap(({ names }) => names)
    return names.filter((name, index) => {
      const key = `${base} ${endingOf(name)}`
      if (this.#seenReadings.has(key) || names.findIndex((other) => endingOf(other) === endingOf(name)) < index)
        return false
      this.#seenReadings.add(key)
      return true
    })
  }

  /** A reader without a directory goes from member to member by the local sizes. */
  async #followDoubts(): Promise<void> {
    for (let at = this.#doubtful.pop(); at !== undefined; at = this.#doubtful.pop()) {
      if (!this.#seenLocal.has(at)) this.#doubtful.push(...(await this.#alone(at)).slice(0, 1))
    }
  }

  /** A local header that no directory names: where its member ends; empty where there is none. */
  async #alone(at: number): Promise<number[]> {
    const local = localHeader(this.#source, at)
    if (local === undefined || this.#seenLocal.has(at)) return []
    await this.#countHeader()
    return [await this.#member([local], local)]
  }

  /** Looks for the next structure in a gap; gives where to go on. */
  async #structureIn(from: number, to: number): Promise<number> {
    const found = await this.#findMark(from, to)
    if (found === undefined) return to
    const { at, mark } = found
    if (mark === END_MARK) {
      await this.end(at)
      return at + 4
    }
    if (mark === CENTRAL_MARK) {
      const before = this.#directoryEnd
      await this.#directory(at, [...this.#shifts])
      return Math.max(at + 4, this.#directoryEnd === before ? 0 : this.#directoryEnd)
    }
    return Math.max(at + 4, await this.#aloneInGap(at))
  }

  async #aloneInGap(at: number): Promise<number> {
    if (this.#damagedAlone > MAX_DAMAGED || !isBelievable(this.#source.read(at, 30))) return at
    const local = localHeader(this.#source, at)
    const [end = at] = await this.#alone(at)
    if (end > (local?.end ?? at)) return end
    if (++this.#damagedAlone > MAX_DAMAGED)
      this.#decoding.run.unscanned({ reason: 'malformed', detail: `more than ${MAX_DAMAGED} damaged members` })
    return end
  }

  async #findMark(from: number, to: number): Promise<{ at: number; mark: number } | undefined> {
    for (let at = from; at < to; ) {
      failIfLate(this.#decoding.run.signal)
      const window = this.#source.read(at, Math.min(WINDOW_BYTES, to - at + 3))
      for (let found = window.indexOf(PK); found >= 0 && found + 4 <= window.length; ) {
        const mark = window.readUInt32LE(found)
        if (MARKS.has(mark)) return { at: at + found, mark }
        found = window.indexOf(PK, found + 2)
      }
      if (window.length < 4) return undefined
      at += window.length - 3
      if (at % TURN_BYTES < WINDOW_BYTES) await nextTurn()
    }
    return undefined
  }

  async #strays(): Promise<void> {
    const { size } = this.#source
    for (const { from, to } of this.#cover.gaps(size)) {
      // The whole again would be opened again without end.
      if (from === 0 && to === size) return
      const isComment = this.#comments.some((comment) => from >= comment.from && to <= comment.to)
      const place = from === 0 ? 'data before' : to === size ? 'data after' : 'data between'
      const name = isComment ? '(comment)' : `(${place})`
      await passStray(this.#decoding.run, this.#source, { from, to, name })
    }
  }
}

const PK = Buffer.from('PK')
const MARKS = new Set([LOCAL_MARK, CENTRAL_MARK, END_MARK])
const WINDOW_BYTES = 64 * 1024
const TURN_BYTES = 64 * WINDOW_BYTES

function isEmptyArchive({ at, entries, places }: EndRecord): boolean {
  return entries === 0 && places.some((place) => place.at === at)
}

/** With and without the shift an entry may meet two headers: those that agree with it, else those of its name, else all. */
function likeliest(central: ZipHeader, locals: readonly ZipHeader[]): readonly ZipHeader[] {
  const named = locals.filter(({ rawName }) => rawName === central.rawName)
  const agreeing = named.filter(
    ({ method, packed }) => method === central.method && (packed ?? central.packed) === central.packed,
  )
  return agreeing.length > 0 ? agreeing : named.length > 0 ? named : locals
}

/** A folder's name alone does not make it one: some readers make a file of what has bytes. */
function isFolder({ rawName, packed, size }: ZipHeader): boolean {
  return rawName.endsWith('/') && (packed ?? 0) === 0 && (size ?? 0) === 0
}

/** In data four bytes come by chance. A method that was ever given tells; looked at before the name is decoded. */
function isBelievable(header: Buffer): boolean {
  if (header.length < 30) return false
  const method = header.readUInt16LE(8)
  return method <= 20 || (method >= 93 && method <= 99)
}

function endingOf(name: string): string {
  const ending = name.slice(name.lastIndexOf('.') + 1)
  return ending.length > 20 ? '' : ending.toLowerCase()
}
