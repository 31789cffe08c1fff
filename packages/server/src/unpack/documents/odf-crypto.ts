import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import { decryptBlowfishCfb } from './odf-blowfish.ts'
import { xmlTokens } from './ooxml-xml.ts'

/** How one part of a package is encrypted (OpenDocument 1.3 part 2, section 3.4 and 4.8), from its manifest. */
export interface PartCipher {
  readonly name: string
  /** Of the part, unpacked. */
  readonly bytes: number
  readonly algorithm: string
  readonly iv: Buffer
  readonly startHash: 'sha1' | 'sha256'
  readonly derivation: string
  readonly keyBytes: number
  readonly iterations: number
  readonly salt: Buffer
  readonly argonMemory: number
  readonly argonLanes: number
  readonly checksum: Buffer
  readonly checksumHash: 'sha1' | 'sha256' | undefined
}

const MAX_PARTS = 20_000
/** LibreOffice writes 100,000; a second of work each. */
const MAX_ITERATIONS = 2_000_000
const MAX_ARGON_KIB = 256 * 1024

/** The parts that a manifest calls encrypted. */
export function encryptedParts(manifest: string): PartCipher[] {
  const parts: PartCipher[] = []
  let entry = new Map<string, string>()
  for (const token of xmlTokens(manifest)) {
    if (token.kind === 'text' || parts.length >= MAX_PARTS) continue
    if (token.kind === 'close') {
      if (token.name === 'encryption-data') parts.push(partOf(entry))
      continue
    }
    if (token.name === 'file-entry') entry = new Map()
    for (const name of ATTRIBUTES) {
      const value = token.attributes.get(name)
      if (value !== undefined) entry.set(`${name}${name === 'key-size' ? token.name : ''}`, value)
    }
  }
  return parts
}

const ATTRIBUTES = [
  'full-path',
  'size',
  'checksum-type',
  'checksum',
  'algorithm-name',
  'initialisation-vector',
  'start-key-generation-name',
  'key-derivation-name',
  'key-size',
  'iteration-count',
  'salt',
  'argon2-iterations',
  'argon2-memory',
  'argon2-lanes',
] as const

function partOf(entry: ReadonlyMap<string, string>): PartCipher {
  const text = (name: string) => entry.get(name) ?? ''
  const number = (name: string, fallback: number) => {
    const value = Number(text(name))
    return Number.isInteger(value) && value > 0 ? value : fallback
  }
  const checksumType = text('checksum-type').toLowerCase()
  return {
    name: text('full-path'),
    bytes: number('size', 0),
    algorithm: text('algorithm-name').toLowerCase(),
    iv: Buffer.from(text('initialisation-vector'), 'base64'),
    startHash: text('start-key-generation-name').toLowerCase().includes('sha256') ? 'sha256' : 'sha1',
    derivation: text('key-derivation-name').toLowerCase(),
    keyBytes: Math.min(64, number('key-sizekey-derivation', 16)),
    iterations: number('iteration-count', number('argon2-iterations', 1024)),
    salt: Buffer.from(text('salt'), 'base64'),
    argonMemory: number('argon2-memory', 65_536),
    argonLanes: number('argon2-lanes', 4),
    checksum: Buffer.from(text('checksum'), 'base64'),
    checksumHash: checksumType.includes('sha256') ? 'sha256' : checksumType.includes('sha1') ? 'sha1' : undefined,
  }
}

/** False: encrypted in a way that is not read, or so that trying costs too much. */
export function isReadable(part: PartCipher): boolean {
  const { derivation, iterations, salt, keyBytes, argonMemory, argonLanes } = part
  if (derivation.includes('argon2id')) {
    // Node has argon2 since 24.7; it takes no less than these (RFC 9106, 3.1).
    const allowed = salt.length >= 8 && keyBytes >= 4 && argonMemory >= 8 * argonLanes
    return (
      crypto.argon2 !== undefined && allowed && argonMemory <= MAX_ARGON_KIB && iterations <= 64 && argonLanes <= 16
    )
  }
  return derivation.includes('pbkdf2') && iterations <= MAX_ITERATIONS
}

/** The part still packed, or undefined where the password does not fit. */
export async function decryptPart(part: PartCipher, password: string, data: Buffer): Promise<Buffer | undefined> {
  const start = crypto.hash(part.startHash, Buffer.from(password, 'utf8'), 'buffer')
  const packed = decrypt(part, await deriveKey(part, start), data)
  if (packed === undefined) return undefined
  // Galois mode proves the password by itself; the others by the hash of the first kilobyte.
  if (part.checksumHash === undefined || part.checksum.length === 0) return packed
  const tested = [packed.subarray(0, 1024), packed].map((bytes) =>
    crypto.hash(part.checksumHash as string, bytes, 'buffer'),
  )
  return tested.some((found) => found.equals(part.checksum)) ? packed : undefined
}

async function deriveKey(part: PartCipher, start: Buffer): Promise<Buffer> {
  if (!part.derivation.includes('argon2id')) {
    return promisify(crypto.pbkdf2)(start, part.salt, part.iterations, part.keyBytes, 'sha1')
  }
  return promisify(crypto.argon2)('argon2id', {
    message: start,
    nonce: part.salt,
    parallelism: part.argonLanes,
    tagLength: part.keyBytes,
    memory: part.argonMemory,
    passes: part.iterations,
  })
}

const GCM_TAG = 16

function decrypt({ algorithm, iv }: PartCipher, key: Buffer, data: Buffer): Buffer | undefined {
  try {
    if (algorithm.includes('blowfish')) return decryptBlowfishCfb(key, iv, data)
    if (algorithm.endsWith('-gcm')) return decryptGcm(key, iv, data)
    if (!algorithm.endsWith('-cbc') || data.length % 16 !== 0) return undefined
    const cipher = crypto.createDecipheriv(`aes-${key.length * 8}-cbc`, key, iv)
    cipher.setAutoPadding(false)
    const plain = Buffer.concat([cipher.update(data), cipher.final()])
    // XML Encryption 5.2: the last byte says how many are padding, whatever these hold.
    return plain.subarray(0, plain.length - Math.min(16, plain.at(-1) ?? 0))
  } catch {
    // A key, vector or tag that does not fit: not this password, or not readable at all.
    return undefined
  }
}

function decryptGcm(key: Buffer, iv: Buffer, data: Buffer): Buffer | undefined {
  // The vector stands in front of the data as well (XML Encryption 1.1, 5.2.4).
  const from = data.subarray(0, iv.length).equals(iv) ? iv.length : 0
  if (data.length < from + GCM_TAG) return undefined
  const cipher = crypto.createDecipheriv(`aes-${key.length * 8}-gcm` as 'aes-256-gcm', key, iv, {
    authTagLength: GCM_TAG,
  })
  cipher.setAuthTag(data.subarray(data.length - GCM_TAG))
  return Buffer.concat([cipher.update(data.subarray(from, data.length - GCM_TAG)), cipher.final()])
}
