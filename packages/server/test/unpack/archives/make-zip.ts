import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto'
import { crc32, deflateRawSync, zstdCompressSync } from 'node:zlib'

/** What one header says where it does not say the truth. */
export interface ZipLies {
  readonly name?: string | Buffer
  readonly method?: number
  readonly flags?: number
  readonly crc?: number
  readonly packed?: number
  readonly size?: number
  readonly extra?: Buffer
}

export interface ZipSpec {
  readonly name: string | Buffer
  readonly data?: string | Buffer
  /** stored unless said. */
  readonly how?: 'stored' | 'deflate' | 'zstd'
  /** Packed data as they shall stand, instead of `data` packed. */
  readonly raw?: Buffer
  /** Sizes and CRC behind the data; the local header says 0. */
  readonly descriptor?: boolean | 'unmarked' | 'zip64'
  readonly zip64?: boolean
  readonly password?: {
    readonly text: string
    readonly how: 'zipcrypto' | 'ae1' | 'ae2'
    readonly bits?: 128 | 192 | 256
  }
  readonly local?: ZipLies
  readonly central?: ZipLies & { readonly at?: number; readonly comment?: Buffer }
  /** No such header at all. */
  readonly noLocal?: boolean
  readonly noCentral?: boolean
  /** Between this member and the next record. */
  readonly behind?: Buffer
  /** Entries in the directory: the same member again. */
  readonly copies?: number
}

export interface ZipShape {
  readonly before?: Buffer
  readonly after?: Buffer
  readonly beforeDirectory?: Buffer
  readonly comment?: Buffer
  /** Added to every offset that is written, the directory's too. */
  readonly offsetsAreOff?: number
  readonly end?: boolean
  readonly directory?: boolean
  readonly zip64?: boolean
  readonly entries?: number
  readonly disk?: number
}

const METHODS = { stored: 0, deflate: 8, zstd: 93 }

/** A ZIP with every oddity that is asked for; offsets count from `before` on unless told. */
export function makeZip(specs: readonly ZipSpec[], shape: ZipShape = {}): Buffer {
  const before = shape.before ?? Buffer.alloc(0)
  const body: Buffer[] = []
  const directory: Buffer[] = []
  let at = before.length
  let entries = 0
  for (const spec of specs) {
    const member = packedMember(spec)
    const localAt = at + (shape.offsetsAreOff ?? 0)
    const pieces = [...(spec.noLocal ? [] : [localOf(member, spec)]), member.packed, descriptorOf(member, spec)]
    pieces.push(spec.behind ?? Buffer.alloc(0))
    for (const piece of pieces) at += piece.length
    body.push(...pieces)
    if (spec.noCentral) continue
    for (let copy = 0; copy < (spec.copies ?? 1); copy++) directory.push(centralOf(member, spec, localAt))
    entries += spec.copies ?? 1
  }
  const between = shape.beforeDirectory ?? Buffer.alloc(0)
  const records = Buffer.concat(shape.directory === false ? [] : directory)
  const directoryAt = at + between.length + (shape.offsetsAreOff ?? 0)
  const end = shape.end === false ? Buffer.alloc(0) : endOf({ shape, directoryAt, bytes: records.length, entries })
  return Buffer.concat([before, ...body, between, records, end, shape.after ?? Buffer.alloc(0)])
}

interface Member {
  readonly name: Buffer
  readonly method: number
  readonly flags: number
  readonly crc: number
  readonly packed: Buffer
  readonly size: number
  readonly extra: Buffer
}

function packedMember(spec: ZipSpec): Member {
  const plain = Buffer.from(spec.data ?? '')
  const how = spec.how ?? 'stored'
  const packed =
    spec.raw ?? (how === 'stored' ? plain : how === 'deflate' ? deflateRawSync(plain) : zstdCompressSync(plain))
  const name = Buffer.from(spec.name as string)
  const crc = crc32(plain)
  const method = METHODS[how]
  const flags = (spec.descriptor ? 8 : 0) | (spec.password ? 1 : 0)
  const member = { name, method, flags, crc, packed, size: plain.length, extra: Buffer.alloc(0) }
  const { password } = spec
  if (password === undefined) return member
  if (password.how === 'zipcrypto') return { ...member, packed: zipCrypto(packed, password.text, crc >>> 24) }
  const version = password.how === 'ae1' ? 1 : 2
  const strength = ((password.bits ?? 256) - 64) / 64
  const extra = Buffer.from([0x01, 0x99, 7, 0, version, 0, 0x41, 0x45, strength, method, 0])
  return {
    ...member,
    method: 99,
    crc: version === 2 ? 0 : crc,
    extra,
    packed: winZipAes(packed, password.text, strength),
  }
}

function commonOf(
  member: Member,
  lies: ZipLies,
  isUnknown: boolean,
  zip64: boolean,
): { head: Buffer; name: Buffer; extra: Buffer } {
  const name = lies.name === undefined ? member.name : Buffer.from(lies.name as string)
  const size = lies.size ?? (isUnknown ? 0 : member.size)
  const packed = lies.packed ?? (isUnknown ? 0 : member.packed.length)
  const extra = lies.extra ?? Buffer.concat([member.extra, zip64 ? zip64Extra([size, packed]) : Buffer.alloc(0)])
  const head = Buffer.alloc(24)
  head.writeUInt16LE(lies.flags ?? member.flags, 0)
  head.writeUInt16LE(lies.method ?? member.method, 2)
  head.writeUInt16LE(0x5a21, 6)
  head.writeUInt32LE(lies.crc ?? (isUnknown ? 0 : member.crc), 8)
  head.writeUInt32LE(zip64 ? 0xffffffff : packed, 12)
  head.writeUInt32LE(zip64 ? 0xffffffff : size, 16)
  head.writeUInt16LE(name.length, 20)
  head.writeUInt16LE(extra.length, 22)
  return { head, name, extra }
}

