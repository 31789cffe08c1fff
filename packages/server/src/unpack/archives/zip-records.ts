import type { ByteSource } from './member-writer.ts'

/** APPNOTE.TXT 6.3.10: 4.3.7 local header, 4.3.12 central header, 4.3.16 end record, 4.3.14/15 Zip64. */
export const LOCAL_MARK = 0x04034b50
export const CENTRAL_MARK = 0x02014b50
export const END_MARK = 0x06054b50
export const ZIP64_END_MARK = 0x06064b50
export const ZIP64_LOCATOR_MARK = 0x07064b50
export const DESCRIPTOR_MARK = 0x08074b50

const LOCAL_BYTES = 30
const CENTRAL_BYTES = 46
export const END_BYTES = 22
const ZIP64_END_BYTES = 56
const ZIP64_LOCATOR_BYTES = 20
const UNKNOWN = 0xffffffff

/** What a member is said to be, by its local header or by the directory. Nothing of it is to be trusted. */
export interface ZipHeader {
  readonly at: number
  /** Just behind the record; for a local header that is where the data begins. */
  readonly end: number
  /** Where the directory says that the local header lies, before any shift; the header's own place for a local one. */
  readonly localAt: number
  /** The name's bytes, as latin1 text: for comparing. */
  readonly rawName: string
  /** The name as readers show it; more than one where readers differ. */
  readonly names: readonly string[]
  readonly flags: number
  /** How it is packed, below any encryption. */
  readonly method: number
  readonly time: number
  readonly crc: number
  /** Undefined: told behind the data (bit 3). */
  readonly packed: number | undefined
  readonly size: number | undefined
  readonly aes: AesField | undefined
  /** Behind the name. */
  readonly nameEnd: number
  /** Bytes of extra fields and comment that are no known structure; they may hide something. */
  readonly oddBytes: number
}

/** WinZip AES, www.winzip.com/en/support/aes-encryption: extra field 0x9901. */
export interface AesField {
  /** 1: the CRC counts; 2: it is 0. */
  readonly version: number
  /** 1, 2, 3: keys of 128, 192, 256 bits. */
  readonly strength: number
}

export const FLAG_ENCRYPTED = 0x0001
export const FLAG_DESCRIPTOR = 0x0008
export const FLAG_STRONG = 0x0040
const FLAG_UTF8 = 0x0800
const METHOD_AES = 99

export function markAt(source: ByteSource, at: number): number {
  const bytes = at >= 0 ? source.read(at, 4) : NOTHING
  return bytes.length === 4 ? bytes.readUInt32LE(0) : 0
}

const NOTHING = Buffer.alloc(0)

/** Undefined where no local header lies there. */
export function localHeader(source: ByteSource, at: number): ZipHeader | undefined {
  if (at < 0) return undefined
  const fixed = source.read(at, LOCAL_BYTES)
  if (fixed.length < LOCAL_BYTES || fixed.readUInt32LE(0) !== LOCAL_MARK) return undefined
  const [nameBytes, extraBytes] = [fixed.readUInt16LE(26), fixed.readUInt16LE(28)]
  const tail = source.read(at + LOCAL_BYTES, nameBytes + extraBytes)
  return headerOf({
    at,
    end: at + LOCAL_BYTES + nameBytes + extraBytes,
    isLocal: true,
    common: fixed.subarray(6),
    name: tail.subarray(0, nameBytes),
    extra: tail.subarray(nameBytes),
    localAt: at,
    commentBytes: 0,
  })
}

/** Undefined where no central header lies there, or not all of it. */
export function centralHeader(source: ByteSource, at: number): ZipHeader | undefined {
  const fixed = source.read(at, CENTRAL_BYTES)
  if (at < 0 || fixed.length < CENTRAL_BYTES || fixed.readUInt32LE(0) !== CENTRAL_MARK) return undefined
  const nameBytes = fixed.readUInt16LE(28)
  const extraBytes = fixed.readUInt16LE(30)
  const commentBytes = fixed.readUInt16LE(32)
  const tail = source.read(at + CENTRAL_BYTES, nameBytes + extraBytes)
  return headerOf({
    at,
    end: at + CENTRAL_BYTES + nameBytes + extraBytes + commentBytes,
    isLocal: false,
    common: fixed.subarray(8),
    name: tail.subarray(0, nameBytes),
    extra: tail.subarray(nameBytes),
    localAt: fixed.readUInt32LE(42),
    commentBytes,
  })
}

