import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type Assay, newDataFolder, removeFolder, startAssay } from './assay.ts'
import { type Certificates, icapsSettings, makeCertificates } from './certificates.ts'
import { cIcapClient, type IcapAnswer } from './icap-client.ts'
import { needs } from './needs.ts'
import { type Origin, startOrigin } from './origin.ts'
import { EICAR, noise, plainText, sha256 } from './samples.ts'
import { curl, type Squid, startSquid } from './squid.ts'

const CERTIFICATES = newDataFolder()
let assay: Assay
let certificates: Certificates

before(async () => {
  certificates = await makeCertificates(CERTIFICATES, 'clients')
  assay = await startAssay()
  await assay.set(icapsSettings(certificates))
})
after(async () => {
  await assay.stop()
  removeFolder(assay.data)
  removeFolder(CERTIFICATES)
})

const SCHEMES = ['icap', 'icaps'] as const
const portOf = (scheme: (typeof SCHEMES)[number]): number => assay.ports[scheme]

const harmless = [
  { what: 'a GET', path: '/clean?n=get', args: [] },
  { what: 'a burst of 3 MB', path: '/burst?n=burst', args: [] },
  { what: 'a chunked answer', path: '/chunked?n=chunked', args: [] },
  { what: 'a compressed answer', path: '/gzip?n=gzip', args: ['--compressed'] },
  { what: 'an empty answer', path: '/clean?n=empty&size=0', args: [] },
  { what: 'a GET in a CONNECT tunnel', path: '/clean?n=tunnel', args: ['--proxytunnel'] },
] as const

const infected = [
  { what: 'as it is', path: '/eicar?n=1', args: [] },
  { what: 'in a chunked answer', path: '/chunked-eicar?n=2', args: [] },
  { what: 'compressed', path: '/gzip-eicar?n=3', args: ['-H', 'Accept-Encoding: gzip'] },
  { what: 'behind 300 KB of text', path: '/late-eicar?n=4', args: [] },
] as const

for (const scheme of SCHEMES) {
  describe(`Squid and curl over ${scheme}://`, needs('squid', 'curl', 'openssl'), () => {
    let origin: Origin
    let squid: Squid
    before(async () => {
      origin = await startOrigin()
      const tls = scheme === 'icaps' ? { caFile: certificates.caFile } : {}
      squid = await startSquid({ icapPort: portOf(scheme), ...tls })
    })
    after(async () => {
      await squid.stop()
      await origin.stop()
    })

    for (const { what, path, args } of harmless)
      it(`get ${what} byte for byte`, async () => {
        const { status, body } = await curl(squid.proxy, origin.url(path), args)
        assert.equal(status, 200, squid.log())
        assert.equal(sha256(body), sha256(origin.bodyOf(path)))
      })

    it('keep a compressed answer compressed', async () => {
      const got = await curl(squid.proxy, origin.url('/gzip?n=kept'), ['-H', 'Accept-Encoding: gzip'])
      assert.equal(got.headers.get('content-encoding'), 'gzip')
      assert.equal(sha256(gunzipSync(got.body)), sha256(origin.bodyOf('/gzip?n=kept')))
    })

    it('get the head of a HEAD', async () => {
      const { status, headers } = await curl(squid.proxy, origin.url('/clean?n=head'), ['--head'])
      assert.equal(status, 200, squid.log())
      assert.equal(headers.get('content-length'), '2000')
    })

    it('get a range as the range it is', async () => {
      const { status, body } = await curl(squid.proxy, origin.url('/range?n=range'), ['--range', '100-899'])
      assert.equal(status, 206, squid.log())
      assert.equal(sha256(body), sha256(origin.bodyOf('/range?n=range').subarray(100, 900)))
    })

    for (const size of [0, 7, 5000, 200_000])
      it(`post ${size} bytes unchanged`, async () => {
        const upload = noise('upload', size)
        const { status, body } = await curl(squid.proxy, origin.url('/sink?n=post'), ['--data-binary', '@-'], upload)
        assert.equal(status, 200, squid.log())
        assert.deepEqual(JSON.parse(body.toString()), { sha256: sha256(upload), size })
      })

    for (const { what, path, args } of infected)
      it(`get the block page for EICAR ${what}`, async () => {
        const { status, headers, body } = await curl(squid.proxy, origin.url(path), args)
        assert.equal(status, 403, squid.log())
        assert.match(headers.get('content-type') ?? '', /^text\/html/)
        assert.match(body.toString(), /eicar/i, 'the page names the threat')
        assert.ok(!body.includes(EICAR), 'the page does not hold the file')
      })

    for (const size of [0, 300_000])
      it(`are refused the upload of EICAR behind ${size} bytes, before the origin sees any of it`, async () => {
        const upload = Buffer.concat([plainText('upload', size), EICAR])
        const path = `/sink?n=infected-${scheme}-${size}`
        const { status, body } = await curl(squid.proxy, origin.url(path), ['--data-binary', '@-'], upload)
        assert.equal(status, 403, squid.log())
        assert.match(body.toString(), /eicar/i)
        assert.ok(!origin.seen.includes(`POST ${path}`))
      })
  })

  describe(`c-icap-client over ${scheme}://`, needs('c-icap-client', 'openssl'), () => {
    const send = (service: string, file: Buffer, more: object = {}): Promise<IcapAnswer> =>
      cIcapClient({ port: portOf(scheme), tls: scheme === 'icaps', service, file, ...more })

    const calls = [
      { service: 'response', more: {} },
      { service: 'respmod', more: { respUrl: 'http://www.example.com/file' } },
      { service: 'avscan', more: { args: ['-w', '10'] } },
      { service: 'avscan', more: { args: ['-nopreview', '-no204'] } },
      { service: 'request', more: { reqUrl: 'http://www.example.com/upload' } },
      { service: 'reqmod', more: { reqUrl: 'http://www.example.com/upload', args: ['-nopreview'] } },
      { service: 'avscan', more: { reqUrl: 'http://www.example.com/upload', args: ['-206'] } },
    ]
    for (const { service, more } of calls) {
      const how = `/${service} ${JSON.stringify(more)}`

      it(`is told of EICAR with page and headers: ${how}`, async () => {
        const { status, icap, httpLine, body } = await send(service, EICAR, more)
        assert.equal(status, 200)
        assert.match(httpLine, /^HTTP\/1\.1 403 /)
        assert.match(icap.get('x-virus-id') ?? '', /eicar/i)
        assert.match(icap.get('x-infection-found') ?? '', /^Type=0; Resolution=2; Threat=[^;]*eicar[^;]*;$/i)
        assert.match(icap.get('x-response-desc') ?? '', /^URL: .+; FILE: .+$/)
        assert.match(icap.get('istag') ?? '', /^"[\x21\x23-\x7e]{1,32}"$/)
        assert.match(body?.toString() ?? '', /eicar/i)
      })

      it(`gets clean files back: ${how}`, async () => {
        for (const file of [plainText('small', 23), plainText('large', 300_000)]) {
          const { status, icap, body } = await send(service, file, more)
          assert.ok(status === 204 || status === 200, `ICAP ${status}`)
          assert.equal(icap.get('x-virus-id'), undefined)
          assert.match(icap.get('x-response-desc') ?? '', /^URL: .+; FILE: .+$/)
          if (body !== undefined) assert.equal(sha256(body), sha256(file))
        }
      })
    }
  })
}
