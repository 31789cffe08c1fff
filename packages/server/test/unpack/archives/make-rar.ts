import { createCipheriv, createHash, pbkdf2Sync, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { PlainFile } from './make-archive.ts'

/** RAR archives of stored files: nobody packages a program that makes them. Format: RARLAB's technotes for 4.x and 5.0. */
export interface RarOptions {
  readonly password?: string
  /** Names are behind the password too. */
  readonly hideNames?: boolean
  /** Says that it is one volume of several. */
  readonly isVolume?: boolean
}

const MARK_5 = Buffer.from('Rar!\x1a\x07\x01\0', 'latin1')
const KDF_LOG2 = 12

export function makeRar5(files: readonly PlainFile[], options: RarOptions = {}): Buffer {
  const lock = options.password === undefined ? undefined : rar5Lock(options.password)
  const hidden = options.hideNames ? lock : undefined
  const seal = (header: Buffer) => (hidden === undefined ? header : hidden.seal(header))
  return Buffer.concat([
    MARK_5,
    ...(hidden === undefined ? [] : [block5([vint(4), vint(0), vint(0), vint(1), hidden.facts])]),
    seal(block5([vint(1), vint(0), vint(options.isVolume ? 1 : 0)])),
    ...files.flatMap((file) => rar5File(file, lock, seal)),
    seal(block5([vint(5), vint(0), vint(options.isVolume ? 1 : 0)])),
  ])
}

function rar5File({ name, bytes }: PlainFile, lock: Rar5Lock | undefined, seal: (header: Buffer) => Buffer): Buffer[] {
  const iv = randomBytes(16)
  const data = lock === undefined ? bytes : lock.encrypt(bytes, iv)
  const record = lock === undefined ? undefined : Buffer.concat([vint(1), vint(0), vint(1), lock.factsWith(iv)])
  const extra = record === undefined ? undefined : Buffer.concat([vint(record.length), record])
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(bytes))
  const nameBytes = Buffer.from(name)
  const fields = [vint(4), vint(bytes.length), vint(0o644), sum, vint(0), vint(1), vint(nameBytes.length), nameBytes]
  const sizes = extra === undefined ? [vint(2)] : [vint(3), vint(extra.length)]
  return [seal(block5([vint(2), ...sizes, vint(data.length), ...fields, ...(extra ? [extra] : [])])), data]
}

interface Rar5Lock {
  readonly facts: Buffer
  factsWith(iv: Buffer): Buffer
  encrypt(bytes: Buffer, iv: Buffer): Buffer
  seal(header: Buffer): Buffer
}

function rar5Lock(password: string): Rar5Lock {
  const salt = randomBytes(16)
  const rounds = 2 ** KDF_LOG2
  const key = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const long = pbkdf2Sync(password, salt, rounds + 32, 32, 'sha256')
  const check = Buffer.alloc(8)
  for (const [i, byte] of long.entries()) check[i % 8] = (check[i % 8] as number) ^ byte
  const sum = createHash('sha256').update(check).digest().subarray(0, 4)
  const encrypt = (bytes: Buffer, iv: Buffer) => {
    const cipher = createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false)
    return Buffer.concat([cipher.update(padded(bytes)), cipher.final()])
  }
  return {
    facts: Buffer.concat([Buffer.from([KDF_LOG2]), salt, check, sum]),
    factsWith: (iv) => Buffer.concat([Buffer.from([KDF_LOG2]), salt, iv, check, sum]),
    encrypt,
    seal(header) {
      const iv = randomBytes(16)
      return Buffer.concat([iv, encrypt(header, iv)])
    },
  }
}

function block5(parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const sized = Buffer.concat([vint(body.length), body])
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(sized))
  return Buffer.concat([sum, sized])
}

function vint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((16 - (bytes.length % 16)) % 16)])
}

const MARK_4 = Buffer.from('Rar!\x1a\x07\0', 'latin1')
const KDF_ROUNDS = 0x40000

export function makeRar4(files: readonly PlainFile[], { password, isVolume }: RarOptions = {}): Buffer {
  return Buffer.concat([
    MARK_4,
    block4(0x73, isVolume ? 1 : 0, Buffer.alloc(6)),
    ...files.flatMap((file) => rar4File(file, password)),
    block4(0x7b, 0x4000, Buffer.alloc(0)),
  ])
}

function rar4File({ name, bytes }: PlainFile, password: string | undefined): Buffer[] {
  const nameBytes = Buffer.from(name, 'latin1')
  const salt = randomBytes(8)
  const data = password === undefined ? bytes : rar4Encrypted(bytes, password, salt)
  const head = Buffer.alloc(25)
  head.writeUInt32LE(data.length, 0)
  head.writeUInt32LE(bytes.length, 4)
  head[8] = 3
  head.writeUInt32LE(crc32(bytes), 9)
  head[17] = password === undefined ? 20 : 29
  head[18] = 0x30
  head.writeUInt16LE(nameBytes.length, 19)
  head.writeUInt32LE(0o100644, 21)
  const flags = 0x8000 | (password === undefined ? 0 : 0x404)
  const rest = password === undefined ? [head, nameBytes] : [head, nameBytes, salt]
  return [block4(0x74, flags, Buffer.concat(rest)), data]
}

function rar4Encrypted(bytes: Buffer, password: string, salt: Buffer): Buffer {
  const raw = Buffer.concat([Buffer.from(password, 'utf16le'), salt])
  const hash = createHash('sha1')
  const iv = Buffer.alloc(16)
  for (let i = 0; i < KDF_ROUNDS; i++) {
    hash.update(Buffer.concat([raw, Buffer.from([i & 0xff, (i >> 8) & 0xff, i >> 16])]))
    if (i % (KDF_ROUNDS / 16) === 0) iv[i / (KDF_ROUNDS / 16)] = hash.copy().digest()[19] as number
  }
  const key = hash.digest().subarray(0, 16).swap32()
  const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false)
  return Buffer.concat([cipher.update(padded(bytes)), cipher.final()])
}

function block4(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(7)
  head[2] = type
  head.writeUInt16LE(flags, 3)
  head.writeUInt16LE(7 + body.length, 5)
  const block = Buffer.concat([head, body])
  block.writeUInt16LE(crc32(block.subarray(2)) & 0xffff, 0)
  return block
}
