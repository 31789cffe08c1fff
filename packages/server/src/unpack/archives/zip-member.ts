import type { Damage, OpenerNode, OpenRun } from '../opener.ts'
import { type ByteSource, MemberWriter, piecesOf } from './member-writer.ts'
import { type Decoding, decodeMember, type OtherMethods, type Packed } from './zip-decode.ts'
import { descriptorsAt, findDescriptor, type ZipDescriptor } from './zip-descriptor.ts'
import { METHOD_DEFLATE, METHOD_STORED, type ZipReading, type ZipSum } from './zip-readings.ts'
import { ZipPasswords } from './zip-unlock.ts'

/** How far a reading went, and how it is known. */
export interface MemberEnd {
  /** Behind the data and its descriptor. */
  readonly end: number
}

/** Hands members over, one reading of one member at a time. */
export class ZipMembers {
  readonly #source: ByteSource
  readonly #decoding: Decoding
  readonly #passwords: ZipPasswords

  constructor(
    source: ByteSource,
    node: OpenerNode,
    decoding: { run: OpenRun; otherMethods: OtherMethods | undefined },
  ) {
    this.#source = source
    this.#decoding = decoding
    this.#passwords = new ZipPasswords(node, decoding)
  }

  /** Never throws for what the member holds; the budget and the deadline pass. */
  async handOver(reading: ZipReading, names: readonly string[]): Promise<MemberEnd> {
    const known = reading.lengths.length > 0
    // Deflate ends by itself, whatever anybody says of its length: every reader's bytes are the beginning of the same.
    if (reading.encryption === 'none' && reading.method === METHOD_DEFLATE && reading.lengths[0] !== 0)
      return this.#plain(reading, names, undefined)
    const lengths = known ? reading.lengths : [findDescriptor(this.#source, reading.dataAt) - reading.dataAt]
    let end = reading.dataAt
    for (const length of lengths) {
      const own =
        reading.encryption === 'none' ? this.#plain(reading, names, length) : this.#locked(reading, names, length)
      end = Math.max(end, (await own).end)
    }
    return { end }
  }

  async #plain(reading: ZipReading, names: readonly string[], length: number | undefined): Promise<MemberEnd> {
    const { dataAt } = reading
    const to = length === undefined ? this.#source.size : dataAt + length
    const packed: Packed = { length, pieces: () => piecesOf(this.#source, dataAt, to) }
    let consumed = 0
    for (const name of names) consumed = await this.#decode({ reading, packed, dataEnd: length }, { name })
    return this.#endOf(dataAt + (length ?? consumed))
  }

  async #locked(reading: ZipReading, names: readonly string[], length: number): Promise<MemberEnd> {
    const end = this.#endOf(reading.dataAt + length)
    const unlocked = await this.#passwords.unlock(this.#source, reading, length)
    if (unlocked === undefined) {
      for (const name of names) this.#decoding.run.unscanned({ reason: 'encrypted', detail: 'no password fits' }, name)
      return end
    }
    const { packed, password, damage } = unlocked
    for (const name of names) await this.#decode({ reading, packed, dataEnd: length, damage }, { name, password })
    return end
  }

  /** The packed bytes that were taken. */
  async #decode(
    { reading, packed, dataEnd, damage }: MemberJob,
    info: { readonly name: string; readonly password?: string },
  ): Promise<number> {
    const { run } = this.#decoding
    const writer = new MemberWriter(run, info)
    const decoded = await decodeMember({ reading, packed }, this.#decoding, writer.write)
    const end = reading.dataAt + (dataEnd ?? decoded.consumed)
    await writer.end(damage ?? decoded.damage ?? this.#wrongSum(reading, writer, end))
    if (decoded.damage === undefined) await this.#prefixes({ reading, packed }, info, writer.bytes)
    return decoded.consumed
  }

  /** A member is right as soon as one of those who speak of it says so. */
  #wrongSum(reading: ZipReading, { crc, bytes }: MemberWriter, end: number): Damage | undefined {
    const isCrcUnused = typeof reading.encryption === 'object' && reading.encryption.version === 2
    // macOS writes sizes over 4 GiB without Zip64, modulo 2^32.
    const isSize = (size: number) => size === bytes || size === bytes % 2 ** 32
    const isRight = (sum: ZipSum) => isSize(sum.size) && (isCrcUnused || sum.crc === crc)
    if (reading.sums.some(isRight)) return undefined
    if (reading.sums.length === 0 && typeof reading.encryption === 'object') return undefined
    const behind: readonly ZipDescriptor[] = descriptorsAt(this.#source, end)
    if (behind.some((descriptor) => descriptor.crc === crc && descriptor.size === bytes)) return undefined
    return { reason: 'malformed', detail: 'its checksum or its size is not what the archive says' }
  }

  /** Who believes a header that states less takes only the beginning: other bytes with another hash. */
  async #prefixes(
    { reading, packed }: Pick<MemberJob, 'reading' | 'packed'>,
    info: { readonly name: string; readonly password?: string },
    bytes: number,
  ): Promise<void> {
    if (reading.method === METHOD_STORED) return
    const shorter = new Set(reading.sums.map(({ size }) => size).filter((size) => size > 0 && size < bytes))
    for (const size of shorter) {
      const writer = new MemberWriter(this.#decoding.run, info)
      await this.#decodeFirst({ reading, packed }, size, writer)
      await writer.end()
    }
  }

  async #decodeFirst(job: Pick<MemberJob, 'reading' | 'packed'>, size: number, writer: MemberWriter): Promise<void> {
    const take = async (chunk: Buffer) => {
      await writer.write(chunk.subarray(0, size - writer.bytes))
      if (writer.bytes >= size) throw FULL
    }
    try {
      await decodeMember(job, this.#decoding, take)
    } catch (error) {
      if (error !== FULL) throw error
    }
  }

  #endOf(dataEnd: number): MemberEnd {
    const [descriptor] = descriptorsAt(this.#source, dataEnd)
    return { end: descriptor === undefined ? dataEnd : descriptor.end }
  }
}

interface MemberJob {
  readonly reading: ZipReading
  readonly packed: Packed
  /** Undefined: where the stream ends. */
  readonly dataEnd: number | undefined
  readonly damage?: Damage | undefined
}

/** Thrown through a decoder to make it stop. */
const FULL = new Error('the stated size is reached')
