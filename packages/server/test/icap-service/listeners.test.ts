import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { createListeners, type ListenerPlan, type Listeners, type TlsKeys } from '../../src/icap-service/listeners.ts'
import { freePorts, isListening, waitFor } from '../e2e/programs.ts'
import { certificateFor, hasOpenssl, keyPem, newKey, PASSPHRASE } from '../settings/certificates.ts'

const HOST = '127.0.0.1'
const tlsNeeds = hasOpenssl() ? {} : { skip: 'openssl is not installed' }

interface Rig {
  readonly listeners: Listeners
  readonly sockets: Socket[]
  readonly faults: string[]
}

const opened: { close(): void }[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

/** Answers with what it is sent, so that a test sees which connections live. */
function newListeners(handshakeTimeoutMs?: number): Rig {
  const sockets: Socket[] = []
  const faults: string[] = []
  const listeners = createListeners({
    onSocket: (socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.pipe(socket)
    },
    onTlsFault: (address, text) => faults.push(`${address} ${text}`),
    ...(handshakeTimeoutMs === undefined ? {} : { handshakeTimeoutMs }),
  })
  opened.push(listeners, { close: () => sockets.forEach((socket) => void socket.destroy()) })
  return { listeners, sockets, faults }
}

function keysOf(name: string): TlsKeys {
  const key = newKey('ec')
  return {
    certPem: certificateFor(key, `/CN=${name}`),
    keyPem: keyPem(key, 'pkcs8', PASSPHRASE),
    passphrase: PASSPHRASE,
  }
}

const plan = (icapPort: number | undefined, icaps?: ListenerPlan['icaps']): ListenerPlan => ({
  host: HOST,
  icapPort,
  icaps,
})

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, HOST)
  opened.push({ close: () => void socket.destroy() })
  await once(socket, 'connect')
  return socket
}

async function dialTls(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: HOST, port, rejectUnauthorized: false, ...options })
  opened.push({ close: () => void socket.destroy() })
  await once(socket, 'secureConnect')
  return socket
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

const nameOf = (socket: TLSSocket) => socket.getPeerCertificate().subject.CN

describe('ports', () => {
  it('open, move and close as the plan says; connections of before live on', async () => {
    const { listeners } = newListeners()
    const [first = 0, second = 0] = await freePorts(2)
    await listeners.apply(plan(first))
    assert.deepEqual(listeners.describe(), [`icap ${HOST}:${first}`])
    const old = await dial(first)
    await listeners.apply(plan(second))
    assert.deepEqual(listeners.describe(), [`icap ${HOST}:${second}`])
    assert.equal(await isListening(first), false)
    assert.equal(await echo(await dial(second), 'new'), 'new')
    assert.equal(await echo(old, 'old'), 'old')
    await listeners.apply(plan(undefined))
    assert.deepEqual(listeners.describe(), [])
    assert.equal(await isListening(second), false)
    assert.equal(await echo(old, 'still'), 'still')
  })

  it('of which the new one opens before the old one closes: somebody can always connect', async () => {
    const { listeners } = newListeners()
    const ports = await freePorts(2)
    await listeners.apply(plan(ports[0]))
    let going = true
    let refused = 0
    const dialling = (async () => {
      while (going) {
        const open = await Promise.all(ports.map(isListening))
        // Between the two looks the port may have moved: only twice in a row is nobody.
        if (!open.includes(true) && !(await Promise.all(ports.map(isListening))).includes(true)) refused++
      }
    })()
    for (let n = 1; n <= 20; n++) await listeners.apply(plan(ports[n % 2]))
    going = false
    await dialling
    assert.equal(refused, 0)
  })

  it('that somebody else has change nothing', async () => {
    const { listeners } = newListeners()
    const [port = 0] = await freePorts(1)
    await listeners.apply(plan(port))
    const thief = createServer().listen(0, HOST)
    opened.push(thief)
    await once(thief, 'listening')
    const taken = (thief.address() as { port: number }).port
    await assert.rejects(listeners.apply(plan(taken)), { code: 'EADDRINUSE', port: taken })
    assert.deepEqual(listeners.describe(), [`icap ${HOST}:${port}`])
    assert.equal(await echo(await dial(port), 'here'), 'here')
  })

  it('stay open where the plan is the same, with the same server', async () => {
    const { listeners } = newListeners()
    const [port = 0] = await freePorts(1)
    await listeners.apply(plan(port))
    await listeners.apply(plan(port))
    assert.equal(await isListening(port), true)
  })

  it('on every address take IPv4 and IPv6', async () => {
    const { listeners, sockets } = newListeners()
    const [port = 0] = await freePorts(1)
    await listeners.apply({ host: undefined, icapPort: port, icaps: undefined })
    for (const host of [HOST, '::1']) {
      const socket = connect(port, host)
      opened.push({ close: () => void socket.destroy() })
      await once(socket, 'connect')
      assert.equal(await echo(socket, host), host)
    }
    assert.equal(sockets.length, 2)
  })

  it('let a client end its side and still answer it', async () => {
    const { listeners } = newListeners()
    const [port = 0] = await freePorts(1)
    await listeners.apply(plan(port))
    const socket = await dial(port)
    socket.end('last words')
    const [bytes] = await once(socket, 'data')
    assert.equal(String(bytes), 'last words')
  })
})

