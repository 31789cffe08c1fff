import { type AesField, FLAG_ENCRYPTED, FLAG_STRONG, type ZipHeader } from './zip-records.ts'

/** One way to understand a member's data. Headers that contradict each other give several, and all are scanned. */
export interface ZipReading {
  readonly method: number
  readonly flags: number
  readonly encryption: 'none' | 'zipcrypto' | 'strong' | AesField
  readonly dataAt: number
  /** Lengths of the data, longest first; empty: nobody says. */
  readonly lengths: readonly number[]
  /** What the plain bytes may be: one pair a header. */
  readonly sums: readonly ZipSum[]
  /** ZipCrypto: the last byte of its header, by whichever rule. */
  readonly checks: readonly number[]
  readonly headers: readonly ZipHeader[]
}

export interface ZipSum {
  readonly crc: number
  readonly size: number
}

export const METHOD_STORED = 0
export const METHOD_DEFLATE = 8

/** `headers`: of the directory, of the file itself, or both. */
export function readingsOf(headers: readonly ZipHeader[], dataAt: number): ZipReading[] {
  const kinds = new Map<string, ZipHeader[]>()
  for (const header of headers) {
    const kind = `${header.method} ${keyOf(encryptionOf(header))}`
    const same = kinds.get(kind)
    if (same === undefined) kinds.set(kind, [header])
    else same.push(header)
  }
  // Sizes and sums are shared: a header that lies about the method may be right about them.
  return [...kinds.values()].map((own) => readingOf(own[0] as ZipHeader, headers, dataAt))
}

function readingOf(first: ZipHeader, headers: readonly ZipHeader[], dataAt: number): ZipReading {
  const encryption = encryptionOf(first)
  const lengths = headers.flatMap((header) => lengthsOf(header, first.method, encryption))
  return {
    method: first.method,
    flags: first.flags,
    encryption,
    dataAt,
    lengths: [...new Set(lengths)].sort((a, b) => b - a),
    sums: headers.flatMap(({ crc, size }) => (size === undefined ? [] : [{ crc, size }])),
    checks: [...new Set(headers.flatMap(({ crc, time }) => [crc >>> 24, time >>> 8]))],
    headers,
  }
}

/** Of stored data readers take the one size or the other. */
function lengthsOf({ packed, size }: ZipHeader, method: number, encryption: ZipReading['encryption']): number[] {
  if (packed === undefined) return []
  const isPlain = method === METHOD_STORED && encryption === 'none'
  return isPlain && size !== undefined ? [packed, size] : [packed]
}

function encryptionOf({ flags, aes }: ZipHeader): ZipReading['encryption'] {
  if ((flags & FLAG_ENCRYPTED) === 0) return 'none'
  if (aes !== undefined) return aes
  return (flags & FLAG_STRONG) === 0 ? 'zipcrypto' : 'strong'
}

export function keyOf(encryption: ZipReading['encryption']): string {
  return typeof encryption === 'string' ? encryption : `aes${encryption.version}.${encryption.strength}`
}
