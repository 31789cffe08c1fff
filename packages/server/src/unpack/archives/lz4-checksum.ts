const PRIME1 = 0x9e3779b1
const PRIME2 = 0x85ebca77
const PRIME3 = 0xc2b2ae3d
const PRIME4 = 0x27d4eb2f
const PRIME5 = 0x165667b1
const STRIPE_BYTES = 16

/** xxHash32 (xxhash_spec.md) with seed 0, in pieces; the runtime has none. */
export class Lz4Checksum {
  readonly #lanes = Int32Array.of((PRIME1 + PRIME2) | 0, PRIME2 | 0, 0, -PRIME1 | 0)
  #held: Buffer = Buffer.alloc(0)
  #bytes = 0

  update(piece: Buffer): this {
    this.#bytes += piece.length
    let bytes = piece
    if (this.#held.length > 0) {
      const missing = STRIPE_BYTES - this.#held.length
      const stripe = Buffer.concat([this.#held, piece.subarray(0, missing)])
      bytes = piece.subarray(missing)
      if (stripe.length < STRIPE_BYTES) {
        this.#held = stripe
        return this
      }
      this.#stripes(stripe)
    }
    const whole = bytes.length - (bytes.length % STRIPE_BYTES)
    this.#stripes(bytes.subarray(0, whole))
    this.#held = Buffer.from(bytes.subarray(whole))
    return this
  }

  digest(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#lanes
    let hash = this.#bytes < STRIPE_BYTES ? PRIME5 : (left(a, 1) + left(b, 7) + left(c, 12) + left(d, 18)) | 0
    hash = (hash + this.#bytes) | 0
    let at = 0
    for (; at + 4 <= this.#held.length; at += 4)
      hash = Math.imul(left((hash + Math.imul(this.#held.readInt32LE(at), PRIME3)) | 0, 17), PRIME4)
    for (; at < this.#held.length; at++)
      hash = Math.imul(left((hash + Math.imul(this.#held[at] as number, PRIME5)) | 0, 11), PRIME1)
    hash = Math.imul(hash ^ (hash >>> 15), PRIME2)
    hash = Math.imul(hash ^ (hash >>> 13), PRIME3)
    return (hash ^ (hash >>> 16)) >>> 0
  }

  #stripes(bytes: Buffer): void {
    let [a = 0, b = 0, c = 0, d = 0] = this.#lanes
    for (let at = 0; at < bytes.length; at += STRIPE_BYTES) {
      a = round(a, word(bytes, at))
      b = round(b, word(bytes, at + 4))
      c = round(c, word(bytes, at + 8))
      d = round(d, word(bytes, at + 12))
    }
    this.#lanes.set([a, b, c, d])
  }
}

function word(bytes: Buffer, at: number): number {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]] as [number, number, number, number]
  return a | (b << 8) | (c << 16) | (d << 24)
}

function round(lane: number, value: number): number {
  return Math.imul(left((lane + Math.imul(value, PRIME2)) | 0, 13), PRIME1)
}

function left(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
