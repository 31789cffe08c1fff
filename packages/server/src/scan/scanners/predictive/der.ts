/** One element of DER (ITU-T X.690): where it stands in `bytes`. */
export interface DerNode {
  readonly bytes: Buffer
  readonly tag: number
  /** First byte of the tag. */
  readonly start: number
  /** First byte of the contents, and the byte behind them. */
  readonly from: number
  readonly to: number
}

/** Bytes that are no DER, or not the structure that was asked for. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

export const TAG = {
  integer: 0x02,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  explicit0: 0xa0,
  explicit1: 0xa1,
} as const

const MAX_CHILDREN = 4096
const MAX_LENGTH_BYTES = 4

/**
 * Reads one element at `at`; the caller walks down, so hostile nesting costs no stack. Own code because Node has no CMS or PKCS #7
 * reader (`X509Certificate` reads a certificate, nothing around it) and ASN.1 libraries bring no limits. No indefinite lengths
 * (BER) and no tags above 30: neither stands in what signing tools write.
 */
export function readDer(bytes: Buffer, at: number, end: number): DerNode {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (at + 2 > end || tag === undefined || first === undefined) throw new DerError('element ends early')
  if ((tag & 0x1f) === 0x1f || first === 0x80) throw new DerError('not DER')
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (lengthBytes > MAX_LENGTH_BYTES || at + 2 + lengthBytes > end) throw new DerError('length is too long')
  const from = at + 2 + lengthBytes
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
  if (from + length > end) throw new DerError('element leaves its parent')
  return { bytes, tag, start: at, from, to: from + length }
}

export function children(node: DerNode): DerNode[] {
  const found: DerNode[] = []
  for (let at = node.from; at < node.to; ) {
    if (found.length >= MAX_CHILDREN) throw new DerError('too many elements')
    const child = readDer(node.bytes, at, node.to)
    found.push(child)
    at = child.to
  }
  return found
}

/** The node, where it has this tag; throws DerError else. */
export function expect(node: DerNode | undefined, tag: number): DerNode {
  if (node === undefined || node.tag !== tag) throw new DerError('unexpected element')
  return node
}

/** The only child of an explicit tag. */
export function inner(node: DerNode): DerNode {
  const [child] = children(node)
  if (child === undefined) throw new DerError('empty element')
  return child
}

export function contents(node: DerNode): Buffer {
  return node.bytes.subarray(node.from, node.to)
}

/** Tag, length and contents. */
export function encoded(node: DerNode): Buffer {
  return node.bytes.subarray(node.start, node.to)
}

/** Dotted form; throws DerError where it is none. */
export function objectId(node: DerNode | undefined): string {
  const bytes = contents(expect(node, TAG.oid))
  if (bytes.length === 0 || bytes.length > 64) throw new DerError('bad object identifier')
  const arcs: number[] = []
  let value = 0
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    arcs.push(value)
    value = 0
  }
  const [first = 0, ...rest] = arcs
  const root = Math.min(2, Math.trunc(first / 40))
  return [root, first - 40 * root, ...rest].join('.')
}

const TIME = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(\.\d{1,9})?Z$/

/** UTCTime or GeneralizedTime (RFC 5280, 4.1.2.5) in seconds since 1970; throws DerError where it is none. */
export function timeOf(node: DerNode | undefined): number {
  const isUtc = node?.tag === TAG.utcTime
  const parts = TIME.exec(contents(expect(node, isUtc ? TAG.utcTime : TAG.generalizedTime)).toString('latin1'))
  if (parts === null || (parts[1]?.length === 2) !== isUtc) throw new DerError('bad time')
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const fullYear = isUtc ? year + (year < 50 ? 2000 : 1900) : year
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    throw new DerError('bad time')
  return Date.UTC(fullYear, month - 1, day, hour, minute, second) / 1000 + Number(parts[7] ?? 0)
}
