import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Damage, OpenRun } from '../opener.ts'
import { ByteCover } from './byte-cover.ts'
import { damaged } from './member-decoder.ts'
import { type ByteSource, failIfLate, MemberWriter, passRange, passStray } from './member-writer.ts'
import { padded, TAR_BLOCK, type TarHeader, tarHeader } from './tar-header.ts'
import { paxNumber, paxRecords } from './tar-pax.ts'
import { oldSparseMap, paxSparseMap, type SparseMap } from './tar-sparse.ts'

/** A long name or the pax records of one member. */
const MAX_EXTENSION = 1024 * 1024
const MAX_NAME = 4096
/** Holes are filled with zeros up to here; beyond, the pieces are scanned one behind the other. */
const MAX_SPARSE = 64 * 1024 * 1024
const BLOCKS_A_TURN = 1024

/** What headers of other kinds said of the next member. */
interface Extensions {
  readonly records: ReadonlyMap<string, string>
  readonly longName: string | undefined
}

const NONE: Extensions = { records: new Map(), longName: undefined }

/** One walk through one tar, and from every place where a reader that understands sizes otherwise would go on. */
export class TarWalk {
  readonly #source: ByteSource
  readonly #run: OpenRun
  readonly #cover = new ByteCover()
  readonly #seen = new Set<number>()
  /** A bit for each block where a walk was: from there on the next one would find the same. */
  readonly #looked: Uint8Array
  readonly #doubtful: number[] = [0]
  #global: ReadonlyMap<string, string> = new Map()
  #extensions: Extensions = NONE
  #blocks = 0

  constructor(source: ByteSource, run: OpenRun) {
    this.#source = source
    this.#run = run
    this.#looked = new Uint8Array(Math.ceil(source.size / TAR_BLOCK / 8) + 1)
  }

  get isEmpty(): boolean {
    return this.#seen.size === 0
  }

  async run(): Promise<void> {
    for (let at = this.#doubtful.pop(); at !== undefined; at = this.#doubtful.pop()) await this.#walk(at)
    if (!this.isEmpty) await this.#strays()
  }

  /** Header after header, over zeros and whatever is none, until the end or where somebody went before. */
  async #walk(start: number): Promise<void> {
    this.#extensions = NONE
    for (let at = start; at < this.#source.size && this.#isNew(at); ) {
      failIfLate(this.#run.signal)
      if (++this.#blocks % BLOCKS_A_TURN === 0) await nextTurn()
      const block = this.#source.read(at, TAR_BLOCK)
      const header = tarHeader(block)
      if (header === undefined) {
        if (isZero(block)) this.#cover.add(at, at + block.length)
        at += TAR_BLOCK
        continue
      }
      this.#seen.add(at)
      this.#cover.add(at, at + TAR_BLOCK)
      at = await this.#entry(header, at + TAR_BLOCK)
    }
  }

  #isNew(at: number): boolean {
    const block = at / TAR_BLOCK
    const bit = 1 << (block & 7)
    const byte = this.#looked[block >>> 3] ?? 0
    this.#looked[block >>> 3] = byte | bit
    return (byte & bit) === 0
  }

  /** Where the next header is by what this one says. */
  async #entry(header: TarHeader, dataAt: number): Promise<number> {
    if (!header.isSummed) {
      // Strict readers look for the next right header from here on, lenient ones take the member.
      this.#doubtful.push(dataAt)
      this.#run.unscanned({ reason: 'malformed', detail: 'a header has a wrong checksum' }, header.name)
    }
    switch (header.type) {
      case 'L':
      case 'x':
      case 'X':
      case 'g':
      case 'K':
        return this.#extend(header, dataAt)
      case 'S':
        return this.#oldSparse(header, dataAt)
      default:
        return this.#member(header, dataAt)
    }
  }

  #extend({ type, size, name }: TarHeader, dataAt: number): number {
    const end = dataAt + padded(size)
    if (size > MAX_EXTENSION) this.#run.unscanned(damaged('is too long for what describes a member'), name)
    // What is so long, or cut short, is no name: it stays uncovered, and so it is handed over.
    else this.#cover.add(dataAt, end)
    const bytes = this.#source.read(dataAt, Math.min(size, MAX_EXTENSION))
    if (dataAt + size > this.#source.size) this.#run.unscanned(damaged('is cut short'), name)
    if (type === 'K') return end
    if (type === 'L') {
      const zero = bytes.indexOf(0)
      this.#extensions = { ...this.#extensions, longName: bytes.toString('utf8', 0, zero < 0 ? bytes.length : zero) }
      return end
    }
    const { records, isWhole } = paxRecords(bytes)
    if (!isWhole) this.#run.unscanned(damaged('is no list of pax records'), name)
    if (type === 'g') this.#global = new Map([...this.#global, ...records].slice(0, MAX_GLOBAL))
    else this.#extensions = { ...this.#extensions, records: new Map([...this.#extensions.records, ...records]) }
    return end
  }

