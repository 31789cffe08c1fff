import { crc32, inflateRawSync } from 'node:zlib'
import type { Content } from '../../domain/sample.ts'
import { Unscanned } from '../../domain/verdict.ts'
import type { Damage, OpenRun } from '../opener.ts'
import { damaged, decodeStream, RAW_INFLATE, ZSTD_FRAME } from './member-decoder.ts'
import { METHOD_DEFLATE, METHOD_STORED, type ZipReading } from './zip-readings.ts'

/** What an OtherMethods is given. */
export interface OtherMethodJob {
  /** A ZIP that we made: one member, not encrypted, its packed data as they were found. */
  readonly zip: Content
  readonly run: OpenRun
  write(chunk: Buffer): void | Promise<void>
}

/**
 * Unpacks members by methods that are not ours (deflate64, bzip2, lzma, xz, ppmd, ...): a native tool in confinement.
 * Resolves with the damage where not all of it came; throws Unscanned('engine-down') where it cannot look.
 */
export type OtherMethods = (job: OtherMethodJob) => Promise<Damage | undefined>

/** Packed bytes as often as they are needed. */
export interface Packed {
  pieces(): AsyncIterable<Buffer>
  /** Undefined: to the end of the file. */
  readonly length: number | undefined
}

export interface Decoding {
  readonly run: OpenRun
  readonly otherMethods: OtherMethods | undefined
}

export interface Decoded {
  readonly consumed: number
  readonly damage: Damage | undefined
}

type Out = (chunk: Buffer) => void | Promise<void>

/** APPNOTE.TXT 4.4.5; 20 was zstd before 93. */
const METHODS_ZSTD = [93, 20]
/** A member so small is inflated in one call: a stream costs ten times the work. */
const ONE_CALL_BYTES = 32 * 1024
const ONE_CALL_OUTPUT = 256 * 1024
const ONE_CALL_CHUNK = 64 * 1024

/** Decodes one member, whatever its method. Errors of `out` pass. */
export async function decodeMember(
  { reading, packed }: { reading: ZipReading; packed: Packed },
  { run, otherMethods }: Decoding,
  out: Out,
): Promise<Decoded> {
  if (reading.method === METHOD_STORED) return copy(packed, out)
  if (reading.method === METHOD_DEFLATE) return inflate(reading, packed, out)
  if (METHODS_ZSTD.includes(reading.method)) return decodeStream(ZSTD_FRAME, packed.pieces(), out)
  if (otherMethods === undefined)
    return { consumed: 0, damage: { reason: 'engine-down', detail: `nothing here undoes method ${reading.method}` } }
  return byTool(reading, packed, { run, otherMethods, out })
}

async function copy({ pieces, length }: Packed, out: Out): Promise<Decoded> {
  let consumed = 0
  for await (const piece of pieces()) {
    await out(piece)
    consumed += piece.length
  }
  return { consumed, damage: length !== undefined && consumed < length ? damaged('is cut short') : undefined }
}

async function inflate(reading: ZipReading, packed: Packed, out: Out): Promise<Decoded> {
  const isSmall = (reading.lengths[0] ?? ONE_CALL_BYTES) < ONE_CALL_BYTES
  for await (const first of isSmall ? packed.pieces() : []) {
    const whole = inflateAtOnce(first, reading.sums[0]?.size ?? 0)
    if (whole === undefined) break // too large for one call, or damaged: the stream keeps what it can
    await out(whole.plain)
    return { consumed: whole.consumed, damage: undefined }
  }
  return decodeStream(RAW_INFLATE, packed.pieces(), out)
}

function inflateAtOnce(bytes: Buffer, size: number): { plain: Buffer; consumed: number } | undefined {
  // The zlib wrapper allocates its output before it works: most of the time for a tiny file is that.
  const chunkSize = Math.max(64, Math.min(size + 1, ONE_CALL_CHUNK))
  try {
    const result = inflateRawSync(bytes, { info: true, maxOutputLength: ONE_CALL_OUTPUT, chunkSize })
    const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return { plain: buffer, consumed: engine.bytesWritten }
  } catch {
    return undefined
  }
}

const MAX_TOOL_BYTES = 64 * 1024 * 1024

async function byTool(
  reading: ZipReading,
  packed: Packed,
  { run, otherMethods, out }: { run: OpenRun; otherMethods: OtherMethods; out: Out },
): Promise<Decoded> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of packed.pieces()) {
    length += piece.length
    if (length > MAX_TOOL_BYTES)
      return { consumed: length, damage: { reason: 'too-large', detail: `more than ${MAX_TOOL_BYTES} packed bytes` } }
    pieces.push(Buffer.from(piece))
  }
  const zip = oneMemberZip(reading, Buffer.concat(pieces))
  let bytes = 0
  const write = (chunk: Buffer) => {
    bytes += chunk.length
    return out(chunk)
  }
  const told = await settled(otherMethods({ zip: { kind: 'memory', bytes: zip }, run, write }))
  const damage = isUnsummed(reading, bytes) ? undefined : told
  const isShort = packed.length !== undefined && length < packed.length
  return { consumed: length, damage: damage ?? (isShort ? damaged('is cut short') : undefined) }
}

/** AE-2 has no checksum of the plain bytes, which the tool calls a wrong one; their authentication code was checked before. */
function isUnsummed({ encryption, sums }: ZipReading, bytes: number): boolean {
  return typeof encryption === 'object' && encryption.version === 2 && sums.some(({ size }) => size === bytes)
}

/** A tool that is not there is the member's loss, not the archive's. */
async function settled(work: Promise<Damage | undefined>): Promise<Damage | undefined> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Unscanned) || error.reason === 'bomb' || error.reason === 'timeout') throw error
    return { reason: error.reason, detail: error.message }
  }
}

/** Bits 1 and 2 belong to the method (4.4.4): LZMA's end mark, imploding's tables. */
const METHOD_FLAGS = 0x0006
const NAME = Buffer.from('m')

/** The tool meets nothing of the sender's but the packed data: no names, no offsets, no second entry. */
export function oneMemberZip({ method, flags, sums }: ZipReading, data: Buffer): Buffer {
  const sum = sums[0] ?? { crc: crc32(data), size: data.length }
  const common = Buffer.alloc(26)
  common.writeUInt16LE(63, 0)
  common.writeUInt16LE(flags & METHOD_FLAGS, 2)
  common.writeUInt16LE(method, 4)
  common.writeUInt32LE(sum.crc, 10)
  common.writeUInt32LE(data.length, 14)
  common.writeUInt32LE(Math.min(sum.size, 0xffffffff), 18)
  common.writeUInt16LE(NAME.length, 22)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(46 + NAME.length, 12)
  end.writeUInt32LE(30 + NAME.length + data.length, 16)
  const local = [Buffer.from('PK\x03\x04', 'latin1'), common, NAME, data]
  return Buffer.concat([...local, Buffer.from('PK\x01\x02\x3f\0', 'latin1'), common, Buffer.alloc(14), NAME, end])
}
