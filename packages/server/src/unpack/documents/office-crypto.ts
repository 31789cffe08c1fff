import { createDecipheriv, hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { Unscanned } from '../../domain/verdict.ts'

/**
 * [MS-OFFCRYPTO] 2.3.4: how OOXML packages are encrypted (standard and agile). npm `officecrypto-tool` is not taken: it wants the whole
 * file in memory, trusts every length, and its key stretching blocks the thread for as long as the file says.
 */
export interface PackageCipher {
  /** The key for this password, or undefined where it does not fit. */
  unlock(password: string, signal: AbortSignal): Promise<Buffer | undefined>
  /** Decrypts one piece of `SEGMENT_BYTES` (the last may be shorter); `index` counts from 0. */
  decrypt(key: Buffer, segment: Buffer, index: number): Buffer
}

/** Agile encryption gives every 4,096 bytes an IV of their own (2.3.4.15); standard does not care. */
export const SEGMENT_BYTES = 4096
/** 2.3.4.10: the most that a file may ask for. */
const MAX_SPIN = 10_000_000
const SPIN_SLICE = 20_000

/** Undefined where it is of a kind that is not read (extensible, certificates only, other ciphers than AES). */
export function parseEncryptionInfo(info: Buffer): PackageCipher | undefined {
  if (info.length < 8) return undefined
  const major = info.readUInt16LE(0)
  const minor = info.readUInt16LE(2)
  if (major === 4 && minor === 4) return agileCipher(info.toString('utf8', 8))
  if (minor === 2 && major >= 2 && major <= 4) return standardCipher(info.subarray(4))
  return undefined
}

/** H(i + H(i-1 + ...)) as often as asked, letting others run in between. */
export async function spinHash(
  name: string,
  first: Buffer,
  spin: { count: number; signal: AbortSignal },
): Promise<Buffer> {
  const size = first.length
  const block = Buffer.alloc(4 + size)
  first.copy(block, 4)
  for (let round = 0; round < spin.count; round++) {
    block.writeUInt32LE(round, 0)
    hash(name, block, 'buffer').copy(block, 4)
    if (round % SPIN_SLICE !== SPIN_SLICE - 1) continue
    await setImmediate()
    if (spin.signal.aborted) throw new Unscanned('timeout', 'stopped while trying passwords')
  }
  return Buffer.from(block.subarray(4))
}

export function utf16(password: string): Buffer {
  return Buffer.from(password, 'utf16le')
}

export function le32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

export interface CryptoHeader {
  readonly algorithm: number
  readonly keyBytes: number
  readonly salt: Buffer
  readonly verifier: Buffer
  readonly verifierHash: Buffer
}

/** 2.3.2 EncryptionHeader and 2.3.3 EncryptionVerifier, from the flags on. Undefined where they do not fit. */
export function parseCryptoHeader(bytes: Buffer): CryptoHeader | undefined {
  if (bytes.length < 8 + 32) return undefined
  const size = bytes.readUInt32LE(4)
  const verifier = bytes.subarray(8 + size)
  if (size < 32 || verifier.length < 4 + 16 + 16 + 4 + 20) return undefined
  return {
    algorithm: bytes.readUInt32LE(8 + 8),
    // 0 = 40 bits (2.3.5.1).
    keyBytes: Math.min(32, (bytes.readUInt32LE(8 + 16) || 40) >> 3),
    salt: verifier.subarray(4, 20),
    verifier: verifier.subarray(20, 36),
    verifierHash: verifier.subarray(40, 72),
  }
}

const STANDARD_SPIN = 50_000
const AES_IDS: readonly number[] = [0x660e, 0x660f, 0x6610]

function standardCipher(bytes: Buffer): PackageCipher | undefined {
  const header = parseCryptoHeader(bytes)
  if (header === undefined || !AES_IDS.includes(header.algorithm) || header.verifierHash.length < 32) return undefined
  const decrypt = (key: Buffer, data: Buffer) => decipher(`aes-${key.length * 8}-ecb`, { key, data, iv: null })
  return {
    async unlock(password, signal) {
      const first = hash('sha1', Buffer.concat([header.salt, utf16(password)]), 'buffer')
      const spun = await spinHash('sha1', first, { count: STANDARD_SPIN, signal })
      const key = standardKey(hash('sha1', Buffer.concat([spun, le32(0)]), 'buffer'), header.keyBytes)
      const expected = hash('sha1', decrypt(key, header.verifier), 'buffer')
      return decrypt(key, header.verifierHash).subarray(0, 20).equals(expected) ? key : undefined
    },
    decrypt,
  }
}

/** 2.3.4.7. */
function standardKey(final: Buffer, keyBytes: number): Buffer {
  const mixed = (fill: number) => {
    const block = Buffer.alloc(64, fill)
    for (const [at, byte] of final.entries()) block[at] = fill ^ byte
    return hash('sha1', block, 'buffer')
  }
  return Buffer.concat([mixed(0x36), mixed(0x5c)]).subarray(0, [16, 24, 32].includes(keyBytes) ? keyBytes : 16)
}

interface AgileParameters {
  readonly salt: Buffer
  readonly blockBytes: number
  readonly keyBytes: number
  readonly hash: string
  readonly mode: 'cbc' | 'cfb'
}

interface AgileKey extends AgileParameters {
  readonly spin: number
  readonly verifierInput: Buffer
  readonly verifierValue: Buffer
  readonly keyValue: Buffer
}

const HASHES: Readonly<Record<string, string>> = {
  SHA1: 'sha1',
  'SHA-1': 'sha1',
  SHA256: 'sha256',
  'SHA-256': 'sha256',
  SHA384: 'sha384',
  'SHA-384': 'sha384',
  SHA512: 'sha512',
  'SHA-512': 'sha512',
}

/** 2.3.4.10: attributes only, so no more of XML is needed than finding two elements and their attributes. */
function agileCipher(xml: string): PackageCipher | undefined {
  const data = agileParameters(elementOf(xml, 'keyData'))
  const key = agileKey(elementOf(xml, 'encryptedKey'))
  if (data === undefined || key === undefined) return undefined
  return {
    unlock: (password, signal) => unlockAgile(key, password, signal),
    decrypt(secret, segment, index) {
      const iv = fitted(hash(data.hash, Buffer.concat([data.salt, le32(index)]), 'buffer'), data.blockBytes)
      return decipher(`aes-${secret.length * 8}-${data.mode}`, { key: secret, data: segment, iv })
    },
  }
}

type Attributes = ReadonlyMap<string, string>

function elementOf(xml: string, name: string): Attributes | undefined {
  const start = xml.search(new RegExp(`<(?:[A-Za-z0-9]{1,20}:)?${name}\\s`))
  if (start < 0) return undefined
  const tag = xml.slice(start, start + 8192).split('>', 1)[0] ?? ''
  return new Map(
    [...tag.matchAll(/([A-Za-z]{1,40})\s?=\s?"([^"]{0,4096})"/g)].map(([, key = '', value = '']) => [key, value]),
  )
}

function agileParameters(attributes: Attributes | undefined): AgileParameters | undefined {
  const name = HASHES[attributes?.get('hashAlgorithm')?.toUpperCase() ?? '']
  const keyBytes = Number(attributes?.get('keyBits')) / 8
  const blockBytes = Number(attributes?.get('blockSize'))
  const mode = attributes?.get('cipherChaining') === 'ChainingModeCFB' ? 'cfb' : 'cbc'
  const fits = [16, 24, 32].includes(keyBytes) && blockBytes === 16 && attributes?.get('cipherAlgorithm') === 'AES'
  if (name === undefined || !fits) return undefined
  return { salt: Buffer.from(attributes.get('saltValue') ?? '', 'base64'), blockBytes, keyBytes, hash: name, mode }
}

function agileKey(attributes: Attributes | undefined): AgileKey | undefined {
  const parameters = agileParameters(attributes)
  const spin = Number(attributes?.get('spinCount'))
  const base64 = (name: string) => Buffer.from(attributes?.get(name) ?? '', 'base64')
  const verifierInput = base64('encryptedVerifierHashInput')
  const verifierValue = base64('encryptedVerifierHashValue')
  const keyValue = base64('encryptedKeyValue')
  const blocks = [verifierInput, verifierValue, keyValue].every((bytes) => bytes.length > 0 && bytes.length % 16 === 0)
  if (parameters === undefined || !blocks || !(spin >= 0 && spin <= MAX_SPIN)) return undefined
  return { ...parameters, spin, verifierInput, verifierValue, keyValue }
}

/** 2.3.4.11-13: the password's hash, with three different endings, opens a test value, its hash, and the key itself. */
async function unlockAgile(agile: AgileKey, password: string, signal: AbortSignal): Promise<Buffer | undefined> {
  const first = hash(agile.hash, Buffer.concat([agile.salt, utf16(password)]), 'buffer')
  const spun = await spinHash(agile.hash, first, { count: agile.spin, signal })
  const iv = fitted(agile.salt, agile.blockBytes)
  const open = (ending: string, data: Buffer) => {
    const derived = hash(agile.hash, Buffer.concat([spun, Buffer.from(ending, 'hex')]), 'buffer')
    return decipher(`aes-${agile.keyBytes * 8}-${agile.mode}`, { key: fitted(derived, agile.keyBytes), data, iv })
  }
  const test = hash(
    agile.hash,
    open('fea7d2763b4b9e79', agile.verifierInput).subarray(0, agile.salt.length || 16),
    'buffer',
  )
  const value = open('d7aa0f6d3061344e', agile.verifierValue)
  if (!value.subarray(0, test.length).equals(test)) return undefined
  return open('146e0be7abacd0d6', agile.keyValue).subarray(0, agile.keyBytes)
}

/** Cut, or filled with 0x36, to the size (2.3.4.11). */
function fitted(bytes: Buffer, size: number): Buffer {
  return Buffer.concat([bytes.subarray(0, size), Buffer.alloc(Math.max(0, size - bytes.length), 0x36)])
}

interface Deciphering {
  readonly key: Buffer
  readonly data: Buffer
  readonly iv: Buffer | null
}

/** Without padding; what is not a whole number of blocks at the end is left out. */
function decipher(name: string, { key, data, iv }: Deciphering): Buffer {
  const cipher = createDecipheriv(name, key, iv)
  cipher.setAutoPadding(false)
  const whole = name.endsWith('cfb') ? data : data.subarray(0, data.length - (data.length % 16))
  return Buffer.concat([cipher.update(whole), cipher.final()])
}
