import type { Content } from '../domain/sample.ts'
import { ContentView } from '../unpack/content-view.ts'
import { byMagic, hasMagic, textAt } from './magic.ts'
import { type TextHints, textType } from './script-language.ts'
import { type TrueType, typeNamed } from './true-types.ts'

export type { TrueType, TypeFamily } from './true-types.ts'

const DATA = typeNamed('data')
const EMPTY = typeNamed('empty')
const PE = typeNamed('pe')
const DOS = typeNamed('dos')
const PDF = typeNamed('pdf')
const ISO = typeNamed('iso')
const TAR = typeNamed('tar')
const DMG = typeNamed('dmg')
const VHD = typeNamed('vhd')
const DISK = typeNamed('disk')
const OLE = typeNamed('ole')
const LZMA = typeNamed('lzma')
const MSI = typeNamed('msi')
const ZIP = typeNamed('zip')

const OLE_MAGIC = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'
/** ISO 32000 annex H: readers take a header anywhere in the first 1024 bytes. */
const PDF_HEADER_BYTES = 1024
const PDF_MARK = Buffer.from('%PDF-')
const TEXT_BYTES = 2048
const ZIP_NAME_BYTES = 4096
const ISO_VOLUME_AT = 0x8001
/** [MS-VHD] and Apple's UDIF keep what they are in the last sector. */
const FOOTER_BYTES = 512
const NO_HINTS: TextHints = { declaredType: '', fileName: '' }

/**
 * What these bytes are. `hints` decide only between languages of a text; a name never makes a program an image.
 * A few microseconds: first bytes, then structure, then words. Throws what the system throws when a file cannot be read.
 */
export function trueFileType(content: Content, hints: TextHints = NO_HINTS): TrueType {
  return typeOfView(new ContentView(content), hints)
}

export function typeOfView(view: ContentView, hints: TextHints = NO_HINTS): TrueType {
  const { head } = view
  if (head.length === 0) return EMPTY
  return byStructure(head, view) ?? byMagic(head, view) ?? byLaterBytes(head, view) ?? byText(head, hints)
}

/** Whether an archive begins at this offset, as far as its first bytes tell; costs a table look-up where it does not. */
export function startsPacked(bytes: Buffer, at: number): boolean {
  const first = bytes[at]
  if (first === 0x50 && isZip(bytes.subarray(at, at + 4))) return true
  if (textAt(bytes, at + 2, '-lh') || textAt(bytes, at + 7, '**ACE**') || textAt(bytes, at + 257, 'ustar')) return true
  if (first === undefined || !hasMagic(first)) return false
  const head = bytes.subarray(at, at + MAGIC_BYTES)
  return byMagic(head, new ContentView({ kind: 'memory', bytes: head }))?.packed === true
}

/** No row of the table of first bytes that is an archive looks further. */
const MAGIC_BYTES = 64

function byStructure(head: Buffer, view: ContentView): TrueType | undefined {
  switch (head[0]) {
    case 0x4d: // M
      return head[1] === 0x5a ? dosOrPe(head, view) : undefined
    case 0x50: // P
      return isZip(head) ? zipType(head) : undefined
    case 0xd0:
      return textAt(head, 0, OLE_MAGIC) ? oleType(view) : undefined
    case 0xff:
      return mpegAudio(head)
    default:
      return undefined
  }
}

/** The PE header's place is the attacker's choice, so it is read wherever it lies. */
function dosOrPe(head: Buffer, view: ContentView): TrueType {
  if (head.length < 64) return DOS
  return textAt(view.read(head.readUInt32LE(60), 4), 0, 'PE\0\0') ? PE : DOS
}

function isZip(head: Buffer): boolean {
  if (head[1] !== 0x4b) return false
  // Local file header, empty archive, spanned archive.
  return (head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6) || (head[2] === 7 && head[3] === 8)
}

const ZIP_MARKS: readonly (readonly [string, TrueType])[] = [
  ['mimetypeapplication/epub', typeNamed('epub')],
  ['mimetypeapplication/vnd.oasis.opendocument', typeNamed('odf')],
  ['[Content_Types].xml', typeNamed('ooxml')],
  ['_rels/.rels', typeNamed('ooxml')],
  ['AndroidManifest.xml', typeNamed('apk')],
  ['META-INF/MANIFEST.MF', typeNamed('jar')],
]

function zipType(head: Buffer): TrueType {
  const names = head.toString('latin1', 0, ZIP_NAME_BYTES)
  return ZIP_MARKS.find(([mark]) => names.includes(mark))?.[1] ?? ZIP
}