describe('TLS', tlsNeeds, () => {
  it('is spoken from the first byte; a new certificate is for new connections, old ones live on', async () => {
    const { listeners } = newListeners()
    const [icap = 0, icaps = 0] = await freePorts(2)
    await listeners.apply(plan(icap, { port: icaps, keys: keysOf('first') }))
    assert.deepEqual(listeners.describe(), [`icap ${HOST}:${icap}`, `icaps ${HOST}:${icaps}`])
    const old = await dialTls(icaps)
    assert.equal(nameOf(old), 'first')
    await listeners.apply(plan(icap, { port: icaps, keys: keysOf('second') }))
    const fresh = await dialTls(icaps)
    assert.equal(nameOf(fresh), 'second')
    assert.equal(await echo(old, 'old'), 'old')
    assert.equal(await echo(fresh, 'new'), 'new')
  })

  it('on a port that somebody else has leaves the plain port where it was', async () => {
    const { listeners } = newListeners()
    const [icap = 0, other = 0] = await freePorts(2)
    await listeners.apply(plan(icap))
    const thief = createServer().listen(0, HOST)
    opened.push(thief)
    await once(thief, 'listening')
    const { port } = thief.address() as { port: number }
    await assert.rejects(listeners.apply(plan(other, { port, keys: keysOf('x') })), { code: 'EADDRINUSE' })
    assert.deepEqual(listeners.describe(), [`icap ${HOST}:${icap}`])
    assert.equal(await isListening(other), false, 'what was opened for it is closed')
  })

  it('with keys that do not fit changes nothing', async () => {
    const { listeners } = newListeners()
    const [icap = 0, icaps = 0, other = 0] = await freePorts(3)
    const keys = keysOf('first')
    await listeners.apply(plan(icap, { port: icaps, keys }))
    const bad = { ...keys, passphrase: 'wrong' }
    await assert.rejects(listeners.apply(plan(icap, { port: icaps, keys: bad })))
    await assert.rejects(listeners.apply(plan(other, { port: icaps, keys: bad })))
    assert.deepEqual(listeners.describe(), [`icap ${HOST}:${icap}`, `icaps ${HOST}:${icaps}`])
    assert.equal(await isListening(other), false)
    assert.equal(nameOf(await dialTls(icaps)), 'first')
  })

  const versions: readonly [string, boolean][] = [
    ['TLSv1', false],
    ['TLSv1.1', false],
    ['TLSv1.2', true],
    ['TLSv1.3', true],
  ]
  for (const [version, taken] of versions)
    it(`${taken ? 'takes' : 'refuses'} ${version}`, async () => {
      const { listeners, faults, sockets } = newListeners()
      const [icap = 0, icaps = 0] = await freePorts(2)
      await listeners.apply(plan(icap, { port: icaps, keys: keysOf('x') }))
      // OpenSSL's own client refuses to speak old ones unless it is told that security does not matter.
      const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }
      const tried = dialTls(icaps, old)
      if (taken) {
        assert.equal((await tried).getProtocol(), version)
        await waitFor('the connection', () => sockets.length === 1)
      } else {
        await assert.rejects(tried)
        await waitFor('the fault', () => faults.length > 0)
        assert.match(faults[0] ?? '', /^127\.0\.0\.1 TLS handshake failed: ERR_SSL_/)
      }
      assert.equal(sockets.length, taken ? 1 : 0)
    })

  const strangers: readonly [string, string, RegExp][] = [
    ['plain ICAP', 'OPTIONS icap://a/b ICAP/1.0\r\nHost: a\r\n\r\n', /plain text on the TLS port/],
    ['plain HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /plain text on the TLS port/],
    ['nonsense', '\x16\x03\x01\x00\x05hello', /TLS handshake failed/],
  ]
  for (const [what, bytes, fault] of strangers)
    it(`is told of ${what} on its port, and closes`, async () => {
      const { listeners, faults, sockets } = newListeners()
      const [icap = 0, icaps = 0] = await freePorts(2)
      await listeners.apply(plan(icap, { port: icaps, keys: keysOf('x') }))
      const socket = await dial(icaps)
      socket.on('error', () => {})
      socket.resume()
      socket.write(bytes)
      await once(socket, 'close')
      await waitFor('the fault', () => faults.length > 0)
      assert.match(faults.join(), fault)
      assert.equal(sockets.length, 0)
    })

  it('closes a handshake that stalls, and says so', async () => {
    const { listeners, faults } = newListeners(300)
    const [icap = 0, icaps = 0] = await freePorts(2)
    await listeners.apply(plan(icap, { port: icaps, keys: keysOf('x') }))
    const socket = await dial(icaps)
    socket.on('error', () => {})
    socket.resume()
    socket.write(Buffer.from('1603010200', 'hex'))
    await once(socket, 'close')
    assert.deepEqual(faults, ['127.0.0.1 TLS handshake timed out'])
  })

  it('lets so many handshakes wait and no more: they hold no permit', async () => {
    const { listeners, faults } = newListeners(2000)
    const [icap = 0, icaps = 0] = await freePorts(2)
    await listeners.apply(plan(icap, { port: icaps, keys: keysOf('x') }))
    const sockets = await Promise.all(Array.from({ length: 600 }, () => dial(icaps)))
    for (const socket of sockets) socket.on('error', () => {}).resume()
    await waitFor('some to be closed', () => sockets.filter((socket) => socket.closed).length === 600 - 512)
    assert.deepEqual(faults, [], 'and says nothing: a flood of connections is no flood of lines')
    for (const socket of sockets) socket.destroy()
    await waitFor('room', async () => {
      try {
        return await echo(await dialTls(icaps), 'x')
      } catch {
        return undefined
      }
    })
  })
})
