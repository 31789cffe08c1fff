import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createIcapServer, type IcapFault, type IcapServer, type IcapServerOptions } from '../src/index.ts'
import type { IcapReply, Transaction } from '../src/transaction.ts'
import { RawPeer } from './conformance/raw-peer.ts'

const HEAD = Buffer.from('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\n')
const BLOCK: IcapReply = { status: 200, section: 'res-hdr', head: HEAD, body: Buffer.from('page') }
const GET = 'GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n'

/** A REQMOD with these ICAP lines; a body makes it a POST with that chunked text. */
function reqmod(lines: string, chunks?: string): string {
  const body = chunks === undefined ? 'null-body' : 'req-body'
  return `REQMOD icap://h/scan ICAP/1.0\r\nHost: h\r\n${lines}Encapsulated: req-hdr=0, ${body}=${GET.length}\r\n\r\n${GET}${chunks ?? ''}`
}
const OPTIONS = 'OPTIONS icap://h/scan ICAP/1.0\r\nHost: h\r\n\r\n'

interface Running {
  port: number
  icap: IcapServer
  faults: IcapFault[]
  ended: string[]
  listener: Server
}

const running: Running[] = []
after(async () => {
  for (const { icap, listener } of running) {
    listener.close()
    await icap.drain(10)
  }
})

async function start(options: Partial<IcapServerOptions> = {}): Promise<Running> {
  const faults: IcapFault[] = []
  const ended: string[] = []
  const icap = createIcapServer({
    serverHeader: 'Assay/test',
    findService: (path) => (path === 'scan' ? { name: 'scan', methods: ['REQMOD', 'RESPMOD'] } : undefined),
    isTag: () => 'tag',
    optionsFor: ({ methods }) => ({
      status: 200,
      methods,
      isTag: 'tag',
      optionsTtlS: 1,
      maxConnections: 9,
      serviceText: 't',
      serviceId: 'i',
      allow206: true,
    }),
    admit: () => 'ok',
    handle: (transaction) => transaction.reply(BLOCK),
    onFault: (fault) => faults.push(fault),
    onConnectionEnd: (peer) => ended.push(peer.address),
    ...options,
  })
  const listener = createServer({ allowHalfOpen: true }, (socket) => icap.handleSocket(socket))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const server = { port: (listener.address() as AddressInfo).port, icap, faults, ended, listener }
  running.push(server)
  return server
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !isTrue(); await sleep(5))
    if (Date.now() > end) throw new Error(`never: ${isTrue}`)
}

describe('admission', () => {
  for (const [admission, status] of [
    ['forbidden', 403],
    ['overloaded', 503],
  ] as const)
    it(`O32, S5, L6: ${admission} is ${status} and a close, before anything is read`, async () => {
      const { port, icap, ended } = await start({ admit: () => admission })
      const peer = await RawPeer.connect(port)
      const reply = await peer.reply()
      assert.deepEqual([reply.status, reply.header('connection')], [status, 'close'])
      await peer.closed()
      assert.deepEqual([icap.connections, ended.length], [0, 0])
    })

  it('waits for a slow answer and loses no byte', async () => {
    const { port } = await start({ admit: () => sleep(50, 'ok' as const) })
    const peer = await RawPeer.connect(port)
    peer.send(OPTIONS)
    assert.equal((await peer.reply()).status, 200)
    peer.destroy()
  })

  it('a throw counts as overloaded', async () => {
    const { port, faults } = await start({ admit: () => assert.fail('list is gone') })
    assert.equal((await (await RawPeer.connect(port)).reply()).status, 503)
    assert.match(faults[0]?.detail ?? '', /admit failed/)
  })

  it('each admitted connection ends once, whoever ends it', async () => {
    const { port, icap, ended } = await start({ limits: { idleTimeoutMs: 200, lingerTimeoutMs: 40 } })
    const peers = await Promise.all([1, 2, 3, 4].map(() => RawPeer.connect(port)))
    await until(() => icap.connections === 4)
    peers[0]?.end()
    peers[1]?.destroy()
    peers[2]?.send('rubbish\r\n')
    await until(() => ended.length === 4)
    await sleep(50)
    assert.deepEqual([ended, icap.connections], [Array(4).fill('127.0.0.1'), 0])
    for (const peer of peers) peer.destroy()
  })

  it('a peer that goes while admission is asked is given back once', async () => {
    const { port, ended } = await start({ admit: () => sleep(60, 'ok' as const) })
    const peer = await RawPeer.connect(port)
    peer.socket.resetAndDestroy()
    await until(() => ended.length === 1)
  })
})

