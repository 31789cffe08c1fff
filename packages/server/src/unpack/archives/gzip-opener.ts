import { crc32, inflateRawSync } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import { gzipHeaderBytes } from '../decode-stage.ts'
import type { Damage, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { ByteWindow } from './byte-window.ts'
import { damaged, decodeStream, RAW_INFLATE } from './member-decoder.ts'
import { unpackedName } from './member-name.ts'
import { failIfLate, MemberWriter, passStray, piecesOf } from './member-writer.ts'

/** gzip (RFC 1952): all its members are one file, as `gzip -d` has it; readers that stop behind the first have another. */
export function gzipOpener(): Opener {
  return { name: 'gzip', version: '1', wants: (node) => (node.type === 'gz' ? 'members' : undefined), open: openGzip }
}

/** The longest header that is read: an extra field of 64 KiB, a name, a comment. */
const MAX_HEADER = 192 * 1024
const TRAILER_BYTES = 8

async function openGzip(node: OpenerNode, run: OpenRun): Promise<void> {
  const source = new ByteWindow(node.view, node.content)
  const header = gzipHeaderBytes(source.read(0, MAX_HEADER))
  if (header === 'none') throw new Unscanned('not-unpacked', 'gzip by a method that is not known')
  if (header === 'short') throw new Unscanned('malformed', 'its header is cut short')
  const info = { name: storedName(source.read(0, header)) || unpackedName(node.fileName, ENDINGS) }
  const writer = new MemberWriter(run, info)
  let end = await decodeOne(source, header, { run, out: writer.write })
  const first = writer.bytes
  const firstEnd = end
  let members = 1
  while (end.damage === undefined) {
    failIfLate(run.signal)
    // Zeros between members are padding to tape programs, and to readers that go on behind them (Python's gzip).
    const from = await behindZeros(source, end.at)
    const next = gzipHeaderBytes(source.read(from, MAX_HEADER))
    // Any two bytes that end the file look like a header cut short.
    if (typeof next !== 'number') break
    end = await decodeOne(source, from + next, { run, out: writer.write })
    members++
  }
  await writer.end(end.damage)
  if (members > 1 && first > 0 && writer.bytes > first)
    await passFirst(source, header, { run, info, damage: firstEnd.damage })
  if (end.damage === undefined) await passStray(run, source, { from: end.at, to: source.size, name: '(data after)' })
}

const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.(?:tgz|taz)$/i, '.tar'],
  [/\.svgz$/i, '.svg'],
  [/\.(?:gz|gzip|z)$/i, ''],
]

interface MemberEnd {
  /** Behind the member's trailer. */
  readonly at: number
  readonly damage: Damage | undefined
}

interface Taker {
  readonly run: OpenRun
  out(chunk: Buffer): void | Promise<void>
}

async function decodeOne(source: ByteWindow, dataAt: number, taker: Taker): Promise<MemberEnd> {
  let crc = 0
  let bytes = 0
  const out = (chunk: Buffer) => {
    crc = crc32(chunk, crc)
    bytes += chunk.length
    return taker.out(chunk)
  }
  const { consumed, damage } =
    (await decodeAtOnce(source, dataAt, out)) ??
    (await decodeStream(RAW_INFLATE, piecesOf(source, dataAt, source.size), out))
  const trailerAt = dataAt + consumed
  const trailer = source.read(trailerAt, TRAILER_BYTES)
  return { at: trailerAt + trailer.length, damage: damage ?? wrongTrailer(trailer, crc, bytes) }
}

async function behindZeros(source: ByteWindow, from: number): Promise<number> {
  // Nearly always there is no padding, or little.
  const near = source.read(from, NEAR_BYTES).findIndex((byte) => byte !== 0)
  if (near >= 0) return from + near
  let at = from
  for await (const piece of piecesOf(source, from, source.size)) {
    const first = piece.findIndex((byte) => byte !== 0)
    if (first >= 0) return at + first
    at += piece.length
  }
  return at
}

const SMALL_BYTES = 4096
const NEAR_BYTES = 512

/** Files of many small members (BGZF) are as many streams, which cost more than their bytes. */
async function decodeAtOnce(source: ByteWindow, dataAt: number, out: Taker['out']): Promise<DecodedAtOnce | undefined> {
  const decoded = inflateSmall(source.read(dataAt, SMALL_BYTES))
  if (decoded !== undefined && decoded.plain.length > 0) await out(decoded.plain)
  return decoded
}

interface DecodedAtOnce {
  readonly plain: Buffer
  readonly consumed: number
  readonly damage: undefined
}

function inflateSmall(bytes: Buffer): DecodedAtOnce | undefined {
  try {
    const result = inflateRawSync(bytes, { info: true, maxOutputLength: 16 * SMALL_BYTES })
    const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return { plain: buffer, consumed: engine.bytesWritten, damage: undefined }
  } catch {
    return undefined // not whole within so few bytes, or damaged: the stream finds out
  }
}

/** RFC 1952 2.3.1: CRC-32, then the length modulo 2^32. */
function wrongTrailer(trailer: Buffer, crc: number, bytes: number): Damage | undefined {
  if (trailer.length < TRAILER_BYTES) return damaged('is cut short')
  const isRight = trailer.readUInt32LE(0) === crc && trailer.readUInt32LE(4) === bytes % 2 ** 32
  return isRight ? undefined : damaged('has another checksum or length than stated')
}

async function passFirst(
  source: ByteWindow,
  dataAt: number,
  { run, info, damage }: { run: OpenRun; info: { name: string }; damage: Damage | undefined },
): Promise<void> {
  const writer = new MemberWriter(run, info)
  await decodeOne(source, dataAt, { run, out: writer.write })
  await writer.end(damage)
}

/** FNAME; some writers leave a path in it. */
function storedName(header: Buffer): string {
  const flags = header[3] ?? 0
  if ((flags & 0x08) === 0) return ''
  const from = 10 + ((flags & 0x04) === 0 ? 0 : 2 + header.readUInt16LE(10))
  return header.toString('utf8', from, Math.min(header.indexOf(0, from), from + 1024))
}
