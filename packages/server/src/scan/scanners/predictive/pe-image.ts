import { type PeHeaders, readHeaders } from './pe-headers.ts'
import { type PeSection, readSections } from './pe-sections.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

/** A range of the file's bytes. */
export interface Span {
  readonly at: number
  readonly size: number
}

/** Work that one file's directories may cost: well above the largest honest 64 MiB file, well below a second. */
const MAX_STEPS = 4_000_000

/**
 * A PE file read the way pefile 2023.2.7 reads it, quirks included: the model was trained on what pefile saw, not on what the
 * loader would see. No library: pe-library throws on plain executables, and none reproduces pefile's tolerance.
 * All offsets and lengths are doubles (RVAs of PE32+ thunks exceed 32 bits); no read leaves the file.
 */
export class PeImage {
  readonly bytes: Buffer
  readonly size: number
  readonly headers: PeHeaders
  /** In ascending order of their address. */
  readonly sections: readonly PeSection[]
  readonly warnings = new Set<PeWarning>()
  readonly #headerEnd: number
  #lastSection: PeSection | undefined
  #steps = 0

  /** Throws PeFormatError where pefile sees no PE at all. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.size = bytes.length
    const warn = (warning: PeWarning) => this.warnings.add(warning)
    this.headers = readHeaders(bytes, warn)
    const { sections, tableEnd } = readSections(bytes, this.headers, warn)
    this.sections = sections
    this.#headerEnd = Math.min(this.size, headerEnd(sections, tableEnd))
    this.#checkEntryPoint()
  }

  warn(warning: PeWarning): void {
    this.warnings.add(warning)
  }

  /** Counts work; a file that asks for more than any honest one loses the directory that asked. */
  spend(steps: number): void {
    this.#steps += steps
    if (this.#steps > MAX_STEPS) throw new PeFormatError('more work than an honest file needs')
  }

  /** pefile asks the section of the last hit first, which decides where sections overlap. */
  sectionOf(rva: number): PeSection | undefined {
    const last = this.#lastSection
    if (last !== undefined && rva >= last.low && rva < last.high) return last
    // Hostile tables have 2,048 sections: looking through them is work that the next `spend` counts.
    this.#steps += this.sections.length >> 3
    for (const section of this.sections) {
      if (rva < section.low || rva >= section.high) continue
      this.#lastSection = section
      return section
    }
    return undefined
  }

  sectionAtOffset(offset: number): PeSection | undefined {
    return this.sections.find((s) => offset >= s.pointerAdjusted && offset < s.pointerAdjusted + s.rawSize)
  }

  /** Up to `length` bytes at an RVA, fewer at the end of what is there. Throws PeFormatError where nothing is mapped. */
  span(rva: number, length: number): Span {
    const section = this.sectionOf(rva)
    if (section !== undefined) {
      const at = rva - section.addressAdjusted + section.pointerAdjusted
      return slice(at, Math.min(at + length, section.pointer + section.rawSize), this.size)
    }
    const limit = rva < this.#headerEnd ? this.#headerEnd : this.size
    if (rva >= limit) throw new PeFormatError('data at RVA cannot be fetched')
    return slice(rva, length === 0 ? limit : rva + length, limit)
  }

  /** Throws PeFormatError where the RVA lies nowhere in the file. */
  offsetOf(rva: number): number {
    const section = this.sectionOf(rva)
    if (section !== undefined) return rva - section.addressAdjusted + section.pointerAdjusted
    if (rva < this.size) return rva
    throw new PeFormatError('RVA lies outside the file')
  }

  /** A structure of `size` bytes, as pefile unpacks it: undefined and a warning where bytes are missing. */
  unpack(span: Span, size: number): Span | undefined {
    if (span.size >= size) return { at: span.at, size }
    this.warn(PE_WARNING.corruptHeader)
    return undefined
  }

  /** The bytes up to the first NUL, at most `limit`, as Latin-1. */
  text(rva: number, limit: number): string {
    const section = this.sectionOf(rva)
    const { at, size } = section === undefined ? slice(rva, rva + limit, this.size) : this.span(rva, limit)
    const nul = this.bytes.subarray(at, at + size).indexOf(0)
    return this.bytes.toString('latin1', at, at + (nul < 0 ? size : nul))
  }

  u16(offset: number): number {
    const { bytes } = this
    return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8)
  }

  u32(offset: number): number {
    return (this.u16(offset) | (this.u16(offset + 2) << 16)) >>> 0
  }

  /** What `section.get_data()` gives. */
  sectionData(section: PeSection): Span {
    const end = Math.min(section.pointerAdjusted, section.pointer) + section.rawSize
    return slice(section.pointerAdjusted, end, this.size)
  }

  #checkEntryPoint(): void {
    const { entryPoint } = this.headers
    if (this.sectionOf(entryPoint) === undefined) this.warn(PE_WARNING.entryOutsideSections)
    else if (this.offsetOf(entryPoint) > this.size) this.warn(PE_WARNING.entryOutsideFile)
  }
}

function headerEnd(sections: readonly PeSection[], tableEnd: number): number {
  let lowest = Number.POSITIVE_INFINITY
  for (const section of sections) if (section.pointer > 0) lowest = Math.min(lowest, section.pointerAdjusted)
  return lowest === Number.POSITIVE_INFINITY || lowest === 0 || lowest < tableEnd ? tableEnd : lowest
}

/** Python's `data[from:to]`, negative ends and all: pefile computes them from hostile numbers. */
export function slice(from: number, to: number, length: number): Span {
  const at = clampIndex(from, length)
  return { at, size: Math.max(0, clampIndex(to, length) - at) }
}

function clampIndex(index: number, length: number): number {
  return index < 0 ? Math.max(0, index + length) : Math.min(index, length)
}
