import type { ContentView } from '../unpack/content-view.ts'
import { type TrueType, typeNamed } from './true-types.ts'

interface Magic {
  readonly type: TrueType
  readonly bytes: Buffer
  /** A second look where the first bytes say too little. */
  confirm?(head: Buffer, view: ContentView): boolean
}

/** type, first bytes (latin1), what else must hold. */
type Row = readonly [name: string, bytes: string, confirm?: Magic['confirm']]

const at = (offset: number, text: string) => (head: Buffer) => textAt(head, offset, text)

const ROWS: readonly Row[] = [
  ['elf', '\x7fELF'],
  ['macho', '\xfe\xed\xfa\xce'],
  ['macho', '\xfe\xed\xfa\xcf'],
  ['macho', '\xce\xfa\xed\xfe'],
  ['macho', '\xcf\xfa\xed\xfe'],
  // The fat header counts architectures where a Java class has its version, 45 and up.
  ['macho', '\xca\xfe\xba\xbe', (head) => head.length >= 8 && head.readUInt32BE(4) < 40],
  ['class', '\xca\xfe\xba\xbe'],
  ['dex', 'dex\n0'],
  ['wasm', '\0asm'],
  ['swf', 'FWS', (head) => (head[3] ?? 99) < 64],
  ['swf', 'CWS', (head) => (head[3] ?? 99) < 64],
  ['swf', 'ZWS', (head) => (head[3] ?? 99) < 64],
  ['lnk', 'L\0\0\0\x01\x14\x02\0'],
  ['crx', 'Cr24'],
  ['7z', "7z\xbc\xaf'\x1c"],
  ['rar', 'Rar!\x1a\x07'],
  ['gz', '\x1f\x8b'],
  ['compress', '\x1f\x9d'],
  ['lha', '\x1f\xa0'],
  ['bz2', 'BZh', (head) => (head[3] ?? 0) >= 0x31 && (head[3] ?? 0) <= 0x39],
  ['xz', '\xfd7zXZ\0'],
  ['zst', '(\xb5/\xfd'],
  ['lz4', '\x04"M\x18'],
  ['lzip', 'LZIP'],
  ['lzma', ']\0\0', (head) => head.length > 13 && (head[12] === 0 || head[12] === 0xff)],
  ['szdd', 'SZDD\x88\xf0\x27\x33'],
  ['szdd', 'SZ \x88\xf0\x27\x33\xd1'],
  ['szdd', 'KWAJ\x88\xf0\x27\xd1'],
  ['cab', 'MSCF'],
  ['cab', 'ISc('],
  ['arj', '`\xea'],
  ['ar', '!<arch>\n'],
  ['rpm', '\xed\xab\xee\xdb'],
  ['cpio', '07070'],
  ['cpio', '\xc7\x71'],
  ['xar', 'xar!'],
  ['wim', 'MSWIM\0\0\0'],
  ['vhd', 'conectix'],
  ['vhdx', 'vhdxfile'],
  ['squashfs', 'hsqs'],
  ['egg', 'EGGA'],
  ['qcow', 'QFI\xfb'],
  ['vmdk', 'KDMV\x01'],
  ['vmdk', 'KDMV\x02'],
  ['vmdk', 'KDMV\x03'],
  ['other-archive', 'ZOO ', at(20, '\xdc\xa7\xc4\xfd')],
  ['other-archive', 'StuffIt (c)'],
  ['other-archive', 'SIT!', at(10, 'rLau')],
  ['other-archive', '(This file must be converted with BinHex'],
  ['other-archive', '\x89LZO\0\r\n\x1a\n'],
  ['other-archive', 'LRZI'],
  ['other-archive', '7kSt\xa0\x31\x83\xd3'],
  ['other-archive', 'RE~^'],
  ['other-archive', 'ArC\x01'],
  ['other-archive', '\xff\x06\0\0sNaPpY'],
  ['other-archive', 'sqsh'],
  ['other-archive', '\x45\x3d\xcd\x28'],
  ['other-archive', '-rom1fs-'],
  ['other-archive', 'LUKS\xba\xbe'],
  ['other-archive', 'encrcdsa'],
  ['other-archive', '<<< ', (head) => textAt(head, 64, '\x7f\x10\xda\xbe')],
  ['alz', 'ALZ\x01'],
  ['tnef', '\x78\x9f\x3e\x22'],
  ['pdf', '%PDF-'],
  ['ps', '%!PS'],
  ['rtf', '{\\rt'],
  ['onenote', '\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d'],
  ['chm', 'ITSF'],
  ['djvu', 'AT&TFORM'],
  ['vbe', '#@~^'],
  ['png', '\x89PNG\r\n\x1a\n'],
  ['jpg', '\xff\xd8\xff'],
  ['gif', 'GIF8'],
  ['bmp', 'BM', (head) => head.length > 26 && head.readUInt32LE(6) === 0 && head.readUInt32LE(10) < 65_536],
  ['webp', 'RIFF', at(8, 'WEBP')],
  ['wav', 'RIFF', at(8, 'WAVE')],
  ['avi', 'RIFF', at(8, 'AVI ')],
  ['tiff', 'II*\0'],
  ['tiff', 'MM\0*'],
  ['ico', '\0\0\x01\0', (head) => (head[4] ?? 0) > 0 && head[5] === 0 && head[9] === 0],
  ['ico', '\0\0\x02\0', (head) => (head[4] ?? 0) > 0 && head[5] === 0 && head[9] === 0],
  ['psd', '8BPS'],
  ['jxl', '\0\0\0\x0cJXL '],
  ['jp2', '\0\0\0\x0cjP  '],
  ['dds', 'DDS '],
  ['icns', 'icns'],
  ['mp3', 'ID3', (head) => (head[3] ?? 99) < 5],
  ['flac', 'fLaC'],
  ['ogv', 'OggS', (head) => textAt(head, 28, '\x80theora')],
  ['ogg', 'OggS'],
  ['amr', '#!AMR'],
  ['midi', 'MThd'],
  ['aiff', 'FORM', at(8, 'AIF')],
  ['au', '.snd'],
  ['matroska', '\x1a\x45\xdf\xa3'],
  ['flv', 'FLV\x01'],
  ['mpeg', '\0\0\x01\xba'],
  ['mpeg', '\0\0\x01\xb3'],
  ['ts', 'G', (head) => head.length > 376 && head[188] === 0x47 && head[376] === 0x47],
  ['asf', '\x30\x26\xb2\x75\x8e\x66\xcf\x11'],
  ['ttf', '\0\x01\0\0', (head) => head[4] === 0 && (head[5] ?? 0) > 0 && (head[5] ?? 0) < 64],
  ['otf', 'OTTO'],
  ['ttc', 'ttcf'],
  ['woff', 'wOFF'],
  ['woff2', 'wOF2'],
]