function localOf(member: Member, spec: ZipSpec): Buffer {
  const { head, name, extra } = commonOf(member, spec.local ?? {}, Boolean(spec.descriptor), spec.zip64 === true)
  return Buffer.concat([Buffer.from('PK\x03\x04\x14\0', 'latin1'), head, name, extra])
}

function centralOf(member: Member, spec: ZipSpec, localAt: number): Buffer {
  const { head, name, extra } = commonOf(member, spec.central ?? {}, false, spec.zip64 === true)
  const comment = spec.central?.comment ?? Buffer.alloc(0)
  const rest = Buffer.alloc(14)
  rest.writeUInt16LE(comment.length, 0)
  rest.writeUInt32LE((spec.central?.at ?? localAt) >>> 0, 10)
  return Buffer.concat([Buffer.from('PK\x01\x02\x14\0\x14\0', 'latin1'), head, rest, name, extra, comment])
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(values.length * 8, 2)
  values.forEach((value, index) => void extra.writeBigUInt64LE(BigInt(value), 4 + index * 8))
  return extra
}

function descriptorOf(member: Member, { descriptor }: ZipSpec): Buffer {
  if (!descriptor) return Buffer.alloc(0)
  const wide = descriptor === 'zip64'
  const bytes = Buffer.alloc(wide ? 20 : 12)
  bytes.writeUInt32LE(member.crc, 0)
  if (wide) {
    bytes.writeBigUInt64LE(BigInt(member.packed.length), 4)
    bytes.writeBigUInt64LE(BigInt(member.size), 12)
  } else {
    bytes.writeUInt32LE(member.packed.length, 4)
    bytes.writeUInt32LE(member.size, 8)
  }
  return descriptor === 'unmarked' ? bytes : Buffer.concat([Buffer.from('PK\x07\x08', 'latin1'), bytes])
}

function endOf({
  shape,
  directoryAt,
  bytes,
  entries,
}: {
  shape: ZipShape
  directoryAt: number
  bytes: number
  entries: number
}): Buffer {
  const comment = shape.comment ?? Buffer.alloc(0)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(shape.disk ?? 0, 4)
  const count = shape.entries ?? entries
  end.writeUInt16LE(shape.zip64 ? 0xffff : count & 0xffff, 8)
  end.writeUInt16LE(shape.zip64 ? 0xffff : count & 0xffff, 10)
  end.writeUInt32LE(shape.zip64 ? 0xffffffff : bytes, 12)
  end.writeUInt32LE(shape.zip64 ? 0xffffffff : directoryAt >>> 0, 16)
  end.writeUInt16LE(comment.length, 20)
  if (!shape.zip64) return Buffer.concat([end, comment])
  const record = Buffer.alloc(56)
  record.write('PK\x06\x06', 'latin1')
  record.writeBigUInt64LE(44n, 4)
  record.writeBigUInt64LE(BigInt(entries), 24)
  record.writeBigUInt64LE(BigInt(entries), 32)
  record.writeBigUInt64LE(BigInt(bytes), 40)
  record.writeBigUInt64LE(BigInt(directoryAt), 48)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeBigUInt64LE(BigInt(directoryAt + bytes), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([record, locator, end, comment])
}

/** APPNOTE.TXT 6.1, written from its text and checked against Info-ZIP's `zip -P` elsewhere in these tests. */
function zipCrypto(plain: Buffer, password: string, check: number): Buffer {
  const keys = [0x12345678, 0x23456789, 0x34567890] as [number, number, number]
  // crc32 of node:zlib complements before and after; a single step is the table look-up only.
  const step = (crc: number, byte: number) => ~crc32(Buffer.of(byte), ~crc >>> 0) >>> 0
  const feed = (byte: number) => {
    keys[0] = step(keys[0], byte)
    keys[1] = (Math.imul((keys[1] + (keys[0] & 0xff)) | 0, 134775813) + 1) >>> 0
    keys[2] = step(keys[2], keys[1] >>> 24)
  }
  for (const byte of Buffer.from(password)) feed(byte)
  const header = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, check])
  return Buffer.from(
    [...header, ...plain].map((byte) => {
      const temp = (keys[2] | 2) & 0xffff
      const encrypted = byte ^ ((Math.imul(temp, temp ^ 1) >>> 8) & 0xff)
      feed(byte)
      return encrypted
    }),
  )
}

/** WinZip's specification, a block at a time; checked against 7-Zip's archives elsewhere in these tests. */
function winZipAes(plain: Buffer, password: string, strength: number): Buffer {
  const [saltBytes, keyBytes] = [4 + 4 * strength, 8 + 8 * strength]
  const salt = Buffer.alloc(saltBytes, 0x5c)
  const derived = pbkdf2Sync(password, salt, 1000, 2 * keyBytes + 2, 'sha1')
  const cipher = createCipheriv(`aes-${keyBytes * 8}-ecb`, derived.subarray(0, keyBytes), null)
  const data = Buffer.from(plain)
  for (let at = 0, counter = 1; at < data.length; at += 16, counter++) {
    const block = Buffer.alloc(16)
    block.writeUInt32LE(counter, 0)
    const stream = cipher.update(block)
    for (let i = 0; i < 16 && at + i < data.length; i++) data[at + i] = (data[at + i] as number) ^ (stream[i] as number)
  }
  const mac = createHmac('sha1', derived.subarray(keyBytes, 2 * keyBytes))
    .update(data)
    .digest()
    .subarray(0, 10)
  return Buffer.concat([salt, derived.subarray(2 * keyBytes), data, mac])
}