/** [MS-CFB] 2.6.1: the root entry's class tells an installer package from a document. */
function oleType(view: ContentView): TrueType {
  const sectorBytes = 1 << Math.min(view.read(30, 2).at(0) ?? 9, 12)
  const place = view.read(48, 4)
  if (place.length < 4) return OLE
  const root = view.read((place.readUInt32LE(0) + 1) * sectorBytes, 128)
  return root.length === 128 && MSI_CLASSES.includes(root.toString('hex', 80, 84)) && root[95] === 0x46 ? MSI : OLE
}

/** {000C1084-...}, {000C1086-...}, {000C1082-...}: package, patch, transform; little-endian. */
const MSI_CLASSES = ['84100c00', '86100c00', '82100c00']

function mpegAudio(head: Buffer): TrueType | undefined {
  const second = head[1] ?? 0
  if ((second & 0xf6) === 0xf0) return typeNamed('aac')
  // Frame sync, a layer, a bit rate and a sample rate that exist.
  const third = head[2] ?? 0xff
  const isMp3 = (second & 0xe0) === 0xe0 && (second & 0x06) !== 0 && third >> 4 !== 15 && (third & 0x0c) !== 0x0c
  return isMp3 && second !== 0xfe && second !== 0xff ? typeNamed('mp3') : undefined
}

const BRANDS: readonly (readonly [RegExp, TrueType])[] = [
  [/^avi[fs]/, typeNamed('avif')],
  [/^(?:hei[cxms]|hev[cx]|mif1|msf1)/, typeNamed('heic')],
  [/^M4[AB]/, typeNamed('m4a')],
  [/^qt/, typeNamed('mov')],
  [/./s, typeNamed('mp4')],
]

function byLaterBytes(head: Buffer, view: ContentView): TrueType | undefined {
  // The first box is no longer than 64 KiB: `<!--ftyp` is a page.
  if (head[0] === 0 && head[1] === 0 && textAt(head, 4, 'ftyp'))
    return BRANDS.find(([brand]) => brand.test(head.toString('latin1', 8, 12)))?.[1]
  if (textAt(head, 257, 'ustar')) return TAR
  if (textAt(head, 2, '-lh') || textAt(head, 2, '-lz')) return typeNamed('lha')
  if (textAt(head, 7, '**ACE**')) return typeNamed('ace')
  if (isLzma(head)) return LZMA
  if (textAt(head, 34, 'LP') && head[8] === 1 && head[9] === 0) return typeNamed('eot')
  const pdfAt = head.subarray(0, PDF_HEADER_BYTES).indexOf(PDF_MARK)
  if (pdfAt >= 0) return carrierOf(head, pdfAt) ?? PDF
  return view.size < FOOTER_BYTES ? undefined : imageType(head, view)
}

/**
 * The .lzma header has no mark (LZMA SDK, "lzma.txt"): properties below 225, a dictionary of 2^n or 2^n + 2^(n-1) bytes as XZ Utils
 * take it, a length that is unknown or below 256 GiB; the first byte of the range coder is zero.
 */
function isLzma(head: Buffer): boolean {
  if (head.length < 18 || (head[0] as number) >= 225 || head[13] !== 0) return false
  const dictionary = head.readUInt32LE(1)
  const rest = dictionary / 2 ** Math.floor(Math.log2(dictionary || 1))
  if (dictionary < 4096 || (rest !== 1 && rest !== 1.5)) return false
  if (head.readUInt32LE(5) === 0xffffffff && head.readUInt32LE(9) === 0xffffffff) return true
  return head.readUInt32LE(9) < 64 && (head.readUInt32LE(5) !== 0 || head.readUInt32LE(9) !== 0)
}

function imageType(head: Buffer, view: ContentView): TrueType | undefined {
  const footer = view.tail(FOOTER_BYTES)
  if (textAt(footer, 0, 'koly')) return DMG
  if (textAt(footer, 0, 'conectix') || textAt(footer, 1, 'conectix')) return VHD
  const volume = view.read(ISO_VOLUME_AT, 5)
  if (textAt(volume, 0, 'CD001') || textAt(volume, 0, 'BEA01')) return ISO
  return isDisk(head) ? DISK : undefined
}

const DISK_MARKS: readonly (readonly [offset: number, mark: string])[] = [
  [512, 'EFI PART'],
  [3, 'NTFS    '],
  [3, 'EXFAT   '],
  [32, 'NXSB'],
  [1024, 'H+\0\x04'],
  [1024, 'HX\0\x05'],
  [512, 'PM\0\0'],
]
const EXT_MAGIC_AT = 1080
const EXT_BLOCK_SIZE_AT = 1048

