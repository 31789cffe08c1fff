import { inflateRawSync } from 'node:zlib'
import type { ContentView } from '../unpack/content-view.ts'

/** One entry of a ZIP's central directory (APPNOTE.TXT 4.3.12). */
export interface ZipEntry {
  readonly name: string
  readonly encrypted: boolean
  readonly method: number
  readonly packedBytes: number
  readonly localAt: number
}

const END_BYTES = 22
/** The end record and the longest comment behind it. */
const TAIL_BYTES = END_BYTES + 65_535
const MAX_ENTRIES = 10_000
const END_MARK = Buffer.from('PK\x05\x06')
const ENTRY_MARK = 0x02014b50
const LOCAL_MARK = 0x04034b50

/** The entries that the directory names, at most 10,000; none where it is damaged (walk the local headers then). */
export function zipEntries(view: ContentView): ZipEntry[] {
  const tail = view.tail(TAIL_BYTES)
  const endAt = tail.lastIndexOf(END_MARK)
  if (endAt < 0 || endAt + END_BYTES > tail.length) return []
  const bytes = tail.readUInt32LE(endAt + 12)
  // From the end record backwards: offsets in the file are wrong where something was put before the archive.
  const directory = view.read(view.size - tail.length + endAt - bytes, bytes)
  const entries: ZipEntry[] = []
  for (let at = 0; at + 46 <= directory.length && entries.length < MAX_ENTRIES; ) {
    if (directory.readUInt32LE(at) !== ENTRY_MARK) break
    const [name, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ]
    entries.push({
      name: directory.toString('latin1', at + 46, at + 46 + name),
      encrypted: (directory.readUInt16LE(at + 8) & 1) === 1,
      method: directory.readUInt16LE(at + 10),
      packedBytes: directory.readUInt32LE(at + 20),
      localAt: directory.readUInt32LE(at + 42),
    })
    at += 46 + name + extra + comment
  }
  return entries
}

/** Whether the first local header is encrypted: what a reader without a directory sees. */
export function firstLocalIsEncrypted(view: ContentView): boolean {
  const { head } = view
  return head.length >= 30 && head.readUInt32LE(0) === LOCAL_MARK && (head.readUInt16LE(6) & 1) === 1
}

/** A small member's text, stored or deflated; undefined when it is neither, damaged, or over the limit. */
export function zipMember(view: ContentView, entry: ZipEntry, maxBytes: number): Buffer | undefined {
  const local = view.read(entry.localAt, 30)
  if (local.length < 30 || local.readUInt32LE(0) !== LOCAL_MARK || entry.packedBytes > maxBytes) return undefined
  const dataAt = entry.localAt + 30 + local.readUInt16LE(26) + local.readUInt16LE(28)
  const packed = view.read(dataAt, entry.packedBytes)
  if (entry.method === 0) return packed
  if (entry.method !== 8) return undefined
  try {
    return inflateRawSync(packed, { maxOutputLength: maxBytes })
  } catch {
    return undefined
  }
}
