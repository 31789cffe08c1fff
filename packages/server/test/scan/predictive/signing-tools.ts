import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { children, inner, readDer } from '../../../src/scan/scanners/predictive/der.ts'

const run = promisify(execFile)

/** A certificate authority, a signer, a self-signed signer and a time-stamping authority, all of openssl's making, in a folder. */
export class SigningTools {
  readonly folder = mkdtempSync(join(tmpdir(), 'assay-signing-'))
  #server: Server | undefined

  constructor() {
    writeFileSync(this.path('tsa.cnf'), TSA_CONFIG)
    writeFileSync(this.path('serial'), '01\n')
    writeFileSync(this.path('usages'), 'extendedKeyUsage=critical,timeStamping\n')
    this.#makeRoot('ca', 'Test Root')
    this.#makeRoot('self', 'Self Made')
    this.#makeIssued('signer', 'Honest Publisher')
    this.#makeIssued('tsa', 'Test Clock', ['-extfile', this.path('usages')])
    writeFileSync(
      this.path('chain.pem'),
      ['signer', 'ca'].map((name) => readFileSync(this.path(`${name}.pem`), 'utf8')).join(''),
    )
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Starts the clocks on a free port; sign with `-ts URL/rfc3161` or `-t URL/authenticode`. */
  async startClock(): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks)
        const isToken = request.url === '/rfc3161'
        response.setHeader('content-type', isToken ? 'application/timestamp-reply' : 'application/octet-stream')
        response.end(isToken ? this.#timestamp(body) : this.#countersign(body))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async sign(bytes: Buffer, options: readonly string[]): Promise<Buffer> {
    writeFileSync(this.path('in.exe'), bytes)
    rmSync(this.path('out.exe'), { force: true })
    await run('osslsigncode', ['sign', ...options, '-in', this.path('in.exe'), '-out', this.path('out.exe')])
    return readFileSync(this.path('out.exe'))
  }

  as(name: string, certificates = `${name}.pem`): string[] {
    return ['-certs', this.path(certificates), '-key', this.path(`${name}.key`), '-h', 'sha256']
  }

  /** What osslsigncode prints of a file, whatever it thinks of it. */
  verify(bytes: Buffer): string {
    writeFileSync(this.path('verify.exe'), bytes)
    try {
      const args = [
        'verify',
        '-CAfile',
        this.path('ca.pem'),
        '-TSA-CAfile',
        this.path('ca.pem'),
        '-in',
        this.path('verify.exe'),
      ]
      return execFileSync('osslsigncode', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    } catch (error) {
      return String((error as { stdout?: string }).stdout ?? '')
    }
  }

  /** Subjects of the certificates that openssl finds in a PKCS #7 blob. */
  certificatesIn(blob: Buffer): string[] {
    writeFileSync(this.path('blob.p7'), blob)
    const args = ['pkcs7', '-inform', 'DER', '-in', this.path('blob.p7'), '-print_certs', '-noout']
    const text = execFileSync('openssl', args, { encoding: 'utf8' })
    return text.split('\n').filter((line) => line.startsWith('subject='))
  }

  /** openssl's own listing of a blob: its hexadecimal dumps hold the signed digest. */
  listing(blob: Buffer): string {
    writeFileSync(this.path('blob.p7'), blob)
    return execFileSync('openssl', ['asn1parse', '-inform', 'DER', '-in', this.path('blob.p7')], { encoding: 'utf8' })
  }

  close(): void {
    this.#server?.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #openssl(...args: readonly string[]): Buffer {
    return execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] })
  }

  #makeRoot(name: string, subject: string): void {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`]
    this.#openssl('req', '-x509', ...key, '-subj', `/CN=${subject}`, '-days', '30', '-out', `${name}.pem`)
  }

  #makeIssued(name: string, subject: string, extra: readonly string[] = []): void {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`]
    this.#openssl('req', ...key, '-subj', `/O=Makers/CN=${subject}`, '-out', `${name}.csr`)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30']
    this.#openssl('x509', '-req', '-in', `${name}.csr`, ...by, ...extra, '-out', `${name}.pem`)
  }

  #timestamp(query: Buffer): Buffer {
    writeFileSync(this.path('query.tsq'), query)
    return this.#openssl('ts', '-reply', '-config', 'tsa.cnf', '-section', 'clock', '-queryfile', 'query.tsq')
  }

  /** The older kind: base64 of a request with the signature in it; answered with PKCS #7 over that signature. */
  #countersign(request: Buffer): Buffer {
    const der = Buffer.from(request.toString('latin1').replaceAll('\0', ''), 'base64')
    const [, blob] = children(readDer(der, 0, der.length))
    const [, wrapped] = children(blob ?? readDer(der, 0, der.length))
    const { bytes, from, to } = inner(wrapped ?? readDer(der, 0, der.length))
    writeFileSync(this.path('signature.bin'), bytes.subarray(from, to))
    const as = ['-signer', 'tsa.pem', '-inkey', 'tsa.key', '-certfile', 'ca.pem', '-outform', 'DER', '-nosmimecap']
    const reply = this.#openssl('cms', '-sign', '-binary', '-nodetach', '-in', 'signature.bin', ...as)
    return Buffer.from(reply.toString('base64'))
  }
}

const TSA_CONFIG = `
[clock]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.1
digests = sha1, sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
`