const BY_FIRST_BYTE: readonly (readonly Magic[])[] = Array.from({ length: 256 }, (_, first) =>
  ROWS.filter(([, bytes]) => bytes.charCodeAt(0) === first).map(([name, bytes, confirm]) => ({
    type: typeNamed(name),
    bytes: Buffer.from(bytes, 'latin1'),
    ...(confirm ? { confirm } : {}),
  })),
)

/** The type whose first bytes these are; what needs more than first bytes (PE, ZIP, OLE, ISO base media) is not here. */
export function byMagic(head: Buffer, view: ContentView): TrueType | undefined {
  for (const magic of BY_FIRST_BYTE[head[0] ?? 0] ?? []) {
    if (startsWith(head, magic.bytes) && (magic.confirm === undefined || magic.confirm(head, view))) return magic.type
  }
  return undefined
}

export function hasMagic(first: number): boolean {
  return (BY_FIRST_BYTE[first] ?? []).length > 0
}

function startsWith(head: Buffer, bytes: Buffer): boolean {
  if (head.length < bytes.length) return false
  for (let i = 1; i < bytes.length; i++) if (head[i] !== bytes[i]) return false
  return true
}

/** Compares in place: cutting a string out of the buffer costs more than all the rest of a look at it. */
export function textAt(bytes: Buffer, offset: number, text: string): boolean {
  if (bytes.length < offset + text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[offset + i] !== text.charCodeAt(i)) return false
  return true
}
