import { type AuthenticodeFeatures, NO_AUTHENTICODE } from './authenticode-features.ts'
import { certificateBlobs } from './certificate-table.ts'
import {
  children,
  contents,
  DerError,
  type DerNode,
  encoded,
  expect,
  inner,
  objectId,
  readDer,
  TAG,
  timeOf,
} from './der.ts'
import type { PeImage } from './pe-image.ts'
import { checkSignature, type SignatureCheck } from './signature-check.ts'
import { OID, readContentInfo, readSigner, type SignedData, type SignerInfo, signedDataOf } from './signed-data.ts'

/** The published rows have up to 358. */
const MAX_SIGNATURES = 1024
/** Each check hashes the whole file and does public-key arithmetic. */
const MAX_CHECKED = 4
const MAX_NESTING = 16

/** What the file says of who signed it. */
export interface Authenticode {
  readonly features: AuthenticodeFeatures
  /** `malformed`: there is something, but it cannot be read as a signature. */
  readonly state: 'unsigned' | 'signed' | 'malformed'
  /** The first four signatures, checked. */
  readonly signatures: readonly SignatureCheck[]
}

const UNSIGNED: Authenticode = { features: NO_AUTHENTICODE, state: 'unsigned', signatures: [] }

/**
 * Reads Authenticode as thrember does with `signify` (Microsoft's "Windows Authenticode Portable Executable Signature Format"):
 * every SignedData of the certificate table, then those nested in its unsigned attributes; the first that breaks signify's rules
 * ends the walk with `parseError`. Beside it the signatures are checked: digest over the file, digest over the content, and the
 * signer's signature. No chain is built to a trusted root: there is no root store here, so "valid" never means "trusted".
 */
export function readAuthenticode(image: PeImage): Authenticode {
  const blobs = certificateBlobs(image)
  if (blobs.length === 0) return UNSIGNED
  const walk = new SignatureWalk(image)
  try {
    for (const blob of blobs) walk.take(readContentInfo(blob), 0)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    walk.fail()
  }
  return walk.result()
}

class SignatureWalk {
  readonly #image: PeImage
  readonly #features: { -readonly [K in keyof AuthenticodeFeatures]: AuthenticodeFeatures[K] } = { ...NO_AUTHENTICODE }
  readonly #checks: SignatureCheck[] = []

  constructor(image: PeImage) {
    this.#image = image
  }

  fail(): void {
    this.#features.parseError = true
  }

  result(): Authenticode {
    const state = this.#features.signatures > 0 ? 'signed' : 'malformed'
    return { features: this.#features, state, signatures: this.#checks }
  }

  /** Throws DerError. */
  take(data: SignedData, depth: number): void {
    const found = this.#features
    if (found.signatures >= MAX_SIGNATURES || depth > MAX_NESTING) throw new DerError('too many signatures')
    const signer = soleSigner(data)
    found.signatures++
    const programName = programNameOf(signer)
    if (programName === undefined) found.noProgramName = true
    const signedAt = this.#countersignature(signer)
    found.chainLength = Math.max(found.chainLength, data.certificates.length)
    // thrember leaves out the last certificate.
    if (data.certificates.slice(0, -1).some(isSelfIssued)) found.selfSigned = true
    if (this.#checks.length < MAX_CHECKED) {
      this.#checks.push(checkSignature(this.#image, { data, signer, programName, signedAt }))
    }
    const nested = (signer.unsigned.get(OID.spcNestedSignature) ?? []).map(signedDataOf)
    for (const inside of nested) this.take(inside, depth + 1)
  }

  #countersignature(signer: SignerInfo): number | undefined {
    const found = this.#features
    const signedAt = countersignedAt(signer)
    if (signedAt === undefined) {
      found.noCountersigner = true
      return undefined
    }
    found.latestSigningTime = Math.max(found.latestSigningTime, signedAt)
    found.signingTimeDifference = signedAt - this.#image.headers.timestamp
    return signedAt
  }
}

