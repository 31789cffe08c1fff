import { children, DerError, type DerNode, encoded, expect, inner, objectId, readDer, TAG } from './der.ts'

export const OID = {
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  counterSignature: '1.2.840.113549.1.9.6',
  timestampToken: '1.2.840.113549.1.9.16.1.4',
  spcIndirectData: '1.3.6.1.4.1.311.2.1.4',
  spcStatementType: '1.3.6.1.4.1.311.2.1.11',
  spcOpusInfo: '1.3.6.1.4.1.311.2.1.12',
  spcNestedSignature: '1.3.6.1.4.1.311.2.4.1',
  microsoftTimestamp: '1.3.6.1.4.1.311.3.3.1',
} as const

export type Attributes = ReadonlyMap<string, readonly DerNode[]>

/** SignerInfo of PKCS #7 and CMS (RFC 2315 9.2, RFC 5652 5.3). */
export interface SignerInfo {
  readonly issuer: Buffer
  readonly serial: Buffer
  readonly digestAlgorithm: string
  readonly signatureAlgorithm: string
  readonly signature: Buffer
  readonly signed: Attributes
  /** The signed attributes as they were hashed: with the tag of a SET (RFC 5652 5.4). */
  readonly signedBytes: Buffer
  readonly unsigned: Attributes
}

/** SignedData (RFC 2315 9.1, RFC 5652 5.1). */
export interface SignedData {
  readonly contentType: string
  /** What stands in the [0] of the content: an OCTET STRING in CMS, the structure itself in PKCS #7. */
  readonly content: DerNode | undefined
  /** DER of each certificate, in its order. */
  readonly certificates: readonly Buffer[]
  readonly hasCrls: boolean
  readonly signers: readonly SignerInfo[]
}

/** A ContentInfo that holds SignedData; trailing bytes are padding. Throws DerError. */
export function readContentInfo(bytes: Buffer): SignedData {
  return signedDataOf(readDer(bytes, 0, bytes.length))
}

/** The same from a node. Throws DerError. */
export function signedDataOf(contentInfo: DerNode): SignedData {
  const [type, content] = children(expect(contentInfo, TAG.sequence))
  if (objectId(type) !== OID.signedData) throw new DerError('not SignedData')
  return readSignedData(inner(expect(content, TAG.explicit0)))
}

function readSignedData(node: DerNode): SignedData {
  const [, digests, content, ...rest] = children(expect(node, TAG.sequence))
  // signify: exactly one algorithm.
  if (children(expect(digests, TAG.set)).length !== 1) throw new DerError('not one digest algorithm')
  const [contentType, wrapped] = children(expect(content, TAG.sequence))
  const certificates = rest.find(({ tag }) => tag === TAG.explicit0)
  const signers = rest.at(-1)
  return {
    contentType: objectId(contentType),
    content: wrapped === undefined ? undefined : inner(expect(wrapped, TAG.explicit0)),
    certificates: certificates === undefined ? [] : children(certificates).filter(isCertificate).map(encoded),
    hasCrls: rest.some(({ tag, from, to }) => tag === TAG.explicit1 && to > from),
    signers: children(expect(signers, TAG.set)).map(readSigner),
  }
}

/** Attribute certificates have tags of their own. */
function isCertificate({ tag }: DerNode): boolean {
  return tag === TAG.sequence
}

/** Throws DerError; a counter-signature is one too. */
export function readSigner(node: DerNode): SignerInfo {
  const [, sid, digest, ...rest] = children(expect(node, TAG.sequence))
  const [issuer, serial] = children(expect(sid, TAG.sequence))
  const signed = rest.find(({ tag }) => tag === TAG.explicit0)
  const [algorithm, signature, unsigned] = signed === undefined ? rest : rest.slice(1)
  const signedBytes = signed === undefined ? Buffer.alloc(0) : Buffer.from(encoded(signed))
  if (signedBytes.length > 0) signedBytes[0] = TAG.set
  const value = expect(signature, TAG.octetString)
  return {
    issuer: encoded(expect(issuer, TAG.sequence)),
    serial: encoded(expect(serial, TAG.integer)),
    digestAlgorithm: algorithmOf(digest),
    signatureAlgorithm: algorithmOf(algorithm),
    signature: value.bytes.subarray(value.from, value.to),
    signed: attributesOf(signed),
    signedBytes,
    unsigned: attributesOf(unsigned),
  }
}

/** The object identifier of an AlgorithmIdentifier. */
export function algorithmOf(node: DerNode | undefined): string {
  return objectId(children(expect(node, TAG.sequence))[0])
}

function attributesOf(node: DerNode | undefined): Attributes {
  const found = new Map<string, readonly DerNode[]>()
  for (const attribute of node === undefined ? [] : children(node)) {
    const [type, values] = children(expect(attribute, TAG.sequence))
    found.set(objectId(type), children(expect(values, TAG.set)))
  }
  return found
}
