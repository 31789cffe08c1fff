/** About two seconds of PBKDF2; `openssl pkcs8` asks for 2,048 rounds, careful people for a million. */
export const MAX_DERIVATION_COST = 5_000_000

// Object identifiers in DER, after their tag and length. RFC 8018 (PKCS #5) and RFC 7292 (PKCS #12) schemes begin alike.
const PKCS5 = Buffer.from('2a864886f70d0105', 'hex')
const PKCS12_PBE = Buffer.from('2a864886f70d010c01', 'hex')
// RFC 7914 section 7.
const SCRYPT = Buffer.from('2b06010401da47040b', 'hex')

/** How much DER is looked through: parameters stand before the encrypted bytes. */
const HEAD_BYTES = 512

/**
 * Rounds that an encrypted PKCS #8 key asks for before it opens (PBKDF2 and PKCS #12: iterations; scrypt: N * r * p), as the
 * key's maker chose: a key that asks for 2^31 would stop the process for many minutes. 0 for any other text.
 */
export function keyDerivationCost(pem: string): number {
  const body = /-----BEGIN ENCRYPTED PRIVATE KEY-----([\s\S]+?)-----END/.exec(pem)?.[1]
  if (body === undefined) return 0
  const der = Buffer.from(body, 'base64').subarray(0, HEAD_BYTES)
  const costs = [PKCS5, PKCS12_PBE, SCRYPT].flatMap((oid) => positionsOf(der, oid).map((at) => costAfter(der, at, oid)))
  return Math.max(0, ...costs)
}

function positionsOf(der: Buffer, oid: Buffer): number[] {
  const positions: number[] = []
  for (let at = der.indexOf(oid); at >= 0; at = der.indexOf(oid, at + 1)) positions.push(at)
  return positions
}

/** The parameters follow the identifier: SEQUENCE { OCTET STRING salt, INTEGER, ... }. */
function costAfter(der: Buffer, at: number, oid: Buffer): number {
  // The two PKCS identifiers are prefixes: one byte more names the scheme.
  const sequence = at + oid.length + (oid === SCRYPT ? 0 : 1)
  const salt = contentOf(der, sequence, 0x30)
  const saltContent = salt && contentOf(der, salt.start, 0x04)
  if (saltContent === undefined) return 0
  const factors = oid === SCRYPT ? 3 : 1
  let cost = 1
  let next = saltContent.end
  for (let i = 0; i < factors; i++) {
    const integer = contentOf(der, next, 0x02)
    if (integer === undefined) return 0
    // Bytes cut off by HEAD_BYTES can only be those of an absurdly long number.
    cost *= Number(BigInt(`0x${der.subarray(integer.start, integer.end).toString('hex') || '0'}`))
    next = integer.end
  }
  return cost
}

/** The content of the DER value at `at`, if it has the tag. */
function contentOf(der: Buffer, at: number, tag: number): { start: number; end: number } | undefined {
  if (der[at] !== tag) return undefined
  const first = der[at + 1] ?? 0
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const lengthBytes = first & 0x7f
  if (lengthBytes === 0 || lengthBytes > 4 || at + 2 + lengthBytes > der.length) return undefined
  const start = at + 2 + lengthBytes
  return { start, end: start + der.readUIntBE(at + 2, lengthBytes) }
}
