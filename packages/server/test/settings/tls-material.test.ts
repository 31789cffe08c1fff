import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { keyDerivationCost, MAX_DERIVATION_COST } from '../../src/settings/key-derivation.ts'
import { checkTlsMaterial, type TlsInput } from '../../src/settings/tls-material.ts'
import { certificateFor, hasOpenssl, keyPem, newKey, PASSPHRASE } from './certificates.ts'

const DAY_MS = 86_400_000

function check(input: Partial<TlsInput>) {
  const whole = { certificate: '', privateKey: '', passphrase: '', nowMs: Date.now(), ...input }
  const { material, faults, warnings } = checkTlsMaterial(whole)
  return { material, codes: [...faults, ...warnings].map(({ code }) => code), faults }
}

describe('TLS material', { skip: !hasOpenssl() }, () => {
  const rsa = newKey('rsa')
  const ec = newKey('ec')
  const otherRsa = newKey('rsa')
  const certificates = { rsa: certificateFor(rsa), ec: certificateFor(ec, '/CN=ec.example') }
  const keys = { rsa, ec }
  const locked = keyPem(rsa, 'pkcs8', PASSPHRASE)
  const certificate = certificates.rsa

  for (const kind of ['rsa', 'ec'] as const) {
    for (const form of ['pkcs8', 'traditional'] as const) {
      it(`takes an encrypted ${kind} key in ${form} form`, () => {
        const privateKey = keyPem(keys[kind], form, PASSPHRASE)
        const { material, codes } = check({ certificate: certificates[kind], privateKey, passphrase: PASSPHRASE })
        assert.deepEqual(codes, [])
        const parsed = new X509Certificate(certificates[kind])
        assert.equal(material?.fingerprint, parsed.fingerprint256)
        assert.equal(material?.subject, parsed.subject)
        assert.deepEqual(material?.notAfter, parsed.validToDate)
        assert.match(material?.keyPem ?? '', /ENCRYPTED/)
      })

      it(`refuses an unencrypted ${kind} key in ${form} form, whatever the passphrase`, () => {
        const privateKey = keyPem(keys[kind], form)
        for (const passphrase of ['', PASSPHRASE]) {
          const { material, codes, faults } = check({ certificate: certificates[kind], privateKey, passphrase })
          assert.deepEqual(codes, ['key-not-encrypted'])
          assert.match(faults[0]?.text ?? '', /only encrypted private keys are accepted/)
          assert.equal(material, undefined)
        }
      })

      it(`refuses a wrong passphrase for an ${kind} key in ${form} form`, () => {
        const privateKey = keyPem(keys[kind], form, PASSPHRASE)
        const { codes } = check({ certificate: certificates[kind], privateKey, passphrase: `${PASSPHRASE}!` })
        assert.deepEqual(codes, ['wrong-passphrase'])
      })
    }
  }

  const chain = certificate + certificates.ec
  const wrong: { input: Partial<TlsInput>; codes: string[]; because: string }[] = [
    {
      input: { certificate: certificates.ec, privateKey: locked, passphrase: PASSPHRASE },
      codes: ['key-does-not-fit'],
      because: 'OpenSSL takes an RSA key with an EC certificate',
    },
    {
      input: { certificate, privateKey: keyPem(otherRsa, 'pkcs8', PASSPHRASE), passphrase: PASSPHRASE },
      codes: ['key-does-not-fit'],
      because: 'another key of the same kind does not fit',
    },
    {
      input: { certificate: chain, privateKey: locked, passphrase: PASSPHRASE },
      codes: [],
      because: 'a chain may follow',
    },
    {
      input: { certificate: certificates.ec + certificate, privateKey: locked, passphrase: PASSPHRASE },
      codes: ['certificate-not-first'],
      because: "the server's own comes first",
    },
    { input: { certificate: certificate.repeat(11) }, codes: ['chain-too-long'], because: 'chains are short' },
    { input: { certificate: 'hello' }, codes: ['certificate-not-pem'], because: 'text is no certificate' },
    {
      input: { certificate: certificate.replaceAll(/-----.*-----/g, '') },
      codes: ['certificate-not-pem'],
      because: 'base64 without its lines says not what it is',
    },
    {
      input: { certificate: certificate.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAA') },
      codes: ['certificate-unreadable'],
      because: 'a damaged one cannot be read',
    },
    {
      input: { certificate: certificate + locked },
      codes: ['certificate-holds-key'],
      because: 'the certificate is shown, the key must not be',
    },
    { input: { privateKey: certificate }, codes: ['key-not-pem'], because: 'a certificate is no key' },
    { input: { privateKey: 'hello' }, codes: ['key-not-pem'], because: 'text is no key' },
    {
      input: { privateKey: locked + locked },
      codes: ['several-keys'],
      because: 'which of two is meant is not to be guessed',
    },
    {
      input: { privateKey: '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----' },
      codes: ['key-unreadable'],
      because: 'a damaged one cannot be read',
    },
    {
      input: { privateKey: certificate + locked, certificate, passphrase: PASSPHRASE },
      codes: [],
      because: 'a combined file holds one key',
    },
    {
      input: { privateKey: locked, certificate },
      codes: [],
      because: 'without a passphrase it is only known to be encrypted',
    },
    {
      input: { certificate, nowMs: Date.now() + 60 * DAY_MS },
      codes: ['expired'],
      because: 'an expired one is a warning',
    },
    {
      input: { certificate, nowMs: Date.now() - DAY_MS },
      codes: ['not-yet-valid'],
      because: "the machine's clock may be wrong",
    },
    {
      input: { certificate: 'hello', privateKey: 'hello' },
      codes: ['certificate-not-pem', 'key-not-pem'],
      because: 'all faults come at once',
    },
    { input: {}, codes: [], because: 'nothing is nothing wrong' },
  ]
  for (const { input, codes, because } of wrong) {
    it(`says ${codes.join(', ') || 'nothing'}: ${because}`, () => assert.deepEqual(check(input).codes, codes))
  }

  it('uses an expired certificate all the same', () => {
    const nowMs = Date.now() + 60 * DAY_MS
    const { material } = check({ certificate, privateKey: locked, passphrase: PASSPHRASE, nowMs })
    assert.ok(material)
  })

  it('refuses a key that TLS does not take any more', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const input = {
      certificate: certificateFor(weak),
      privateKey: keyPem(weak, 'pkcs8', PASSPHRASE),
      passphrase: PASSPHRASE,
    }
    const { codes, faults } = check(input)
    assert.deepEqual(codes, ['unusable'])
    assert.match(faults[0]?.text ?? '', /too small/)
  })

  it('never takes damaged texts, and never throws', () => {
    for (let cut = 0; cut < locked.length; cut += 97) {
      const privateKey = locked.slice(0, cut) + locked.slice(cut + 5)
      const { material } = check({ certificate, privateKey, passphrase: 'wrong' })
      assert.equal(material, undefined)
    }
  })

  it('refuses a key that would take minutes to open', () => {
    // 2,048 rounds (02 02 08 00) become 2^31 - 1, as DER in the same room would have it: here one of 4 bytes.
    const der = Buffer.from(locked.replaceAll(/-----.*-----|\n/g, ''), 'base64')
    const at = der.indexOf(Buffer.from('02020800', 'hex'))
    assert.ok(at > 0, 'Node writes PKCS #8 keys with 2,048 rounds')
    const slow = Buffer.concat([der.subarray(0, at), Buffer.from('02047fffffff', 'hex'), der.subarray(at + 4)])
    const pem = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${slow.toString('base64')}\n-----END ENCRYPTED PRIVATE KEY-----`
    assert.equal(keyDerivationCost(locked), 2048)
    assert.equal(keyDerivationCost(pem), 2 ** 31 - 1)
    assert.ok(MAX_DERIVATION_COST < 2 ** 31)
    assert.deepEqual(check({ privateKey: pem, passphrase: PASSPHRASE }).codes, ['key-too-slow'])
  })
})