interface RawHeader {
  readonly at: number
  readonly end: number
  readonly isLocal: boolean
  /** flags(2) method(2) time(2) date(2) crc(4) packed(4) size(4): the same in both kinds. */
  readonly common: Buffer
  readonly name: Buffer
  readonly extra: Buffer
  readonly localAt: number
  readonly commentBytes: number
}

function headerOf(raw: RawHeader): ZipHeader {
  const { common, extra, name } = raw
  const flags = common.readUInt16LE(0)
  const fields = extraFields(extra)
  const wide = new WideFields(fields.zip64)
  const size = wide.next(common.readUInt32LE(16))
  const packed = wide.next(common.readUInt32LE(12))
  const localAt = raw.isLocal ? raw.at : wide.next(raw.localAt)
  const method = common.readUInt16LE(2)
  const aes = method === METHOD_AES ? aesField(fields.aes) : undefined
  // 4.4.4 bit 3: a local header that says 0 says nothing.
  const isUnknown = (value: number) => raw.isLocal && (flags & FLAG_DESCRIPTOR) !== 0 && value === 0
  return {
    at: raw.at,
    end: raw.end,
    nameEnd: raw.at + (raw.isLocal ? LOCAL_BYTES : CENTRAL_BYTES) + name.length,
    localAt,
    rawName: name.toString('latin1'),
    names: namesOf(name, flags, fields.unicodePath),
    flags,
    method: aes === undefined ? method : (fields.aes?.readUInt16LE(5) ?? method),
    time: common.readUInt16LE(4),
    crc: common.readUInt32LE(8),
    packed: isUnknown(packed) ? undefined : packed,
    size: isUnknown(size) && isUnknown(packed) ? undefined : size,
    aes,
    oddBytes: Math.max(0, extra.length - fields.knownBytes) + raw.commentBytes,
  }
}

interface ExtraFields {
  readonly zip64: Buffer | undefined
  readonly aes: Buffer | undefined
  readonly unicodePath: Buffer | undefined
  readonly knownBytes: number
}

const MAX_KNOWN_EXTRA = 256

/** 4.5: id(2) size(2) data. The first of each kind counts. */
function extraFields(extra: Buffer): ExtraFields {
  const found = new Map<number, Buffer>()
  let knownBytes = 0
  for (let at = 0; at + 4 <= extra.length; ) {
    const id = extra.readUInt16LE(at)
    const size = extra.readUInt16LE(at + 2)
    const data = extra.subarray(at + 4, at + 4 + size)
    if (!found.has(id)) found.set(id, data)
    if (size <= MAX_KNOWN_EXTRA || isPadding(data)) knownBytes += 4 + size
    at += 4 + size
  }
  return { zip64: found.get(0x0001), aes: found.get(0x9901), unicodePath: found.get(0x7075), knownBytes }
}

/** Office and zipalign keep room for later (field 0xa220: two numbers, then zeros). */
function isPadding(data: Buffer): boolean {
  return data.subarray(4).every((byte) => byte === 0)
}

/** 4.5.3: the 64-bit values stand in this order, only those whose 32-bit field is all ones. */
class WideFields {
  readonly #bytes: Buffer | undefined
  #at = 0

  constructor(bytes: Buffer | undefined) {
    this.#bytes = bytes
  }

