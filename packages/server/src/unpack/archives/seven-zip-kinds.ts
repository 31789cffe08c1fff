import type { ContentView } from '../content-view.ts'
import type { OpenerNode } from '../opener.ts'

/** A way to open a node: 7-Zip's own names of the format (`7zz i`), the first that opens it counts. */
export interface Kind {
  readonly formats: readonly string[]
  /** One stream without a directory: it is unpacked without being listed. */
  readonly isSingle?: true
  /** Only its mark was met somewhere: where it does not open there was none. */
  readonly isGuess?: true
}

const SINGLE = true

const BY_TYPE: Readonly<Record<string, Kind>> = {
  '7z': { formats: ['7z'] },
  rar: { formats: ['Rar5', 'Rar'] },
  cab: { formats: ['Cab'] },
  msi: { formats: ['Compound'] },
  arj: { formats: ['Arj'] },
  lha: { formats: ['Lzh'] },
  cpio: { formats: ['Cpio'] },
  rpm: { formats: ['Rpm'] },
  ar: { formats: ['Ar'] },
  wim: { formats: ['wim'] },
  vhd: { formats: ['VHD'], isSingle: SINGLE },
  vhdx: { formats: ['VHDX'], isSingle: SINGLE },
  qcow: { formats: ['QCOW'], isSingle: SINGLE },
  vmdk: { formats: ['VMDK'], isSingle: SINGLE },
  dmg: { formats: ['Dmg'] },
  xar: { formats: ['Xar'] },
  squashfs: { formats: ['SquashFS'] },
  chm: { formats: ['Chm'] },
  xz: { formats: ['xz'], isSingle: SINGLE },
  bz2: { formats: ['bzip2'], isSingle: SINGLE },
  lzma: { formats: ['lzma'], isSingle: SINGLE },
  compress: { formats: ['Z'], isSingle: SINGLE },
  szdd: { formats: ['MsLZ'], isSingle: SINGLE },
}

const PACKED_FLASH: Kind = { formats: ['SWFc'], isSingle: SINGLE }

const ISO: Kind = { formats: ['Iso'] }
const UDF: Kind = { formats: ['Udf'] }
const NSIS: Kind = { formats: ['Nsis'] }
const VHD = BY_TYPE.vhd as Kind
const DMG = BY_TYPE.dmg as Kind

/**
 * Everything that this node is an archive as: by its type, and by marks that no first byte forbids, because what mounts or
 * unpacks looks for nothing else (a disk image by its last sector, a CD by its 17th, an archive behind a program).
 */
export function kindsOf({ type, view, fileName }: Pick<OpenerNode, 'type' | 'view' | 'fileName'>): readonly Kind[] {
  const kinds = new Set<Kind>()
  const own = BY_TYPE[type]
  if (own !== undefined) kinds.add(own)
  // "SWF File Format" 19: C and Z in front of WS say how the rest is packed.
  if (type === 'swf' && (view.head[0] === 0x43 || view.head[0] === 0x5a)) kinds.add(PACKED_FLASH)
  for (const kind of discKinds(view)) kinds.add(kind)
  if (type === 'disk') for (const kind of diskKinds(view)) kinds.add(kind)
  if (view.size >= FOOTER_BYTES) {
    const footer = view.tail(FOOTER_BYTES)
    if (VHD_COOKIES_AT.some((at) => startsWith(footer, at, VHD_COOKIE))) kinds.add(VHD)
    if (startsWith(footer, 0, DMG_COOKIE)) kinds.add(DMG)
  }
  if (type === 'pe') for (const kind of behindProgram(view)) kinds.add(kind)
  else if (SEARCHED.has(type))
    for (const kind of marked(searched(type, view, fileName), ARCHIVES)) kinds.add({ ...kind, isGuess: true })
  return [...kinds]
}

/** [MS-VHD] "Hard Disk Footer Format": the last 512 bytes, in old images 511. Apple's UDIF trailer has 512. */
const FOOTER_BYTES = 512
const VHD_COOKIE = Buffer.from('conectix')
const VHD_COOKIES_AT = [0, 1]
/** With the version, the only one there is. */
const DMG_COOKIE = Buffer.from('koly\0\0\0\x04')

function startsWith(bytes: Buffer, at: number, mark: Buffer): boolean {
  return bytes.subarray(at, at + mark.length).equals(mark)
}

/** Bytes that nothing else is known of; programs that open archives search some way for the mark. */
const SEARCHED = new Set(['data', 'dos', 'text', 'elf'])

/** Programs carry their archives behind themselves; a file that is called an archive or a program is opened as one. */
const CARRIERS = new Set(['dos', 'elf'])
const CALLED_ARCHIVE = /\.(?:7z|rar|r\d\d|exe|sfx|com|run|bin)$/i
const FAR_BYTES = 1024 * 1024
const NEAR_BYTES = 16 * 1024

