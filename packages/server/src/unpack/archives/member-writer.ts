import { setImmediate as nextTurn } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import type { Damage, MemberInfo, MemberSink, OpenRun } from '../opener.ts'

export const PIECE_BYTES = 64 * 1024
/** Others on this thread get a turn after so many pieces. */
const PIECES_A_TURN = 64

/** What bytes are read from: a ContentView, or one that undoes an encryption. */
export interface ByteSource {
  readonly size: number
  read(offset: number, length: number): Buffer
}

/** One member, opened with its first byte: what gives nothing but damage is a fault, not an empty file. */
export class MemberWriter {
  bytes = 0
  crc = 0
  readonly #run: OpenRun
  readonly #info: MemberInfo
  #sink: MemberSink | undefined

  constructor(run: OpenRun, info: MemberInfo) {
    this.#run = run
    this.#info = info
  }

  /** Throws Unscanned('bomb') by the run's budget and Unscanned('timeout'). */
  readonly write = (chunk: Buffer): void | Promise<void> => {
    if (chunk.length === 0) return
    failIfLate(this.#run.signal)
    this.#sink ??= this.#run.member(this.#info)
    this.bytes += chunk.length
    this.crc = crc32(chunk, this.crc)
    return this.#sink.write(chunk)
  }

  async end(damage?: Damage): Promise<void> {
    if (this.#sink === undefined && damage !== undefined) this.#run.unscanned(damage, this.#info.name)
    else await (this.#sink ?? this.#run.member(this.#info)).end(damage)
  }
}

export function failIfLate(signal: AbortSignal): void {
  if (signal.aborted) throw new Unscanned('timeout', 'the archive was not read to its end')
}

/** The pieces of a range; what lies outside the source is left out. */
export async function* piecesOf(source: ByteSource, from: number, to: number): AsyncGenerator<Buffer> {
  const end = Math.min(to, source.size)
  let pieces = 0
  for (let at = Math.max(0, from); at < end; ) {
    const piece = source.read(at, Math.min(PIECE_BYTES, end - at))
    if (piece.length === 0) return
    at += piece.length
    yield piece
    if (++pieces % PIECES_A_TURN === 0) await nextTurn()
  }
}

/** Hands a range over as it stands; false where the source ends before it. */
export async function passRange(source: ByteSource, from: number, to: number, writer: MemberWriter): Promise<boolean> {
  for await (const piece of piecesOf(source, from, to)) await writer.write(piece)
  return to <= source.size
}

/** Bytes that belong to no structure are worth a member of their own from here on: what is less hides nothing that runs. */
export const MIN_STRAY_BYTES = 17

/** Hands over bytes that belong to no structure, unless they are few or only zeros (padding). */
export async function passStray(run: OpenRun, source: ByteSource, { from, to, name }: StrayRange): Promise<void> {
  if (to - from < MIN_STRAY_BYTES || (await isZeros(source, from, to))) return
  const writer = new MemberWriter(run, { name })
  await passRange(source, from, to, writer)
  await writer.end()
}

export interface StrayRange {
  readonly from: number
  readonly to: number
  /** Like `(data before)`. */
  readonly name: string
}

const ZEROS = Buffer.alloc(PIECE_BYTES)

async function isZeros(source: ByteSource, from: number, to: number): Promise<boolean> {
  for await (const piece of piecesOf(source, from, to)) if (!piece.equals(ZEROS.subarray(0, piece.length))) return false
  return true
}
