/** How far back a match may lie. */
export const LZ4_HISTORY_BYTES = 64 * 1024
const MIN_MATCH = 4

export interface Lz4Block {
  /** Where the output ends in the buffer. */
  readonly end: number
  readonly isWhole: boolean
}

/**
 * Decodes one LZ4 block (lz4_Block_format.md) into `out` from `from` on; what lies before `from` is history. Stops at the first
 * sequence that reads outside the block, writes outside the buffer or reaches behind the history: what came before stands.
 */
export function decodeLz4Block(
  block: Buffer,
  out: Buffer,
  { from, history }: { from: number; history: number },
): Lz4Block {
  let [at, to] = [0, from]
  const lengthFrom = (start: number): number => {
    let length = start
    if (start !== 15) return length
    for (let byte = 255; byte === 255; ) {
      if (at >= block.length) return Number.POSITIVE_INFINITY
      byte = block[at++] as number
      length += byte
    }
    return length
  }
  while (at < block.length) {
    const token = block[at++] as number
    const literals = lengthFrom(token >> 4)
    const room = Math.min(literals, block.length - at, out.length - to)
    block.copy(out, to, at, at + room)
    to += room
    at += room
    if (room < literals) return { end: to, isWhole: false }
    if (at === block.length) return { end: to, isWhole: true }
    const distance = at + 2 <= block.length ? block.readUInt16LE(at) : 0
    at += 2
    const length = lengthFrom(token & 15) + MIN_MATCH
    if (distance === 0 || distance > to - from + history || length > out.length - to) return { end: to, isWhole: false }
    copyMatch(out, to, { distance, length })
    to += length
  }
  return { end: to, isWhole: false }
}

/** A match may overlap what it makes: it then repeats. */
function copyMatch(out: Buffer, to: number, { distance, length }: { distance: number; length: number }): void {
  if (distance >= length) out.copyWithin(to, to - distance, to - distance + length)
  else if (distance === 1) out.fill(out[to - 1] as number, to, to + length)
  else for (let i = to; i < to + length; i++) out[i] = out[i - distance] as number
}
