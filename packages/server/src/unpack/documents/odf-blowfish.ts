/**
 * Blowfish in 64-bit cipher feedback, which OpenDocument 1.0 and 1.1 encrypt with and OpenSSL 3 no longer has (Schneier, "Description of
 * a New Variable-Length Key, 64-Bit Block Cipher", 1994). Decrypts only.
 */
export function decryptBlowfishCfb(key: Buffer, iv: Buffer, data: Buffer): Buffer {
  const cipher = new Blowfish(key)
  const out = Buffer.allocUnsafe(data.length)
  let left = iv.length >= 8 ? iv.readUInt32BE(0) : 0
  let right = iv.length >= 8 ? iv.readUInt32BE(4) : 0
  const stream = Buffer.alloc(8)
  for (let at = 0; at < data.length; at += 8) {
    ;[left, right] = cipher.encrypt(left, right)
    stream.writeUInt32BE(left, 0)
    stream.writeUInt32BE(right, 4)
    const end = Math.min(8, data.length - at)
    for (let index = 0; index < end; index++) out[at + index] = (data[at + index] ?? 0) ^ (stream[index] ?? 0)
    if (end < 8) break
    left = data.readUInt32BE(at)
    right = data.readUInt32BE(at + 4)
  }
  return out
}

const ROUNDS = 16
const WORDS = ROUNDS + 2 + 4 * 256

class Blowfish {
  readonly #p: Uint32Array
  readonly #s: Uint32Array

  constructor(key: Buffer) {
    const digits = piWords()
    this.#p = digits.slice(0, ROUNDS + 2)
    this.#s = digits.slice(ROUNDS + 2)
    for (let at = 0; at < this.#p.length; at++) {
      let word = 0
      for (let byte = 0; byte < 4; byte++) word = (word << 8) | (key[(at * 4 + byte) % key.length] ?? 0)
      this.#p[at] = (this.#p[at] ?? 0) ^ word
    }
    let left = 0
    let right = 0
    for (const table of [this.#p, this.#s]) {
      for (let at = 0; at < table.length; at += 2) {
        ;[left, right] = this.encrypt(left, right)
        table[at] = left
        table[at + 1] = right
      }
    }
  }

  encrypt(left: number, right: number): [number, number] {
    let [a, b] = [left, right]
    for (let round = 0; round < ROUNDS; round++) {
      a = (a ^ (this.#p[round] ?? 0)) >>> 0
      b = (b ^ this.#mix(a)) >>> 0
      ;[a, b] = [b, a]
    }
    return [(b ^ (this.#p[ROUNDS + 1] ?? 0)) >>> 0, (a ^ (this.#p[ROUNDS] ?? 0)) >>> 0]
  }

  #mix(word: number): number {
    const s = this.#s
    const sum = ((s[word >>> 24] ?? 0) + (s[256 + ((word >>> 16) & 255)] ?? 0)) >>> 0
    return ((sum ^ (s[512 + ((word >>> 8) & 255)] ?? 0)) + (s[768 + (word & 255)] ?? 0)) >>> 0
  }
}

let known: Uint32Array | undefined

/** The tables are the fraction of pi, so they are worked out (Machin: pi = 16 atan 1/5 - 4 atan 1/239) instead of written down. */
function piWords(): Uint32Array {
  if (known !== undefined) return known
  const bits = WORDS * 32
  const guard = 64n
  const one = 1n << (BigInt(bits) + guard)
  const pi = (16n * arcTangent(5n, one) - 4n * arcTangent(239n, one)) >> guard
  const hex = (pi & ((1n << BigInt(bits)) - 1n)).toString(16).padStart(bits / 4, '0')
  known = Uint32Array.from({ length: WORDS }, (_, at) => Number.parseInt(hex.slice(at * 8, at * 8 + 8), 16))
  return known
}

/** atan(1/x), in units of 1/`one`. */
function arcTangent(x: bigint, one: bigint): bigint {
  let power = one / x
  let sum = power
  for (let n = 3n, sign = -1n; power > 0n; n += 2n, sign = -sign) {
    power /= x * x
    sum += (sign * power) / n
  }
  return sum
}
