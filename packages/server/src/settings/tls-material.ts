import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { keyDerivationCost, MAX_DERIVATION_COST } from './key-derivation.ts'

export type TlsPart = 'certificate' | 'privateKey' | 'passphrase'

/** Every way in which certificate, key and passphrase can be wrong. */
const FAULTS = {
  'certificate-not-pem': { part: 'certificate', text: 'is not a PEM certificate (-----BEGIN CERTIFICATE-----)' },
  'certificate-holds-key': {
    part: 'certificate',
    text: 'holds a private key, which belongs into icaps.privateKey only',
  },
  'certificate-unreadable': { part: 'certificate', text: 'holds a certificate that cannot be read' },
  'chain-too-long': { part: 'certificate', text: 'holds more than 10 certificates' },
  'certificate-not-first': {
    part: 'certificate',
    text: 'must begin with the certificate that fits the key; it stands further down',
  },
  'key-not-pem': { part: 'privateKey', text: 'is not a PEM private key (-----BEGIN ... PRIVATE KEY-----)' },
  'several-keys': { part: 'privateKey', text: 'holds more than one private key' },
  'key-not-encrypted': {
    part: 'privateKey',
    text: 'opens without a passphrase; only encrypted private keys are accepted (openssl pkcs8 -topk8 -in plain.key -out encrypted.key)',
  },
  'key-unreadable': { part: 'privateKey', text: 'cannot be read: it is damaged or of an unknown kind' },
  'key-too-slow': {
    part: 'privateKey',
    text: 'would take too long to open: its key derivation asks for too many rounds',
  },
  'key-does-not-fit': { part: 'privateKey', text: 'does not fit the certificate' },
  'wrong-passphrase': { part: 'passphrase', text: 'does not open icaps.privateKey' },
  unusable: { part: 'certificate', text: 'cannot be used for TLS' },
} as const satisfies Record<string, { part: TlsPart; text: string }>

const WARNINGS = {
  expired: { part: 'certificate', text: 'has expired' },
  'not-yet-valid': { part: 'certificate', text: 'is not valid yet' },
} as const satisfies Record<string, { part: TlsPart; text: string }>

export type TlsFaultCode = keyof typeof FAULTS
export type TlsWarningCode = keyof typeof WARNINGS

/** `text` is to be read after the setting's key, `icaps.PART`. */
export interface TlsFault<Code extends string = TlsFaultCode> {
  readonly code: Code
  readonly part: TlsPart
  readonly text: string
}

/** What a TLS server needs, all of it known to fit together. `keyPem` is still encrypted. */
export interface TlsMaterial {
  /** The server's own certificate first, then the chain's. */
  readonly certPem: string
  readonly keyPem: string
  readonly passphrase: string
  /** SHA-256 of the certificate, `AB:CD:...`. */
  readonly fingerprint: string
  readonly subject: string
  readonly notAfter: Date
}

/** Empty texts are absent parts: what is there is checked, and `material` comes only of all three. */
export interface TlsInput {
  readonly certificate: string
  readonly privateKey: string
  readonly passphrase: string
  readonly nowMs: number
}

export interface CheckedTls {
  readonly material?: TlsMaterial
  readonly faults: readonly TlsFault[]
  readonly warnings: readonly TlsFault<TlsWarningCode>[]
}

/** Checks each part by itself, then whether they fit. Never throws. */
export function checkTlsMaterial({ certificate, privateKey, passphrase, nowMs }: TlsInput): CheckedTls {
  const chain = certificate === '' ? undefined : readChain(certificate)
  const key = privateKey === '' ? undefined : readKey(privateKey, passphrase)
  const faults = [...(chain?.faults ?? []), ...(key?.faults ?? [])]
  const warnings = chain?.leaf === undefined ? [] : dateWarnings(chain.leaf, nowMs)
  if (chain?.leaf === undefined || key?.key === undefined || faults.length > 0) return { faults, warnings }
  const misfit = misfitOf(chain, key.key)
  if (misfit !== undefined) return { faults: [misfit], warnings }
  const material = materialOf({ chain, leaf: chain.leaf, keyPem: key.pem, passphrase })
  const unusable = tryContext(material)
  return unusable === undefined ? { material, faults, warnings } : { faults: [unusable], warnings }
}

function tlsFault(code: TlsFaultCode, detail = ''): TlsFault {
  const { part, text } = FAULTS[code]
  return { code, part, text: detail === '' ? text : `${text}: ${detail}` }
}

