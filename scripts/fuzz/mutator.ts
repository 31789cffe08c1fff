import { numberOf, Random } from './random.ts'
import type { Input, Prepared, Seed } from './target.ts'

/** No input is longer; what repeats something stops here. */
export const MAX_INPUT = 256 * 1024
const BYTES = [0, 1, 2, 7, 8, 9, 10, 13, 0x20, 0x22, 0x27, 0x2f, 0x3c, 0x3e, 0x41, 0x5c, 0x7f, 0x80, 0xc0, 0xfe, 0xff]
const NUMBERS = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1023, 1024, 4095, 4096, 32767, 32768,
  65535, 65536, 0xffffff, 0x1000000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffd, 0xfffffffe, 0xffffffff,
]
const DIGITS = ['0', '1', '-1', '7', '10', '255', '256', '65535', '65536', '2147483647', '2147483648', '4294967295', '9007199254740993', '18446744073709551616', '99999999999999999999', '1e9', '0x7f', ''] // biome-ignore format: one list

/** Makes input number `index` of a seed number: the same one each time, whatever was made before it. */
export class Mutator {
  readonly #prepared: Prepared
  readonly #key: number
  readonly #tokens: readonly Buffer[]
  readonly #pool: readonly Buffer[]

  readonly #largeBytes: number

  /** `largeBytes`: every input is blown up to about so many bytes: what costs more than its length shows itself. 0: none is. */
  constructor(name: string, prepared: Prepared, largeBytes = 0) {
    this.#prepared = prepared
    this.#largeBytes = largeBytes
    this.#key = numberOf(name)
    this.#tokens = prepared.tokens.map((token) => Buffer.from(token, 'latin1'))
    this.#pool = prepared.seeds.flatMap((seed) => [built(seed, seed.parts), ...seed.parts])
  }

