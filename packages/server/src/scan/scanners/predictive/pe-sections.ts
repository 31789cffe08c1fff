import type { PeHeaders } from './pe-headers.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

export interface PeSection {
  /** Lower case, NULs at both ends and invalid UTF-8 removed, as thrember names it. */
  readonly name: string
  readonly virtualSize: number
  readonly address: number
  readonly rawSize: number
  readonly pointer: number
  readonly characteristics: number
  /** `PointerToRawData` as the loader rounds it. */
  readonly pointerAdjusted: number
  readonly addressAdjusted: number
  /** RVAs that this section answers for: `low <= rva < high`. */
  readonly low: number
  readonly high: number
}

const HEADER_BYTES = 40
/** pefile's own limit, so nothing is lost by it. */
const MAX_SECTIONS = 0x800
const MAX_SIMULTANEOUS_ERRORS = 3
const HUGE = 0x10000000
const SECTOR = 0x200
const PAGE = 0x1000
const EXECUTE = 0x20000000
const WRITE = 0x80000000

type Warn = (warning: PeWarning) => void
type RawSection = Omit<PeSection, 'low' | 'high'> & { readonly rawName: string }

/** The section table (PE/COFF specification 4). `tableEnd` is where it ends by the header's count. */
export function readSections(
  bytes: Buffer,
  headers: PeHeaders,
  warn: Warn,
): { readonly sections: readonly PeSection[]; readonly tableEnd: number } {
  const table = headers.optionalOffset + headers.optionalSize
  const raw: RawSection[] = []
  for (let index = 0; index < headers.sectionCount; index++) {
    if (index >= MAX_SECTIONS) {
      warn(PE_WARNING.tooManySections)
      break
    }
    const section = readSection(bytes, table + HEADER_BYTES * index, { headers, warn })
    if (section === undefined) break
    if (tooManyFaults(section, { bytes, headers, warn })) break
    if ((section.characteristics & WRITE) !== 0 && (section.characteristics & EXECUTE) !== 0) {
      checkPageSection(section, headers)
      warn(PE_WARNING.writableCode)
    }
    raw.push(section)
  }
  raw.sort((a, b) => a.address - b.address)
  const sections = raw.map((section, index) => withRange(section, raw[index + 1], bytes.length))
  return { sections, tableEnd: raw.length > 0 ? table + HEADER_BYTES * headers.sectionCount : table }
}

function readSection(bytes: Buffer, at: number, context: { headers: PeHeaders; warn: Warn }): RawSection | undefined {
  const row = bytes.subarray(at, at + HEADER_BYTES)
  if (row.length === 0) {
    context.warn(PE_WARNING.sectionMissing)
    return undefined
  }
  if (row.length < HEADER_BYTES) throw new PeFormatError('half a section header')
  if (row.every((byte) => byte === 0)) {
    context.warn(PE_WARNING.sectionNull)
    return undefined
  }
  const { fileAlignment, sectionAlignment } = context.headers
  if (fileAlignment > SECTOR && (fileAlignment & (fileAlignment - 1)) !== 0) context.warn(PE_WARNING.fileAlignmentPower)
  const address = row.readUInt32LE(12)
  const pointer = row.readUInt32LE(20)
  return {
    name: sectionName(row.subarray(0, 8)),
    rawName: row.toString('latin1', 0, 8).replace(/\0+$/, ''),
    virtualSize: row.readUInt32LE(8),
    address,
    rawSize: row.readUInt32LE(16),
    pointer,
    characteristics: row.readUInt32LE(36),
    pointerAdjusted: fileAlignment < SECTOR ? pointer : pointer - (pointer % SECTOR),
    addressAdjusted: alignAddress(address, sectionAlignment < PAGE ? fileAlignment : sectionAlignment),
  }
}

function alignAddress(address: number, alignment: number): number {
  return alignment === 0 ? address : address - (address % alignment)
}

function sectionName(name: Buffer): string {
  let from = 0
  let to = name.length
  while (from < to && name[from] === 0) from++
  while (to > from && name[to - 1] === 0) to--
  return name.toString('utf8', from, to).replaceAll('\ufffd', '').toLowerCase()
}

function tooManyFaults(
  section: RawSection,
  { bytes, headers, warn }: { bytes: Buffer; headers: PeHeaders; warn: Warn },
): boolean {
  const misaligned = headers.fileAlignment !== 0 && section.pointer % headers.fileAlignment !== 0
  const faults: readonly (readonly [boolean, PeWarning])[] = [
    [section.rawSize + section.pointer > bytes.length, PE_WARNING.sectionSize],
    [section.pointerAdjusted > bytes.length, PE_WARNING.sectionPointer],
    // The list's own lines for these two lack the full stop that pefile writes, so both fall under the common beginning.
    [section.virtualSize > HUGE, PE_WARNING.sectionValue],
    [section.addressAdjusted > HUGE, PE_WARNING.sectionValue],
    [misaligned, PE_WARNING.sectionPointerAlignment],
  ]
  const present = faults.filter(([fault]) => fault)
  for (const [, warning] of present) warn(warning)
  if (present.length < MAX_SIMULTANEOUS_ERRORS) return false
  warn(PE_WARNING.tooManySectionWarnings)
  return true
}

/**
 * For a section PAGE that may be written and executed pefile asks whether the file is a driver, reads the imports before the
 * section table is known and dies of it; thrember then has no PE.
 */
function checkPageSection(section: RawSection, { directories }: PeHeaders): void {
  if (section.rawName === 'PAGE' && (directories[1]?.rva ?? 0) !== 0)
    throw new PeFormatError('imports of a half-read file')
}

function withRange(section: RawSection, next: RawSection | undefined, fileSize: number): PeSection {
  const short = fileSize - section.pointerAdjusted < section.rawSize
  const low = section.addressAdjusted
  let size = short ? section.virtualSize : Math.max(section.rawSize, section.virtualSize)
  if (next !== undefined && next.address > section.address && low + size > next.address) size = next.address - low
  return { ...section, low, high: low + size }
}
