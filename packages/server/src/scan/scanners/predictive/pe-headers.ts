import { PE_WARNING, PeFormatError, type PeWarning } from './pe-warnings.ts'

export interface DataDirectory {
  readonly rva: number
  readonly size: number
}

/** The DOS, COFF and optional headers (PE/COFF specification 3.3-3.4), numbers as they stand in the file. */
export interface PeHeaders {
  readonly ntOffset: number
  readonly machine: number
  readonly sectionCount: number
  readonly timestamp: number
  readonly symbolTable: number
  readonly symbolCount: number
  readonly optionalSize: number
  readonly characteristics: number
  readonly optionalOffset: number
  /** `unknown`: pefile reads on as if it were PE32. */
  readonly format: 'pe32' | 'pe32+' | 'unknown'
  readonly linker: readonly [number, number]
  readonly codeSize: number
  readonly initializedSize: number
  readonly uninitializedSize: number
  readonly entryPoint: number
  readonly codeBase: number
  readonly imageBase: number
  readonly sectionAlignment: number
  readonly fileAlignment: number
  readonly osVersion: readonly [number, number]
  readonly imageVersion: readonly [number, number]
  readonly subsystemVersion: readonly [number, number]
  readonly imageSize: number
  readonly headersSize: number
  readonly checksum: number
  readonly subsystem: number
  readonly dllCharacteristics: number
  /** Stack reserve and commit, heap reserve and commit. */
  readonly memory: readonly number[]
  readonly directoryCount: number
  readonly directories: readonly DataDirectory[]
}

const DOS_HEADER_BYTES = 64
const COFF_HEADER_BYTES = 20
const PE32_MAGIC = 0x10b
const PE32_PLUS_MAGIC = 0x20b
/** Bytes of the optional header up to the data directories. */
const OPTIONAL_BYTES = { pe32: 96, 'pe32+': 112, unknown: 96 } as const
/** pefile pads a shorter optional header with zeros from this size on (Tiny PE). */
const MIN_OPTIONAL_BYTES = { pe32: 69, 'pe32+': 73, unknown: 69 } as const
const MAX_OPTIONAL_BYTES = 0x200
const MAX_DIRECTORIES = 16

type Warn = (warning: PeWarning) => void

/** Throws PeFormatError where pefile does. */
export function readHeaders(bytes: Buffer, warn: Warn): PeHeaders {
  const ntOffset = findNtHeaders(bytes, warn)
  const coff = ntOffset + 4
  if (coff + COFF_HEADER_BYTES > bytes.length) throw new PeFormatError('no file header')
  const optionalOffset = coff + COFF_HEADER_BYTES
  const format = optionalFormat(bytes, optionalOffset)
  const optional = paddedOptional(bytes, { optionalOffset, format, warn })
  if (format === 'unknown') warn(PE_WARNING.optionalHeaderType)
  const fields = readOptional(optional, format)
  if (fields.entryPoint < fields.headersSize) warn(PE_WARNING.entryInsideHeaders)
  if (fields.directoryCount > MAX_DIRECTORIES) warn(PE_WARNING.directoryCount)
  return {
    ntOffset,
    machine: bytes.readUInt16LE(coff),
    sectionCount: bytes.readUInt16LE(coff + 2),
    timestamp: bytes.readUInt32LE(coff + 4),
    symbolTable: bytes.readUInt32LE(coff + 8),
    symbolCount: bytes.readUInt32LE(coff + 12),
    optionalSize: bytes.readUInt16LE(coff + 16),
    characteristics: bytes.readUInt16LE(coff + 18),
    optionalOffset,
    format,
    ...fields,
    directories: readDirectories(bytes, optionalOffset + OPTIONAL_BYTES[format], fields.directoryCount),
  }
}

function findNtHeaders(bytes: Buffer, warn: Warn): number {
  if (bytes.length < DOS_HEADER_BYTES || bytes.readUInt16LE(0) !== 0x5a4d) throw new PeFormatError('no DOS header')
  const offset = bytes.readUInt32LE(0x3c)
  if (offset > bytes.length) throw new PeFormatError('e_lfanew lies outside the file')
  if (offset + 4 > bytes.length) warn(PE_WARNING.corruptHeader)
  if (offset + 4 > bytes.length || bytes.readUInt32LE(offset) !== 0x4550) throw new PeFormatError('no NT headers')
  return offset
}

function optionalFormat(bytes: Buffer, at: number): PeHeaders['format'] {
  const magic = at + 2 <= bytes.length ? bytes.readUInt16LE(at) : 0
  if (magic === PE32_PLUS_MAGIC) return 'pe32+'
  return magic === PE32_MAGIC ? 'pe32' : 'unknown'
}

function paddedOptional(
  bytes: Buffer,
  { optionalOffset, format, warn }: { optionalOffset: number; format: PeHeaders['format']; warn: Warn },
): Buffer {
  const present = bytes.subarray(optionalOffset, optionalOffset + MAX_OPTIONAL_BYTES)
  if (present.length >= OPTIONAL_BYTES[format]) return present
  warn(PE_WARNING.corruptHeader)
  if (present.length < MIN_OPTIONAL_BYTES[format]) throw new PeFormatError('no optional header')
  const padded = Buffer.alloc(OPTIONAL_BYTES[format])
  present.copy(padded)
  return padded
}

function readOptional(optional: Buffer, format: PeHeaders['format']) {
  const wide = format === 'pe32+'
  const u16 = (at: number) => optional.readUInt16LE(at)
  const u32 = (at: number) => optional.readUInt32LE(at)
  const pointer = (at: number) => (wide ? u32(at) + u32(at + 4) * 2 ** 32 : u32(at))
  const step = wide ? 8 : 4
  return {
    linker: [optional[2] ?? 0, optional[3] ?? 0],
    codeSize: u32(4),
    initializedSize: u32(8),
    uninitializedSize: u32(12),
    entryPoint: u32(16),
    codeBase: u32(20),
    imageBase: wide ? pointer(24) : u32(28),
    sectionAlignment: u32(32),
    fileAlignment: u32(36),
    osVersion: [u16(40), u16(42)],
    imageVersion: [u16(44), u16(46)],
    subsystemVersion: [u16(48), u16(50)],
    imageSize: u32(56),
    headersSize: u32(60),
    checksum: u32(64),
    subsystem: u16(68),
    dllCharacteristics: u16(70),
    memory: [0, 1, 2, 3].map((index) => pointer(72 + index * step)),
    directoryCount: u32(72 + 4 * step + 4),
  } as const
}

function readDirectories(bytes: Buffer, from: number, count: number): DataDirectory[] {
  const directories: DataDirectory[] = []
  const wanted = Math.min(MAX_DIRECTORIES, count & 0x7fffffff)
  for (let index = 0, at = from; index < wanted && at !== bytes.length; index++, at += 8) {
    const entry = Buffer.alloc(8)
    if (at < bytes.length) bytes.copy(entry, 0, at, Math.min(bytes.length, at + 8))
    directories.push({ rva: entry.readUInt32LE(0), size: entry.readUInt32LE(4) })
  }
  return directories
}