  next(value: number): number {
    if (value !== UNKNOWN || this.#bytes === undefined || this.#at + 8 > this.#bytes.length) return value
    this.#at += 8
    return number64(this.#bytes, this.#at - 8)
  }
}

/** No file is so long that a double could not tell its places; what is longer lies outside of every file. */
function number64(bytes: Buffer, at: number): number {
  return Math.min(Number(bytes.readBigUInt64LE(at)), Number.MAX_SAFE_INTEGER)
}

function aesField(bytes: Buffer | undefined): AesField | undefined {
  if (bytes === undefined || bytes.length < 7) return undefined
  const strength = bytes[4] ?? 0
  return strength >= 1 && strength <= 3 ? { version: bytes.readUInt16LE(0), strength } : undefined
}

const MAX_NAME = 1024
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** 4.4.4 bit 11 and 4.6.9 (Info-ZIP Unicode Path); without them the bytes are whatever the writer's system had. */
function namesOf(name: Buffer, flags: number, unicodePath: Buffer | undefined): readonly string[] {
  const own = decoded(name, (flags & FLAG_UTF8) !== 0)
  const other = unicodePath === undefined || unicodePath.length < 6 ? own : decoded(unicodePath.subarray(5), true)
  return own === other ? [own] : [own, other]
}

function decoded(name: Buffer, isUtf8: boolean): string {
  // The ending tells more than the beginning.
  const bytes = name.length > MAX_NAME ? Buffer.concat([name.subarray(0, MAX_NAME - 64), name.subarray(-64)]) : name
  if (isUtf8 || bytes.some((byte) => byte >= 0x80)) {
    try {
      return UTF8.decode(bytes)
    } catch {
      return bytes.toString('latin1') // some code page: shown, never used as a path
    }
  }
  return bytes.toString('latin1')
}

/** Where a directory may begin, and what must be added to its offsets where something was put before the archive. */
export interface DirectoryPlace {
  readonly at: number
  readonly shift: number
}

export interface EndRecord {
  readonly at: number
  /** Behind the comment, as far as the content goes. */
  readonly end: number
  readonly comment: Buffer
  /** Every reading of its fields, classic and Zip64, from the record backwards and from the start. */
  readonly places: readonly DirectoryPlace[]
  readonly zip64: { readonly from: number; readonly to: number } | undefined
  readonly entries: number
  /** One of several volumes. */
  readonly isPart: boolean
}

/** Undefined where no end record lies there. */
export function endRecord(source: ByteSource, at: number): EndRecord | undefined {
  const bytes = source.read(at, END_BYTES)
  if (at < 0 || bytes.length < END_BYTES || bytes.readUInt32LE(0) !== END_MARK) return undefined
  const comment = source.read(at + END_BYTES, bytes.readUInt16LE(20))
  const zip64 = zip64End(source, at)
  const disks = [bytes.readUInt16LE(4), bytes.readUInt16LE(6)]
  return {
    at,
    end: at + END_BYTES + comment.length,
    comment,
    places: unique([...(zip64?.places ?? []), ...placesOf(at, bytes.readUInt32LE(12), bytes.readUInt32LE(16))]),
    zip64: zip64 && { from: zip64.from, to: at },
    entries: bytes.readUInt16LE(10),
    isPart: disks.some((disk) => disk !== 0 && disk !== 0xffff),
  }
}

function placesOf(endAt: number, bytes: number, offset: number): DirectoryPlace[] {
  return [
    { at: endAt - bytes, shift: endAt - bytes - offset },
    { at: offset, shift: 0 },
  ]
}

function unique(places: readonly DirectoryPlace[]): DirectoryPlace[] {
  return places.filter(({ at, shift }, index) => {
    const first = places.findIndex((other) => other.at === at && other.shift === shift)
    return at >= 0 && first === index
  })
}

/** The locator says where the record lies, which is wrong where something was put before; so it is looked for just before the locator too. */
function zip64End(source: ByteSource, endAt: number): { from: number; places: DirectoryPlace[] } | undefined {
  const locatorAt = endAt - ZIP64_LOCATOR_BYTES
  const locator = locatorAt >= 0 ? source.read(locatorAt, ZIP64_LOCATOR_BYTES) : NOTHING
  if (locator.length < ZIP64_LOCATOR_BYTES || locator.readUInt32LE(0) !== ZIP64_LOCATOR_MARK) return undefined
  const found = [number64(locator, 8), locatorAt - ZIP64_END_BYTES].filter(
    (at) => at >= 0 && markAt(source, at) === ZIP64_END_MARK,
  )
  const places = found.flatMap((at) => {
    const record = source.read(at, ZIP64_END_BYTES)
    return record.length < ZIP64_END_BYTES ? [] : placesOf(at, number64(record, 40), number64(record, 48))
  })
  return { from: found.includes(locatorAt - ZIP64_END_BYTES) ? locatorAt - ZIP64_END_BYTES : locatorAt, places }
}
