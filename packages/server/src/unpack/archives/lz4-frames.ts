import type { Damage } from '../opener.ts'
import { decodeLz4Block, LZ4_HISTORY_BYTES } from './lz4-block.ts'
import { Lz4Checksum } from './lz4-checksum.ts'
import { damaged } from './member-decoder.ts'
import type { ByteSource } from './member-writer.ts'

/** lz4_Frame_format.md 1.6.4. */
export const LZ4_FRAME_MARK = 0x184d2204
export const LZ4_LEGACY_MARK = 0x184c2102

export interface Lz4FrameEnd {
  readonly end: number
  readonly damage: Damage | undefined
  /** Nobody knows where the next frame would begin. */
  readonly isLost: boolean
}

const MIB = 1024 * 1024
const BLOCK_BYTES: Readonly<Record<number, number>> = { 4: 64 * 1024, 5: 256 * 1024, 6: MIB, 7: 4 * MIB }
const LEGACY_BLOCK_BYTES = 8 * MIB
const READ_BYTES = MIB
/** The highest bit of a block's length: it is stored. */
const LENGTH_BITS = 0x7fffffff

interface Descriptor {
  readonly headerBytes: number
  readonly maxBlock: number
  readonly isLinked: boolean
  readonly hasBlockSums: boolean
  readonly hasSum: boolean
  readonly size: number | undefined
}

/** Decodes frames from a source; holds one block and 64 KiB of history. */
export class Lz4Frames {
  readonly #source: ByteSource
  readonly #out: (chunk: Buffer) => void | Promise<void>
  #buffer: Buffer = Buffer.alloc(0)
  #history = 0

  constructor(source: ByteSource, out: (chunk: Buffer) => void | Promise<void>) {
    this.#source = source
    this.#out = out
  }

  /** Undefined: no frame begins there. */
  async decode(at: number): Promise<Lz4FrameEnd | undefined> {
    const mark = this.#source.read(at, 4)
    if (mark.length < 4) return undefined
    this.#history = 0
    switch (mark.readUInt32LE(0)) {
      case LZ4_FRAME_MARK:
        return this.#frame(at)
      case LZ4_LEGACY_MARK:
        return this.#legacy(at + 4)
      default:
        return undefined
    }
  }

