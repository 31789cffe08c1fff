import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type Authenticode, readAuthenticode } from '../../../src/scan/scanners/predictive/authenticode.ts'
import { certificateBlobs } from '../../../src/scan/scanners/predictive/certificate-table.ts'
import { children, DerError, objectId, readDer, timeOf } from '../../../src/scan/scanners/predictive/der.ts'
import { extractFeatures } from '../../../src/scan/scanners/predictive/features.ts'
import { PeImage } from '../../../src/scan/scanners/predictive/pe-image.ts'
import { authenticodeDigest } from '../../../src/scan/scanners/predictive/signature-check.ts'
import { needs } from '../../e2e/needs.ts'
import { debianFile } from './needs-debian.ts'
import { SigningTools } from './signing-tools.ts'
import { tinyPe } from './tiny-pe.ts'

const TIMESTAMP = 0x5f000000

function read(bytes: Buffer): Authenticode {
  return readAuthenticode(new PeImage(bytes))
}

/** The eight columns of the vector. */
function columns(bytes: Buffer): number[] {
  return [...extractFeatures(bytes, (image) => readAuthenticode(image).features).features.subarray(2472, 2480)]
}

describe('Authenticode of files that osslsigncode signs', needs('osslsigncode', 'openssl'), () => {
  let tools: SigningTools
  let clock: string
  before(async () => {
    tools = new SigningTools()
    clock = await tools.startClock()
  })
  after(() => tools.close())

  it('knows a good signature, its chain, and what it lacks', async () => {
    const signed = await tools.sign(tinyPe(), tools.as('signer', 'chain.pem'))
    const { state, features, signatures } = read(signed)
    assert.deepEqual([state, signatures.length], ['signed', 1])
    assert.equal(signatures[0]?.digest, 'match')
    assert.equal(signatures[0]?.signature, 'valid')
    assert.deepEqual([signatures[0]?.signer?.name, signatures[0]?.signer?.issuer], ['Honest Publisher', 'Test Root'])
    assert.deepEqual([features.noCountersigner, features.parseError], [true, false])
    const blobs = certificateBlobs(new PeImage(signed))
    assert.equal(features.chainLength, tools.certificatesIn(blobs[0] ?? Buffer.alloc(0)).length)
    assert.match(tools.verify(signed), /Signature verification: ok/)
  })

  it('reads the program name that was signed', async () => {
    const { features, signatures } = read(await tools.sign(tinyPe(), [...tools.as('signer'), '-n', 'Tiny Tool']))
    assert.deepEqual([features.noProgramName, signatures[0]?.programName], [false, 'Tiny Tool'])
    assert.equal(read(await tools.sign(tinyPe(), tools.as('signer'))).features.noProgramName, true)
  })

  it('knows a self-signed signer', async () => {
    const { features, signatures } = read(await tools.sign(tinyPe(), tools.as('self')))
    assert.equal(signatures[0]?.signer?.selfSigned, true)
    assert.equal(signatures[0]?.signature, 'valid')
    // thrember leaves out the last certificate of the list, here the only one.
    assert.deepEqual([features.selfSigned, features.chainLength], [false, 1])
  })

  it('computes the digest that osslsigncode computes', async () => {
    const signed = await tools.sign(tinyPe({ wide: true }), tools.as('signer'))
    const printed = /Calculated message digest\s*: ([0-9A-F]+)/.exec(tools.verify(signed))?.[1]
    assert.equal(authenticodeDigest(new PeImage(signed), 'sha256')?.toString('hex').toUpperCase(), printed)
  })

  it('sees bytes that were changed after signing, in code and behind the end', async () => {
    const signed = await tools.sign(tinyPe(), tools.as('signer'))
    for (const broken of [changed(signed, 0x420), Buffer.concat([signed, Buffer.from('more')])]) {
      const { features, signatures } = read(broken)
      assert.deepEqual([signatures[0]?.digest, signatures[0]?.signature], ['mismatch', 'valid'])
      // The model's columns are about form: they stay as they were.
      assert.deepEqual([features.signatures, features.parseError], [1, false])
      assert.doesNotMatch(tools.verify(broken), /Signature verification: ok/)
    }
  })

  it('does not mind the checksum, which is not signed', async () => {
    const signed = await tools.sign(tinyPe(), tools.as('signer'))
    const image = new PeImage(signed)
    signed.writeUInt32LE(0x12345678, image.headers.optionalOffset + 64)
    assert.equal(read(signed).signatures[0]?.digest, 'match')
  })

  it('sees a signature value that was changed', async () => {
    const signed = await tools.sign(tinyPe(), tools.as('signer'))
    const image = new PeImage(signed)
    const end = (image.headers.directories[4]?.rva ?? 0) + image.u32(image.headers.directories[4]?.rva ?? 0)
    const broken = changed(signed, end - 40)
    assert.deepEqual([read(broken).signatures[0]?.digest, read(broken).signatures[0]?.signature], ['match', 'invalid'])
  })

  for (const kind of ['rfc3161', 'authenticode'] as const) {
    it(`reads the time of a countersignature (${kind})`, async () => {
      const from = Math.floor(Date.now() / 1000) - 2
      const option = kind === 'rfc3161' ? '-ts' : '-t'
      const signed = await tools.sign(tinyPe({ timestamp: TIMESTAMP }), [
        ...tools.as('signer'),
        option,
        `${clock}/${kind}`,
      ])
      const { features, signatures } = read(signed)
      assert.equal(features.parseError, false)
      assert.equal(features.noCountersigner, false)
      assert.ok(features.latestSigningTime >= from && features.latestSigningTime <= Date.now() / 1000 + 2)
      assert.equal(features.signingTimeDifference, features.latestSigningTime - TIMESTAMP)
      assert.equal(Date.parse(signatures[0]?.countersignedAt ?? '') / 1000, features.latestSigningTime)
      assert.match(tools.verify(signed), /Timestamp time|timestamp is attached|Countersignatures|Timestamp server/i)
    })
  }

  it('counts a nested signature as a second one', async () => {
    const once = await tools.sign(tinyPe(), tools.as('signer'))
    const twice = await tools.sign(once, [...tools.as('self'), '-nest'])
    const { features, signatures } = read(twice)
    assert.equal(features.signatures, 2)
    assert.deepEqual(
      signatures.map(({ signer, digest }) => [signer?.name, digest]),
      [
        ['Honest Publisher', 'match'],
        ['Self Made', 'match'],
      ],
    )
  })

  it('ends with a parse error for a blob that is none, and never with an exception', async () => {
    const signed = await tools.sign(tinyPe(), tools.as('signer'))
    const table = new PeImage(signed).headers.directories[4]?.rva ?? 0
    const broken = changed(signed, table + 8)
    assert.deepEqual(columns(broken), [0, 0, 0, 0, 1, 0, 0, 0])
    assert.equal(read(broken).state, 'malformed')
    fc.assert(
      fc.property(fc.nat(signed.length - table - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const copy = Buffer.from(signed)
        copy[table + at] = (copy[table + at] ?? 0) ^ bits
        const { features } = read(copy)
        return features.signatures <= 1
      }),
      { numRuns: 300 },
    )
    for (let cut = table; cut < signed.length; cut += 11) read(signed.subarray(0, cut))
  })
})

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}

