import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admission, IcapLimits } from '../../src/index.ts'
import { echo, echoWhole } from './handlers.ts'
import { ask, type Started, startServer, until } from './harness.ts'
import { chunked, GET_HEAD, icapHead, options, reqmod, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

let server: Started
let peer: RawPeer
before(async () => {
  server = await startServer({ handler: echo })
})
after(() => server.close())
afterEach(() => peer?.destroy())

async function withLimits(limits: Partial<IcapLimits>, run: (started: Started) => Promise<void>): Promise<void> {
  const started = await startServer({ limits, handler: echoWhole })
  await run(started).finally(() => started.close())
}

describe('conformance: errors', () => {
  const errors: { name: string; send: string; status: number }[] = [
    { name: 'L1: 400', send: icapHead('OPTIONS * ICAP/1.0'), status: 400 },
    { name: 'L1: 404', send: options('nothing'), status: 404 },
    { name: 'L1: 405', send: reqmod({ service: 'resp' }), status: 405 },
    { name: 'L1: 501', send: icapHead('FOO icap://h/both ICAP/1.0'), status: 501 },
    { name: 'L1: 505', send: icapHead('OPTIONS icap://h/both ICAP/3.0'), status: 505 },
  ]
  for (const { name, send, status } of errors) {
    it(`${name} has a status line, ISTag and no body`, async () => {
      const reply = await ask(server.port, send)
      assert.match(reply.head, new RegExp(`^ICAP/1\\.0 ${status} \\S`))
      assert.match(reply.header('istag') ?? '', /^".+"$/)
      assert.deepEqual([reply.body, reply.header('encapsulated') ?? 'null-body=0'], [undefined, 'null-body=0'])
    })
  }

  it('L11: a handler that throws: 500 and close; other connections live', async () => {
    const failing = await startServer({
      handler: (transaction) => {
        if (transaction.query === 'boom') throw new TypeError('boom')
        return echo(transaction)
      },
    })
    const other = await RawPeer.connect(failing.port)
    other.send(options())
    await other.reply()
    peer = await RawPeer.connect(failing.port)
    peer.send(respmod({ service: 'both?boom' }))
    const reply = await peer.reply()
    assert.deepEqual([reply.status, reply.header('connection')], [500, 'close'])
    assert.doesNotMatch(reply.raw, /boom/)
    await peer.closed()
    other.send(respmod())
    assert.equal((await other.reply()).status, 200)
    other.destroy()
    await failing.close()
  })

  it('L8: L11: a stream that fails half-way is cut: never a last chunk', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('half')
      await sleep(20)
      throw new Error('disk')
    }
    const failing = await startServer({
      handler: (transaction) =>
        transaction.reply({
          status: 200,
          section: 'res-hdr',
          head: Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
          body: broken(),
        }),
    })
    peer = await RawPeer.connect(failing.port)
    peer.send(respmod())
    const seen = await peer.closed()
    assert.ok(seen.includes('half'))
    assert.doesNotMatch(seen, /\r\n0\r\n/)
    await failing.close()
  })

  it('L11: a handler that returns without a reply: 500', async () => {
    const silent = await startServer({ handler: async () => {} })
    assert.equal((await ask(silent.port, respmod())).status, 500)
    await silent.close()
  })

  it('L10: a client that goes away aborts the signal, and nothing crashes', async () => {
    let aborted = false
    const waiting = await startServer({
      handler: async (transaction) => {
        await new Promise<void>((resolve) => transaction.signal.addEventListener('abort', () => resolve()))
        aborted = transaction.signal.aborted
        await transaction.reply({ status: 500, error: true })
      },
    })
    peer = await RawPeer.connect(waiting.port)
    peer.send(reqmod())
    await sleep(30)
    peer.socket.resetAndDestroy()
    await until(() => aborted && waiting.icap.connections === 0)
    assert.equal((await ask(waiting.port, options())).status, 200)
    await waiting.close()
  })

  it('L10: a client that goes away in the middle of its body ends the read with an error', async () => {
    let failed: unknown
    const reading = await startServer({
      handler: async (transaction) => {
        await transaction
          .readBody(() => {})
          .catch((error: unknown) => {
            failed = error
          })
      },
    })
    peer = await RawPeer.connect(reading.port)
    peer.send(respmod({ body: '5\r\nhel' }))
    await sleep(30)
    peer.socket.resetAndDestroy()
    await until(() => failed !== undefined)
    assert.match(String(failed), /IcapError/)
    await reading.close()
  })
})

