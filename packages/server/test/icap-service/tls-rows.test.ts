import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import tls from 'node:tls'
import { createListeners, type Listeners, type TlsKeys } from '../../src/icap-service/listeners.ts'
import { certificateFor, hasOpenssl, keyPem, newKey, PASSPHRASE } from '../settings/certificates.ts'

const skip = !hasOpenssl()

function newKeys(name: string): TlsKeys {
  const key = newKey('ec')
  return {
    certPem: certificateFor(key, `/CN=${name}`),
    keyPem: keyPem(key, 'pkcs8', PASSPHRASE),
    passphrase: PASSPHRASE,
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

describe('rows: TLS listeners', { skip }, () => {
  const faults: string[] = []
  const first = skip ? { certPem: '', keyPem: '', passphrase: '' } : newKeys('one.example')
  let listeners: Listeners
  let port: number

  /** Echoes, so that a living connection can be seen. */
  before(async () => {
    listeners = createListeners({
      onSocket: (socket) => {
        socket.on('error', () => {})
        socket.pipe(socket)
      },
      onTlsFault: (_address, text) => faults.push(text),
    })
    port = await freePort()
    await listeners.apply({ host: '127.0.0.1', icapPort: undefined, icaps: { port, keys: first } })
  })
  after(() => listeners?.close())

  async function connect(options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  async function echoes(socket: tls.TLSSocket): Promise<boolean> {
    socket.write('ping')
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    return String(bytes) === 'ping'
  }

  it('T1: T2: TLS from the first byte, without SNI and ALPN', async () => {
    const socket = await connect()
    assert.equal(await echoes(socket), true)
    socket.destroy()
  })

  it('T3: 1.2 is accepted, 1.1 is not', async () => {
    const socket = await connect({ maxVersion: 'TLSv1.2' })
    assert.equal(socket.getProtocol(), 'TLSv1.2')
    socket.destroy()
    await assert.rejects(connect({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }))
  })

  it('T6: plain text on the TLS port is closed at once, and told', async () => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.write('OPTIONS icap://h/avscan ICAP/1.0\r\nHost: h\r\n\r\n')
    await once(socket, 'close')
    assert.ok(
      faults.some((text) => /plain text/.test(text)),
      faults.join('; '),
    )
  })

  it('T10: a new certificate serves new connections, old ones live on', async () => {
    const old = await connect()
    assert.equal(old.getPeerCertificate().subject.CN, 'one.example')
    await listeners.apply({ host: '127.0.0.1', icapPort: undefined, icaps: { port, keys: newKeys('two.example') } })
    const fresh = await connect()
    assert.equal(fresh.getPeerCertificate().subject.CN, 'two.example')
    assert.deepEqual([await echoes(old), await echoes(fresh)], [true, true])
    old.destroy()
    fresh.destroy()
  })
})
