import type { ByteRange } from './byte-statistics.ts'
import type { PeImage } from './pe-image.ts'

const SECURITY = 4
const ENTRY_HEADER = 8
const REVISION_2 = 0x200
const PKCS_SIGNED_DATA = 2
/** thrember's training rows have up to 358 signatures; the table's own entries are one or two. */
const MAX_ENTRIES = 1024
/** The optional header must reach the checksum. */
const MIN_OPTIONAL = 68

/** Offsets of what Authenticode leaves out of its digest. */
export interface AuthenticodeLayout {
  readonly checksum: number
  /** Of the directory entry; undefined where the header has none. */
  readonly directoryEntry: number | undefined
  readonly table: ByteRange | undefined
}

/** Undefined where signify would not look for a signature. */
export function authenticodeLayout(image: PeImage): AuthenticodeLayout | undefined {
  const { optionalOffset, optionalSize, format, directoryCount, directories } = image.headers
  const end = optionalOffset + optionalSize
  if (format === 'unknown' || end > image.size || optionalSize < MIN_OPTIONAL) return undefined
  const checksum = optionalOffset + 64
  const directoryEntry = optionalOffset + (format === 'pe32+' ? 144 : 128)
  const entry = directories[SECURITY]
  if (entry === undefined || directoryCount <= SECURITY || directoryEntry + 8 > end) {
    return { checksum, directoryEntry: undefined, table: undefined }
  }
  const isInside = entry.size > 0 && entry.rva >= end && entry.rva + entry.size <= image.size
  return { checksum, directoryEntry, table: isInside ? { at: entry.rva, size: entry.size } : undefined }
}

/**
 * The PKCS #7 blobs of the attribute certificate table (PE/COFF specification 5.7). As signify: a broken entry ends the table without
 * an error, what stood before it counts.
 */
export function certificateBlobs(image: PeImage): Buffer[] {
  const table = authenticodeLayout(image)?.table
  const blobs: Buffer[] = []
  if (table === undefined) return blobs
  const end = table.at + table.size
  for (let at = table.at; at + ENTRY_HEADER <= end && blobs.length < MAX_ENTRIES; ) {
    const length = image.u32(at)
    if (length <= ENTRY_HEADER || at + length > end || image.u16(at + 4) !== REVISION_2) break
    if (image.u16(at + 6) === PKCS_SIGNED_DATA) blobs.push(image.bytes.subarray(at + ENTRY_HEADER, at + length))
    at += length + ((8 - (length % 8)) % 8)
  }
  return blobs
}
