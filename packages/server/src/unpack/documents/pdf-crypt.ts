import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { PdfDict, PdfName, PdfString, type PdfValue } from './pdf-values.ts'

/** ISO 32000-1 7.6.3.3, step a. */
const PAD = Buffer.from('28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a', 'hex')

type Method = 'rc4' | 'aes' | 'aes256' | 'identity'

/** What the standard handler's dictionary says (ISO 32000-2 7.6.4). */
interface Handler {
  readonly revision: number
  readonly keyBytes: number
  readonly o: Buffer
  readonly u: Buffer
  readonly oe: Buffer
  readonly ue: Buffer
  readonly p: number
  readonly id: Buffer
  readonly encryptsMetadata: boolean
  readonly strings: Method
  readonly streams: Method
  /** Embedded files may have their own (7.6.6, /EFF): with `Identity` for the rest only they are locked. */
  readonly files: Method
}

/** Opens the strings and streams of one document. */
export interface PdfCipher {
  string(bytes: Buffer, num: number, gen: number): Buffer
  stream(bytes: Buffer, of: { readonly num: number; readonly gen: number; readonly isFile: boolean }): Buffer
  readonly encryptsMetadata: boolean
}

/** undefined: not the standard handler, or one that is not understood: nobody opens it. `dict` is resolved. */
export function standardHandler(dict: PdfDict, id: Buffer): Handler | undefined {
  const version = dict.number('V') ?? 0
  const revision = dict.number('R') ?? 0
  const filter = dict.name('Filter')
  if ((filter !== '' && filter !== 'Standard') || revision < 2 || revision > 6) return undefined
  const strings = methodOf(dict, version, 'StrF')
  const streams = methodOf(dict, version, 'StmF')
  if (strings === undefined || streams === undefined) return undefined
  const files = dict.get('EFF') === undefined ? streams : methodOf(dict, version, 'EFF')
  if (files === undefined) return undefined
  const bits = dict.number('Length') ?? 40
  // Some writers give the length in bytes.
  const keyBytes = version === 1 ? 5 : version >= 4 ? 16 : Math.min(16, Math.max(5, bits < 40 ? bits : bits >> 3))
  const bytes = (key: string) => bytesOf(dict.get(key))
  return {
    revision,
    keyBytes,
    o: bytes('O'),
    u: bytes('U'),
    oe: bytes('OE'),
    ue: bytes('UE'),
    p: dict.number('P') ?? 0,
    id,
    encryptsMetadata: dict.get('EncryptMetadata') !== false,
    strings,
    streams,
    files,
  }
}

function bytesOf(value: PdfValue | undefined): Buffer {
  return value instanceof PdfString ? value.bytes : Buffer.alloc(0)
}

function methodOf(dict: PdfDict, version: number, key: 'StrF' | 'StmF' | 'EFF'): Method | undefined {
  if (version === 1 || version === 2 || version === 3) return 'rc4'
  if (version !== 4 && version !== 5) return undefined
  const name = dict.name(key)
  if (name === '' || name === 'Identity') return 'identity'
  const filters = dict.get('CF')
  const filter = filters instanceof PdfDict ? filters.get(name) : undefined
  const method = filter instanceof PdfDict ? filter.get('CFM') : undefined
  switch (method instanceof PdfName ? method.text : 'None') {
    case 'V2':
      return 'rc4'
    case 'AESV2':
      return 'aes'
    case 'AESV3':
      return 'aes256'
    case 'None':
      return 'identity'
    default:
      return undefined
  }
}

/** undefined when the password, taken as user's and as owner's, does not fit. */
export function unlock(handler: Handler, password: string): PdfCipher | undefined {
  const key = handler.revision >= 5 ? newKey(handler, password) : oldKey(handler, password)
  if (key === undefined) return undefined
  return {
    string: (bytes, num, gen) => decrypt(bytes, handler.strings, objectKey(key, handler.strings, num, gen)),
    stream: (bytes, { num, gen, isFile }) => {
      const method = isFile ? handler.files : handler.streams
      return decrypt(bytes, method, objectKey(key, method, num, gen))
    },
    encryptsMetadata: handler.encryptsMetadata,
  }
}

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function padded(password: Buffer): Buffer {
  return Buffer.concat([password, PAD]).subarray(0, 32)
}

/** Algorithms 2, 6 and 7: the user's password first, then the owner's, which hides the user's. */
function oldKey(handler: Handler, password: string): Buffer | undefined {
  const typed = Buffer.from(password, 'latin1')
  return userKey(handler, typed) ?? userKey(handler, userPasswordIn(handler, typed))
}

function userKey(handler: Handler, password: Buffer): Buffer | undefined {
  const { revision, keyBytes, o, u, p, id } = handler
  const permissions = Buffer.alloc(4)
  permissions.writeInt32LE(p | 0)
  const extra = revision >= 4 && !handler.encryptsMetadata ? Buffer.alloc(4, 0xff) : Buffer.alloc(0)
  let key = md5(padded(password), o.subarray(0, 32), permissions, id, extra)
  if (revision >= 3) for (let i = 0; i < 50; i++) key = md5(key.subarray(0, keyBytes))
  key = key.subarray(0, keyBytes)
  const proof = revision === 2 ? rc4(key, PAD) : rc4Rounds(key, md5(PAD, id), ROUNDS_UP)
  return u.length >= 16 && proof.subarray(0, 16).equals(u.subarray(0, 16)) ? key : undefined
}

