import type { ByteRange } from './byte-statistics.ts'
import { COLUMN } from './feature-columns.ts'
import { addHashed } from './murmur.ts'
import type { PeImage } from './pe-image.ts'
import type { PeSection } from './pe-sections.ts'

const EXECUTE = 0x20000000
const READ = 0x40000000
const WRITE = 0x80000000
const SECURITY_DIRECTORY = 4
const HASHED_COLUMNS = 50

/** Section flags by pefile's names (PE/COFF specification 4.1); several names share a bit, and the ALIGN ones overlap as masks. */
const FLAGS: readonly (readonly [name: string, mask: number])[] = [
  ['TYPE_DSECT', 0x1],
  ['TYPE_NOLOAD', 0x2],
  ['TYPE_GROUP', 0x4],
  ['TYPE_NO_PAD', 0x8],
  ['TYPE_COPY', 0x10],
  ['CNT_CODE', 0x20],
  ['CNT_INITIALIZED_DATA', 0x40],
  ['CNT_UNINITIALIZED_DATA', 0x80],
  ['LNK_OTHER', 0x100],
  ['LNK_INFO', 0x200],
  ['LNK_OVER', 0x400],
  ['LNK_REMOVE', 0x800],
  ['LNK_COMDAT', 0x1000],
  ['MEM_PROTECTED', 0x4000],
  ['NO_DEFER_SPEC_EXC', 0x4000],
  ['GPREL', 0x8000],
  ['MEM_FARDATA', 0x8000],
  ['MEM_SYSHEAP', 0x10000],
  ['MEM_PURGEABLE', 0x20000],
  ['MEM_16BIT', 0x20000],
  ['MEM_LOCKED', 0x40000],
  ['MEM_PRELOAD', 0x80000],
  ...Array.from({ length: 14 }, (_, power) => [`ALIGN_${2 ** power}BYTES`, (power + 1) << 20] as const),
  ['ALIGN_MASK', 0xf00000],
  ['LNK_NRELOC_OVFL', 0x1000000],
  ['MEM_DISCARDABLE', 0x2000000],
  ['MEM_NOT_CACHED', 0x4000000],
  ['MEM_NOT_PAGED', 0x8000000],
  ['MEM_SHARED', 0x10000000],
  ['MEM_EXECUTE', EXECUTE],
  ['MEM_READ', READ],
  ['MEM_WRITE', WRITE],
]

/** What lies behind everything that the headers name; empty where nothing does. The certificate table counts as overlay. */
export function overlayOf(image: PeImage): ByteRange {
  const { optionalOffset, optionalSize, directories } = image.headers
  let end = 0
  const take = (to: number) => {
    if (to <= image.size && to > end) end = to
  }
  take(optionalOffset + optionalSize)
  for (const { pointer, rawSize } of image.sections) take(pointer + rawSize)
  for (const [index, { rva, size }] of directories.entries()) {
    const section = image.sectionOf(rva)
    if (index === SECURITY_DIRECTORY || (section === undefined && rva >= image.size)) continue
    take(image.offsetOf(rva) + size)
  }
  return { at: end, size: image.size - end }
}

interface Measured {
  /** Of each section, then of the overlay, in bits. */
  readonly entropies: readonly number[]
  readonly overlay: ByteRange
}

export function addSections(out: Float64Array, image: PeImage, { entropies, overlay }: Measured): void {
  const { sections, size } = image
  const overlayEntropy = entropies[sections.length] ?? 0
  const shares = [...sections.map(({ rawSize }) => rawSize / size), overlay.size / size, 0]
  const ratios = [...sections.map(({ rawSize, virtualSize }) => rawSize / Math.max(virtualSize, 1)), 0]
  const withFlags = (mask: number) => sections.filter((s) => (s.characteristics & mask) >>> 0 === mask).length
  const count = (is: (section: PeSection) => boolean) => sections.filter(is).length
  out.set(
    [
      ...[sections.length, count((s) => s.rawSize === 0), count((s) => s.name === '')],
      ...[withFlags(READ + EXECUTE), withFlags(WRITE)],
      ...range([...entropies, 0]),
      ...range(shares),
      ...range(ratios),
    ],
    COLUMN.sections,
  )
  for (const [index, section] of sections.entries()) addHashedSection(out, section, entropies[index] ?? 0)
  const entry = { out, from: COLUMN.sections + 211, count: 10, alternate: true }
  addHashed(entry, entrySection(image), 1)
  out.set([overlay.size, overlay.size / size, overlayEntropy], COLUMN.sections + 221)
}

function range(values: readonly number[]): [number, number] {
  return [values.reduce((a, b) => Math.max(a, b)), values.reduce((a, b) => Math.min(a, b))]
}

function addHashedSection(out: Float64Array, section: PeSection, entropy: number): void {
  const { name } = section
  const columns = (index: number) => ({
    out,
    from: COLUMN.sections + 11 + 50 * index,
    count: HASHED_COLUMNS,
    alternate: true,
  })
  addHashed(columns(0), name, section.rawSize)
  addHashed(columns(1), name, section.virtualSize)
  addHashed(columns(2), name, entropy)
  for (const [flag, mask] of FLAGS) {
    if ((section.characteristics & mask) !== 0) addHashed(columns(3), `${name}:${flag}`, 1)
  }
}

/** The last section that holds the entry point; if that is none or has no name, the first executable one that has a name. */
function entrySection({ sections, headers }: PeImage): string {
  const holding = sections.filter(({ low, high }) => headers.entryPoint >= low && headers.entryPoint < high)
  const name = holding.at(-1)?.name ?? ''
  if (name !== '') return name
  return sections.find((s) => (s.characteristics & EXECUTE) !== 0 && s.name !== '')?.name ?? ''
}