describe('replies the handler may not give', () => {
  const misuses: [what: string, lines: string, reply: IcapReply][] = [
    ['N2: 204 without Allow: 204', '', { status: 204 }],
    ['N8: 206 without Allow: 206', 'Allow: 204\r\n', { ...BLOCK, status: 206, useOriginalBody: 0 }],
    ['N8: 206 to a null-body', 'Allow: 204, 206\r\n', { ...BLOCK, status: 206, useOriginalBody: 0 }],
    ['E17: a head without its end', '', { ...BLOCK, head: Buffer.from('HTTP/1.1 403 No\r\n') }],
    ['L1: an error that is none', '', { status: 200, error: true }],
    ['S4: CR in a value', '', { ...BLOCK, headers: { X: 'a\rb' } }],
    ['L5: a head beyond maxReplyHeadBytes', '', { ...BLOCK, headers: { X: 'y'.repeat(60_000) } }],
  ]
  for (const [what, lines, wrong] of misuses)
    it(`${what}: refused to the handler, which may reply again`, async () => {
      const codes: string[] = []
      const { port } = await start({
        async handle(transaction) {
          await transaction.reply(wrong).catch((error: { code: string }) => codes.push(error.code))
          await transaction.reply(BLOCK)
        },
      })
      const peer = await RawPeer.connect(port)
      peer.send(reqmod(lines))
      assert.deepEqual([(await peer.reply()).body, codes], ['page', ['ICAP_REPLY_MISUSE']])
      peer.destroy()
    })

  it('a second reply is refused', async () => {
    const codes: string[] = []
    const { port } = await start({
      async handle(transaction) {
        const first = transaction.reply({ ...BLOCK, body: slowly('page') })
        await transaction.reply(BLOCK).catch((error: { code: string }) => codes.push(error.code))
        await first
      },
    })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod(''))
    assert.deepEqual([(await peer.reply()).body, codes], ['page', ['ICAP_REPLY_MISUSE']])
    peer.destroy()
  })

  it('N9: 206 beyond what the client has sent is refused, within it is sent', async () => {
    const codes: string[] = []
    const { port } = await start({
      async handle(transaction) {
        await transaction.readBody(() => {})
        const part = { ...BLOCK, status: 206 as const }
        await transaction
          .reply({ ...part, useOriginalBody: 6 })
          .catch((error: { code: string }) => codes.push(error.code))
        await transaction.reply({ ...part, useOriginalBody: 5 })
      },
    })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod('Preview: 5\r\nAllow: 206\r\n', '5\r\nhello\r\n0\r\n\r\n'))
    const reply = await peer.reply()
    assert.deepEqual([reply.status, reply.body, reply.lastChunkExtensions], [206, 'page', '; use-original-body=5'])
    assert.deepEqual(codes, ['ICAP_REPLY_MISUSE'])
    peer.destroy()
  })
})

async function* slowly(...pieces: string[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) {
    await sleep(10)
    yield Buffer.from(piece)
  }
}

