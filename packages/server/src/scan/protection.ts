import type { ContentView } from '../unpack/content-view.ts'
import { textAt } from './magic.ts'
import type { TrueType } from './true-types.ts'
import { firstLocalIsEncrypted, zipEntries, zipMember } from './zip-directory.ts'

export type Protection = 'encrypted' | 'no'

const MAX_HEADERS = 256
const MANIFEST_BYTES = 1024 * 1024
const OLE_DIRECTORY_BYTES = 64 * 1024
const PDF_END_BYTES = 64 * 1024

const CHECKS: Readonly<Record<string, (view: ContentView) => boolean>> = {
  zip: isZipEncrypted,
  ooxml: isZipEncrypted,
  jar: isZipEncrypted,
  apk: isZipEncrypted,
  epub: isZipEncrypted,
  odf: (view) => isZipEncrypted(view) || isOdfEncrypted(view),
  rar: isRarEncrypted,
  '7z': is7zEncrypted,
  pdf: isPdfEncrypted,
  ole: isOleEncrypted,
}

/** Whether a password stands before the contents. Looks at structure only and at bounded parts of it; 'no' means "not seen". */
export function protectionOf(view: ContentView, type: TrueType): Protection {
  const check = CHECKS[type.name]
  return check?.(view) ? 'encrypted' : 'no'
}

/** APPNOTE.TXT 4.4.4: bit 0 of the flags, for classic and AES encryption alike. One such member is enough. */
function isZipEncrypted(view: ContentView): boolean {
  return firstLocalIsEncrypted(view) || zipEntries(view).some((entry) => entry.encrypted)
}

/** ODF 1.3 part 2, 4.16.4: the manifest tells which files are encrypted; the ZIP's own flags do not. */
function isOdfEncrypted(view: ContentView): boolean {
  const manifest = zipEntries(view).find((entry) => entry.name === 'META-INF/manifest.xml')
  const text = manifest && zipMember(view, manifest, MANIFEST_BYTES)
  return text?.includes('encryption-data') ?? false
}

function isRarEncrypted(view: ContentView): boolean {
  return textAt(view.head, 6, '\x01\0') ? isRar5Encrypted(view) : isRar4Encrypted(view)
}

/** RAR 4: block head CRC(2) type(1) flags(2) size(2) [packed size(4)]; 0x73 archive (0x80: headers), 0x74 file (0x04: password). */
function isRar4Encrypted(view: ContentView): boolean {
  let at = 7
  for (let count = 0; count < MAX_HEADERS; count++) {
    const block = view.read(at, 11)
    if (block.length < 7) return false
    const [type, flags, size] = [block[2], block.readUInt16LE(3), block.readUInt16LE(5)]
    if (type === 0x73 && (flags & 0x80) !== 0) return true
    if (type === 0x74 && (flags & 0x04) !== 0) return true
    const hasData = type === 0x74 || (flags & 0x8000) !== 0
    if (size < 7 || (hasData && block.length < 11)) return false
    at += size + (hasData ? block.readUInt32LE(7) : 0)
  }
  return false
}

/** RAR 5: CRC(4), then numbers of 7 bits a byte: size, type, flags, [extra size], [data size]; type 4 = all headers are encrypted. */
function isRar5Encrypted(view: ContentView): boolean {
  let at = 8
  for (let count = 0; count < MAX_HEADERS; count++) {
    const block = view.read(at, 4096)
    const reader = new VarReader(block, 4)
    const size = reader.next()
    const bodyAt = reader.at
    const [type, flags] = [reader.next(), reader.next()]
    if (size === 0 || reader.failed) return false
    if (type === 4) return true
    const extraBytes = (flags & 1) === 0 ? 0 : reader.next()
    const dataBytes = (flags & 2) === 0 ? 0 : reader.next()
    const bodyEnd = bodyAt + size
    if (type === 2 && hasCryptRecord(block, bodyEnd - extraBytes, bodyEnd)) return true
    at += bodyEnd + dataBytes
  }
  return false
}

/** An extra record of type 1 is "file encryption". */
function hasCryptRecord(block: Buffer, from: number, to: number): boolean {
  const reader = new VarReader(block, from)
  while (reader.at < to) {
    const size = reader.next()
    const recordAt = reader.at
    if (reader.next() === 1 && !reader.failed) return true
    if (reader.failed || size === 0) return false
    reader.at = recordAt + size
  }
  return false
}

/** Numbers as RAR 5 writes them; past the end it has failed and gives 0. */
class VarReader {
  at: number
  failed = false
  readonly #bytes: Buffer

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  next(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 50; scale *= 128) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    this.failed = true
    return 0
  }
}

const SEVEN_ZIP_AES = Buffer.from([0x06, 0xf1, 0x07, 0x01])

/** The AES coder's id in the end header. A header that is packed itself hides it: then it stays "not unpacked". */
function is7zEncrypted(view: ContentView): boolean {
  if (view.head.length < 32) return false
  const offset = Number(view.head.readBigUInt64LE(12))
  const size = Number(view.head.readBigUInt64LE(20))
  return view.read(32 + offset, size).includes(SEVEN_ZIP_AES)
}

const PDF_ENCRYPT = /\/Encrypt(?:\s+\d+\s+\d+\s+R|\s*<<)/

/** ISO 32000-1 7.6: the trailer (at an end of the file; linearised files have one in front) refers to an encryption dictionary. */
function isPdfEncrypted(view: ContentView): boolean {
  const ends = [view.read(0, PDF_END_BYTES), view.tail(PDF_END_BYTES)]
  return ends.some((bytes) => PDF_ENCRYPT.test(bytes.toString('latin1')))
}

const ENCRYPTED_PACKAGE = Buffer.from('EncryptedPackage', 'utf16le')

/** [MS-OFFCRYPTO] 2.3.4: OOXML behind a password is an OLE file with this stream; older formats have marks of their own. */
function isOleEncrypted(view: ContentView): boolean {
  const sectorBytes = 1 << Math.min(view.read(30, 1)[0] ?? 9, 12)
  const place = view.read(48, 4)
  if (place.length < 4) return false
  const directory = view.read((place.readUInt32LE(0) + 1) * sectorBytes, OLE_DIRECTORY_BYTES)
  if (directory.includes(ENCRYPTED_PACKAGE)) return true
  return hasLegacyPassword(view.read(sectorBytes, 64))
}

/** Best effort on the first stream: [MS-DOC] 2.5.2 fEncrypted, and a FILEPASS record behind the BOF ([MS-XLS] 2.4.117). */
function hasLegacyPassword(stream: Buffer): boolean {
  if (stream.length < 64) return false
  if (stream.readUInt16LE(0) === 0xa5ec) return (stream.readUInt16LE(10) & 0x0100) !== 0
  if (stream.readUInt16LE(0) !== 0x0809) return false
  const next = 4 + stream.readUInt16LE(2)
  return next + 2 <= stream.length && stream.readUInt16LE(next) === 0x002f
}
