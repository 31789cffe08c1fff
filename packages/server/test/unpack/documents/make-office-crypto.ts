import { Buffer } from 'node:buffer'
import { createCipheriv, hash, randomBytes } from 'node:crypto'
import { Rc4 } from '../../../src/unpack/documents/office-crypto-rc4.ts'
import { xorArray, xorKey, xorVerifier } from '../../../src/unpack/documents/office-crypto-xor.ts'
import { makeOle } from './make-ole.ts'

/** Seals data as Office does ([MS-OFFCRYPTO]); the readers were checked against files of LibreOffice and of npm officecrypto-tool. */

const utf16 = (text: string) => Buffer.from(text, 'utf16le')

function le32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function sized(data: Buffer): Buffer {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(data.length))
  return size
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((16 - (data.length % 16)) % 16)])
}

function spun(name: string, first: Buffer, count: number): Buffer {
  let value = first
  for (let round = 0; round < count; round++) value = hash(name, Buffer.concat([le32(round), value]), 'buffer')
  return value
}

function seal(name: string, key: Buffer, iv: Buffer | null, data: Buffer): Buffer {
  const cipher = createCipheriv(name, key, iv)
  cipher.setAutoPadding(false)
  return Buffer.concat([cipher.update(padded(data)), cipher.final()])
}

export interface AgileOptions {
  readonly password: string
  readonly hashName?: 'SHA1' | 'SHA256' | 'SHA384' | 'SHA512'
  readonly keyBits?: 128 | 192 | 256
  readonly spinCount?: number
}

/** A compound file that holds a package under agile encryption. */
export function makeAgile(data: Buffer, options: AgileOptions): Buffer {
  const { password, hashName = 'SHA512', keyBits = 256, spinCount = 1000 } = options
  const name = hashName.toLowerCase()
  const fit = (bytes: Buffer, size: number) =>
    Buffer.concat([bytes.subarray(0, size), Buffer.alloc(Math.max(0, size - bytes.length), 0x36)])
  const [keySalt, salt, secret, test] = [randomBytes(16), randomBytes(16), randomBytes(keyBits / 8), randomBytes(16)]
  const base = spun(name, hash(name, Buffer.concat([salt, utf16(password)]), 'buffer'), spinCount)
  const sealed = (ending: string, value: Buffer) => {
    const derived = hash(name, Buffer.concat([base, Buffer.from(ending, 'hex')]), 'buffer')
    return seal(`aes-${keyBits}-cbc`, fit(derived, keyBits / 8), salt, value).toString('base64')
  }
  const common = `saltSize="16" blockSize="16" keyBits="${keyBits}" hashSize="64" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="${hashName}"`
  const xml = `<?xml version="1.0"?><encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password"><keyData ${common} saltValue="${keySalt.toString('base64')}"/><keyEncryptors><keyEncryptor><p:encryptedKey spinCount="${spinCount}" ${common} saltValue="${salt.toString('base64')}" encryptedVerifierHashInput="${sealed('fea7d2763b4b9e79', test)}" encryptedVerifierHashValue="${sealed('d7aa0f6d3061344e', hash(name, test, 'buffer'))}" encryptedKeyValue="${sealed('146e0be7abacd0d6', secret)}"/></keyEncryptor></keyEncryptors></encryption>`
  const segments: Buffer[] = [sized(data)]
  for (let at = 0; at < data.length; at += 4096) {
    const iv = fit(hash(name, Buffer.concat([keySalt, le32(at / 4096)]), 'buffer'), 16)
    segments.push(seal(`aes-${keyBits}-cbc`, secret, iv, data.subarray(at, at + 4096)))
  }
  const info = Buffer.concat([Buffer.from('0400040040000000', 'hex'), Buffer.from(xml)])
  return makeOle({ EncryptionInfo: info, EncryptedPackage: Buffer.concat(segments) })
}

function cryptoHeader(algorithm: number, keyBits: number): Buffer {
  const fields = [0x24, 0, algorithm, 0x8004, keyBits, algorithm === 0x6801 ? 1 : 0x18, 0, 0].map(le32)
  const header = Buffer.concat([...fields, utf16('Microsoft Enhanced RSA and AES Cryptographic Provider\0')])
  return Buffer.concat([le32(0x24), le32(header.length), header])
}

