const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/**
 * MurmurHash3 x86 32-bit, seed 0, signed (Appleby, smhasher): the hash of scikit-learn's FeatureHasher. `text` is hashed as UTF-8.
 * No library: 20 lines, and it must give exactly this variant.
 */
export function murmur3(text: string): number {
  for (let index = 0; index < text.length; index++) {
    // Rare: one character per byte is UTF-8 read as Latin-1, so one loop serves both.
    if (text.charCodeAt(index) > 0x7f) return hash(Buffer.from(text, 'utf8').toString('latin1'))
  }
  return hash(text)
}

/** One character a byte. */
function hash(text: string): number {
  const { length } = text
  let h = 0
  let index = 0
  for (; index + 4 <= length; index += 4) {
    const low = text.charCodeAt(index) | (text.charCodeAt(index + 1) << 8)
    h ^= mixed(low | (text.charCodeAt(index + 2) << 16) | (text.charCodeAt(index + 3) << 24))
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let left = length - 1; left >= index; left--) tail = (tail << 8) | text.charCodeAt(left)
  if (index < length) h ^= mixed(tail)
  return finished(h ^ length)
}

function mixed(word: number): number {
  const k = Math.imul(word, C1)
  return Math.imul((k << 15) | (k >>> 17), C2)
}

function finished(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}

/** Columns that FeatureHasher fills. `alternate`: a negative hash subtracts (scikit-learn's alternate_sign). */
export interface HashedColumns {
  readonly out: Float64Array
  readonly from: number
  readonly count: number
  readonly alternate: boolean
}

export function addHashed(columns: HashedColumns, key: string, value: number): void {
  const h = murmur3(key)
  // scikit-learn's own way round the missing |-2^31|.
  const index = h === -0x80000000 ? (0x7fffffff - (columns.count - 1)) % columns.count : Math.abs(h) % columns.count
  const column = columns.from + index
  columns.out[column] = (columns.out[column] ?? 0) + (columns.alternate && h < 0 ? -value : value)
}
