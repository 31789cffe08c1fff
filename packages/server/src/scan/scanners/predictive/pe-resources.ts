import type { PeImage, Span } from './pe-image.ts'
import { checkVersionInfo, readUtf16 } from './pe-version-info.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

const DIRECTORY_BYTES = 16
const ENTRY_BYTES = 8
const DATA_BYTES = 16
const MAX_DEPTH = 32
const MAX_DIRECTORY_ENTRIES = 4096
const MAX_FILE_ENTRIES = 0x8000
const RT_STRING = 6
const RT_VERSION = 16

interface ResourceDirectory {
  readonly entries: readonly ResourceEntry[]
}

interface ResourceEntry {
  /** Undefined where it has a name. */
  readonly id: number | undefined
  readonly directory?: ResourceDirectory
  readonly data?: { readonly rva: number; readonly size: number }
}

/** Walks the resource tree (PE/COFF specification 6.9), only for the warnings that pefile has of it. */
export function readResources(image: PeImage, rva: number): void {
  new ResourceWalk(image, rva).directory(rva, 0, [rva])
}

class ResourceWalk {
  readonly #image: PeImage
  readonly #base: number
  #entries = 0
  #bytes = 0
  #sizeReported = false

  constructor(image: PeImage, base: number) {
    this.#image = image
    this.#base = base
  }

  /** Undefined where pefile drops the directory. `path`: the directories above, so that a loop ends; the number of entries is bounded too. */
  directory(rva: number, level: number, path: readonly number[]): ResourceDirectory | undefined {
    const image = this.#image
    image.spend(4)
    const count = this.#entryCount(rva, level)
    if (count === undefined) return undefined
    const entries: ResourceEntry[] = []
    const names = new EntryNames()
    for (let index = 0, at = rva + DIRECTORY_BYTES; index < count; index++, at += ENTRY_BYTES) {
      this.#checkTotalSize()
      const row = this.#tryRead(at, ENTRY_BYTES, undefined)
      // pefile's warning for a bad entry is not the one that the model's list names.
      if (row === undefined) break
      const name = image.u32(row.at)
      if (name >= 0x80000000 && !this.#takeName(names, this.#base + (name % 0x80000000))) break
      const entry = this.#readEntry(name, image.u32(row.at + 4), { level, path })
      if (entry === undefined) break
      entries.push(entry)
      if (level === 0 && (name & 0xffff) === RT_VERSION) this.#checkVersions(entries)
    }
    for (const ustr of names.rvas) this.#renderName(ustr)
    return { entries }
  }

  #entryCount(rva: number, level: number): number | undefined {
    const image = this.#image
    if (level > MAX_DEPTH) return this.#drop(PE_WARNING.resourceDepth)
    let span: Span
    try {
      span = image.span(rva, DIRECTORY_BYTES)
    } catch (error) {
      if (!(error instanceof PeFormatError)) throw error
      return this.#drop(PE_WARNING.resourceDirectoryRead)
    }
    image.offsetOf(rva)
    const found = image.unpack(span, DIRECTORY_BYTES)
    if (found === undefined) return this.#drop(PE_WARNING.resourceDirectoryParse)
    const count = image.u16(found.at + 12) + image.u16(found.at + 14)
    if (count > MAX_DIRECTORY_ENTRIES) return this.#drop(PE_WARNING.resourceDirectoryEntries)
    this.#entries += count
    if (this.#entries > MAX_FILE_ENTRIES) return this.#drop(PE_WARNING.resourceFileEntries)
    return count
  }

  #drop(warning: PeWarning): undefined {
    this.#image.warn(warning)
    return undefined
  }

  #checkTotalSize(): void {
    if (this.#sizeReported || this.#bytes <= this.#image.size) return
    this.#sizeReported = true
    this.#image.warn(PE_WARNING.resourceSize)
  }

  #tryRead(rva: number, size: number, warning: PeWarning | undefined): Span | undefined {
    const image = this.#image
    let span: Span
    try {
      span = image.span(rva, size)
    } catch (error) {
      if (!(error instanceof PeFormatError)) throw error
      if (warning !== undefined) image.warn(warning)
      return undefined
    }
    image.offsetOf(rva)
    return image.unpack(span, size)
  }

  /** False where names overlap: pefile then leaves the directory. */
  #takeName(names: EntryNames, rva: number): boolean {
    const length = this.#word(rva)
    this.#bytes += length
    if (names.add(rva, length)) return true
    this.#image.warn(PE_WARNING.resourceNameOverlap)
    return false
  }

  #word(rva: number): number {
    try {
      const span = this.#image.span(rva, 2)
      return span.size < 2 ? 0 : this.#image.u16(span.at)
    } catch (error) {
      if (error instanceof PeFormatError) return 0
      throw error
    }
  }

  #renderName(rva: number): void {
    try {
      readUtf16(this.#image, rva + 2, this.#word(rva))
    } catch (error) {
      if (!(error instanceof PeFormatError)) throw error
      this.#image.warn(PE_WARNING.pascalString)
    }
  }

  #readEntry(
    name: number,
    target: number,
    { level, path }: { level: number; path: readonly number[] },
  ): ResourceEntry | undefined {
    const id = name >= 0x80000000 ? undefined : name
    const rva = this.#base + (target % 0x80000000)
    if (target < 0x80000000) return this.#readData(id, rva)
    if (path.includes(rva)) return undefined
    const directory = this.directory(rva, level + 1, [...path, rva])
    if (directory === undefined) return undefined
    if (id === RT_STRING) this.#checkStrings(directory)
    return { id, directory }
  }

  #readData(id: number | undefined, rva: number): ResourceEntry | undefined {
    const found = this.#tryRead(rva, DATA_BYTES, PE_WARNING.resourceDataEntry)
    if (found === undefined) return undefined
    const data = { rva: this.#image.u32(found.at), size: this.#image.u32(found.at + 4) }
    this.#bytes += data.size
    return { id, data }
  }

  #checkStrings({ entries }: ResourceDirectory): void {
    for (const table of entries) {
      for (const { data } of table.directory?.entries ?? []) {
        if (data === undefined || table.id === undefined) continue
        try {
          this.#image.span(data.rva, data.size)
        } catch (error) {
          if (!(error instanceof PeFormatError)) throw error
          this.#image.warn(PE_WARNING.resourceString)
        }
      }
    }
  }

  #checkVersions(entries: readonly ResourceEntry[]): void {
    const languages = entries.at(-1)?.directory?.entries[0]?.directory?.entries ?? []
    for (const { data } of languages) if (data !== undefined) checkVersionInfo(this.#image, data.rva, data.size)
  }
}

/** The named entries of one directory, in their order. */
class EntryNames {
  readonly rvas: number[] = []
  #last: { readonly from: number; readonly to: number } | undefined

  add(rva: number, length: number): boolean {
    const last = this.#last
    if (last !== undefined && last.from < rva && last.to >= rva) {
      this.rvas.pop()
      return false
    }
    this.#last = { from: rva, to: rva + length }
    this.rvas.push(rva)
    return true
  }
}
