import type { PeImage, Span } from './pe-image.ts'
import { ordinalName } from './pe-ordinals.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

export interface ImportedDll {
  /** As the file writes it; `*invalid*` where it is no file name. */
  readonly name: string
  readonly symbols: readonly ImportedSymbol[]
}

export interface ImportedSymbol {
  readonly name: string | undefined
  readonly ordinal: number | undefined
}

interface Thunk {
  /** Exact below 2^53; above, only compared. */
  readonly value: number
  readonly byOrdinal: boolean
}

interface Descriptor {
  readonly lookup: number
  readonly addresses: number
  readonly name: number
  readonly maxLength: number
  /** The old form of delay imports holds addresses in place of RVAs. */
  readonly holdsAddresses: boolean
}

const MAX_SYMBOLS = 0x2000
const MAX_NAME = 0x200
const MAX_ERRORS = 5
const MAX_INVALID_NAMES = 1000
const MAX_REPEATED = 15
const MAX_SPREAD = 128 * 2 ** 20
const I386 = 0x14c
/** pefile's `is_valid_function_name` and `is_valid_dos_filename`; the texts hold 512 characters at most. */
const FUNCTION_NAME = /^[A-Za-z0-9._?@$()<>]*$/
const FILE_NAME = /^[A-Za-z0-9!#$%&'()\-@^_`{}~+,.;=[\]\\/]*$/

/** The import directory and the delay imports (PE/COFF specification 6.4, 5.8) with pefile's limits. One reader a file: the symbols count together. */
export class ImportReader {
  readonly #image: PeImage
  readonly #wide: boolean
  #symbols = 0

  constructor(image: PeImage) {
    this.#image = image
    this.#wide = image.headers.format === 'pe32+'
  }

  readImports(from: number): ImportedDll[] {
    const image = this.#image
    const dlls: ImportedDll[] = []
    for (let rva = from, errors = 0; ; ) {
      const descriptor = this.#descriptor(rva, 20, PE_WARNING.importDirectory)
      if (descriptor === undefined) break
      rva += 20
      const entry = this.#importEntry(descriptor.at, rva)
      const symbols = this.#trySymbols(entry, PE_WARNING.importData)
      if (errors > MAX_ERRORS) {
        image.warn(PE_WARNING.tooManyImportErrors)
        break
      }
      if (symbols.length === 0) errors++
      else this.#addDll(dlls, entry, symbols)
    }
    if (looksPacked(dlls)) image.warn(PE_WARNING.packedImports)
    return dlls
  }

  /** Only for the warnings: the features know nothing of delay imports. */
  readDelayImports(from: number): void {
    const image = this.#image
    for (let rva = from, errors = 0; ; ) {
      const descriptor = this.#descriptor(rva, 32, PE_WARNING.delayImportDirectory)
      if (descriptor === undefined) break
      rva += 32
      const symbols = this.#trySymbols(this.#delayEntry(descriptor.at, rva), PE_WARNING.delayImportData)
      if (errors > MAX_ERRORS) {
        image.warn(PE_WARNING.tooManyDelayImportErrors)
        break
      }
      if (symbols.length === 0) {
        errors++
      } else if (this.#symbols > MAX_SYMBOLS) {
        image.warn(PE_WARNING.tooManyImportedSymbols)
        break
      }
    }
  }

  /** Undefined at the end of the directory. */
  #descriptor(rva: number, size: number, unreadable: PeWarning): Span | undefined {
    const image = this.#image
    image.spend(8)
    let span: Span
    try {
      span = image.span(rva, size)
    } catch (error) {
      if (!(error instanceof PeFormatError)) throw error
      image.warn(unreadable)
      return undefined
    }
    image.offsetOf(rva)
    const descriptor = image.unpack(span, size)
    if (descriptor === undefined) return undefined
    const bytes = image.bytes.subarray(descriptor.at, descriptor.at + size)
    return bytes.every((byte) => byte === 0) ? undefined : descriptor
  }

  #importEntry(at: number, rva: number): Descriptor {
    const image = this.#image
    const lookup = image.u32(at)
    const addresses = image.u32(at + 16)
    const maxLength = this.#maxLength(at, rva, [lookup, addresses])
    return { lookup, addresses, name: image.u32(at + 12), maxLength, holdsAddresses: false }
  }

  #delayEntry(at: number, rva: number): Descriptor {
    const image = this.#image
    const holdsAddresses = image.u32(at) === 0 && image.headers.machine === I386
    const rvaOf = (value: number) => (holdsAddresses ? this.#toRva(value) : value)
    const addresses = rvaOf(image.u32(at + 12))
    const lookup = rvaOf(image.u32(at + 16))
    const maxLength = this.#maxLength(at, rva, [lookup, addresses])
    return { lookup, addresses, name: rvaOf(image.u32(at + 4)), maxLength, holdsAddresses }
  }

  #maxLength(at: number, rva: number, [lookup, addresses]: readonly [number, number]): number {
    if (rva > lookup || rva > addresses) return Math.max(rva - lookup, rva - addresses)
    return this.#image.size - at
  }

  #toRva(address: number): number {
    const { imageBase, imageSize } = this.#image.headers
    return address >= imageBase && address < imageBase + imageSize ? address - imageBase : address
  }

  #trySymbols(entry: Descriptor, warning: PeWarning): ImportedSymbol[] {
    try {
      return this.#readSymbols(entry)
    } catch (error) {
      if (!(error instanceof PeFormatError)) throw error
      this.#image.warn(warning)
      return []
    }
  }

  #readSymbols(entry: Descriptor): ImportedSymbol[] {
    const lookup = this.#readTable(entry.lookup, entry) ?? []
    const addresses = this.#readTable(entry.addresses, entry) ?? []
    const table = lookup.length > 0 ? lookup : addresses
    if (table.length === 0) this.#image.warn(PE_WARNING.damagedImportTable)
    const symbols: ImportedSymbol[] = []
    let invalid = 0
    for (const [index, thunk] of table.entries()) {
      const symbol = this.#readSymbol(thunk)
      if (symbol.name !== undefined && !FUNCTION_NAME.test(symbol.name)) {
        if (invalid > MAX_INVALID_NAMES && invalid === index) throw new PeFormatError('too many invalid names')
        invalid++
      } else if (symbol.ordinal || symbol.name) {
        symbols.push(symbol)
      }
    }
    return symbols
  }

  #readSymbol({ value, byOrdinal }: Thunk): ImportedSymbol {
    if (byOrdinal) return { ordinal: value % 0x10000, name: undefined }
    // Nothing mapped there: pefile drops the whole DLL.
    if (value === 0) throw new PeFormatError('invalid import entry')
    this.#image.span(value, 2)
    return { ordinal: undefined, name: this.#image.text(value + 2, MAX_NAME) }
  }

  /** Undefined where a thunk cannot be read; empty where the table looks like no table. */
  #readTable(from: number, { maxLength, holdsAddresses }: Descriptor): Thunk[] | undefined {
    const image = this.#image
    const bytesEach = this.#wide ? 8 : 4
    const table: Thunk[] = []
    const seen = new SeenAddresses()
    for (let rva = from; rva !== 0; rva += bytesEach) {
      if (rva >= from + maxLength) {
        image.warn(PE_WARNING.importTableBounds)
        break
      }
      if (this.#symbols > MAX_SYMBOLS) {
        image.warn(PE_WARNING.excessiveImports)
        break
      }
      this.#symbols++
      if (seen.suspicious) return []
      const span = this.#thunkSpan(rva, bytesEach)
      if (span === undefined) return undefined
      const raw = this.#thunk(span.at)
      const thunk = holdsAddresses ? { ...raw, value: this.#toRva(raw.value) } : raw
      if (!thunk.byOrdinal && thunk.value >= from && thunk.value <= rva) {
        image.warn(PE_WARNING.importTableOverlap)
        break
      }
      if (thunk.byOrdinal && thunk.value > 0xffff) return []
      if (!thunk.byOrdinal && thunk.value !== 0) seen.add(thunk.value)
      if (!raw.byOrdinal && raw.value === 0) break
      table.push(thunk)
    }
    return table
  }

  #thunkSpan(rva: number, size: number): Span | undefined {
    try {
      const span = this.#image.span(rva, size)
      if (span.size === size) return span
    } catch (error) {
      if (!(error instanceof PeFormatError)) throw error
    }
    this.#image.warn(PE_WARNING.importTableData)
    return undefined
  }

  #thunk(at: number): Thunk {
    const low = this.#image.u32(at)
    const high = this.#wide ? this.#image.u32(at + 4) : 0
    const byOrdinal = (this.#wide ? high : low) >= 0x80000000
    if (byOrdinal) return { value: low % 0x80000000, byOrdinal }
    return { value: high * 2 ** 32 + low, byOrdinal }
  }

  #addDll(dlls: ImportedDll[], entry: Descriptor, symbols: readonly ImportedSymbol[]): void {
    const text = this.#image.text(entry.name, MAX_NAME)
    const name = FILE_NAME.test(text) ? text : '*invalid*'
    if (name === '') return
    const library = name.toLowerCase()
    const named = symbols.map((symbol) =>
      symbol.name === undefined && symbol.ordinal !== undefined
        ? { ...symbol, name: ordinalName(library, symbol.ordinal) }
        : symbol,
    )
    dlls.push({ name, symbols: named })
  }
}

