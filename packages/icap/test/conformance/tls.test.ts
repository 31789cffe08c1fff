import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { createIcapClient } from '../../src/client.ts'
import { COMPLETE } from './fixtures.ts'
import { echo, echoWhole } from './handlers.ts'
import { ask, type Started, startServer, timeless, until } from './harness.ts'
import { chunked, icapHead, options, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

const folder = mkdtempSync(join(tmpdir(), 'assay-icaps-'))
const at = (name: string): string => join(folder, name)
let cert: Buffer
let server: Started
let plain: Started
let peer: RawPeer

before(async () => {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key.pem')]
  execFileSync('openssl', ['req', '-x509', ...key, '-out', at('cert.pem'), '-days', '2', ...subject], { stdio: 'pipe' })
  cert = readFileSync(at('cert.pem'))
  const tls = { cert, key: readFileSync(at('key.pem')), handshakeTimeout: 200 }
  server = await startServer({ handler: echoWhole, tls })
  plain = await startServer({ handler: echoWhole })
})
after(async () => {
  await server.close()
  await plain.close()
  rmSync(folder, { recursive: true })
})
afterEach(() => peer?.destroy())

describe('conformance: ICAPS', () => {
  for (const [name, bytes] of Object.entries(COMPLETE)) {
    it(`T1: ${name} gets the same answer over TLS as in plain`, async () => {
      peer = await RawPeer.connectTls(server.port)
      peer.send(bytes)
      assert.equal(timeless((await peer.reply()).raw), timeless((await ask(plain.port, bytes)).raw))
    })
  }

  it('T1: bodies of 2 MB both ways', async () => {
    peer = await RawPeer.connectTls(server.port)
    const body = 'abcdefgh'.repeat(262_144)
    peer.send(respmod({ body: chunked(body) }))
    assert.ok((await peer.reply(15_000)).body === body)
  })

  it('T2: neither SNI nor ALPN, TLS 1.3', async () => {
    peer = await RawPeer.connectTls(server.port, { minVersion: 'TLSv1.3' })
    peer.send(options())
    assert.equal((await peer.reply()).status, 200)
  })

  it('T3: TLS 1.2 is accepted', async () => {
    peer = await RawPeer.connectTls(server.port, { maxVersion: 'TLSv1.2' })
    peer.send(options())
    assert.equal((await peer.reply()).status, 200)
  })

  it('T3: TLS 1.1 is not', async () => {
    await assert.rejects(
      RawPeer.connectTls(server.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    )
  })

  it('T4: our client trusts the published certificate, and nothing without it', async () => {
    const trusting = createIcapClient({ host: '127.0.0.1', port: server.port, tls: { ca: cert } })
    assert.equal((await trusting.options('both')).status, 200)
    trusting.close()
    const careful = createIcapClient({ host: '127.0.0.1', port: server.port, tls: {} })
    await assert.rejects(careful.options('both'), { code: 'ICAP_CLIENT_TLS' })
    const careless = createIcapClient({ host: '127.0.0.1', port: server.port, tls: { rejectUnauthorized: false } })
    assert.equal((await careless.options('both')).status, 200)
    careless.close()
  })

  it('T6: plain ICAP on the TLS port is closed, not left hanging', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(options())
    assert.doesNotMatch(await peer.closed(), /^ICAP/)
  })

  it('T7: a handshake that stalls is closed at its deadline', async () => {
    peer = await RawPeer.connect(server.port)
    await peer.closed()
    const hello = await RawPeer.connect(server.port)
    hello.send('\x16\x03\x01\x02\x00')
    await hello.closed()
    hello.destroy()
  })

  it('T8: a client that goes without close_notify is a normal end', async () => {
    const counted = await startServer({ handler: echo, tls: { cert, key: readFileSync(at('key.pem')) } })
    peer = await RawPeer.connectTls(counted.port)
    peer.send(options())
    await peer.reply()
    peer.destroy()
    await until(() => counted.icap.connections === 0)
    assert.deepEqual(counted.faults, [])
    await counted.close()
  })

  for (const scheme of ['icap', 'icaps', 'ICAPS']) {
    it(`T9: ${scheme}:// URIs over TLS`, async () => {
      peer = await RawPeer.connectTls(server.port)
      peer.send(icapHead(`OPTIONS ${scheme}://h/both ICAP/1.0`))
      assert.equal((await peer.reply()).status, 200)
    })
  }
})
