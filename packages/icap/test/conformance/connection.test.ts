import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { block, echo, echoWhileReading, echoWhole } from './handlers.ts'
import { type Started, startServer, until } from './harness.ts'
import { chunked, GET_HEAD, HELLO, options, reqmod, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

let server: Started
let peer: RawPeer
before(async () => {
  server = await startServer({ handler: echoWhole })
})
after(() => server.close())
afterEach(() => peer?.destroy())

describe('conformance: connection', () => {
  it('K1: requests of one connection are served in order', async () => {
    peer = await RawPeer.connect(server.port)
    for (let i = 0; i < 10; i++) {
      peer.send(respmod({ body: chunked(`body ${i}`) }))
      const reply = await peer.reply()
      assert.deepEqual([reply.body, reply.header('connection')], [`body ${i}`, 'keep-alive'])
    }
  })

  it('K2: K8: Connection: close is obeyed and said', async () => {
    for (const send of [
      options('both', ['Connection: close']),
      respmod({ lines: ['connection: Close'] }),
      reqmod({ lines: ['Connection: x, close'] }),
    ]) {
      peer = await RawPeer.connect(server.port)
      peer.send(send)
      assert.equal((await peer.reply()).header('connection'), 'close')
      assert.equal(await peer.closed(), '')
    }
  })

  it('K3: every answer behind which the connection ends says so', async () => {
    const closing = await startServer({
      handler: (transaction) => transaction.reply({ status: 503, error: true, close: true }),
    })
    peer = await RawPeer.connect(closing.port)
    peer.send(respmod())
    const reply = await peer.reply()
    assert.deepEqual([reply.status, reply.header('connection')], [503, 'close'])
    await peer.closed()
    await closing.close()
  })

  it('K4: requests in one segment are answered in order', async () => {
    peer = await RawPeer.connect(server.port)
    const bodies = Array.from({ length: 20 }, (_, at) => `body ${at}`)
    peer.send(bodies.map((body) => respmod({ body: chunked(body) })).join('') + options())
    for (const body of bodies) assert.equal((await peer.reply()).body, body)
    assert.equal((await peer.reply()).header('methods'), 'REQMOD, RESPMOD')
  })

  it('K4: a slow handler holds later requests back, in order', async () => {
    let turn = 0
    const slow = await startServer({
      handler: async (transaction) => {
        const mine = turn++
        await sleep(mine === 0 ? 60 : 0)
        await transaction.reply({ status: 204, headers: { 'X-Turn': String(mine) } })
      },
    })
    peer = await RawPeer.connect(slow.port)
    peer.send(reqmod({ lines: ['Allow: 204'] }).repeat(3))
    for (const expected of ['0', '1', '2']) assert.equal((await peer.reply()).header('x-turn'), expected)
    await slow.close()
  })

  it('K5: an idle connection is closed without a word', async () => {
    const short = await startServer({ limits: { idleTimeoutMs: 80 } })
    peer = await RawPeer.connect(short.port)
    assert.equal(await peer.closed(), '')
    peer = await RawPeer.connect(short.port)
    peer.send(options())
    assert.equal((await peer.reply()).status, 200)
    assert.equal(await peer.closed(), '')
    await short.close()
  })

  for (const [name, send] of [
    ['OPTIONS', options()],
    ['REQMOD', reqmod()],
    ['RESPMOD', respmod({ body: chunked('x'.repeat(100_000)) })],
  ] as const) {
    it(`K7: a client that ends its side behind ${name} still gets its answer, then the close`, async () => {
      peer = await RawPeer.connect(server.port)
      peer.send(send)
      peer.end()
      assert.equal((await peer.reply()).status, 200)
      assert.equal(await peer.closed(), '')
    })
  }

  it('K7: also when the handler takes its time', async () => {
    const slow = await startServer({
      handler: async (transaction) => {
        await sleep(50)
        await echoWhole(transaction)
      },
    })
    peer = await RawPeer.connect(slow.port)
    peer.send(respmod() + reqmod())
    peer.end()
    assert.equal((await peer.reply()).body, 'hello')
    assert.equal((await peer.reply()).httpHead, GET_HEAD)
    await peer.closed()
    await slow.close()
  })

  it('K9: an early block reaches a client that still writes megabytes', async () => {
    const blocking = await startServer({ handler: block })
    for (let i = 0; i < 5; i++) {
      peer = await RawPeer.connect(blocking.port)
      peer.send(respmod({ body: '' }))
      for (let at = 0; at < 100; at++) peer.send(`10000\r\n${'x'.repeat(65_536)}\r\n`)
      const reply = await peer.reply()
      assert.equal(reply.httpHead.slice(0, 12), 'HTTP/1.1 403')
      assert.equal(reply.header('connection'), 'close')
      peer.destroy()
    }
    await blocking.close()
  })

  it('K10: a client that does not read holds the answer back: bounded, then cut', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        given += 65_536
        yield Buffer.alloc(65_536)
      }
    }
    const head = Buffer.from('HTTP/1.1 200 OK\r\n\r\n')
    const streaming = await startServer({
      handler: async (transaction) => {
        await transaction.readBody(() => {})
        await transaction.reply({ status: 200, section: 'res-hdr', head, body: endless() })
      },
      limits: { writeTimeoutMs: 150 },
    })
    peer = await RawPeer.connect(streaming.port)
    peer.socket.pause()
    peer.send(respmod())
    await until(() => streaming.icap.connections === 0 && given > 0)
    assert.ok(given < 32e6, `${given} bytes were made for a client that read none`)
    assert.ok(streaming.faults.some(({ code }) => code === 'ICAP_WRITE_TIMEOUT'))
    await streaming.close()
  })

  it('K10: a client that takes next to nothing of its answer is cut long before it would be for taking nothing', async () => {
    const head = Buffer.from('HTTP/1.1 200 OK\r\n\r\n')
    const large = await startServer({
      handler: async (transaction) => {
        await transaction.readBody(() => {})
        await transaction.reply({ status: 200, section: 'res-hdr', head, body: Buffer.alloc(64e6) })
      },
      limits: { writeTimeoutMs: 3_600_000, replyRateWindowMs: 200, minReplyBytesPerS: 1_000 },
    })
    peer = await RawPeer.connect(large.port)
    peer.socket.pause()
    peer.send(respmod())
    await until(() => large.icap.connections === 0 && large.faults.length > 0)
    assert.deepEqual(
      large.faults.map(({ code }) => code),
      ['ICAP_WRITE_TIMEOUT'],
    )
    await large.close()
  })

  it('K10: a client that pipelines without reading is held back', async () => {
    let handled = 0
    const counting = await startServer({
      handler: async (transaction) => {
        handled++
        await echoWhole(transaction)
      },
      limits: { writeTimeoutMs: 400 },
    })
    peer = await RawPeer.connect(counting.port)
    peer.socket.pause()
    const one = respmod({ body: chunked('x'.repeat(50_000)) })
    for (let i = 0; i < 2_000; i++) peer.send(one)
    await until(() => counting.icap.connections === 0)
    assert.ok(handled < 1_000, `${handled} requests were served to a client that read no answer`)
    await counting.close()
  })

  it('K11: the body is read while the answer is written: 16 MB through a streaming echo', async () => {
    const streaming = await startServer({ handler: echoWhileReading })
    peer = await RawPeer.connect(streaming.port)
    let received = 0
    let tail = ''
    peer.socket.removeAllListeners('data')
    peer.socket.on('data', (bytes) => {
      received += bytes.length
      tail = (tail + bytes.subarray(-8).toString('latin1')).slice(-8)
    })
    peer.send(respmod({ body: '' }))
    const piece = `10000\r\n${'y'.repeat(65_536)}\r\n`
    for (let i = 0; i < 256; i++) peer.send(piece)
    peer.send('0\r\n\r\n')
    await until(() => received > 256 * 65_536 && tail.endsWith('\r\n0\r\n\r\n'), 20_000)
    await streaming.close()
  })

  it('K13: head and body of a small answer come in one piece', async () => {
    peer = await RawPeer.connect(server.port)
    const pieces: Buffer[] = []
    peer.socket.on('data', (bytes) => pieces.push(bytes))
    peer.send(respmod())
    await peer.reply()
    assert.equal(pieces.length, 1)
  })

  it('K14: draining ends idle connections at once and running requests with Connection: close', async () => {
    let go = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      go = resolve
    })
    const draining = await startServer({
      handler: async (transaction) => {
        await waiting
        await echo(transaction)
      },
    })
    const idle = await RawPeer.connect(draining.port)
    idle.send(options())
    await idle.reply()
    peer = await RawPeer.connect(draining.port)
    peer.send(respmod({ body: HELLO }))
    await sleep(20)
    const drained = draining.icap.drain(5_000)
    assert.equal(await idle.closed(), '')
    go()
    const reply = await peer.reply()
    assert.deepEqual([reply.body, reply.header('connection')], ['hello', 'close'])
    await peer.closed()
    idle.destroy()
    peer.destroy()
    await drained
    await draining.close()
  })
})