/** signify's rules for the one signer of an Authenticode SignedData. */
function soleSigner(data: SignedData): SignerInfo {
  const [signer] = data.signers
  if (data.contentType !== OID.spcIndirectData) throw new DerError('not Authenticode content')
  if (signer === undefined || data.signers.length !== 1 || data.hasCrls) throw new DerError('not one signer')
  checkAttributes(signer, { required: [OID.contentType, OID.messageDigest], contentType: OID.spcIndirectData })
  const single = [OID.spcStatementType, OID.spcOpusInfo].map((type) => signer.signed.get(type))
  const tokens = [OID.counterSignature, OID.microsoftTimestamp].map((type) => signer.unsigned.get(type))
  if ([...single, ...tokens].some((values) => values !== undefined && values.length !== 1)) {
    throw new DerError('attribute with several values')
  }
  if (tokens.every((values) => values !== undefined)) throw new DerError('two kinds of countersignature')
  return signer
}

function checkAttributes(signer: SignerInfo, rule: { required: readonly string[]; contentType?: string }): void {
  for (const type of [OID.contentType, OID.messageDigest, OID.signingTime]) {
    const count = signer.signed.get(type)?.length
    if (count === undefined ? rule.required.includes(type) : count !== 1)
      throw new DerError('missing or repeated attribute')
  }
  const type = objectId(signer.signed.get(OID.contentType)?.[0])
  if (rule.contentType !== undefined && type !== rule.contentType) throw new DerError('unexpected content type')
}

/** Seconds since 1970 of the time stamp, of either kind; undefined without one. Throws DerError where it is broken. */
function countersignedAt(signer: SignerInfo): number | undefined {
  const token = signer.unsigned.get(OID.microsoftTimestamp)?.[0]
  if (token !== undefined) return timestampTokenTime(signedDataOf(token))
  const counter = signer.unsigned.get(OID.counterSignature)?.[0]
  if (counter === undefined) return undefined
  const info = readSigner(counter)
  checkAttributes(info, { required: [OID.contentType, OID.signingTime, OID.messageDigest] })
  return timeOf(info.signed.get(OID.signingTime)?.[0])
}

/** `genTime` of TSTInfo (RFC 3161 2.4.2). */
function timestampTokenTime(data: SignedData): number {
  const [signer] = data.signers
  if (data.contentType !== OID.timestampToken || data.content === undefined) throw new DerError('no time stamp token')
  if (signer === undefined || data.signers.length !== 1) throw new DerError('not one signer')
  checkAttributes(signer, { required: [OID.contentType, OID.messageDigest], contentType: OID.timestampToken })
  const { bytes, from, to } = expect(data.content, TAG.octetString)
  const [version, , , , time] = children(expect(readDer(bytes, from, to), TAG.sequence))
  if (contents(expect(version, TAG.integer)).toString('hex') !== '01') throw new DerError('unknown TSTInfo version')
  return timeOf(time)
}

/** SpcSpOpusInfo.programName: undefined where there is none, '' where it is empty (which thrember does not count as none). */
function programNameOf(signer: SignerInfo): string | undefined {
  const opus = signer.signed.get(OID.spcOpusInfo)?.[0]
  const wrapped = opus === undefined ? undefined : children(opus).find(({ tag }) => tag === TAG.explicit0)
  return wrapped === undefined ? undefined : spcString(inner(wrapped))
}

/** SpcString: [0] BMPString or [1] IA5String. */
function spcString(node: DerNode): string {
  const bytes = Buffer.from(contents(node))
  if ((node.tag & 0x1f) !== 0) return bytes.toString('latin1')
  if (bytes.length % 2 !== 0) throw new DerError('half a character')
  return bytes.swap16().toString('utf16le')
}

/** By bytes; signify folds case and spaces first, which no certificate authority's own names need. */
function isSelfIssued(certificate: Buffer): boolean {
  const [body] = children(expect(readDer(certificate, 0, certificate.length), TAG.sequence))
  const fields = children(expect(body, TAG.sequence)).filter(({ tag }) => tag !== TAG.explicit0)
  const [, , issuer, , subject] = fields
  return encoded(expect(issuer, TAG.sequence)).equals(encoded(expect(subject, TAG.sequence)))
}
