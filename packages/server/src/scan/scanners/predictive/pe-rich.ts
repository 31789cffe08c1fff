import type { PeImage } from './pe-image.ts'
import { PE_WARNING } from './pe-warnings.ts'

const FROM = 0x80
const RICH = 0x68636952
const DANS = 0x536e6144
/** Linkers write a few dozen; a header of megabytes would only cost time. */
const MAX_WORDS = 0x10000

/** The undocumented "Rich" header between DOS stub and NT headers, as pefile since 2024 reads it; empty where there is none. */
export function readRichHeader(image: PeImage): readonly number[] {
  const end = image.bytes.subarray(0, image.headers.optionalOffset).indexOf('Rich', FROM, 'latin1')
  if (end < 0) return []
  const count = Math.min(MAX_WORDS, Math.trunc((Math.min(end + 8, image.size) - FROM) / 4))
  const words = Array.from({ length: count }, (_, index) => image.u32(FROM + index * 4))
  const mark = words.indexOf(RICH)
  const key = words[mark + 1]
  if (mark < 0 || key === undefined) return []
  const isForeign = xor(words[0] ?? 0, key) !== DANS || words.slice(1, 4).some((word) => word !== key)
  if (isForeign) image.warn(PE_WARNING.richForeign)
  return readPairs(image, words.slice(4), key)
}

function readPairs(image: PeImage, words: readonly number[], key: number): number[] {
  const values: number[] = []
  for (let index = 0; index + 1 < words.length; index += 2) {
    const [id, count] = [words[index] ?? 0, words[index + 1] ?? 0]
    if (id === RICH) {
      if (count !== key) image.warn(PE_WARNING.richMalformed)
      break
    }
    values.push(xor(id, key), xor(count, key))
  }
  return values
}

function xor(a: number, b: number): number {
  return (a ^ b) >>> 0
}
