import type { ByteSource } from './member-writer.ts'
import { CENTRAL_MARK, DESCRIPTOR_MARK, LOCAL_MARK } from './zip-records.ts'

/** APPNOTE.TXT 4.3.9: what stands behind data whose length was not known before. */
export interface ZipDescriptor {
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly end: number
}

/** Readings of what lies there, the likeliest first; none where there is no mark and nothing that fits. */
export function descriptorsAt(source: ByteSource, at: number): ZipDescriptor[] {
  const bytes = source.read(at, 24)
  if (bytes.length < 16) return []
  if (bytes.readUInt32LE(0) !== DESCRIPTOR_MARK) return []
  const short = descriptorOf(bytes, 16, at)
  const long = bytes.length < 24 ? undefined : descriptorOf(bytes, 24, at)
  if (long === undefined) return [short]
  // The next record tells which of the two it is.
  return isMark(source, long.end) && !isMark(source, short.end) ? [long, short] : [short, long]
}

function descriptorOf(bytes: Buffer, length: 16 | 24, at: number): ZipDescriptor {
  const wide = length === 24
  return {
    crc: bytes.readUInt32LE(4),
    packed: wide ? Number(bytes.readBigUInt64LE(8)) : bytes.readUInt32LE(8),
    size: wide ? Number(bytes.readBigUInt64LE(16)) : bytes.readUInt32LE(12),
    end: at + length,
  }
}

function isMark(source: ByteSource, at: number): boolean {
  const mark = source.read(at, 4)
  return mark.length === 4 && [LOCAL_MARK, CENTRAL_MARK].includes(mark.readUInt32LE(0))
}

const WINDOW_BYTES = 64 * 1024
const PK = Buffer.from('PK')

/** Where data end that nobody gave a length: before the descriptor that fits, else before the next record, else with the file. */
export function findDescriptor(source: ByteSource, dataAt: number): number {
  for (let at = dataAt; at < source.size; ) {
    const window = source.read(at, WINDOW_BYTES)
    for (let found = window.indexOf(PK); found >= 0; found = window.indexOf(PK, found + 1)) {
      if (found + 4 > window.length) break
      const place = at + found
      const mark = window.readUInt32LE(found)
      if (mark === LOCAL_MARK || mark === CENTRAL_MARK) return place
      if (mark !== DESCRIPTOR_MARK) continue
      if (descriptorsAt(source, place).some(({ packed }) => packed === place - dataAt)) return place
    }
    if (window.length < WINDOW_BYTES) return source.size
    at += window.length - 3
  }
  return source.size
}