interface Chain {
  readonly pems: readonly string[]
  readonly leaf?: X509Certificate
  readonly others: readonly X509Certificate[]
  readonly faults: readonly TlsFault[]
}

const MAX_CHAIN = 10
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----[\s\S]+?-----END \1-----/g

function readChain(text: string): Chain {
  const pems = text.match(CERTIFICATE) ?? []
  const broken = (code: TlsFaultCode, detail?: string): Chain => ({
    pems,
    others: [],
    faults: [tlsFault(code, detail)],
  })
  // The certificate is shown in exports and in the console.
  if (/PRIVATE KEY-----/.test(text)) return broken('certificate-holds-key')
  if (pems.length === 0) return broken('certificate-not-pem')
  if (pems.length > MAX_CHAIN) return broken('chain-too-long')
  try {
    const [leaf, ...others] = pems.map((pem) => new X509Certificate(pem))
    return leaf === undefined ? broken('certificate-not-pem') : { pems, leaf, others, faults: [] }
  } catch (error) {
    return broken('certificate-unreadable', reasonOf(error))
  }
}

interface ReadKey {
  readonly pem: string
  readonly key?: KeyObject
  readonly faults: readonly TlsFault[]
}

/** Without a passphrase an encrypted key is only known to be one. */
function readKey(text: string, passphrase: string): ReadKey {
  const [pem = '', ...more] = text.match(PRIVATE_KEY) ?? []
  const broken = (code: TlsFaultCode): ReadKey => ({ pem, faults: [tlsFault(code)] })
  if (pem === '') return broken('key-not-pem')
  if (more.length > 0) return broken('several-keys')
  if (keyDerivationCost(pem) > MAX_DERIVATION_COST) return broken('key-too-slow')
  // Any passphrase "opens" a key that has none, so it is tried without one first.
  const bare = openKey(pem)
  if (typeof bare === 'object') return broken('key-not-encrypted')
  if (bare !== 'locked') return broken('key-unreadable')
  if (passphrase === '') return { pem, faults: [] }
  const key = openKey(pem, passphrase)
  if (typeof key === 'object') return { pem, key, faults: [] }
  return broken(key === 'unreadable' ? 'key-unreadable' : 'wrong-passphrase')
}

function openKey(pem: string, passphrase?: string): KeyObject | 'locked' | 'wrong' | 'unreadable' {
  try {
    return createPrivateKey(passphrase === undefined ? { key: pem } : { key: pem, passphrase })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED' || code === 'ERR_MISSING_PASSPHRASE') return 'locked'
    // With a wrong passphrase the padding is right once in 256 times: what comes out is then no key.
    return passphrase === undefined ? 'unreadable' : 'wrong'
  }
}

function misfitOf({ leaf, others }: Chain, key: KeyObject): TlsFault | undefined {
  // `createSecureContext` takes an RSA key with an EC certificate: only this tells.
  if (leaf?.checkPrivateKey(key)) return undefined
  return tlsFault(others.some((other) => other.checkPrivateKey(key)) ? 'certificate-not-first' : 'key-does-not-fit')
}

function dateWarnings(leaf: X509Certificate, nowMs: number): TlsFault<TlsWarningCode>[] {
  const warn = (code: TlsWarningCode, date: string): TlsFault<TlsWarningCode>[] => [
    { code, part: WARNINGS[code].part, text: `${WARNINGS[code].text} (${date})` },
  ]
  if (leaf.validToDate.getTime() < nowMs) return warn('expired', leaf.validTo)
  return leaf.validFromDate.getTime() > nowMs ? warn('not-yet-valid', leaf.validFrom) : []
}

interface Fitting {
  readonly chain: Chain
  readonly leaf: X509Certificate
  readonly keyPem: string
  readonly passphrase: string
}

function materialOf({ chain, leaf, keyPem, passphrase }: Fitting): TlsMaterial {
  return {
    certPem: `${chain.pems.join('\n')}\n`,
    keyPem: `${keyPem}\n`,
    passphrase,
    fingerprint: leaf.fingerprint256,
    subject: leaf.subject ?? '',
    notAfter: leaf.validToDate,
  }
}

/** The last word is OpenSSL's: too small a key, a signature that it does not take any more. */
function tryContext({ certPem, keyPem, passphrase }: TlsMaterial): TlsFault | undefined {
  try {
    createSecureContext({ cert: certPem, key: keyPem, passphrase })
    return undefined
  } catch (error) {
    return tlsFault('unusable', reasonOf(error))
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split(':').at(-1) ?? '').trim() : String(error)
}
