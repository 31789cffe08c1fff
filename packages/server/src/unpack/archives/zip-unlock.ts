import { timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Damage, OpenerNode } from '../opener.ts'
import { type ByteSource, failIfLate, piecesOf } from './member-writer.ts'
import {
  AES_MAC_BYTES,
  AES_VERIFIER_BYTES,
  AesCounter,
  type AesKeys,
  aesKeys,
  aesMac,
  aesSaltBytes,
  type Decryptor,
  ZIPCRYPTO_HEADER_BYTES,
  ZipCrypto,
} from './zip-crypto.ts'
import { type Decoding, decodeMember, type Packed } from './zip-decode.ts'
import { passwordBytes } from './zip-password-bytes.ts'
import { METHOD_STORED, type ZipReading } from './zip-readings.ts'
import type { AesField } from './zip-records.ts'

/** An encrypted member behind its password. */
export interface Unlocked {
  readonly packed: Packed
  readonly password: string
  /** The password fits by what stands in front of the data, but what stands behind it says otherwise. */
  readonly damage: Damage | undefined
}

/**
 * What trying may cost in one archive, in tries of ZipCrypto (a microsecond or two); an AES key takes 1,000 rounds. An archive of
 * 100,000 locked members must not take the list for each. What is not tried any more stays encrypted, never clean.
 */
const TRIES = 200_000
const AES_TRY = 150
/** Bytes that are decoded only to see whether a password is right. */
const TRIAL_BYTES = 512 * 1024 * 1024

type Verdict = 'right' | 'plausible' | 'wrong'

/** The passwords of one archive. */
export class ZipPasswords {
  readonly #node: OpenerNode
  readonly #decoding: Decoding
  #candidates: readonly string[] | undefined
  /** What opened a member here, the latest first. */
  #proven: string[] = []
  #triesLeft = TRIES
  #trialBytesLeft = TRIAL_BYTES

  constructor(node: OpenerNode, decoding: Decoding) {
    this.#node = node
    this.#decoding = decoding
  }

