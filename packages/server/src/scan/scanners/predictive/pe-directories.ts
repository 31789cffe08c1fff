import { readExceptions } from './pe-exceptions.ts'
import { readExports } from './pe-exports.ts'
import type { PeImage } from './pe-image.ts'
import { type ImportedDll, ImportReader } from './pe-imports.ts'
import { readLoadConfig, readRelocations } from './pe-relocations.ts'
import { readResources } from './pe-resources.ts'
import { readRichHeader } from './pe-rich.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

/** What the data directories and the Rich header hold of the features; the rest of them only warns. */
export interface PeContents {
  readonly imports: readonly ImportedDll[]
  readonly exports: readonly string[]
  readonly hasRelocations: boolean
  readonly hasDynamicRelocations: boolean
  /** Product id and count by turns, unmasked. */
  readonly rich: readonly number[]
}

const MAX_BOUND_NAME = 256

/** Reads in pefile's order; its warnings gather in `image.warnings`. */
export function readContents(image: PeImage): PeContents {
  const imports = new ImportReader(image)
  let missing = false
  const read = <T>(index: number, reader: (rva: number, size: number) => T): T | undefined => {
    // pefile reads nothing more after the first directory that the header does not have.
    missing ||= image.headers.directories[index] === undefined
    return missing ? undefined : readDirectory(image, index, reader)
  }
  const dlls = read(1, (rva) => imports.readImports(rva)) ?? []
  const exports = read(0, (rva, size) => readExports(image, rva, size)) ?? []
  read(2, (rva) => readResources(image, rva))
  read(6, (rva, size) => readDebug(image, rva, size))
  const hasRelocations = read(5, (rva, size) => readRelocations(image, rva, size)) ?? false
  read(9, (rva) => readTls(image, rva))
  const hasDynamicRelocations = read(10, (rva) => readLoadConfig(image, rva)) ?? false
  read(13, (rva) => imports.readDelayImports(rva))
  read(11, (rva) => readBoundImports(image, rva))
  read(3, (rva, size) => readExceptions(image, rva, size))
  return { imports: dlls, exports, hasRelocations, hasDynamicRelocations, rich: readRichHeader(image) }
}

function readDirectory<T>(image: PeImage, index: number, read: (rva: number, size: number) => T): T | undefined {
  const directory = image.headers.directories[index]
  if (directory === undefined || directory.rva === 0) return undefined
  try {
    return read(directory.rva, directory.size)
  } catch (error) {
    if (!(error instanceof PeFormatError)) throw error
    image.warn(PE_WARNING.directoryFailed)
    return undefined
  }
}

function readTls(image: PeImage, rva: number): void {
  const size = image.headers.format === 'pe32+' ? 40 : 24
  tryRange(image, { rva, size, warning: PE_WARNING.tlsDirectory })
}

/** Offset of a structure; undefined and a warning where it is not there. */
function tryRange(
  image: PeImage,
  { rva, size, warning }: { rva: number; size: number; warning: PeWarning },
): number | undefined {
  try {
    const span = image.span(rva, size)
    image.offsetOf(rva)
    return image.unpack(span, size)?.at
  } catch (error) {
    if (!(error instanceof PeFormatError)) throw error
    image.warn(warning)
    return undefined
  }
}

const DEBUG_BYTES = 28

function readDebug(image: PeImage, rva: number, size: number): void {
  for (let index = 0; index < Math.trunc(size / DEBUG_BYTES); index++) {
    image.spend(1)
    const entry = { rva: rva + DEBUG_BYTES * index, size: DEBUG_BYTES, warning: PE_WARNING.debugDirectory }
    const at = tryRange(image, entry)
    if (at === undefined) return
    checkDebugData(image, { type: image.u32(at + 12), size: image.u32(at + 16), offset: image.u32(at + 24) })
  }
}

/** CodeView and MISC data must be as long as they say. */
function checkDebugData(image: PeImage, data: { type: number; size: number; offset: number }): void {
  const present = Math.min(data.size, Math.max(0, image.size - data.offset))
  const magic = image.bytes.toString('latin1', data.offset, data.offset + Math.min(4, present))
  const least = data.type === 4 ? 12 : { RSDS: 24, NB10: 16 }[magic]
  if ((data.type !== 2 && data.type !== 4) || least === undefined) return
  const whole = data.type === 4 && present >= 12 && (image.bytes[data.offset + 8] ?? 0) > 1 ? 12 : data.size
  if (present < Math.max(least, whole)) image.warn(PE_WARNING.corruptHeader)
}

/** Reads them where pefile does: at the RVA taken as a file offset. */
function readBoundImports(image: PeImage, start: number): void {
  for (let at = start; ; ) {
    image.spend(16)
    if (at + 8 > image.size) {
      image.warn(PE_WARNING.corruptHeader)
      image.warn(PE_WARNING.boundImports)
      return
    }
    const nameOffset = start + image.u16(at + 4)
    const references = image.u16(at + 6)
    if (image.u32(at) === 0 && nameOffset === start && references === 0) return
    at += 8
    const room = boundRoom(image, at)
    if (room === undefined) {
      image.warn(PE_WARNING.boundImportAddress)
      return
    }
    at = skipReferences(image, { at, start, count: Math.min(references, Math.trunc(room / 8)) })
    if (!isBoundName(image, nameOffset, false)) return
  }
}

function boundRoom(image: PeImage, at: number): number | undefined {
  const offset = image.offsetOf(at)
  const section = image.sectionAtOffset(at)
  if (section !== undefined) return section.pointer + image.sectionData(section).size - offset
  const later = image.sections.map(({ pointer }) => pointer).filter((pointer) => pointer > offset)
  if (later.length === 0) return undefined
  const next = image.sectionAtOffset(later.reduce((a, b) => Math.min(a, b)))
  return next === undefined ? undefined : next.pointer - offset
}

function skipReferences(image: PeImage, { at, start, count }: { at: number; start: number; count: number }): number {
  let next = at
  for (let index = 0; index < count; index++) {
    image.spend(16)
    if (next + 8 > image.size) {
      image.warn(PE_WARNING.corruptHeader)
      throw new PeFormatError('IMAGE_BOUND_FORWARDER_REF cannot be read')
    }
    const name = start + image.u16(next + 4)
    next += 8
    if (!isBoundName(image, name, true)) break
  }
  return next
}

function isBoundName(image: PeImage, offset: number, emptyIsName: boolean): boolean {
  const text = image.bytes.toString('latin1', offset, Math.min(image.size, offset + MAX_BOUND_NAME + 1))
  const nul = text.indexOf('\0')
  const name = nul < 0 ? text : text.slice(0, nul)
  return name === '' ? emptyIsName : name.length <= MAX_BOUND_NAME && /^[\x20-\x7e\t\n\v\f\r]*$/.test(name)
}
