export const TAR_BLOCK = 512

/** One header block (POSIX.1-1988 ustar, GNU, or the format before both). Nothing of it is to be trusted. */
export interface TarHeader {
  /** With the prefix of ustar. */
  readonly name: string
  /** A negative or unreadable size is 0. */
  readonly size: number
  readonly type: string
  /** False: only the mark says that it is a header. */
  readonly isSummed: boolean
  readonly block: Buffer
}

/** Undefined where neither the checksum nor the mark of ustar makes it a header. */
export function tarHeader(block: Buffer): TarHeader | undefined {
  if (block.length < TAR_BLOCK) return undefined
  const isMarked = block.toString('latin1', 257, 262) === 'ustar'
  const isSummed = hasRightSum(block)
  if (!isSummed && !isMarked) return undefined
  // GNU keeps times and sparse maps where ustar has the prefix.
  const prefix = isMarked && block[262] === 0 ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: tarNumber(block, 124, 12),
    type: String.fromCharCode(block[156] ?? 0),
    isSummed,
    block,
  }
}

const SUM_AT = 148
const SUM_BYTES = 8

/** The sum of all bytes, the field itself as spaces; old writers summed signed bytes. */
function hasRightSum(block: Buffer): boolean {
  // Most blocks that are no header are told apart here.
  if (!/^[ 0]{0,7}[0-7]{1,7}[ \0]{0,7}$/.test(block.toString('latin1', SUM_AT, SUM_AT + SUM_BYTES))) return false
  const stated = tarNumber(block, SUM_AT, SUM_BYTES)
  let unsigned = 0
  let signed = 0
  for (let i = 0; i < TAR_BLOCK; i++) {
    const byte = i >= SUM_AT && i < SUM_AT + SUM_BYTES ? 0x20 : (block[i] as number)
    unsigned += byte
    signed += byte < 0x80 ? byte : byte - 256
  }
  return stated === unsigned || stated === signed
}

/** Octal text, or base 256 where the first bit is set (GNU); 0 where it is neither or negative. */
export function tarNumber(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0
  if (first === 0x80) return base256(block.subarray(at + 1, at + length))
  if (first === 0xff) return 0
  const digits = /^[ \0]{0,12}([0-7]{1,12})/.exec(block.toString('latin1', at, at + length))?.[1]
  return digits === undefined ? 0 : Number.parseInt(digits, 8)
}

function base256(bytes: Buffer): number {
  let value = 0
  for (const byte of bytes) value = Math.min(value * 256 + byte, Number.MAX_SAFE_INTEGER)
  return value
}

export function text(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}

/** What fills a size up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
}
