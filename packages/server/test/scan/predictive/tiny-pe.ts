/** A small, honest PE32 that these tests make: two sections, imports of two DLLs, one export, a resource, relocations. */
export interface TinyPe {
  readonly machine?: number
  /** Puts a CLR directory in: .NET. */
  readonly dotNet?: boolean
  readonly wide?: boolean
  readonly timestamp?: number
}

export const NT_OFFSET = 0x80
export const OPTIONAL_OFFSET = NT_OFFSET + 24
const TEXT = { rva: 0x1000, raw: 0x400, size: 0x200 }
const DATA = { rva: 0x2000, raw: 0x600, size: 0x600 }
export const TINY_SIZE = DATA.raw + DATA.size
/** File offsets of what tests break. */
export const AT = {
  imports: DATA.raw,
  exports: DATA.raw + 0x180,
  resources: DATA.raw + 0x200,
  relocations: DATA.raw + 0x400,
}

export function tinyPe({ machine, dotNet = false, wide = false, timestamp = 0x5f000000 }: TinyPe = {}): Buffer {
  const pe = Buffer.alloc(TINY_SIZE)
  pe.write('MZ', 0, 'latin1')
  pe.writeUInt32LE(NT_OFFSET, 0x3c)
  pe.write('!This program cannot be run in DOS mode.', 0x40, 'latin1')
  pe.write('PE\0\0', NT_OFFSET, 'latin1')
  const optionalSize = wide ? 240 : 224
  words(pe, NT_OFFSET + 4, [machine ?? (wide ? 0x8664 : 0x14c), 2])
  dwords(pe, NT_OFFSET + 8, [timestamp, 0, 0])
  words(pe, NT_OFFSET + 20, [optionalSize, 0x102])
  writeOptional(pe, wide)
  const directories = OPTIONAL_OFFSET + (wide ? 112 : 96)
  writeDirectories(pe, directories, dotNet)
  writeSections(pe, OPTIONAL_OFFSET + optionalSize)
  pe.fill(0x90, TEXT.raw, TEXT.raw + 0x40)
  pe.write('C:/work https://example.test/a password=1 10.0.0.1', TEXT.raw + 0x40, 'latin1')
  writeImports(pe, wide)
  writeExports(pe)
  writeResources(pe)
  dwords(pe, AT.relocations, [0x1000, 12])
  words(pe, AT.relocations + 8, [0x3010, 0x3020])
  return pe
}

function words(pe: Buffer, at: number, values: readonly number[]): void {
  for (const [index, value] of values.entries()) pe.writeUInt16LE(value, at + index * 2)
}

function dwords(pe: Buffer, at: number, values: readonly number[]): void {
  for (const [index, value] of values.entries()) pe.writeUInt32LE(value, at + index * 4)
}

function writeOptional(pe: Buffer, wide: boolean): void {
  words(pe, OPTIONAL_OFFSET, [wide ? 0x20b : 0x10b, 0x0e0e])
  dwords(pe, OPTIONAL_OFFSET + 4, [TEXT.size, DATA.size, 0, TEXT.rva, TEXT.rva])
  dwords(pe, OPTIONAL_OFFSET + 24, wide ? [0x40000000, 1] : [DATA.rva, 0x400000])
  dwords(pe, OPTIONAL_OFFSET + 32, [0x1000, 0x200])
  words(pe, OPTIONAL_OFFSET + 40, [6, 0, 1, 2, 6, 0])
  dwords(pe, OPTIONAL_OFFSET + 56, [0x3000, 0x400, 0])
  words(pe, OPTIONAL_OFFSET + 68, [3, 0x8140])
  pe.writeUInt32LE(16, OPTIONAL_OFFSET + (wide ? 108 : 92))
}

function writeDirectories(pe: Buffer, at: number, dotNet: boolean): void {
  const rva = (offset: number) => offset - DATA.raw + DATA.rva
  dwords(pe, at, [rva(AT.exports), 0x60, rva(AT.imports), 0x60, rva(AT.resources), 0x100])
  dwords(pe, at + 5 * 8, [rva(AT.relocations), 12])
  if (dotNet) dwords(pe, at + 14 * 8, [TEXT.rva, 0x48])
}

function writeSections(pe: Buffer, at: number): void {
  for (const [index, [name, place, flags]] of [
    ['.text', TEXT, 0x60000020],
    ['.data', DATA, 0xc0000040],
  ].entries() as IterableIterator<[number, [string, typeof TEXT, number]]>) {
    const row = at + index * 40
    pe.write(name, row, 'latin1')
    dwords(pe, row + 8, [place.size, place.rva, place.size, place.raw])
    pe.writeUInt32LE(flags, row + 36)
  }
}

function writeImports(pe: Buffer, wide: boolean): void {
  const rva = (offset: number) => AT.imports - DATA.raw + DATA.rva + offset
  const step = wide ? 8 : 4
  dwords(pe, AT.imports, [rva(0x60), 0, 0, rva(0x100), rva(0x80)])
  dwords(pe, AT.imports + 20, [rva(0xa0), 0, 0, rva(0x110), rva(0xc0)])
  for (const table of [0x60, 0x80]) {
    pe.writeUInt32LE(rva(0x120), AT.imports + table)
    pe.writeUInt32LE(rva(0x130), AT.imports + table + step)
  }
  // By ordinal 19: ws2_32.dll calls it `send`.
  for (const table of [0xa0, 0xc0]) {
    pe.writeUInt32LE(wide ? 19 : 0x80000013, AT.imports + table)
    if (wide) pe.writeUInt32LE(0x80000000, AT.imports + table + 4)
  }
  pe.write('KERNEL32.dll', AT.imports + 0x100, 'latin1')
  pe.write('WS2_32.dll', AT.imports + 0x110, 'latin1')
  pe.write('LoadLibraryA', AT.imports + 0x122, 'latin1')
  pe.write('GetProcAddress', AT.imports + 0x132, 'latin1')
}

function writeExports(pe: Buffer): void {
  const rva = (offset: number) => AT.exports - DATA.raw + DATA.rva + offset
  dwords(pe, AT.exports, [0, 0, 0, rva(0x50), 1, 2, 1, rva(0x30), rva(0x40), rva(0x48)])
  dwords(pe, AT.exports + 0x30, [0x1010, 0x1020])
  dwords(pe, AT.exports + 0x40, [rva(0x58)])
  pe.write('tiny.dll', AT.exports + 0x50, 'latin1')
  pe.write('Run', AT.exports + 0x5a - 2, 'latin1')
}

/** RT_VERSION, one language, data that is no version block. */
function writeResources(pe: Buffer): void {
  const directory = (offset: number, id: number, target: number) => {
    pe.writeUInt16LE(1, AT.resources + offset + 14)
    dwords(pe, AT.resources + offset + 16, [id, target])
  }
  directory(0, 16, 0x80000020)
  directory(0x20, 1, 0x80000040)
  directory(0x40, 1033, 0x60)
  dwords(pe, AT.resources + 0x60, [DATA.rva + 0x300, 0x40, 0, 0])
}
