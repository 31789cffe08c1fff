import { COLUMN } from './feature-columns.ts'
import type { PeImage } from './pe-image.ts'

/** thrember's list of machines, by PE machine number (PE/COFF specification 3.3.1); anything else is 0. */
const MACHINES: ReadonlyMap<number, number> = new Map([
  [0x14c, 1],
  [0x162, 2],
  [0x166, 3],
  [0x168, 4],
  [0x169, 5],
  [0x184, 6],
  [0x1a2, 7],
  [0x1a3, 8],
  [0x1a4, 9],
  [0x1a6, 10],
  [0x1a8, 11],
  [0x1c0, 12],
  [0x1c2, 13],
  [0x1c4, 14],
  [0x1d3, 15],
  [0x1f0, 16],
  [0x1f1, 17],
  [0x200, 18],
  [0x266, 19],
  [0x284, 21],
  [0x366, 22],
  [0x466, 23],
  [0x520, 24],
  [0xcef, 25],
  [0xebc, 26],
  [0x5032, 27],
  [0x5064, 28],
  [0x5128, 29],
  [0x6232, 30],
  [0x6264, 31],
  [0x8664, 32],
  [0x9041, 33],
  [0xaa64, 34],
  [0xc0ee, 35],
])
const SUBSYSTEMS = [0, 1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 16]
const DLL_FLAGS = [0x20, 0x40, 0x80, 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000, 0x8000]
/** Offsets of the 16-bit fields of the DOS header that thrember takes; e_lfanew follows. */
const DOS_FIELDS = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 36, 38]

export function addHeader(out: Float64Array, image: PeImage): void {
  const h = image.headers
  const coff = [h.timestamp, h.sectionCount, h.symbolCount, h.optionalSize, h.symbolTable]
  const kinds = [MACHINES.get(h.machine) ?? 0, Math.max(0, SUBSYSTEMS.indexOf(h.subsystem))]
  const versions = [...h.imageVersion, ...h.linker, ...h.osVersion, ...h.subsystemVersion]
  const sizes = [h.codeSize, h.headersSize, h.imageSize, h.initializedSize, h.uninitializedSize, ...h.memory]
  const rest = [h.entryPoint, h.codeBase, h.imageBase, h.sectionAlignment, h.checksum, h.directoryCount]
  const fileFlags = Array.from({ length: 16 }, (_, bit) => (h.characteristics >> bit) & 1)
  const dllFlags = DLL_FLAGS.map((flag) => ((h.dllCharacteristics & flag) === 0 ? 0 : 1))
  const dos = [...DOS_FIELDS.map((at) => image.u16(at)), h.ntOffset]
  out.set([...coff, ...kinds, ...versions, ...sizes, ...rest, ...fileFlags, ...dllFlags, ...dos], COLUMN.header)
}
