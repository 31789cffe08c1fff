import { createCipheriv, createHmac, type Hmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import type { AesField } from './zip-records.ts'

/** Undoes an encryption, piece after piece. */
export interface Decryptor {
  /** May overwrite the piece; what it returns is good until the next call. */
  update(piece: Buffer): Buffer
}

export const ZIPCRYPTO_HEADER_BYTES = 12

/** APPNOTE.TXT 6.1: three keys, fed with each byte of the password and of the plain text. No library gives it alone. */
export class ZipCrypto implements Decryptor {
  #key0 = 0x12345678
  #key1 = 0x23456789
  #key2 = 0x34567890

  constructor(password: Buffer) {
    for (const byte of password) this.#feed(byte)
  }

  update(piece: Buffer): Buffer {
    const plain = Buffer.allocUnsafe(piece.length)
    for (let i = 0; i < piece.length; i++) {
      const temp = (this.#key2 | 2) & 0xffff
      const byte = (piece[i] as number) ^ ((Math.imul(temp, temp ^ 1) >>> 8) & 0xff)
      plain[i] = byte
      this.#feed(byte)
    }
    return plain
  }

  #feed(byte: number): void {
    this.#key0 = (CRC_TABLE[(this.#key0 ^ byte) & 0xff] as number) ^ (this.#key0 >>> 8)
    this.#key1 = (Math.imul(this.#key1 + (this.#key0 & 0xff), 134775813) + 1) | 0
    this.#key2 = (CRC_TABLE[(this.#key2 ^ (this.#key1 >>> 24)) & 0xff] as number) ^ (this.#key2 >>> 8)
  }
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

export const AES_VERIFIER_BYTES = 2
export const AES_MAC_BYTES = 10
const AES_ITERATIONS = 1000

export function aesSaltBytes({ strength }: AesField): number {
  return 4 + 4 * strength
}

export interface AesKeys {
  readonly cipher: Buffer
  readonly mac: Buffer
}

/** Undefined where the verifier says that the password is wrong; one wrong one in 65,536 passes. */
export function aesKeys(aes: AesField, password: Buffer, header: Buffer): AesKeys | undefined {
  const saltBytes = aesSaltBytes(aes)
  const keyBytes = 8 + 8 * aes.strength
  const salt = header.subarray(0, saltBytes)
  const verifier = header.subarray(saltBytes, saltBytes + AES_VERIFIER_BYTES)
  if (verifier.length < AES_VERIFIER_BYTES) return undefined
  const derived = pbkdf2Sync(password, salt, AES_ITERATIONS, 2 * keyBytes + AES_VERIFIER_BYTES, 'sha1')
  if (!timingSafeEqual(derived.subarray(2 * keyBytes), verifier)) return undefined
  return { cipher: derived.subarray(0, keyBytes), mac: derived.subarray(keyBytes, 2 * keyBytes) }
}

export function aesMac({ mac }: AesKeys): Hmac {
  return createHmac('sha1', mac)
}

const BLOCK_BYTES = 16
const COUNTERS = 4096

/**
 * AES in counter mode as WinZip has it: the counter is little-endian and begins with 1, where OpenSSL's is big-endian. So the
 * counters are encrypted by the block cipher and laid over the bytes here.
 */
export class AesCounter implements Decryptor {
  readonly #cipher: ReturnType<typeof createCipheriv>
  #counter = 1
  #stream: Buffer = Buffer.alloc(0)
  #at = 0

  constructor({ cipher }: AesKeys) {
    this.#cipher = createCipheriv(`aes-${cipher.length * 8}-ecb`, cipher, null)
    this.#cipher.setAutoPadding(false)
  }

  update(piece: Buffer): Buffer {
    const plain = Buffer.allocUnsafe(piece.length)
    for (let i = 0; i < piece.length; ) {
      if (this.#at === this.#stream.length) this.#refill(piece.length - i)
      const count = Math.min(piece.length - i, this.#stream.length - this.#at)
      for (let j = 0; j < count; j++) plain[i + j] = (piece[i + j] as number) ^ (this.#stream[this.#at + j] as number)
      i += count
      this.#at += count
    }
    return plain
  }

  #refill(bytes: number): void {
    const blocks = Math.min(COUNTERS, Math.ceil(bytes / BLOCK_BYTES))
    const counters = Buffer.alloc(blocks * BLOCK_BYTES)
    // 48 bits: no file has more blocks.
    for (let i = 0; i < blocks; i++) counters.writeUIntLE(this.#counter + i, i * BLOCK_BYTES, 6)
    this.#counter += blocks
    this.#stream = this.#cipher.update(counters)
    this.#at = 0
  }
}