function userPasswordIn({ revision, keyBytes, o }: Handler, owner: Buffer): Buffer {
  let key = md5(padded(owner))
  if (revision >= 3) for (let i = 0; i < 50; i++) key = md5(key.subarray(0, keyBytes))
  key = key.subarray(0, keyBytes)
  return revision === 2 ? rc4(key, o.subarray(0, 32)) : rc4Rounds(key, o.subarray(0, 32), ROUNDS_DOWN)
}

const ROUNDS_UP = Array.from({ length: 20 }, (_, i) => i)
const ROUNDS_DOWN = [...ROUNDS_UP].reverse()

function rc4Rounds(key: Buffer, bytes: Buffer, rounds: readonly number[]): Buffer {
  let out = bytes
  for (const round of rounds) out = rc4(Buffer.from(key.map((byte) => byte ^ round)), out)
  return out
}

/** Algorithms 2.A and 2.B. SASLprep is left out: candidates are plain text, and the 127-byte limit holds. */
function newKey(handler: Handler, password: string): Buffer | undefined {
  const typed = Buffer.from(password, 'utf8').subarray(0, 127)
  const { o, u, oe, ue } = handler
  if (u.length < 48 || o.length < 48) return undefined
  const hash = (salt: Buffer, more: Buffer) => hashOf(handler.revision, typed, salt, more)
  const none = Buffer.alloc(0)
  const known = u.subarray(0, 48)
  if (hash(u.subarray(32, 40), none).equals(u.subarray(0, 32))) return fileKey(hash(u.subarray(40, 48), none), ue)
  if (hash(o.subarray(32, 40), known).equals(o.subarray(0, 32))) return fileKey(hash(o.subarray(40, 48), known), oe)
  return undefined
}

function fileKey(key: Buffer, sealed: Buffer): Buffer | undefined {
  if (sealed.length < 32) return undefined
  const decipher = createDecipheriv('aes-256-cbc', key, Buffer.alloc(16)).setAutoPadding(false)
  return Buffer.concat([decipher.update(sealed.subarray(0, 32)), decipher.final()])
}

function hashOf(revision: number, password: Buffer, salt: Buffer, more: Buffer): Buffer {
  let k = createHash('sha256').update(password).update(salt).update(more).digest()
  if (revision < 6) return k
  for (let round = 0, last = 0; round < 64 || last > round - 32; round++) {
    const block = Buffer.concat([password, k, more])
    const cipher = createCipheriv('aes-128-cbc', k.subarray(0, 16), k.subarray(16, 32)).setAutoPadding(false)
    const sealed = cipher.update(Buffer.alloc(block.length * 64, block))
    const sum = sealed.subarray(0, 16).reduce((total, byte) => total + byte, 0)
    k = createHash(HASHES[sum % 3] as string)
      .update(sealed)
      .digest()
    last = sealed[sealed.length - 1] as number
  }
  return k.subarray(0, 32)
}

const HASHES = ['sha256', 'sha384', 'sha512']

/** Algorithm 1: the object's number is part of the key, but in AES-256. */
function objectKey(key: Buffer, method: Method, num: number, gen: number): Buffer {
  if (method === 'aes256' || method === 'identity') return key
  const tail = Buffer.from([num, num >> 8, num >> 16, gen, gen >> 8])
  const salt = method === 'aes' ? Buffer.from('sAlT') : Buffer.alloc(0)
  return md5(key, tail, salt).subarray(0, Math.min(16, key.length + 5))
}

function decrypt(bytes: Buffer, method: Method, key: Buffer): Buffer {
  if (method === 'identity') return bytes
  return method === 'rc4' ? rc4(key, bytes) : aes(key, bytes)
}

/** The first 16 bytes are the IV. A cut last block is dropped, a wrong padding is left in: tolerant as readers are. */
function aes(key: Buffer, bytes: Buffer): Buffer {
  const whole = bytes.length - (bytes.length % 16)
  if (whole < 32 || (key.length !== 16 && key.length !== 32)) return Buffer.alloc(0)
  const name = key.length === 32 ? 'aes-256-cbc' : 'aes-128-cbc'
  const decipher = createDecipheriv(name, key, bytes.subarray(0, 16)).setAutoPadding(false)
  const out = decipher.update(bytes.subarray(16, whole))
  const pad = out[out.length - 1] ?? 0
  return pad >= 1 && pad <= 16 ? out.subarray(0, out.length - pad) : out
}

/** By hand: OpenSSL 3 has RC4 only in a provider that Node does not load. Deciphers, never protects. */
export function rc4(key: Buffer, bytes: Buffer): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i)
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] as number) + (key[i % key.length] as number)) & 0xff
    swap(state, i, j)
  }
  const out = Buffer.allocUnsafe(bytes.length)
  for (let n = 0, i = 0, j = 0; n < bytes.length; n++) {
    i = (i + 1) & 0xff
    j = (j + (state[i] as number)) & 0xff
    swap(state, i, j)
    out[n] = (bytes[n] as number) ^ (state[((state[i] as number) + (state[j] as number)) & 0xff] as number)
  }
  return out
}

function swap(state: Uint8Array, i: number, j: number): void {
  const held = state[i] as number
  state[i] = state[j] as number
  state[j] = held
}