  make(seedNumber: number, index: number): Input {
    const random = new Random(this.#key, seedNumber, index, Math.floor(index / 2 ** 32))
    const seed = random.pick(this.#prepared.seeds)
    const change = new Change(random, this.#tokens, this.#pool)
    const bytes = this.#bytes(seed, change, random)
    return { bytes, ...this.#names(seed, random) }
  }

  #bytes(seed: Seed, change: Change, random: Random): Buffer {
    const isPacked = seed.build !== undefined
    if (isPacked && !random.oneIn(3)) {
      const which = random.below(seed.parts.length)
      const parts = seed.parts.map((part, at) => {
        if (at !== which) return random.oneIn(8) ? change.some(part) : part
        return this.#largeBytes > 0 ? change.grown(change.some(part), this.#largeBytes) : change.some(part)
      })
      const packed = attempted(seed, parts) ?? built(seed, seed.parts)
      if (!random.oneIn(4)) return packed
      return this.#mended(change.some(packed), random)
    }
    const whole = built(seed, seed.parts)
    const some = change.some(whole)
    const bytes = this.#largeBytes > 0 ? change.grown(some, this.#largeBytes) : some
    const { keptBytes = 8 } = this.#prepared
    // A head of another kind is another target's input.
    if (!random.oneIn(12)) whole.copy(bytes, 0, 0, Math.min(keptBytes, bytes.length))
    return this.#mended(bytes, random)
  }

  #mended(bytes: Buffer, random: Random): Buffer {
    if (this.#prepared.mend !== undefined && random.oneIn(2)) this.#prepared.mend(bytes)
    return bytes
  }

  #names({ fileName = '', declaredType = '' }: Seed, random: Random): Pick<Input, 'fileName' | 'declaredType'> {
    if (!random.oneIn(16)) return { fileName, declaredType }
    const other = random.pick(this.#prepared.seeds)
    return { fileName: other.fileName ?? '', declaredType: random.oneIn(2) ? declaredType : (other.declaredType ?? '') }
  }
}

function built(seed: Seed, parts: readonly Buffer[]): Buffer {
  return seed.build === undefined ? (parts[0] as Buffer) : seed.build(parts)
}

/** Makers are for good parts: what does not fit into a field of theirs is no input. */
function attempted(seed: Seed, parts: readonly Buffer[]): Buffer | undefined {
  try {
    return built(seed, parts)
  } catch {
    return undefined
  }
}

type Step = (bytes: Buffer) => Buffer

/** The changes that one input goes through; each gives a buffer of its own. */
class Change {
  readonly #random: Random
  readonly #tokens: readonly Buffer[]
  readonly #pool: readonly Buffer[]

  constructor(random: Random, tokens: readonly Buffer[], pool: readonly Buffer[]) {
    this.#random = random
    this.#tokens = tokens
    this.#pool = pool
  }

  /** One to eight changes, few more often than many. */
  some(bytes: Buffer): Buffer {
    let changed: Buffer = Buffer.from(bytes)
    const count = 1 + this.#random.small(8)
    for (let done = 0; done < count; done++) changed = this.#random.pick(this.#steps)(changed)
    return changed.length > MAX_INPUT ? changed.subarray(0, MAX_INPUT) : changed
  }

  readonly #steps: readonly Step[] = [
    (bytes) => this.#at(bytes, (at) => void bytes.writeUInt8((bytes[at] as number) ^ (1 << this.#random.below(8)), at)),
    (bytes) => this.#at(bytes, (at) => void bytes.writeUInt8(this.#random.below(256), at)),
    (bytes) => this.#at(bytes, (at) => void bytes.writeUInt8(this.#random.pick(BYTES), at)),
    (bytes) => this.#number(bytes),
    (bytes) => this.#number(bytes),
    (bytes) => this.#number(bytes),
    (bytes) => this.#add(bytes),
    (bytes) => bytes.subarray(0, this.#random.below(bytes.length + 1)),
    (bytes) => this.#remove(bytes),
    (bytes) => this.#double(bytes),
    (bytes) => this.#move(bytes),
    (bytes) => this.#fill(bytes),
    (bytes) => this.#splice(bytes),
    (bytes) => this.#token(bytes),
    (bytes) => this.#token(bytes),
    (bytes) => this.#digits(bytes),
    (bytes) => this.#lines(bytes),
    (bytes) => this.#grow(bytes),
  ]

  #at(bytes: Buffer, change: (at: number) => void): Buffer {
    if (bytes.length > 0) change(this.#random.below(bytes.length))
    return bytes
  }

  /** A length, a count, an offset: 8, 16, 32 or 64 bits of either order; special, of the file's own size, or a place in it. */
  #number(bytes: Buffer): Buffer {
    const random = this.#random
    const width = random.pick([1, 2, 2, 4, 4, 4, 8] as const)
    if (bytes.length < width) return bytes
    const at = random.below(bytes.length - width + 1)
    const place = random.below(bytes.length + 1)
    const value = random.pick([random.pick(NUMBERS), bytes.length - 1 + random.below(3), place, random.small(65536)])
    const isBig = random.oneIn(3)
    const low = (value & 0xffffffff) >>> 0
    if (width === 1) bytes.writeUInt8(value & 0xff, at)
    else if (width === 2) isBig ? bytes.writeUInt16BE(value & 0xffff, at) : bytes.writeUInt16LE(value & 0xffff, at)
    else if (width === 4) isBig ? bytes.writeUInt32BE(low, at) : bytes.writeUInt32LE(low, at)
    else {
      const wide = random.oneIn(3) ? (BigInt(random.word()) << 32n) | BigInt(low) : BigInt(low)
      isBig ? bytes.writeBigUInt64BE(wide, at) : bytes.writeBigUInt64LE(wide, at)
    }
    return bytes
  }

  /** A little more or less than what stands there. */
  #add(bytes: Buffer): Buffer {
    const random = this.#random
    const by = (1 + random.small(32)) * (random.oneIn(2) ? 1 : -1)
    if (bytes.length >= 4 && random.oneIn(2)) {
      const at = random.below(bytes.length - 3)
      bytes.writeUInt32LE((bytes.readUInt32LE(at) + by) >>> 0, at)
      return bytes
    }
    return this.#at(bytes, (at) => void bytes.writeUInt8(((bytes[at] as number) + by) & 0xff, at))
  }

  #range(bytes: Buffer): { from: number; to: number } {
    const from = this.#random.below(bytes.length + 1)
    const most = this.#random.oneIn(8) ? bytes.length : 64
    return { from, to: Math.min(bytes.length, from + 1 + this.#random.small(most)) }
  }

  #remove(bytes: Buffer): Buffer {
    const { from, to } = this.#range(bytes)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  }

  #double(bytes: Buffer): Buffer {
    const { from, to } = this.#range(bytes)
    const times = this.#random.oneIn(8) ? 2 + this.#random.below(60) : 2
    const piece = bytes.subarray(from, to)
    const room = Math.max(1, Math.floor((MAX_INPUT - bytes.length) / Math.max(1, piece.length)))
    const copies = Array<Buffer>(Math.min(times, room)).fill(piece)
    return Buffer.concat([bytes.subarray(0, from), ...copies, bytes.subarray(to)])
  }

  /** A block goes over another one. */
  #move(bytes: Buffer): Buffer {
    const { from, to } = this.#range(bytes)
    const place = this.#random.below(bytes.length + 1)
    const copy = Buffer.from(bytes.subarray(from, to))
    copy.copy(bytes, place)
    return bytes
  }

