import { hash } from 'node:crypto'
import { type CryptoHeader, le32, utf16 } from './office-crypto.ts'

/** RC4, which OpenSSL 3 no longer has. */
export class Rc4 {
  readonly #state = new Uint8Array(256)
  #i = 0
  #j = 0

  constructor(key: Buffer) {
    for (let at = 0; at < 256; at++) this.#state[at] = at
    for (let at = 0, other = 0; at < 256; at++) {
      other = (other + this.#at(at) + (key[at % key.length] ?? 0)) & 0xff
      this.#swap(at, other)
    }
  }

  /** A new buffer. */
  apply(data: Buffer): Buffer {
    const out = Buffer.allocUnsafe(data.length)
    for (let at = 0; at < data.length; at++) {
      this.#i = (this.#i + 1) & 0xff
      this.#j = (this.#j + this.#at(this.#i)) & 0xff
      this.#swap(this.#i, this.#j)
      out[at] = (data[at] ?? 0) ^ this.#at((this.#at(this.#i) + this.#at(this.#j)) & 0xff)
    }
    return out
  }

  #at(index: number): number {
    return this.#state[index] ?? 0
  }

  #swap(a: number, b: number): void {
    const kept = this.#at(a)
    this.#state[a] = this.#at(b)
    this.#state[b] = kept
  }
}

/** Decrypts a whole stream, so that each byte stays where it was. */
export type StreamCipher = (stream: Buffer, blockBytes: number) => Buffer

function blockwise(keyOf: (block: number) => Buffer): StreamCipher {
  return (stream, blockBytes) => {
    const blocks: Buffer[] = []
    for (let at = 0; at < stream.length; at += blockBytes) {
      blocks.push(new Rc4(keyOf(at / blockBytes)).apply(stream.subarray(at, at + blockBytes)))
    }
    return Buffer.concat(blocks)
  }
}

const BINARY_HEADER_BYTES = 48

/** [MS-OFFCRYPTO] 2.3.6: salt, verifier, its hash, 16 bytes each. Undefined where the password does not fit. */
export function openRc4(header: Buffer, password: string): StreamCipher | undefined {
  if (header.length < BINARY_HEADER_BYTES) return undefined
  const salt = header.subarray(0, 16)
  const short = hash('md5', utf16(password), 'buffer').subarray(0, 5)
  const mixed = Buffer.concat(Array.from({ length: 16 }, () => Buffer.concat([short, salt])))
  const base = hash('md5', mixed, 'buffer').subarray(0, 5)
  const keyOf = (block: number) => hash('md5', Buffer.concat([base, le32(block)]), 'buffer')
  const opened = new Rc4(keyOf(0)).apply(header.subarray(16, BINARY_HEADER_BYTES))
  if (!hash('md5', opened.subarray(0, 16), 'buffer').equals(opened.subarray(16, 32))) return undefined
  return blockwise(keyOf)
}

/** 2.3.5: RC4 with a CryptoAPI header. */
export function openRc4CryptoApi(header: CryptoHeader, password: string): StreamCipher | undefined {
  const base = hash('sha1', Buffer.concat([header.salt, utf16(password)]), 'buffer')
  const keyOf = (block: number) => {
    const key = hash('sha1', Buffer.concat([base, le32(block)]), 'buffer').subarray(0, header.keyBytes)
    // 2.3.5.2: 40-bit keys are filled up with zeros.
    return header.keyBytes === 5 ? Buffer.concat([key, Buffer.alloc(11)]) : key
  }
  const opened = new Rc4(keyOf(0)).apply(Buffer.concat([header.verifier, header.verifierHash.subarray(0, 20)]))
  if (!hash('sha1', opened.subarray(0, 16), 'buffer').equals(opened.subarray(16, 36))) return undefined
  return blockwise(keyOf)
}
