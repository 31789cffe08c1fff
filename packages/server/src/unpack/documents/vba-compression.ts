const CHUNK_BYTES = 4096

/** What came out of a compressed container; `whole` is false where it ended in the middle or hit the limit. */
export interface VbaText {
  readonly bytes: Buffer
  readonly whole: boolean
}

/**
 * [MS-OVBA] 2.4.1: chunks of 4,096 bytes, each a run of literals and copy tokens. No library reads it; every offset is checked, and
 * what came before a fault is given back.
 */
export function decompressVba(packed: Buffer, limit: number): VbaText {
  if (packed[0] !== 1) return { bytes: Buffer.alloc(0), whole: false }
  const chunks: Buffer[] = []
  let bytes = 0
  let at = 1
  while (at + 2 <= packed.length) {
    const header = packed.readUInt16LE(at)
    // 2.4.1.1.5: bits 12-14 are always 0b011. Anything else is not a chunk.
    if (((header >> 12) & 7) !== 3) return { bytes: Buffer.concat(chunks), whole: false }
    const end = at + (header & 0xfff) + 3
    const body = packed.subarray(at + 2, end)
    const chunk = header & 0x8000 ? unpackChunk(body) : { bytes: body.subarray(0, CHUNK_BYTES), whole: true }
    chunks.push(chunk.bytes)
    bytes += chunk.bytes.length
    if (!chunk.whole || end > packed.length || bytes > limit) {
      return { bytes: Buffer.concat(chunks).subarray(0, limit), whole: false }
    }
    at = end
  }
  return { bytes: Buffer.concat(chunks), whole: true }
}

function unpackChunk(body: Buffer): VbaText {
  const out = Buffer.alloc(CHUNK_BYTES)
  let length = 0
  let at = 0
  while (at < body.length) {
    const flags = body[at++] ?? 0
    for (let bit = 0; bit < 8 && at < body.length; bit++) {
      if ((flags & (1 << bit)) === 0) {
        if (length >= CHUNK_BYTES) return { bytes: out, whole: false }
        out[length++] = body[at++] ?? 0
        continue
      }
      if (at + 2 > body.length) return { bytes: out.subarray(0, length), whole: false }
      const copied = copyToken(out, length, body.readUInt16LE(at))
      if (copied < 0) return { bytes: out.subarray(0, length), whole: false }
      length += copied
      at += 2
    }
  }
  return { bytes: out.subarray(0, length), whole: true }
}

/** 2.4.1.3.19: how many bits are the offset follows from how much stands already. -1 where it points outside. */
function copyToken(out: Buffer, length: number, token: number): number {
  let offsetBits = 4
  while (offsetBits < 12 && 1 << offsetBits < length) offsetBits++
  const size = (token & (0xffff >> offsetBits)) + 3
  const offset = (token >> (16 - offsetBits)) + 1
  if (offset > length || length + size > CHUNK_BYTES) return -1
  for (let at = 0; at < size; at++) out[length + at] = out[length + at - offset] ?? 0
  return size
}