/** This is asked of every body that nothing else is known of: a whole MiB costs half a millisecond. */
function searched(type: string, view: ContentView, fileName: string): Buffer {
  const isFar = CARRIERS.has(type) || CALLED_ARCHIVE.test(fileName)
  return view.read(0, isFar ? FAR_BYTES : NEAR_BYTES)
}

const RAR = BY_TYPE.rar as Kind
const ARCHIVES: readonly (readonly [Buffer, Kind])[] = [
  [Buffer.from("7z\xbc\xaf'\x1c", 'latin1'), BY_TYPE['7z'] as Kind],
  [Buffer.from('Rar!\x1a\x07\0', 'latin1'), RAR],
  [Buffer.from('Rar!\x1a\x07\x01\0', 'latin1'), RAR],
]
/** Marks that are too short, or too common in programs, to be looked for anywhere. */
const IN_OVERLAY: readonly (readonly [Buffer, Kind])[] = [
  ...ARCHIVES,
  [Buffer.from('\xef\xbe\xad\xdeNullsoftInst', 'latin1'), NSIS],
  [Buffer.from('MSCF\0\0\0\0', 'latin1'), BY_TYPE.cab as Kind],
]

function marked(bytes: Buffer, marks: readonly (readonly [Buffer, Kind])[]): Kind[] {
  return marks.filter(([mark]) => bytes.includes(mark)).map(([, kind]) => kind)
}

const VOLUME_AT = 0x8000
const SECTOR_BYTES = 2048
const MAX_DESCRIPTORS = 32

/** ECMA-119 8 and ECMA-167 2/9: volume descriptors from sector 16 on. A disc may have both file systems, and other files in each. */
function discKinds(view: ContentView): Kind[] {
  const kinds = new Set<Kind>()
  if (view.size < VOLUME_AT + SECTOR_BYTES) return []
  for (let i = 0; i < MAX_DESCRIPTORS; i++) {
    const id = view.read(VOLUME_AT + i * SECTOR_BYTES + 1, 5).toString('latin1')
    if (id === 'CD001') kinds.add(ISO)
    else if (id === 'NSR02' || id === 'NSR03') kinds.add(UDF)
    else if (id !== 'BEA01' && id !== 'TEA01' && id !== 'BOOT2') break
  }
  return [...kinds]
}

/** Where file systems and partition tables say what they are; formats that 7-Zip has. */
const DISKS: readonly (readonly [offset: number, mark: string, format: string])[] = [
  [512, 'EFI PART', 'GPT'],
  [3, 'NTFS    ', 'NTFS'],
  [54, 'FAT', 'FAT'],
  [82, 'FAT32', 'FAT'],
  [32, 'NXSB', 'APFS'],
  [1024, 'H+\0\x04', 'HFS'],
  [1024, 'HX\0\x05', 'HFS'],
  [1080, 'S\xef', 'Ext'],
  [512, 'PM\0\0', 'APM'],
]

/** The first that fits, but exFAT, which 7-Zip does not read. */
function diskKinds({ head }: ContentView): Kind[] {
  if (head.toString('latin1', 3, 11) === 'EXFAT   ') return []
  const disk = DISKS.find(([offset, mark]) => head.toString('latin1', offset, offset + mark.length) === mark)
  if (disk !== undefined) return [{ formats: [disk[2]] }]
  // A boot sector without the words may be either; 7-Zip knows both by their numbers.
  return head.toString('latin1', 510, 512) === 'U\xaa' ? [{ formats: ['FAT', 'MBR'] }] : []
}

const OVERLAY_BYTES = 1024 * 1024
const RESOURCE_BYTES = 16 * 1024
/** The resource in which IExpress keeps its archive. */
const CABINET = Buffer.from('CABINET', 'utf16le')

/** Self-extractors: what stands behind the last section, or in IExpress's resource ("PE Format", section table). */
function behindProgram(view: ContentView): Kind[] {
  const { overlay, resources } = sections(view)
  const kinds = marked(view.read(overlay, OVERLAY_BYTES), IN_OVERLAY)
  if (resources > 0 && view.read(resources, RESOURCE_BYTES).includes(CABINET))
    kinds.push({ formats: ['Cab'], isGuess: true })
  return kinds
}

const MAX_SECTIONS = 96
const SECTION_BYTES = 40

function sections(view: ContentView): { readonly overlay: number; readonly resources: number } {
  const header = view.head.length >= 64 ? view.head.readUInt32LE(60) : 0
  const file = view.read(header, 24)
  if (file.length < 24) return { overlay: 0, resources: 0 }
  const count = Math.min(file.readUInt16LE(6), MAX_SECTIONS)
  const table = view.read(header + 24 + file.readUInt16LE(20), count * SECTION_BYTES)
  let overlay = 0
  let resources = 0
  for (let at = 0; at + SECTION_BYTES <= table.length; at += SECTION_BYTES) {
    const place = table.readUInt32LE(at + 20)
    overlay = Math.max(overlay, place + table.readUInt32LE(at + 16))
    if (table.toString('latin1', at, at + 5) === '.rsrc') resources = place
  }
  return { overlay, resources }
}
