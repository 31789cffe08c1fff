import { constants, createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { authenticodeLayout } from './certificate-table.ts'
import { children, contents, DerError, encoded, expect, readDer, TAG } from './der.ts'
import type { PeImage } from './pe-image.ts'
import { algorithmOf, OID, type SignedData, type SignerInfo } from './signed-data.ts'

/** What of one signature holds. "Valid" says that the bytes are those that were signed, never that the signer is trusted. */
export interface SignatureCheck {
  readonly signer: Signer | undefined
  /** SHA-1, SHA-256, ... over the file without checksum, directory entry and certificate table, against the signed one. */
  readonly digest: 'match' | 'mismatch' | 'unsupported'
  /** The signer's key over the signed attributes, and their digest of the content. */
  readonly signature: 'valid' | 'invalid' | 'unsupported' | 'no-certificate'
  readonly digestAlgorithm: string
  readonly programName: string | undefined
  /** ISO time of the countersignature, as it claims. */
  readonly countersignedAt: string | undefined
}

export interface Signer {
  /** Common name, or the organisation where there is none; made safe for one line of text. */
  readonly name: string
  readonly issuer: string
  readonly serialNumber: string
  readonly selfSigned: boolean
  /** ISO times of the certificate. */
  readonly validFrom: string
  readonly validTo: string
}

const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.5': 'md5',
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
const RSA_PSS = '1.2.840.113549.1.1.10'
const MAX_TEXT = 200

interface Parts {
  readonly data: SignedData
  readonly signer: SignerInfo
  readonly programName: string | undefined
  readonly signedAt: number | undefined
}

/** Never throws for hostile bytes. */
export function checkSignature(image: PeImage, { data, signer, programName, signedAt }: Parts): SignatureCheck {
  const certificate = certificateOf(data, signer)
  const signed = signedDigest(data)
  return {
    signer: certificate === undefined ? undefined : describe(certificate),
    digest: signed === undefined ? 'unsupported' : digestState(image, signed),
    signature: certificate === undefined ? 'no-certificate' : signatureState({ data, signer, certificate }),
    digestAlgorithm: signed?.hash ?? 'unknown',
    programName: programName === undefined ? undefined : oneLine(programName),
    countersignedAt: signedAt === undefined ? undefined : isoTime(signedAt),
  }
}

interface SignedDigest {
  readonly hash: string
  readonly value: Buffer
}

/** SpcIndirectDataContent.messageDigest. */
function signedDigest({ content }: SignedData): SignedDigest | undefined {
  try {
    const [, info] = children(expect(content, TAG.sequence))
    const [algorithm, digest] = children(expect(info, TAG.sequence))
    const hash = HASHES[algorithmOf(algorithm)]
    return hash === undefined ? undefined : { hash, value: contents(expect(digest, TAG.octetString)) }
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function digestState(image: PeImage, signed: SignedDigest): SignatureCheck['digest'] {
  return authenticodeDigest(image, signed.hash)?.equals(signed.value) ? 'match' : 'mismatch'
}

/** The PE image hash ("Calculating the PE Image Hash" of Microsoft's paper); undefined where the header has no place for it. */
export function authenticodeDigest(image: PeImage, hash: string): Buffer | undefined {
  const layout = authenticodeLayout(image)
  if (layout === undefined) return undefined
  const { checksum, directoryEntry, table } = layout
  const gaps = [{ at: checksum, size: 4 }]
  if (directoryEntry !== undefined) gaps.push({ at: directoryEntry, size: 8 })
  if (table !== undefined) gaps.push(table)
  const hasher = createHash(hash)
  let at = 0
  for (const gap of gaps) {
    hasher.update(image.bytes.subarray(at, gap.at))
    at = gap.at + gap.size
  }
  return hasher.update(image.bytes.subarray(at)).digest()
}

function certificateOf({ certificates }: SignedData, { issuer, serial }: SignerInfo): X509Certificate | undefined {
  const der = certificates.find((certificate) => isIssuedAs(certificate, issuer, serial))
  if (der === undefined) return undefined
  try {
    return new X509Certificate(der)
  } catch {
    // OpenSSL's own word on hostile DER: no certificate.
    return undefined
  }
}

function isIssuedAs(certificate: Buffer, issuer: Buffer, serial: Buffer): boolean {
  try {
    const [body] = children(expect(readDer(certificate, 0, certificate.length), TAG.sequence))
    const [number, , name] = children(expect(body, TAG.sequence)).filter(({ tag }) => tag !== TAG.explicit0)
    return encoded(expect(number, TAG.integer)).equals(serial) && encoded(expect(name, TAG.sequence)).equals(issuer)
  } catch (error) {
    if (error instanceof DerError) return false
    throw error
  }
}

function signatureState(parts: {
  readonly data: SignedData
  readonly signer: SignerInfo
  readonly certificate: X509Certificate
}): SignatureCheck['signature'] {
  const { data, signer, certificate } = parts
  const hash = HASHES[signer.digestAlgorithm]
  const digest = signer.signed.get(OID.messageDigest)?.[0]
  if (hash === undefined || data.content === undefined || digest === undefined) return 'unsupported'
  const isContent = createHash(hash).update(contents(data.content)).digest().equals(contents(digest))
  if (!isContent) return 'invalid'
  try {
    const key = createPublicKey({
      key: certificate.publicKey.export({ format: 'der', type: 'spki' }),
      format: 'der',
      type: 'spki',
    })
    const padding = signer.signatureAlgorithm === RSA_PSS ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {}
    return verify(hash, signer.signedBytes, { key, ...padding }, signer.signature) ? 'valid' : 'invalid'
  } catch {
    // A key or an algorithm that OpenSSL here does not do (MD5 under FIPS, odd curves).
    return 'unsupported'
  }
}

function describe(certificate: X509Certificate): Signer {
  return {
    name: oneLine(commonName(certificate.subject)),
    issuer: oneLine(commonName(certificate.issuer)),
    serialNumber: certificate.serialNumber.slice(0, MAX_TEXT),
    selfSigned: certificate.subject === certificate.issuer,
    validFrom: isoDate(certificate.validFromDate),
    validTo: isoDate(certificate.validToDate),
  }
}

/** Node gives a distinguished name one field a line. */
function commonName(name: string | undefined): string {
  const fields = (name ?? '').split('\n')
  const value = (key: string) => fields.find((field) => field.startsWith(`${key}=`))?.slice(key.length + 1)
  return value('CN') ?? value('O') ?? ''
}

/** Names come from the file: no control character, no second line, no endless text. */
function oneLine(text: string): string {
  return text.replace(/[^\P{C}\u00ad]/gu, '').slice(0, MAX_TEXT)
}

function isoTime(seconds: number): string {
  return isoDate(new Date(seconds * 1000))
}

function isoDate(date: Date): string {
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}