  async #frame(start: number): Promise<Lz4FrameEnd> {
    const descriptor = descriptorAt(this.#source, start + 4)
    if (descriptor === undefined) return lost(this.#source.size, 'has a frame header that cannot be')
    this.#buffer = roomFor(this.#buffer, LZ4_HISTORY_BYTES + descriptor.maxBlock)
    const sum = new Lz4Checksum()
    let bytes = 0
    let damage: Damage | undefined
    for (let at = start + 4 + descriptor.headerBytes; ; ) {
      const field = this.#source.read(at, 4)
      if (field.length < 4) return lost(this.#source.size, 'is cut short')
      at += 4
      const word = field.readUInt32LE(0)
      if (word === 0) return this.#endOfFrame(at, descriptor, { sum, bytes, damage })
      const packedBytes = word & LENGTH_BITS
      if (packedBytes > descriptor.maxBlock) return lost(at, 'has a block longer than its frame allows')
      const block = readAll(this.#source, at, packedBytes)
      if (!descriptor.isLinked) this.#history = 0
      const plain = word > LENGTH_BITS ? this.#stored(block) : this.#packed(block, descriptor.maxBlock)
      sum.update(plain.bytes)
      bytes += plain.bytes.length
      if (plain.bytes.length > 0) await this.#out(plain.bytes)
      if (block.length < packedBytes) return lost(this.#source.size, 'is cut short')
      if (!plain.isWhole) return lost(at, 'has a damaged block')
      at += packedBytes
      if (!descriptor.hasBlockSums) continue
      const stated = this.#source.read(at, 4)
      at += 4
      if (stated.length < 4 || stated.readUInt32LE(0) !== new Lz4Checksum().update(block).digest())
        damage ??= damaged('has a block with another checksum than stated')
    }
  }

  #endOfFrame(
    at: number,
    { hasSum, size }: Descriptor,
    { sum, bytes, damage }: { sum: Lz4Checksum; bytes: number; damage: Damage | undefined },
  ): Lz4FrameEnd {
    const stated = hasSum ? this.#source.read(at, 4) : undefined
    const isRight = stated === undefined || (stated.length === 4 && stated.readUInt32LE(0) === sum.digest())
    const wrong = isRight && (size ?? bytes) === bytes ? undefined : damaged('has another checksum or size than stated')
    return { end: at + (stated?.length ?? 0), damage: damage ?? wrong, isLost: false }
  }

  /** Blocks until the file ends or another frame begins: no block is as long as any frame's mark is large. */
  async #legacy(start: number): Promise<Lz4FrameEnd> {
    this.#buffer = roomFor(this.#buffer, LZ4_HISTORY_BYTES + LEGACY_BLOCK_BYTES)
    const maxPacked = LEGACY_BLOCK_BYTES + Math.floor(LEGACY_BLOCK_BYTES / 255) + 16
    for (let at = start; ; ) {
      const field = this.#source.read(at, 4)
      if (field.length === 0) return { end: at, damage: undefined, isLost: false }
      const packedBytes = field.length < 4 ? 0 : field.readUInt32LE(0)
      if (packedBytes > maxPacked) return { end: at, damage: undefined, isLost: false }
      if (packedBytes === 0) return lost(at, 'has a block of no length')
      const block = readAll(this.#source, at + 4, packedBytes)
      this.#history = 0
      const plain = this.#packed(block, LEGACY_BLOCK_BYTES)
      if (plain.bytes.length > 0) await this.#out(plain.bytes)
      if (block.length < packedBytes) return lost(this.#source.size, 'is cut short')
      if (!plain.isWhole) return lost(at, 'has a damaged block')
      at += 4 + packedBytes
    }
  }

  #packed(block: Buffer, maxBlock: number): { bytes: Buffer; isWhole: boolean } {
    const from = this.#history
    const out = this.#buffer.subarray(0, from + maxBlock)
    const { end, isWhole } = decodeLz4Block(block, out, { from, history: from })
    return { bytes: this.#keep(from, end), isWhole }
  }

  #stored(block: Buffer): { bytes: Buffer; isWhole: boolean } {
    const from = this.#history
    const end = from + block.copy(this.#buffer, from)
    return { bytes: this.#keep(from, end), isWhole: true }
  }

  /** A copy of the plain bytes, and the last 64 KiB at the buffer's start for the next block. */
  #keep(from: number, end: number): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(from, end))
    const keptFrom = Math.max(0, end - LZ4_HISTORY_BYTES)
    this.#buffer.copyWithin(0, keptFrom, end)
    this.#history = end - keptFrom
    return bytes
  }
}

/** FLG BD [content size] [dictionary id] HC. Undefined where the version or the block size does not exist. */
function descriptorAt(source: ByteSource, at: number): Descriptor | undefined {
  const bytes = source.read(at, 15)
  const [flags = 0, sizes = 0] = bytes
  const maxBlock = BLOCK_BYTES[(sizes >> 4) & 7]
  const hasSize = (flags & 0x08) !== 0
  const headerBytes = 3 + (hasSize ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0)
  if (bytes.length < headerBytes || flags >> 6 !== 1 || maxBlock === undefined) return undefined
  return {
    headerBytes,
    maxBlock,
    isLinked: (flags & 0x20) === 0,
    hasBlockSums: (flags & 0x10) !== 0,
    hasSum: (flags & 0x04) !== 0,
    size: hasSize ? Number(bytes.readBigUInt64LE(2)) : undefined,
  }
}

function roomFor(buffer: Buffer, bytes: number): Buffer {
  return buffer.length >= bytes ? buffer : Buffer.allocUnsafe(bytes)
}

/** Longer than what a source gives at once. */
function readAll(source: ByteSource, at: number, length: number): Buffer {
  if (length <= READ_BYTES) return source.read(at, length)
  const pieces: Buffer[] = []
  for (let done = 0; done < length; ) {
    const piece = source.read(at + done, Math.min(READ_BYTES, length - done))
    if (piece.length === 0) break
    pieces.push(piece)
    done += piece.length
  }
  return Buffer.concat(pieces)
}

function lost(end: number, what: string): Lz4FrameEnd {
  return { end, damage: damaged(what), isLost: true }
}