describe('faults of the handler', () => {
  it('L11: one that throws behind its reply is reported, and the connection lives', async () => {
    const { port, faults } = await start({
      async handle(transaction) {
        await transaction.reply(BLOCK)
        throw new Error('journal is full')
      },
    })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod(''))
    assert.equal((await peer.reply()).body, 'page')
    await until(() => faults.length === 1)
    assert.deepEqual([faults[0]?.code, faults[0]?.detail], ['ICAP_HANDLER_FAILED', 'journal is full'])
    peer.send(reqmod(''))
    assert.equal((await peer.reply()).body, 'page')
    peer.destroy()
  })

  it('L11: a look-up, ISTag or OPTIONS that throws is a 500', async () => {
    for (const broken of [
      { findService: () => assert.fail('x') },
      { optionsFor: () => assert.fail('x') },
      { optionsFor: () => Promise.reject(new Error('x')) },
    ] satisfies Partial<IcapServerOptions>[]) {
      const peer = await RawPeer.connect((await start(broken)).port)
      peer.send(OPTIONS)
      assert.equal((await peer.reply()).status, 500)
      await peer.closed()
    }
    const peer = await RawPeer.connect((await start({ isTag: () => 'a"b' })).port)
    peer.send(reqmod(''))
    const reply = await peer.reply()
    assert.deepEqual([reply.status, reply.header('istag')], [500, '"none"'])
  })

  it('an iterable that never goes on does not hold the handler when the client is gone', async () => {
    let isSettled = false
    const { port } = await start({
      async handle(transaction) {
        const never: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
        await transaction.reply({ ...BLOCK, body: never })
        isSettled = true
      },
    })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod(''))
    await until(() => peer.unread.includes('403 Forbidden'))
    peer.socket.resetAndDestroy()
    await until(() => isSettled)
  })
})

describe('early answers', () => {
  it('P1: an answer before the preview’s last chunk waits for it', async () => {
    const { port } = await start()
    const peer = await RawPeer.connect(port)
    peer.send(reqmod('Preview: 1024\r\n', '5\r\nhel'))
    assert.equal(await peer.quiet(40), '')
    peer.send('lo\r\n0\r\n\r\n')
    const reply = await peer.reply()
    assert.deepEqual([reply.body, reply.header('connection')], ['page', 'keep-alive'])
    peer.send(reqmod(''))
    assert.equal((await peer.reply()).body, 'page')
    peer.destroy()
  })

  it('K9, K3: an answer with the body unread says close, and survives the rest of the body', async () => {
    const { port } = await start()
    const peer = await RawPeer.connect(port)
    peer.send(reqmod('', `fffff\r\n${'x'.repeat(5_000)}`))
    const reply = await peer.reply()
    assert.deepEqual([reply.body, reply.header('connection')], ['page', 'close'])
    peer.send('x'.repeat(500_000))
    assert.equal(await peer.closed(), '')
  })

  it('K9: a streamed answer before the body’s end keeps the connection, if the rest is small', async () => {
    const { port } = await start({ handle: (transaction) => transaction.reply({ ...BLOCK, body: slowly('pa', 'ge') }) })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod('', '5\r\nhello\r\n'))
    assert.equal((await peer.reply()).body, 'page')
    peer.send(`5\r\nworld\r\n0\r\n\r\n${OPTIONS}`)
    assert.equal((await peer.reply()).status, 200)
    peer.destroy()
  })

  it('K9: and ends it, if it is not', async () => {
    const handle = (transaction: Transaction) => transaction.reply({ ...BLOCK, body: slowly('page') })
    const { port } = await start({ handle, limits: { maxDrainBytes: 10 } })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod('', '5\r\nhello\r\n'))
    assert.equal((await peer.reply()).body, 'page')
    peer.send('14\r\nhello hello hello !!\r\n0\r\n\r\n')
    assert.equal(await peer.closed(), '')
  })

  it('bad chunks behind a whole answer end the connection without a second answer', async () => {
    const { port } = await start({ handle: (transaction) => transaction.reply({ ...BLOCK, body: slowly('page') }) })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod('', '5\r\nhello\r\n'))
    assert.equal((await peer.reply()).body, 'page')
    peer.send('-5\r\n')
    assert.equal(await peer.closed(), '')
  })
})

