import type { PeImage, Span } from './pe-image.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

const BLOCK_BYTES = 8
/** An honest file has a block for each page of 4 KiB. */
const BLOCK_STEPS = 8
/** Bytes of each field of IMAGE_LOAD_CONFIG_DIRECTORY, in its order, as pefile knows them. */
const LOAD_CONFIG = {
  pe32: [
    4,
    4,
    2,
    2,
    ...Array<number>(10).fill(4),
    2,
    2,
    ...Array<number>(9).fill(4),
    2,
    2,
    ...Array<number>(11).fill(4),
    2,
    2,
    4,
    4,
    4,
  ],
  'pe32+': [
    4,
    4,
    2,
    2,
    4,
    4,
    4,
    ...Array<number>(6).fill(8),
    4,
    2,
    2,
    ...Array<number>(8).fill(8),
    4,
    2,
    2,
    4,
    4,
    ...Array<number>(8).fill(8),
    4,
    2,
    2,
    8,
    4,
    4,
    8,
  ],
} as const
/** Index of DynamicValueRelocTableOffset; the field after it names the section. */
const DYNAMIC_OFFSET_FIELD = 37

/** True where pefile has a DIRECTORY_ENTRY_BASERELOC: at least one block could be read. */
export function readRelocations(image: PeImage, rva: number, size: number): boolean {
  return readBlocks(image, { rva, size, entryBytes: 2 }) > 0
}

interface BlockList {
  readonly rva: number
  readonly size: number
  /** 2 for base relocations (PE/COFF specification 6.6), 2 or 4 for dynamic ones. */
  readonly entryBytes: number
  /** Dynamic relocations are equal by their page offset alone. */
  readonly byOffset?: boolean
}

function readBlocks(image: PeImage, list: BlockList): number {
  const end = list.rva + list.size
  const seen = new SeenWords()
  let blocks = 0
  for (let rva = list.rva; rva < end; ) {
    image.spend(BLOCK_STEPS)
    const block = readable(image, { rva, size: BLOCK_BYTES, warning: PE_WARNING.relocationData })
    if (block === undefined) break
    const blockSize = image.u32(block.at + 4)
    if (image.u32(block.at) > image.headers.imageSize) {
      image.warn(PE_WARNING.relocationAddress)
      break
    }
    if (blockSize > image.headers.imageSize) {
      image.warn(PE_WARNING.relocationBlockSize)
      break
    }
    checkEntries(image, { ...list, rva: rva + BLOCK_BYTES, size: blockSize - BLOCK_BYTES }, seen)
    blocks++
    if (blockSize === 0) break
    rva += blockSize
  }
  return blocks
}

/** Only for the warnings: the entries themselves are no feature. */
function checkEntries(image: PeImage, { rva, size, entryBytes, byOffset }: BlockList, seen: SeenWords): void {
  let data: Span
  try {
    data = image.span(rva, size)
    image.offsetOf(rva)
  } catch (error) {
    if (!(error instanceof PeFormatError)) throw error
    image.warn(PE_WARNING.badRelocationRva)
    return
  }
  seen.restart()
  const end = data.at + data.size - (data.size % entryBytes)
  for (let at = data.at; at < end; at += entryBytes) {
    const word = image.u16(at)
    if (seen.add(byOffset ? word & 0xfff : word)) continue
    image.warn(PE_WARNING.relocationOverlap)
    return
  }
}

/** A set of 16-bit words that is emptied at no cost. */
class SeenWords {
  readonly #round = new Uint32Array(0x10000)
  #now = 0

  restart(): void {
    this.#now++
  }

  add(word: number): boolean {
    if (this.#round[word] === this.#now) return false
    this.#round[word] = this.#now
    return true
  }
}

function readable(
  image: PeImage,
  { rva, size, warning }: { rva: number; size: number; warning: PeWarning },
): Span | undefined {
  try {
    const span = image.span(rva, size)
    image.offsetOf(rva)
    return image.unpack(span, size)
  } catch (error) {
    if (!(error instanceof PeFormatError)) throw error
    image.warn(warning)
    return undefined
  }
}

/** The load configuration, for its warnings and for one feature: whether there are dynamic relocations. */
export function readLoadConfig(image: PeImage, rva: number): boolean {
  const { format } = image.headers
  if (format === 'unknown') {
    image.warn(PE_WARNING.loadConfigOfUnknownType)
    return false
  }
  const fields = LOAD_CONFIG[format]
  const { count, size } = knownFields(fields, declaredSize(image, rva))
  const config = readable(image, { rva, size, warning: PE_WARNING.loadConfig })
  if (config === undefined || count <= DYNAMIC_OFFSET_FIELD + 1) return false
  const at = config.at + fields.slice(0, DYNAMIC_OFFSET_FIELD).reduce((sum, bytes) => sum + bytes, 0)
  return readDynamicRelocations(image, image.u32(at), image.u16(at + 4))
}

function declaredSize(image: PeImage, rva: number): number | undefined {
  try {
    const span = image.span(rva, 4)
    return span.size < 4 ? undefined : image.u32(span.at)
  } catch (error) {
    if (error instanceof PeFormatError) return undefined
    throw error
  }
}

/** The fields up to the declared size where it ends on one, else all. */
function knownFields(fields: readonly number[], declared: number | undefined): { count: number; size: number } {
  let size = 0
  for (const [index, bytes] of fields.entries()) {
    size += bytes
    if (size === declared) return { count: index + 1, size }
  }
  return { count: fields.length, size }
}

function readDynamicRelocations(image: PeImage, offset: number, sectionNumber: number): boolean {
  const section = image.sections[sectionNumber - 1]
  if (offset === 0 || section === undefined) return false
  const start = section.address + offset
  const table = readable(image, { rva: start, size: 8, warning: PE_WARNING.dynamicRelocationTable })
  if (table === undefined) return false
  if (image.u32(table.at) !== 1) {
    image.warn(PE_WARNING.dynamicRelocationVersion)
    return false
  }
  return readDynamicBlocks(image, start + 8, start + 8 + image.u32(table.at + 4)) > 0
}

function readDynamicBlocks(image: PeImage, from: number, end: number): number {
  const headerBytes = image.headers.format === 'pe32+' ? 12 : 8
  let blocks = 0
  for (let rva = from; rva < end; ) {
    image.spend(BLOCK_STEPS)
    const header = readable(image, { rva, size: headerBytes, warning: PE_WARNING.relocationData })
    if (header === undefined) break
    const wideSymbol = headerBytes === 12 && image.u32(header.at + 4) !== 0
    const symbol = wideSymbol ? Number.POSITIVE_INFINITY : image.u32(header.at)
    const size = image.u32(header.at + headerBytes - 4)
    rva += headerBytes
    // 7 (function overrides) has a shape of its own that pefile 2023.2.7 did not know; only system files have it.
    if (symbol >= 3) {
      if (symbol !== 7) readBlocks(image, { rva, size, ...dynamicEntries(symbol) })
      blocks++
    }
    rva += size
  }
  return blocks
}

function dynamicEntries(symbol: number): { entryBytes: number; byOffset: boolean } {
  if (symbol === 3) return { entryBytes: 4, byOffset: true }
  // Bit fields of a 32-bit type, padded by pefile to its size.
  return symbol <= 5 ? { entryBytes: 4, byOffset: true } : { entryBytes: 2, byOffset: false }
}