  #take(): Extensions & { readonly pax: ReadonlyMap<string, string> } {
    const taken = this.#extensions
    this.#extensions = NONE
    const pax = this.#global.size === 0 ? taken.records : new Map([...this.#global, ...taken.records])
    return { ...taken, pax }
  }

  async #member(header: TarHeader, dataAt: number): Promise<number> {
    const { pax, longName } = this.#take()
    const name = cut(pax.get('GNU.sparse.name') ?? pax.get('path') ?? longName ?? header.name)
    const sparse = paxSparseMap(this.#source, pax, dataAt)
    const size = paxNumber(pax.get('size')) ?? header.size
    if (!holdsData(header.type)) return this.#dataless(name, dataAt, size)
    if (isFolder(header, name) && size === 0) return dataAt
    if (size !== header.size) {
      // Whoever knows pax and whoever does not lose each other here; both are followed.
      this.#doubtful.push(dataAt + padded(header.size))
      if (header.size > 0 && sparse === undefined) await this.#plain(name, dataAt, header.size)
    }
    if (sparse === undefined) await this.#plain(name, dataAt, size)
    else if (sparse === 'unknown')
      await this.#plain(name, dataAt, size, damaged('has holes that are described in an unknown way'))
    else await this.#sparse(name, sparse)
    this.#cover.add(dataAt, dataAt + padded(size))
    return dataAt + padded(size)
  }

  /** A link or folder with a size: most readers look for the next header behind it, some take what follows for its data. */
  async #dataless(name: string, dataAt: number, size: number): Promise<number> {
    if (size === 0 || dataAt + size > this.#source.size) return dataAt
    this.#doubtful.push(dataAt + padded(size))
    const writer = new MemberWriter(this.#run, { name })
    await passRange(this.#source, dataAt, dataAt + size, writer)
    await writer.end()
    return dataAt
  }

  async #oldSparse(header: TarHeader, dataAt: number): Promise<number> {
    const { pax, longName } = this.#take()
    const map = oldSparseMap(this.#source, header, dataAt)
    await this.#sparse(cut(pax.get('path') ?? longName ?? header.name), map)
    const size = paxNumber(pax.get('size')) ?? header.size
    this.#cover.add(dataAt, map.dataAt + padded(size))
    return map.dataAt + padded(size)
  }

  async #plain(name: string, dataAt: number, size: number, damage?: Damage): Promise<void> {
    const writer = new MemberWriter(this.#run, { name })
    const isWhole = await passRange(this.#source, dataAt, dataAt + size, writer)
    this.#cover.add(dataAt, dataAt + size)
    await writer.end(isWhole ? damage : damaged('is cut short'))
  }

  async #sparse(name: string, { pieces, size, dataAt }: SparseMap): Promise<void> {
    const writer = new MemberWriter(this.#run, { name })
    const isFilled = size <= MAX_SPARSE
    let isWhole = true
    let at = dataAt
    for (const piece of pieces) {
      if (isFilled) await fill(writer, Math.min(piece.at, size))
      isWhole = (await passRange(this.#source, at, at + piece.bytes, writer)) && isWhole
      at += piece.bytes
    }
    if (isFilled) await fill(writer, size)
    const holes = isFilled ? undefined : damaged('has holes too large to be filled: only what is there was scanned')
    await writer.end(isWhole ? holes : damaged('is cut short'))
  }

  /** Neither header nor data nor zeros. */
  async #strays(): Promise<void> {
    const { size } = this.#source
    for (const { from, to } of this.#cover.gaps(size)) {
      const name = to === size ? '(data after)' : from === 0 ? '(data before)' : '(data between)'
      await passStray(this.#run, this.#source, { from, to, name })
    }
  }
}

const MAX_GLOBAL = 1000
const ZERO_BLOCK = Buffer.alloc(TAR_BLOCK)

function isZero(block: Buffer): boolean {
  return block.equals(ZERO_BLOCK.subarray(0, block.length))
}

/** POSIX: 1 link, 2 symbolic link, 3 and 4 devices, 5 folder, 6 pipe; GNU: V volume name. Every other type is read as a file. */
function holdsData(type: string): boolean {
  return !['1', '2', '3', '4', '5', '6', 'V'].includes(type)
}

/** Before ustar a folder was a file whose name ends so. */
function isFolder({ type }: TarHeader, name: string): boolean {
  return (type === '0' || type === '\0') && name.endsWith('/')
}

function cut(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME / 2)}${name.slice(-MAX_NAME / 2)}` : name
}

async function fill(writer: MemberWriter, upTo: number): Promise<void> {
  while (writer.bytes < upTo) await writer.write(ZEROS.subarray(0, Math.min(ZEROS.length, upTo - writer.bytes)))
}

const ZEROS = Buffer.alloc(64 * 1024)