describe('connections', () => {
  it('H10: an empty line between requests, cut between CR and LF, is skipped and does not start a deadline', async () => {
    const { port } = await start({ limits: { headTimeoutMs: 60 } })
    const peer = await RawPeer.connect(port)
    peer.send(OPTIONS)
    await peer.reply()
    peer.send('\r\n')
    assert.equal(await peer.quiet(150), '')
    peer.send('\r')
    await turn()
    peer.send(`\n${OPTIONS}`)
    assert.equal((await peer.reply()).status, 200)
    peer.destroy()
  })

  it('H4: an unknown service without a body keeps the connection, with one ends it', async () => {
    const { port } = await start()
    const peer = await RawPeer.connect(port)
    peer.send(reqmod('').replace('/scan', '/other'))
    const first = await peer.reply()
    assert.deepEqual([first.status, first.header('connection')], [404, 'keep-alive'])
    peer.send(reqmod('', '0\r\n\r\n').replace('/scan', '/other'))
    const second = await peer.reply()
    assert.deepEqual([second.status, second.header('connection')], [404, 'close'])
    await peer.closed()
  })

  it('O4: an OPTIONS body is dropped up to its bound', async () => {
    const { port } = await start({ limits: { maxOptionsBodyBytes: 10 } })
    const withBody = (chunks: string) => OPTIONS.replace('\r\n\r\n', `\r\nEncapsulated: opt-body=0\r\n\r\n${chunks}`)
    const peer = await RawPeer.connect(port)
    peer.send(`${withBody('5\r\nhello\r\n0\r\n\r\n')}${OPTIONS}`)
    assert.deepEqual([(await peer.reply()).status, (await peer.reply()).status], [200, 200])
    peer.send(withBody('14\r\nhello hello hello !!\r\n0\r\n\r\n'))
    assert.equal((await peer.reply()).status, 400)
    await peer.closed()
  })

  it('K10: a large body of a buffer goes out whole, in pieces', async () => {
    const page = Buffer.alloc(1_000_003, 'x')
    const { port } = await start({ handle: (transaction) => transaction.reply({ ...BLOCK, body: page }) })
    const peer = await RawPeer.connect(port)
    for (let i = 0; i < 2; i++) {
      peer.send(reqmod(''))
      assert.equal((await peer.reply()).body?.length, page.length)
    }
    peer.destroy()
  })

  it('K14: drain may be asked twice; what does not end is destroyed at the limit', async () => {
    const { port, icap, ended } = await start({ handle: () => new Promise<void>(() => {}) })
    const peer = await RawPeer.connect(port)
    peer.send(reqmod(''))
    await until(() => icap.connections === 1)
    await Promise.all([icap.drain(50), icap.drain(60)])
    assert.deepEqual([icap.isDraining, icap.connections, ended.length], [true, 0, 1])
    const late = await RawPeer.connect(port)
    assert.equal((await late.reply()).status, 503)
    peer.destroy()
  })

  it('gives an IPv4-mapped address as IPv4', async () => {
    const seen: string[] = []
    const { icap } = await start({ handle: (transaction) => void seen.push(transaction.peer.address) })
    const listener = createServer((socket) => icap.handleSocket(socket))
    listener.listen(0, '::')
    await once(listener, 'listening')
    const peer = await RawPeer.connect((listener.address() as AddressInfo).port, '127.0.0.1')
    peer.send(reqmod(''))
    await peer.reply()
    assert.deepEqual(seen, ['127.0.0.1'])
    peer.destroy()
    listener.close()
  })

  it('an idle connection costs less than 20 KB, its sockets of both sides included', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { port } = await start({
      async handle(transaction) {
        await transaction.readBody(() => {})
        await transaction.reply(BLOCK)
      },
    })
    const round = async (): Promise<RawPeer> => {
      const peer = await RawPeer.connect(port)
      peer.send(reqmod('', '5\r\nhello\r\n0\r\n\r\n'))
      await peer.reply()
      peer.send(OPTIONS)
      await peer.reply()
      return peer
    }
    const peers = [await round()]
    collect()
    const before = used()
    for (let i = 0; i < 300; i++) peers.push(await round())
    collect()
    const each = (used() - before) / 300
    for (const peer of peers) peer.destroy()
    assert.ok(each < 20_000, `${each} bytes`)
  })
})

function used(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