describe('Authenticode of files that Debian signs', needs('osslsigncode', 'openssl'), () => {
  const files = [
    { package: 'shim-signed', path: 'usr/lib/shim/shimx64.efi.signed', signatures: 2, stamped: true },
    {
      package: 'grub-efi-amd64-signed',
      path: 'usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed',
      signatures: 1,
      stamped: false,
    },
    { package: 'fwupd-amd64-signed', path: 'usr/libexec/fwupd/efi/fwupdx64.efi.signed', signatures: 1, stamped: false },
  ]
  for (const { signatures, stamped, ...wanted } of files) {
    it(`reads ${wanted.package} as osslsigncode and openssl do`, (test) => {
      const bytes = debianFile(wanted)
      if (bytes === undefined) return test.skip('not to be had')
      const found = read(bytes)
      assert.equal(found.features.signatures, signatures)
      assert.equal(found.features.noCountersigner, !stamped)
      for (const check of found.signatures) assert.deepEqual([check.digest, check.signature], ['match', 'valid'])
      const tools = new SigningTools()
      try {
        const image = new PeImage(bytes)
        const digest = authenticodeDigest(image, 'sha256')?.toString('hex').toUpperCase() ?? ''
        const blobs = certificateBlobs(image)
        assert.ok(blobs.every((blob) => tools.listing(blob).includes(digest)))
        assert.equal(found.features.chainLength, Math.max(...blobs.map((blob) => tools.certificatesIn(blob).length)))
        // osslsigncode 2.9 knows one signature a file and stops at shim's second.
        if (signatures > 1) return
        const printed = tools.verify(bytes)
        assert.ok(printed.includes(digest))
        assert.ok(printed.includes(found.signatures[0]?.signer?.name ?? 'nobody'))
      } finally {
        tools.close()
      }
    })
  }
})

describe('unsigned files', () => {
  it('have eight zeros', () => assert.deepEqual(columns(tinyPe()), Array(8).fill(0)))

  it('are those whose table leaves the file, is cut or is of another kind', () => {
    for (const [address, size] of [
      [0xc00, 0xffffffff],
      [0x10, 8],
      [0xffffffff, 0xffffffff],
    ] as const) {
      const pe = tinyPe()
      pe.writeUInt32LE(address, 0x80 + 24 + 128)
      pe.writeUInt32LE(size, 0x80 + 24 + 132)
      assert.equal(read(pe).state, 'unsigned')
    }
  })
})

describe('DER', () => {
  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
  const node = (text: string) => readDer(hex(text), 0, hex(text).length)
  const bad = ['', '30', '3080 0000', '3005 00', '1f8101 00', '30850000000001', '3084ffffffff']
  for (const text of bad) {
    it(`refuses "${text}"`, () => assert.throws(() => children(node(text)), DerError))
  }

  it('reads object identifiers', () => {
    assert.equal(objectId(node('06092a864886f70d010702')), '1.2.840.113549.1.7.2')
    assert.equal(objectId(node('0603550403')), '2.5.4.3')
  })

  const ascii = (text: string) => Buffer.from(text, 'latin1').toString('hex')
  it('reads both kinds of time', () => {
    assert.equal(timeOf(node(`170d${ascii('991231235959Z')}`)), Date.UTC(1999, 11, 31, 23, 59, 59) / 1000)
    assert.equal(timeOf(node(`1813${ascii('20260513100614.342Z')}`)), Date.UTC(2026, 4, 13, 10, 6, 14) / 1000 + 0.342)
    assert.throws(() => timeOf(node(`170d${ascii('991331235959Z')}`)), DerError)
  })

  it('never hangs or fails otherwise on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (data) => {
        try {
          children(readDer(Buffer.from(data), 0, data.length))
        } catch (error) {
          return error instanceof DerError
        }
        return true
      }),
    )
  })
})
