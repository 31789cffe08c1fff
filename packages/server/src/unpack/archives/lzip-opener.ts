import { crc32 } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Damage, MemberSink, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { streamBySevenZip } from './seven-zip-member.ts'
import type { SevenZipOptions } from './seven-zip-tool.ts'

const HEADER_BYTES = 6
const TRAILER_BYTES = 20
/** One part at a time lies in memory. */
const MAX_PART_BYTES = 64 * 1024 * 1024
const MAX_PARTS = 10_000

interface Part {
  readonly from: number
  readonly to: number
}

/**
 * lzip (its manual, "File format"): LZMA streams one behind the other, which together are one file. 7-Zip does not read it, but
 * it reads the LZMA in it, behind the header of an .lzma file.
 */
export function lzipOpener(options: SevenZipOptions): Opener {
  return {
    name: 'lzip',
    version: '1',
    wants: ({ type }) => (type === 'lzip' ? 'members' : undefined),
    open: (node, run) => openLzip(node, run, options),
  }
}

async function openLzip({ view, fileName }: OpenerNode, run: OpenRun, options: SevenZipOptions): Promise<void> {
  const info = { name: /\.lz$/i.test(fileName) ? fileName.slice(0, -3) : '' }
  let sink: MemberSink | undefined
  let damage: Damage | undefined
  const { parts, isJoined } = partsOf(view)
  for (const part of parts) {
    let sum = 0
    const write = (chunk: Buffer) => {
      sum = crc32(chunk, sum)
      sink ??= run.member(info)
      return sink.write(chunk)
    }
    const bytes = lzmaOf(view, part)
    const content = { kind: 'memory', bytes } as const
    damage ??= await streamBySevenZip({ content, format: 'lzma', run, write }, options)
    if (isJoined && view.read(part.to - TRAILER_BYTES, 4).readUInt32LE(0) !== sum) damage ??= DAMAGED
  }
  if (!isJoined) damage ??= DAMAGED
  if (sink === undefined && damage !== undefined) throw new Unscanned(damage.reason, damage.detail)
  await (sink ?? run.member(info)).end(damage)
}

const DAMAGED: Damage = { reason: 'malformed', detail: 'lzip: lengths or check sums do not fit' }

/** From the end on: each part's last bytes say how long it is. Where they do not lead to the beginning it is one damaged part. */
function partsOf(view: ContentView): { readonly parts: readonly Part[]; readonly isJoined: boolean } {
  const parts: Part[] = []
  let to = view.size
  while (to > 0 && parts.length < MAX_PARTS) {
    const trailer = view.read(to - 8, 8)
    const length = to < HEADER_BYTES + TRAILER_BYTES ? 0n : trailer.readBigUInt64LE(0)
    const from = to - Number(length)
    if (length < HEADER_BYTES + TRAILER_BYTES || from < 0 || view.read(from, 4).toString('latin1') !== 'LZIP') break
    parts.unshift({ from, to })
    to = from
  }
  return to === 0 ? { parts, isJoined: true } : { parts: [{ from: 0, to: view.size }], isJoined: false }
}

/** The .lzma header: lc 3, lp 0, pb 2; the dictionary; a length that the stream's end mark tells. */
function lzmaOf(view: ContentView, { from, to }: Part): Buffer {
  if (to - from > MAX_PART_BYTES)
    throw new Unscanned('too-large', `more than ${MAX_PART_BYTES} packed bytes in one part`)
  const header = Buffer.alloc(13, 0xff)
  header[0] = 0x5d
  header.writeUInt32LE(dictionaryBytes(view.read(from + 5, 1)[0] ?? 0), 1)
  const pieces: Buffer[] = [header]
  const end = Math.max(from + HEADER_BYTES, to - TRAILER_BYTES)
  for (let at = from + HEADER_BYTES; at < end; ) {
    const piece = view.read(at, end - at)
    if (piece.length === 0) break
    pieces.push(Buffer.from(piece))
    at += piece.length
  }
  return Buffer.concat(pieces)
}

/** Bits 0-4; the rest says how much less it really is, but 7-Zip takes no odd sizes, and more does no harm. */
function dictionaryBytes(code: number): number {
  return 2 ** Math.min(29, Math.max(12, code & 0x1f))
}