  /** Undefined: no password fits. */
  async unlock(source: ByteSource, reading: ZipReading, length: number): Promise<Unlocked | undefined> {
    const { encryption, dataAt } = reading
    if (encryption === 'strong' || encryption === 'none') return undefined
    this.#candidates ??= this.#decoding.run.passwords.candidates(this.#node)
    const member: Locked = { source, reading, from: dataAt, to: Math.min(dataAt + length, source.size), length }
    let plausible: Unlocked | undefined
    for (const password of new Set([...this.#proven, ...this.#candidates])) {
      const isProven = this.#proven.includes(password)
      if (!isProven && this.#triesLeft <= 0) continue
      failIfLate(this.#decoding.run.signal)
      const found = await this.#try(member, encryption, password)
      if (found === undefined) continue
      if (found.damage === undefined) {
        this.#succeeded(password)
        return found
      }
      plausible ??= found
    }
    return plausible
  }

  #succeeded(password: string): void {
    if (!this.#proven.includes(password)) this.#decoding.run.passwords.succeeded(password)
    this.#proven = [password, ...this.#proven.filter((other) => other !== password)]
  }

  async #try(member: Locked, encryption: 'zipcrypto' | AesField, password: string): Promise<Unlocked | undefined> {
    for (const bytes of passwordBytes(password)) {
      const found =
        encryption === 'zipcrypto'
          ? await this.#tryZipCrypto(member, bytes)
          : await this.#tryAes(member, encryption, bytes)
      if (found !== undefined) return { password, ...found }
    }
    return undefined
  }

  async #tryZipCrypto(member: Locked, password: Buffer): Promise<Omit<Unlocked, 'password'> | undefined> {
    this.#triesLeft--
    const { source, from, reading } = member
    const header = new ZipCrypto(password).update(source.read(from, ZIPCRYPTO_HEADER_BYTES))
    if (header.length < ZIPCRYPTO_HEADER_BYTES) return undefined
    // One wrong password in 256 passes this (in 128, with both rules), so the data must speak too.
    if (!reading.checks.includes(header[ZIPCRYPTO_HEADER_BYTES - 1] as number)) return undefined
    const packed: Packed = {
      length: Math.max(0, member.length - ZIPCRYPTO_HEADER_BYTES),
      pieces: () => decrypted(member, ZIPCRYPTO_HEADER_BYTES, 0, () => started(password, member)),
    }
    const verdict = await this.#verify(reading, packed)
    if (verdict === 'wrong') return undefined
    const damage: Damage = {
      reason: 'encrypted',
      detail: 'a password fits by its first bytes, but the checksum does not',
    }
    return { packed, damage: verdict === 'right' ? undefined : damage }
  }

  /** Decodes to nowhere. Beyond the bytes that may be spent on it, what decodes so far is taken as right. */
  async #verify(reading: ZipReading, packed: Packed): Promise<Verdict> {
    let crc = 0
    let bytes = 0
    const most = Math.min(this.#trialBytesLeft, this.#decoding.run.left.bytes)
    const count = (chunk: Buffer) => {
      failIfLate(this.#decoding.run.signal)
      crc = crc32(chunk, crc)
      bytes += chunk.length
      this.#trialBytesLeft -= chunk.length
      if (bytes > most) throw ENOUGH
    }
    try {
      const { damage } = await decodeMember({ reading, packed }, this.#decoding, count)
      if (reading.sums.some((sum) => sum.crc === crc && sum.size === bytes)) return 'right'
      if (damage !== undefined) return damage.reason === 'engine-down' ? 'plausible' : 'wrong'
    } catch (error) {
      if (error !== ENOUGH) throw error
      return reading.method === METHOD_STORED ? 'plausible' : 'right'
    }
    return reading.sums.length === 0 && reading.method !== METHOD_STORED ? 'right' : 'plausible'
  }

  async #tryAes(member: Locked, aes: AesField, password: Buffer): Promise<Omit<Unlocked, 'password'> | undefined> {
    this.#triesLeft -= AES_TRY
    const { source, from, to } = member
    const headerBytes = aesSaltBytes(aes) + AES_VERIFIER_BYTES
    const keys = aesKeys(aes, password, source.read(from, headerBytes))
    if (keys === undefined || to - from < headerBytes + AES_MAC_BYTES) return undefined
    const packed: Packed = {
      length: Math.max(0, member.length - headerBytes - AES_MAC_BYTES),
      pieces: () => decrypted(member, headerBytes, AES_MAC_BYTES, () => new AesCounter(keys)),
    }
    const isWhole = await hasRightMac(member, headerBytes, keys)
    return { packed, damage: isWhole ? undefined : { reason: 'malformed', detail: 'its authentication code is wrong' } }
  }
}

interface Locked {
  readonly source: ByteSource
  readonly reading: ZipReading
  readonly from: number
  /** Where the data ends, or the file before it. */
  readonly to: number
  readonly length: number
}

/** Thrown through a decoder to make it stop. */
const ENOUGH = new Error('enough was decoded to tell')

/** The keys behind the header, which is part of the stream. */
function started(password: Buffer, { source, from }: Locked): Decryptor {
  const crypto = new ZipCrypto(password)
  crypto.update(source.read(from, ZIPCRYPTO_HEADER_BYTES))
  return crypto
}

async function* decrypted(
  { source, from, to }: Locked,
  before: number,
  behind: number,
  start: () => Decryptor,
): AsyncGenerator<Buffer> {
  const decryptor = start()
  for await (const piece of piecesOf(source, from + before, to - behind)) yield decryptor.update(piece)
}

/** WinZip's specification IV: the first 10 bytes of an HMAC-SHA1 of the encrypted data. */
async function hasRightMac({ source, from, to }: Locked, headerBytes: number, keys: AesKeys): Promise<boolean> {
  const mac = aesMac(keys)
  for await (const piece of piecesOf(source, from + headerBytes, to - AES_MAC_BYTES)) mac.update(piece)
  const stated = source.read(to - AES_MAC_BYTES, AES_MAC_BYTES)
  return stated.length === AES_MAC_BYTES && timingSafeEqual(mac.digest().subarray(0, AES_MAC_BYTES), stated)
}