describe('conformance: limits', () => {
  it('L2: a head that comes byte by byte gets 408 at its deadline', async () => {
    await withLimits({ headTimeoutMs: 150 }, async ({ port }) => {
      peer = await RawPeer.connect(port)
      const bytes = options()
      for (let at = 0; at < bytes.length && !peer.isClosed && peer.unread === ''; at++) {
        peer.send(bytes.slice(at, at + 1))
        await sleep(15)
      }
      assert.equal((await peer.reply()).status, 408)
      await peer.closed()
    })
  })

  it('L2: encapsulated heads count to the same deadline', async () => {
    await withLimits({ headTimeoutMs: 100 }, async ({ port }) => {
      peer = await RawPeer.connect(port)
      peer.send(reqmod().slice(0, -10))
      assert.equal((await peer.reply()).status, 408)
      await peer.closed()
    })
  })

  it('L3: a body that stands still gets 408', async () => {
    await withLimits({ bodyIdleTimeoutMs: 100 }, async ({ port }) => {
      peer = await RawPeer.connect(port)
      peer.send(respmod({ body: 'ff\r\nhello' }))
      assert.equal((await peer.reply()).status, 408)
      await peer.closed()
    })
  })

  it('L3: a body that trickles below the least rate gets 408', async () => {
    await withLimits({ bodyIdleTimeoutMs: 1_000, bodyRateWindowMs: 200, minBodyBytesPerS: 1_000 }, async ({ port }) => {
      peer = await RawPeer.connect(port)
      peer.send(respmod({ body: 'fff\r\n' }))
      for (let i = 0; i < 100 && peer.unread === ''; i++) {
        peer.send('x')
        await sleep(20)
      }
      assert.equal((await peer.reply()).status, 408)
    })
  })

  it('L3: a slow body that keeps its rate is read to its end', async () => {
    await withLimits({ bodyIdleTimeoutMs: 300, bodyRateWindowMs: 100, minBodyBytesPerS: 16 }, async ({ port }) => {
      peer = await RawPeer.connect(port)
      const body = chunked('z'.repeat(1_000), 50)
      peer.send(respmod({ body: '' }))
      for (let at = 0; at < body.length; at += 50) {
        peer.send(body.slice(at, at + 50))
        await sleep(20)
      }
      assert.equal((await peer.reply()).body?.length, 1_000)
    })
  })

  for (const [what, lines] of [
    ['of 70 KB', [`X-Big: ${'x'.repeat(70_000)}`]],
    ['of 300 lines', Array.from({ length: 300 }, (_, at) => `X-${at}: y`)],
  ] as const) {
    it(`L4: an ICAP head ${what} is refused and closed`, async () => {
      peer = await RawPeer.connect(server.port)
      peer.send(options('both', lines))
      const reply = await peer.reply()
      assert.ok([400, 431].includes(reply.status))
      await peer.closed()
    })
  }

  it('L4: an ICAP head that does not end is refused before it is whole', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(`OPTIONS icap://h/both ICAP/1.0\r\nX: ${'x'.repeat(70_000)}`)
    assert.equal((await peer.reply()).status, 400)
  })

  it('L5: a reply head that would break Squid becomes a 500', async () => {
    const big = await startServer({
      handler: (transaction) => transaction.reply({ status: 204, headers: { 'X-Big': 'y'.repeat(70_000) } }),
    })
    const { status, raw } = await ask(big.port, reqmod({ lines: ['Allow: 204'] }))
    assert.equal(status, 500)
    assert.ok(raw.length < 65_536)
    await big.close()
  })

  for (const [id, admission, status] of [
    ['L6', 'overloaded', 503],
    ['O32', 'forbidden', 403],
  ] as const satisfies [string, Admission, number][]) {
    it(
      id === 'L6'
        ? 'L6: over the limit of connections: 503 and close'
        : 'O32: S5: from a refused address: 403 and close',
      async () => {
        const refusing = await startServer({ admit: () => admission })
        peer = await RawPeer.connect(refusing.port)
        peer.send(options())
        const reply = await peer.reply()
        assert.deepEqual([reply.status, reply.header('connection'), reply.body], [status, 'close', undefined])
        await peer.closed()
        assert.equal(refusing.icap.connections, 0)
        await refusing.close()
      },
    )
  }
})

describe('conformance: security', () => {
  const hidden = options('req')

  it('S1: a request hidden in a body is body', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(respmod({ body: chunked(hidden) }))
    assert.equal((await peer.reply()).body, hidden)
    assert.equal(await peer.quiet(30), '')
  })

  it('S1: a request hidden in an encapsulated head is refused with it', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(reqmod({ req: `${GET_HEAD}${hidden}` }))
    assert.equal((await peer.reply()).status, 400)
    assert.equal(await peer.closed(), '')
  })

  it('S1: a request behind a shortened head offset is not executed', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(reqmod({ req: `${GET_HEAD}${hidden}`, encapsulated: `req-hdr=0, null-body=${GET_HEAD.length - 2}` }))
    assert.equal((await peer.reply()).status, 400)
    assert.equal(await peer.closed(), '')
  })

  for (const path of ['../both', './both', 'x/../both', '%2e%2e/both', 'b%6fth', 'both%00', 'both;x', 'both//']) {
    const same = path === 'both//'
    it(`S3: /${path} is looked up exactly${same ? ' (but for slashes at its end)' : ': 404'}`, async () => {
      assert.equal((await ask(server.port, options(path))).status, same ? 200 : 404)
    })
  }

  it('S4: a header value of the handler with CR, LF or NUL never reaches the wire', async () => {
    for (const value of ['a\r\nX-Evil: 1', 'a\nb', 'a\0b', 'a\u010ab']) {
      const injecting = await startServer({
        handler: (transaction) => transaction.reply({ status: 204, headers: { 'X-A': value } }),
      })
      const { status, raw } = await ask(injecting.port, reqmod({ lines: ['Allow: 204'] }))
      assert.equal(status, 500)
      assert.doesNotMatch(raw, /X-Evil|X-A/)
      await injecting.close()
    }
  })

  it('S8: a new ISTag is on the very next answer', async () => {
    let tag = 'one'
    const changing = await startServer({ isTag: () => tag })
    const seen: (string | undefined)[] = []
    peer = await RawPeer.connect(changing.port)
    for (tag of ['one', 'two']) {
      for (const send of [options(), reqmod({ lines: ['Allow: 204'] })]) {
        peer.send(send)
        seen.push((await peer.reply()).header('istag'))
      }
    }
    assert.deepEqual(seen, ['"one"', '"one"', '"two"', '"two"'])
    await changing.close()
  })
})
