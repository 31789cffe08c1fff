import type { PeImage } from './pe-image.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

const HEADER_BYTES = 6
const FIXED_INFO_BYTES = 52
const KEY = 'VS_VERSION_INFO'
const MAX_CHARACTERS = 0x10000

/** Where a version resource lies: its RVA and its bytes in the file. */
interface Block {
  readonly image: PeImage
  readonly rva: number
  readonly start: number
  readonly end: number
}

interface Header {
  readonly length: number
  readonly valueLength: number
  readonly type: number
}

/** Walks VS_VERSION_INFO as pefile does, only for the warnings that it has of it. `rva`, `size`: the resource's data. */
export function checkVersionInfo(image: PeImage, rva: number, size: number): void {
  let start: number
  try {
    start = image.offsetOf(rva)
  } catch (error) {
    if (!(error instanceof PeFormatError)) throw error
    image.warn(PE_WARNING.versionOffset)
    return
  }
  const at = Math.min(start, image.size)
  const block: Block = { image, rva, start: at, end: Math.min(image.size, at + size) }
  const root = header(block, 0)
  if (root === undefined || !hasKey(block)) return
  const fixed = align(block, HEADER_BYTES + 2 * (KEY.length + 1))
  if (!present(block, fixed, FIXED_INFO_BYTES)) return
  readFileInfos(block, align(block, fixed + FIXED_INFO_BYTES), root.length)
}

function header({ image, start, end }: Block, offset: number): Header | undefined {
  if (start + offset + HEADER_BYTES > end) {
    image.warn(PE_WARNING.corruptHeader)
    return undefined
  }
  const at = start + offset
  return { length: image.u16(at), valueLength: image.u16(at + 2), type: image.u16(at + 4) }
}

function present({ image, start, end }: Block, offset: number, size: number): boolean {
  if (start + offset + size <= end) return true
  image.warn(PE_WARNING.corruptHeader)
  return false
}

/** pefile aligns the RVA, not the offset. */
function align({ rva }: Block, offset: number): number {
  return aligned(offset + rva + 3) - aligned(rva)
}

function aligned(value: number): number {
  return (value & 0xfffffffc) >>> 0
}

function hasKey(block: Block): boolean {
  const { image, rva } = block
  const at = rva + HEADER_BYTES
  const section = image.sectionOf(at)
  const room =
    section === undefined ? MAX_CHARACTERS : section.address + Math.max(section.rawSize, section.virtualSize) - at
  const key = string(block, HEADER_BYTES, {
    limit: section === undefined ? room : room >> 1,
    warning: PE_WARNING.versionKey,
  })
  if (key === KEY) return true
  image.warn(PE_WARNING.versionInfo)
  return false
}

/** A UTF-16 string at an offset of the block; undefined and a warning where nothing is mapped. */
function string(
  { image, rva }: Block,
  offset: number,
  { limit = MAX_CHARACTERS, warning }: { limit?: number; warning: PeWarning },
): string | undefined {
  try {
    return readUtf16(image, rva + offset, limit)
  } catch (error) {
    if (!(error instanceof PeFormatError)) throw error
    image.warn(warning)
    return undefined
  }
}

/** pefile's `get_string_u_at_rva`: up to a NUL, read in two goes. Throws PeFormatError. */
export function readUtf16(image: PeImage, rva: number, limit: number): string {
  if (limit <= 0) return ''
  image.span(rva, 2)
  const wanted = limit * 2
  const first = Math.min(wanted, 256)
  const head = image.span(rva, first)
  let text = beforeNul(image, head.at, head.size)
  if (text.ended || head.size < first || head.size === wanted) return text.value
  const rest = image.span(rva + first, wanted - first)
  const joined = text.value
  text = beforeNul(image, rest.at, rest.size)
  return joined + text.value
}

function beforeNul(image: PeImage, at: number, size: number): { value: string; ended: boolean } {
  const pairs = size >> 1
  let length = 0
  while (length < pairs && image.u16(at + length * 2) !== 0) length++
  image.spend(1 + (length >> 2))
  // An odd number of bytes writes one too far in Node (nodejs/node#64697): whole units that are there only.
  const there = Math.min(length, Math.max(0, image.bytes.length - at) >> 1)
  return { value: image.bytes.toString('utf16le', at, at + there * 2), ended: length < pairs }
}

/** What Python's UTF-8 with `\uXXXX` for lone surrogates would take: pefile counts bytes where it means characters. */
function encodedLength(text: string): number {
  let length = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x80) length += 1
    else if (code < 0x800) length += 2
    else length += code >= 0xd800 && code < 0xe000 ? 6 : 3
  }
  return length
}

function readFileInfos(block: Block, from: number, end: number): void {
  for (let offset = from; ; ) {
    block.image.spend(4)
    const info = header(block, offset)
    if (info === undefined) {
      block.image.warn(PE_WARNING.fileInfo)
      return
    }
    const key = string(block, offset + HEADER_BYTES, { warning: PE_WARNING.versionStringFileInfo })
    if (key === undefined) return
    const body = align(block, offset + HEADER_BYTES + 2 * (encodedLength(key) + 1))
    const plain = info.type <= 1 && info.valueLength === 0
    if (plain && key.startsWith('StringFileInfo')) readStringTables(block, body, info.length)
    else if (plain && key.startsWith('VarFileInfo')) readVar(block, body)
    offset = align(block, info.length + offset)
    if (info.length === 0 || offset >= end) return
  }
}

function readVar(block: Block, offset: number): void {
  if (header(block, offset) !== undefined) string(block, offset + HEADER_BYTES, { warning: PE_WARNING.versionVar })
}

function readStringTables(block: Block, from: number, end: number): void {
  for (let offset = from; ; ) {
    block.image.spend(4)
    const table = header(block, offset)
    if (table === undefined) return
    const language = string(block, offset + HEADER_BYTES, { warning: PE_WARNING.versionStringTable })
    if (language === undefined) return
    const first = align(block, offset + HEADER_BYTES + 2 * (encodedLength(language) + 1))
    readStrings(block, first, offset + table.length)
    const next = align(block, table.length + offset)
    if (next === offset || next >= end) return
    offset = next
  }
}

function readStrings(block: Block, from: number, end: number): void {
  for (let offset = from; offset < end; ) {
    block.image.spend(2)
    const entry = header(block, offset)
    if (entry === undefined) return
    const key = string(block, offset + HEADER_BYTES, { warning: PE_WARNING.versionStringTableKey })
    if (key === undefined) return
    const value = align(block, 2 * (encodedLength(key) + 1) + offset + HEADER_BYTES)
    // The list's line for a bad value differs from what pefile writes, so it counts for nothing.
    if (entry.valueLength > 0 && !isMapped(block, value)) return
    if (entry.length === 0) return
    offset = align(block, entry.length + offset)
  }
}

function isMapped({ image, rva }: Block, offset: number): boolean {
  return image.sectionOf(rva + offset) !== undefined || rva + offset < image.size
}