/** A bare disk or file system, as disk images hold them. */
function isDisk(head: Buffer): boolean {
  if (DISK_MARKS.some(([offset, mark]) => textAt(head, offset, mark))) return true
  if (textAt(head, EXT_MAGIC_AT, 'S\xef')) return head.readUInt32LE(EXT_BLOCK_SIZE_AT) <= 6
  if (!textAt(head, 510, 'U\xaa')) return false
  return textAt(head, 54, 'FAT') || textAt(head, 82, 'FAT32') || isFat(head) || hasPartitions(head)
}

/** By its numbers, as Windows knows it: the words `FAT16` are for people ("FAT: General Overview", BPB_*). */
function isFat(head: Buffer): boolean {
  const [sectorBytes, cluster, media] = [head.readUInt16LE(11), head[13] ?? 0, head[21] ?? 0]
  const isJump = head[0] === 0xeb || head[0] === 0xe9
  const isSector = sectorBytes >= 512 && sectorBytes <= 4096 && isPowerOf2(sectorBytes)
  const isCluster =
    cluster > 0 && isPowerOf2(cluster) && head.readUInt16LE(14) > 0 && (head[16] === 1 || head[16] === 2)
  return isJump && isSector && isCluster && (media === 0xf0 || media >= 0xf8)
}

function isPowerOf2(value: number): boolean {
  return (value & (value - 1)) === 0
}

const PARTITIONS_AT = 446
const PARTITION_BYTES = 16

/** Each entry is free or says where it begins and how long it is; its first byte is the boot flag and nothing else. */
function hasPartitions(head: Buffer): boolean {
  let used = 0
  for (let at = PARTITIONS_AT; at < PARTITIONS_AT + 4 * PARTITION_BYTES; at += PARTITION_BYTES) {
    if (((head[at] ?? 1) & 0x7f) !== 0) return false
    if (head[at + 4] === 0) continue
    if (head.readUInt32LE(at + 8) === 0 || head.readUInt32LE(at + 12) === 0) return false
    used++
  }
  return used > 0
}

const CARRIERS: ReadonlySet<TrueType> = new Set(['form', 'eml', 'mbox', 'html', 'hta', 'svg'].map(typeNamed))

/** A form, a mail or a page that carries a document in its first bytes, as it is, is still what it is: there may be more in it. */
function carrierOf(head: Buffer, documentAt: number): TrueType | undefined {
  const type = textType(head.toString('latin1', 0, documentAt), NO_HINTS)
  return CARRIERS.has(type) ? type : undefined
}

function byText(head: Buffer, hints: TextHints): TrueType {
  if (head[0] === 0xff && head[1] === 0xfe) return textType(utf16(head.subarray(2, TEXT_BYTES)), hints)
  if (head[0] === 0xfe && head[1] === 0xff)
    return textType(utf16(Buffer.from(head.subarray(2, Math.min(head.length, TEXT_BYTES) & ~1)).swap16()), hints)
  const start = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0
  const end = Math.min(head.length, TEXT_BYTES)
  const signs = countSigns(head, start, end)
  if (signs === BINARY) return DATA
  // Prose has a bracket now and then; a program is full of them. Most plain texts end here.
  const isProse = signs * PROSE_CHARS_A_SIGN < end - start
  return textType(head.toString('latin1', start, isProse ? Math.min(end, PROSE_BYTES) : end), hints, isProse)
}

function utf16(bytes: Buffer): string {
  return bytes.toString('utf16le', 0, bytes.length & ~1)
}

const BINARY = -1
const PROSE_CHARS_A_SIGN = 64
/** Enough to see a mail's or a page's beginning. */
const PROSE_BYTES = 512

/** How many bytes are punctuation of programs; BINARY at the first control character that no text has. */
function countSigns(head: Buffer, start: number, end: number): number {
  let signs = 0
  for (let i = start; i < end; i++) {
    const kind = BYTE_KINDS[head[i] as number] as number
    if (kind === CONTROL) return BINARY
    signs += kind
  }
  return signs
}

const CONTROL = 2
const PROGRAM_SIGNS = '(){};=$%@<>&'

const BYTE_KINDS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const isSpace = byte >= 0x08 && byte <= 0x0d
  if ((byte < 0x20 && !isSpace && byte !== 0x1b && byte !== 0x1a) || byte === 0x7f) return CONTROL
  return PROGRAM_SIGNS.includes(String.fromCharCode(byte)) ? 1 : 0
})