/** A compound file that holds a package under standard encryption (AES-128). */
export function makeStandard(data: Buffer, password: string): Buffer {
  const salt = randomBytes(16)
  const base = spun('sha1', hash('sha1', Buffer.concat([salt, utf16(password)]), 'buffer'), 50_000)
  const final = hash('sha1', Buffer.concat([base, le32(0)]), 'buffer')
  const block = Buffer.alloc(64, 0x36)
  for (const [at, byte] of final.entries()) block[at] = 0x36 ^ byte
  const key = hash('sha1', block, 'buffer').subarray(0, 16)
  const test = randomBytes(16)
  const verifier = [
    le32(16),
    salt,
    seal('aes-128-ecb', key, null, test),
    le32(20),
    seal('aes-128-ecb', key, null, Buffer.concat([hash('sha1', test, 'buffer'), Buffer.alloc(12)])),
  ]
  const info = Buffer.concat([Buffer.from('04000200', 'hex'), cryptoHeader(0x660e, 128), ...verifier])
  const sealedData = Buffer.concat([sized(data), seal('aes-128-ecb', key, null, data)])
  return makeOle({ EncryptionInfo: info, EncryptedPackage: sealedData })
}

export interface SealedStreams {
  /** FilePass without its type, or what stands first in a table stream. */
  readonly header: Buffer
  seal(stream: Buffer, blockBytes: number): Buffer
}

function sealer(keyOf: (block: number) => Buffer): SealedStreams['seal'] {
  return (stream, blockBytes) => {
    const blocks: Buffer[] = []
    for (let at = 0; at < stream.length; at += blockBytes) {
      blocks.push(new Rc4(keyOf(at / blockBytes)).apply(stream.subarray(at, at + blockBytes)))
    }
    return Buffer.concat(blocks)
  }
}

export function rc4(password: string): SealedStreams {
  const [salt, test] = [randomBytes(16), randomBytes(16)]
  const short = hash('md5', utf16(password), 'buffer').subarray(0, 5)
  const base = hash('md5', Buffer.concat(Array(16).fill(Buffer.concat([short, salt]))), 'buffer').subarray(0, 5)
  const keyOf = (block: number) => hash('md5', Buffer.concat([base, le32(block)]), 'buffer')
  const sealed = new Rc4(keyOf(0)).apply(Buffer.concat([test, hash('md5', test, 'buffer')]))
  return { header: Buffer.concat([Buffer.from('01000100', 'hex'), salt, sealed]), seal: sealer(keyOf) }
}

export function rc4CryptoApi(password: string, keyBits: 40 | 128): SealedStreams {
  const [salt, test] = [randomBytes(16), randomBytes(16)]
  const base = hash('sha1', Buffer.concat([salt, utf16(password)]), 'buffer')
  const keyOf = (block: number) => {
    const key = hash('sha1', Buffer.concat([base, le32(block)]), 'buffer').subarray(0, keyBits / 8)
    return keyBits === 40 ? Buffer.concat([key, Buffer.alloc(11)]) : key
  }
  const sealed = new Rc4(keyOf(0)).apply(Buffer.concat([test, hash('sha1', test, 'buffer')]))
  const verifier = [le32(16), salt, sealed.subarray(0, 16), le32(20), sealed.subarray(16)]
  return {
    header: Buffer.concat([Buffer.from('02000200', 'hex'), cryptoHeader(0x6801, keyBits), ...verifier]),
    seal: sealer(keyOf),
  }
}

const PLAIN = [0x809, 0x2f, 0x194, 0x195, 0xe1, 0x196, 0x138]

function sealRecords(stream: Buffer, sealRecord: (from: number, to: number) => Buffer): Buffer {
  const out = Buffer.from(stream)
  for (let at = 0; at + 4 <= stream.length; at += 4 + stream.readUInt16LE(at + 2)) {
    const [from, to] = [at + 4, at + 4 + stream.readUInt16LE(at + 2)]
    if (!PLAIN.includes(stream.readUInt16LE(at))) sealRecord(from, to).copy(out, from)
    if (stream.readUInt16LE(at) === 0x85) stream.copy(out, from, from, from + 4)
  }
  return out
}

/** A workbook stream that holds the matching FilePass, encrypted. */
export function sealWorkbook(stream: Buffer, sealed: SealedStreams): Buffer {
  const whole = sealed.seal(stream, 1024)
  return sealRecords(stream, (from, to) => whole.subarray(from, to))
}

export function xorFilePass(password: string): Buffer {
  const bytes = Buffer.from(password, 'latin1').subarray(0, 15)
  const pass = Buffer.alloc(6)
  pass.writeUInt16LE(xorKey(bytes), 2)
  pass.writeUInt16LE(xorVerifier(bytes), 4)
  return pass
}

export function xorWorkbook(stream: Buffer, password: string): Buffer {
  const bytes = Buffer.from(password, 'latin1').subarray(0, 15)
  const array = xorArray(bytes, xorKey(bytes))
  return sealRecords(stream, (from, to) => {
    const out = Buffer.alloc(to - from)
    for (let at = from; at < to; at++) {
      const byte = stream[at] as number
      out[at - from] = (((byte << 5) | (byte >> 3)) & 0xff) ^ (array[(to + at - from) % 16] as number)
    }
    return out
  })
}
