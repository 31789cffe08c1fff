import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram } from './programs.ts'

export interface Certificates {
  readonly caFile: string
  readonly certificateFile: string
  /** Encrypted with the text of `passphraseFile`. */
  readonly keyFile: string
  readonly plainKeyFile: string
  readonly passphraseFile: string
}

/** A CA and a server certificate for 127.0.0.1, made by openssl in that folder. `name` tells two of them apart. */
export async function makeCertificates(folder: string, name: string): Promise<Certificates> {
  const file = (suffix: string): string => join(folder, `${name}-${suffix}.pem`)
  const passphrase = `pass-${name}`
  const openssl = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await runProgram('openssl', args)
    if (code !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`)
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    `/CN=${name} CA`,
    '-keyout',
    file('ca-key'),
    '-out',
    file('ca'),
  )
  await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', file('plain-key'), '-out', file('request'))
  writeFileSync(file('passphrase'), passphrase)
  writeFileSync(file('extensions'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  const sign = ['-CA', file('ca'), '-CAkey', file('ca-key'), '-CAcreateserial', '-extfile', file('extensions')]
  await openssl('x509', '-req', '-in', file('request'), ...sign, '-days', '2', '-out', file('certificate'))
  await openssl(
    'pkcs8',
    '-topk8',
    '-v2',
    'aes-256-cbc',
    '-in',
    file('plain-key'),
    '-passout',
    `pass:${passphrase}`,
    '-out',
    file('key'),
  )
  return {
    caFile: file('ca'),
    certificateFile: file('certificate'),
    keyFile: file('key'),
    plainKeyFile: file('plain-key'),
    passphraseFile: file('passphrase'),
  }
}

/** The pairs of `settings set` that switch ICAPS on with them. */
export function icapsSettings(certificates: Certificates): Record<string, string> {
  return {
    'icaps.certificate': `@${certificates.certificateFile}`,
    'icaps.privateKey': `@${certificates.keyFile}`,
    'icaps.passphrase': `@${certificates.passphraseFile}`,
    'icaps.passphraseConfirmation': `@${certificates.passphraseFile}`,
    'icaps.enabled': 'true',
  }
}