/** pefile's signs that a table is none: an address 15 times over, or addresses further apart than any image. */
class SeenAddresses {
  readonly #low = new AddressRange()
  readonly #high = new AddressRange()
  #repeated = 0

  get suspicious(): boolean {
    return this.#repeated >= MAX_REPEATED || this.#low.spread > MAX_SPREAD || this.#high.spread > MAX_SPREAD
  }

  add(address: number): void {
    if (!(address >= 2 ** 32 ? this.#high : this.#low).add(address)) this.#repeated++
  }
}

class AddressRange {
  readonly #seen = new Set<number>()
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY

  get spread(): number {
    return this.#seen.size === 0 ? 0 : this.#max - this.#min
  }

  /** False where it was there already. */
  add(address: number): boolean {
    const before = this.#seen.size
    this.#seen.add(address)
    this.#min = Math.min(this.#min, address)
    this.#max = Math.max(this.#max, address)
    return this.#seen.size > before
  }
}

/** Two loaders of functions among fewer than 20 imports: what a packer's stub needs. */
function looksPacked(dlls: readonly ImportedDll[]): boolean {
  const symbols = dlls.flatMap((dll) => dll.symbols)
  const loaders = symbols.filter(({ name }) => name?.startsWith('LoadLibrary') || name?.startsWith('GetProcAddress'))
  return loaders.length === 2 && symbols.length < 20
}
