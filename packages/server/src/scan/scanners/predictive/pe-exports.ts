import type { PeImage, Span } from './pe-image.ts'
import { PE_WARNING, PeFormatError } from './pe-warnings.ts'

const DIRECTORY_BYTES = 40
const MAX_NAME = 0x200
const MAX_SYMBOLS = 0x2000
const MAX_REPEATED_NAMES = 10
const MAX_REPEATED_ORDINALS = 120
const MAX_FAILED = 10
/** pefile's `is_valid_function_name` in its relaxed form; the texts hold 512 characters at most. */
const EXPORT_NAME = /^[A-Za-z0-9!"#$%&'()*+,\-./:<>?[\\\]^_`{|}~@]*$/

interface ExportDirectory {
  readonly base: number
  readonly functions: number
  readonly names: number
  readonly functionsRva: number
  readonly namesRva: number
  readonly ordinalsRva: number
  readonly functionTable: Span
  readonly nameTable: Span
  readonly ordinalTable: Span
  /** RVAs in here are forwarders. */
  readonly from: number
  readonly to: number
}

/** Export names, `ordinalN` where there is none (PE/COFF specification 6.3), as pefile lists them; empty where it gives up. */
export function readExports(image: PeImage, rva: number, size: number): string[] {
  const directory = readDirectory(image, rva, size)
  if (directory === undefined) return []
  const named = readNamed(image, directory)
  if (named === undefined) return []
  const unnamed = readUnnamed(image, directory, named.ordinals)
  return unnamed === undefined ? [] : [...named.symbols, ...unnamed]
}

function readDirectory(image: PeImage, rva: number, size: number): ExportDirectory | undefined {
  try {
    const span = image.span(rva, DIRECTORY_BYTES)
    image.offsetOf(rva)
    const found = image.unpack(span, DIRECTORY_BYTES)
    if (found === undefined) return undefined
    const field = (index: number) => image.u32(found.at + index * 4)
    const [base, functions, names] = [field(4), field(5), field(6)]
    const [functionsRva, namesRva, ordinalsRva] = [field(7), field(8), field(9)]
    const table = (at: number, count: number) => image.span(at, Math.min(image.size - image.offsetOf(at), count * 4))
    const nameTable = table(namesRva, names)
    const ordinalTable = table(ordinalsRva, names)
    const functionTable = table(functionsRva, functions)
    const rvas = { functionsRva, namesRva, ordinalsRva, from: rva, to: rva + size }
    return { base, functions, names, ...rvas, functionTable, nameTable, ordinalTable }
  } catch (error) {
    if (!(error instanceof PeFormatError)) throw error
    image.warn(PE_WARNING.exportDirectory)
    return undefined
  }
}

function dword(image: PeImage, table: Span, index: number): number | undefined {
  return (index + 1) * 4 > table.size ? undefined : image.u32(table.at + index * 4)
}

/** How many rows a table may have before the section that holds it ends. */
function rowsWithin(image: PeImage, rva: number, count: number): number {
  const section = image.sectionOf(rva)
  const bytes = section === undefined ? image.size : section.address + image.sectionData(section).size - rva
  return Math.min(count, Math.trunc(bytes / 4))
}

interface Named {
  readonly symbols: string[]
  readonly ordinals: Set<number>
}

/** Undefined where an ordinal leaves the table: pefile then knows no exports. */
function readNamed(image: PeImage, directory: ExportDirectory): Named | undefined {
  const found: Named = { symbols: [], ordinals: new Set() }
  const counts = new Map<string, number>()
  const rows = rowsWithin(image, directory.namesRva, directory.names)
  const { ordinalTable, functionTable } = directory
  for (let index = 0, failures = MAX_FAILED; index < rows; index++) {
    if ((index & 0xff) === 0) image.spend(256)
    if ((index + 1) * 2 > ordinalTable.size) return undefined
    const ordinal = image.u16(ordinalTable.at + index * 2)
    if (ordinal * 4 >= functionTable.size) return undefined
    const address = dword(image, functionTable, ordinal)
    if (!address || isLostForwarder(image, directory, address)) continue
    const nameRva = dword(image, directory.nameTable, index)
    const name = nameRva === undefined ? undefined : image.text(nameRva, MAX_NAME)
    if (nameRva === undefined || name === undefined || !EXPORT_NAME.test(name)) {
      image.warn(PE_WARNING.exportNames)
      break
    }
    if (!isMapped(image, nameRva)) {
      failures -= 2
      if (failures > 0) continue
      image.warn(PE_WARNING.exportNames)
      break
    }
    if (isRepeated(image, counts, `${address}:${name}`)) break
    image.offsetOf(directory.ordinalsRva + 2 * index)
    image.offsetOf(directory.functionsRva + 4 * ordinal)
    found.symbols.push(name === '' ? `ordinal${directory.base + ordinal}` : name)
    found.ordinals.add(directory.base + ordinal)
  }
  return found
}

function isLostForwarder(image: PeImage, { from, to }: ExportDirectory, address: number): boolean {
  return address >= from && address < to && !isMapped(image, address)
}

function isMapped(image: PeImage, rva: number): boolean {
  return image.sectionOf(rva) !== undefined || rva < image.size
}

function isRepeated(image: PeImage, counts: Map<string, number>, key: string): boolean {
  const count = (counts.get(key) ?? 0) + 1
  counts.set(key, count)
  if (count > MAX_REPEATED_NAMES) image.warn(PE_WARNING.exportRepeated)
  else if (counts.size > MAX_SYMBOLS) image.warn(PE_WARNING.exportSymbolLimit)
  else return false
  return true
}

/** Functions without a name. Undefined where the table runs out of the file. */
function readUnnamed(image: PeImage, directory: ExportDirectory, taken: ReadonlySet<number>): string[] | undefined {
  const symbols: string[] = []
  const counts = new Map<number, number>()
  const rows = rowsWithin(image, directory.functionsRva, directory.functions)
  for (let index = 0, failures = MAX_FAILED; index < rows; index++) {
    if ((index & 0xff) === 0) image.spend(256)
    if (taken.has(directory.base + index)) continue
    const address = dword(image, directory.functionTable, index)
    if (address === undefined && --failures <= 0) {
      image.warn(PE_WARNING.exportFunctions)
      return undefined
    }
    if (address === 0) continue
    const count = (counts.get(address ?? -1) ?? 0) + 1
    counts.set(address ?? -1, count)
    if (count > MAX_REPEATED_ORDINALS || counts.size > MAX_SYMBOLS) {
      image.warn(count > MAX_REPEATED_ORDINALS ? PE_WARNING.exportRepeated : PE_WARNING.exportOrdinalLimit)
      break
    }
    symbols.push(`ordinal${directory.base + index}`)
  }
  return symbols
}
