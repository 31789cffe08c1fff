import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const PASSPHRASE = 'correct horse battery staple'

/** Node makes keys but no certificates. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (process.env.CI === 'true') throw new Error('openssl is missing: apt-get install openssl', { cause: error })
    console.error('SKIPPED: the TLS matrix, for openssl is not installed')
    return false
  }
}

export function newKey(kind: 'rsa' | 'ec'): KeyObject {
  if (kind === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/** How a key is written: PKCS #8, or the traditional form of its kind (PKCS #1, SEC 1); encrypted when there is a passphrase. */
export function keyPem(key: KeyObject, form: 'pkcs8' | 'traditional', passphrase?: string): string {
  const type = form === 'pkcs8' ? 'pkcs8' : key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return String(key.export({ type, format: 'pem', ...cipher }))
}

/** A self-signed certificate of the key, good for 30 days from now on. */
export function certificateFor(key: KeyObject, subject = '/CN=icap.example'): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-certificate-'))
  try {
    const keyFile = join(folder, 'key.pem')
    writeFileSync(keyFile, keyPem(key, 'pkcs8'), { mode: 0o600 })
    const args = ['req', '-x509', '-new', '-key', keyFile, '-subj', subject, '-days', '30', '-sha256']
    return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
