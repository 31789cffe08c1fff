import { inflateRawSync } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'

/** One entry of a package, by its central directory. What does not fit the directory is the zip opener's to tell. */
export interface PackageEntry {
  readonly name: string
  readonly method: number
  readonly packedBytes: number
  readonly bytes: number
  readonly localAt: number
}

const END_BYTES = 22
const TAIL_BYTES = END_BYTES + 65_535
const END_MARK = Buffer.from('PK\u0005\u0006', 'latin1')
const ENTRY_MARK = 0x02014b50
const MAX_ENTRIES = 20_000

/** The entries of a package; none where it has no directory. */
export function packageEntries(view: ContentView): PackageEntry[] {
  const tail = view.tail(TAIL_BYTES)
  const endAt = tail.lastIndexOf(END_MARK)
  if (endAt < 0 || endAt + END_BYTES > tail.length) return []
  const size = tail.readUInt32LE(endAt + 12)
  // From the end backwards, so that bytes in front of the archive do no harm.
  const start = view.size - tail.length + endAt - size
  const shift = start - tail.readUInt32LE(endAt + 16)
  const directory = view.read(start, size)
  const entries: PackageEntry[] = []
  for (let at = 0; at + 46 <= directory.length && entries.length < MAX_ENTRIES; ) {
    if (directory.readUInt32LE(at) !== ENTRY_MARK) break
    const nameBytes = directory.readUInt16LE(at + 28)
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      localAt: directory.readUInt32LE(at + 42) + shift,
    })
    at += 46 + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

const PIECE = 1024 * 1024

/** As it is stored, at most `limit` bytes. Undefined where there is no such entry. */
export function rawEntry(view: ContentView, entry: PackageEntry, limit: number): Buffer | undefined {
  const local = view.read(entry.localAt, 30)
  if (local.length < 30 || local.readUInt32LE(0) !== 0x04034b50) return undefined
  const from = entry.localAt + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
  const size = Math.min(entry.packedBytes, limit, Math.max(0, view.size - from))
  const pieces: Buffer[] = []
  for (let at = 0; at < size; at += PIECE) pieces.push(view.read(from + at, Math.min(PIECE, size - at)))
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
}

/** Unpacked, stored or deflated; undefined where it is neither or damaged. */
export function readEntry(view: ContentView, entry: PackageEntry, limit: number): Buffer | undefined {
  const raw = rawEntry(view, entry, limit)
  if (raw === undefined || entry.method === 0) return raw
  return entry.method === 8 ? inflateRaw(raw, limit) : undefined
}

/** Undefined where it is no deflated data. Throws Unscanned('bomb') over the limit. */
export function inflateRaw(packed: Buffer, limit: number): Buffer | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, limit) })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Unscanned('bomb', 'a part of the package is too large', { cause: error })
    }
    return undefined
  }
}