  #fill(bytes: Buffer): Buffer {
    const { from, to } = this.#range(bytes)
    bytes.fill(this.#random.pick(BYTES), from, to)
    return bytes
  }

  #splice(bytes: Buffer): Buffer {
    const other = this.#random.pick(this.#pool)
    const { from, to } = this.#range(other)
    const piece = other.subarray(from, to)
    const mine = this.#range(bytes)
    const end = this.#random.oneIn(2) ? mine.from : mine.to
    return Buffer.concat([bytes.subarray(0, mine.from), piece, bytes.subarray(end)])
  }

  #token(bytes: Buffer): Buffer {
    if (this.#tokens.length === 0) return this.#splice(bytes)
    const token = this.#random.pick(this.#tokens)
    const at = this.#random.below(bytes.length + 1)
    const end = this.#random.oneIn(2) ? at : Math.min(bytes.length, at + token.length)
    return Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(end)])
  }

  /** A number of a text becomes another one. */
  #digits(bytes: Buffer): Buffer {
    const start = this.#random.below(bytes.length + 1)
    let from = start
    while (from < bytes.length && !isDigit(bytes[from])) from++
    if (from >= bytes.length || from - start > 4096) return this.#number(bytes)
    let to = from
    while (to < bytes.length && isDigit(bytes[to])) to++
    const digits = Buffer.from(this.#random.pick(DIGITS))
    return Buffer.concat([bytes.subarray(0, from), digits, bytes.subarray(to)])
  }

  /** Lines (or what ends with a sign) change places, come twice or go. */
  #lines(bytes: Buffer): Buffer {
    const sign = this.#random.pick([0x0a, 0x0a, 0x3e, 0x2c, 0x3b, 0x20, 0])
    const from = bytes.indexOf(sign, this.#random.below(bytes.length + 1)) + 1
    if (from === 0) return this.#remove(bytes)
    const end = bytes.indexOf(sign, from) + 1
    const to = end === 0 ? bytes.length : end
    const line = bytes.subarray(from, to)
    const way = this.#random.below(3)
    if (way === 0) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
    if (way === 1) return Buffer.concat([bytes.subarray(0, to), line, bytes.subarray(to)])
    const place = this.#random.below(from + 1)
    return Buffer.concat([bytes.subarray(0, place), line, bytes.subarray(place, from), bytes.subarray(to)])
  }

  /** One word or block over and over, up to the most that an input has: what costs more than its length shows itself here. */
  #grow(bytes: Buffer): Buffer {
    const random = this.#random
    const isToken = this.#tokens.length > 0 && random.oneIn(2)
    const { from, to } = this.#range(bytes)
    const piece = isToken ? random.pick(this.#tokens) : bytes.subarray(from, to)
    const most = random.oneIn(24) ? MAX_INPUT - bytes.length : 2048
    return this.#repeated(bytes, piece, random.below(Math.max(1, most)))
  }

  /** One or two words or short blocks, so often that it comes to that many bytes; sometimes a few of the words that begin or end something. */
  grown(bytes: Buffer, total: number): Buffer {
    const random = this.#random
    const words = Array.from({ length: 1 + random.below(3) }, () => {
      if (this.#tokens.length > 0 && !random.oneIn(3)) return random.pick(this.#tokens)
      const { from, to } = this.#range(bytes)
      return bytes.subarray(from, Math.min(to, from + 64))
    })
    return this.#repeated(bytes, Buffer.concat(words), total)
  }

  #repeated(bytes: Buffer, piece: Buffer, total: number): Buffer {
    if (piece.length === 0) return bytes
    const grown = Buffer.alloc(Math.max(piece.length, total), piece)
    const at = this.#random.below(bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, at), grown, bytes.subarray(at)])
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}
