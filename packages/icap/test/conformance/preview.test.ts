import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { SQUID_POST_5000, SQUID_POST_5000_REST, SQUID_RESPMOD_PREVIEW } from './fixtures.ts'
import { block, decideOnPreview, echo, echoWhole, replyOriginal } from './handlers.ts'
import { ask, type Started, startServer } from './harness.ts'
import { GET_HEAD, HELLO, HELLO_IEOF, OK_HEAD, options, reqmod, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

let server: Started
let peer: RawPeer
before(async () => {
  server = await startServer({ handler: echoWhole })
})
after(() => server.close())
afterEach(() => peer?.destroy())

const CONTINUE = 'ICAP/1.0 100 Continue\r\n\r\n'
const preview = (size: number | string, body = HELLO, lines: string[] = []): string =>
  respmod({ body, lines: [`Preview: ${size}`, ...lines] })

describe('conformance: preview', () => {
  it('P1: no answer before the last chunk of the preview, even if the handler has one', async () => {
    const blocking = await startServer({ handler: block })
    peer = await RawPeer.connect(blocking.port)
    const bytes = preview(5)
    peer.send(bytes.slice(0, -7))
    assert.equal(await peer.quiet(60), '')
    peer.send(bytes.slice(-7))
    assert.equal((await peer.reply()).status, 200)
    await blocking.close()
  })

  it('P1: no 100 before the last chunk of the preview', async () => {
    peer = await RawPeer.connect(server.port)
    const bytes = preview(5)
    peer.send(bytes.slice(0, -2))
    assert.equal(await peer.quiet(60), '')
    peer.send('\r\n')
    assert.equal((await peer.reply()).status, 100)
  })

  const ieofs = ['0;ieof', '0; ieof', '0 ; ieof', '0; IEOF', '0; ieof; a=b', '000;ieof', '0; a="x;y"; ieof', '0;\tieof']
  for (const last of ieofs) {
    it(`P2: P3: "${last.replace('\t', ' ')}" ends the body: a final answer, no 100`, async () => {
      const { status, body } = await ask(server.port, preview(1024, `5\r\nhello\r\n${last}\r\n\r\n`))
      assert.deepEqual([status, body], [200, 'hello'])
    })
  }

  for (const last of ['0; xieof', '0; a=ieof', '0; a="; ieof"']) {
    it(`P3: '${last}' is not ieof: 100 follows`, async () => {
      peer = await RawPeer.connect(server.port)
      peer.send(preview(5, `5\r\nhello\r\n${last}\r\n\r\n`))
      assert.equal((await peer.reply()).status, 100)
    })
  }

  it('P4: a body of exactly the preview, in two chunks, with ieof', async () => {
    const half = `200\r\n${'x'.repeat(512)}\r\n`
    const { status, body } = await ask(server.port, preview(1024, `${half}${half}0; ieof\r\n\r\n`))
    assert.deepEqual([status, body?.length], [200, 1024])
  })

  it('P5: a body of exactly the preview without ieof: the rest is empty', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(preview(5))
    assert.equal((await peer.reply()).raw, CONTINUE)
    peer.send('0\r\n\r\n')
    assert.equal((await peer.reply()).body, 'hello')
  })

  it('P6: Preview: 0 with a body: 100, then the body', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(preview(0, '0\r\n\r\n'))
    assert.equal((await peer.reply()).status, 100)
    peer.send(HELLO)
    assert.equal((await peer.reply()).body, 'hello')
  })

  it('P6: Preview: 0 with an empty body that ends with ieof', async () => {
    assert.equal((await ask(server.port, preview(0, '0; ieof\r\n\r\n'))).body, '')
  })

  it('P8: a preview shorter than announced, in pieces, ends with its zero chunk', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(preview(1024, `2bc\r\n${'a'.repeat(700)}\r\n`))
    assert.equal(await peer.quiet(50), '')
    peer.send(`144\r\n${'b'.repeat(324)}\r\n0\r\n\r\n`)
    assert.equal((await peer.reply()).status, 100)
    peer.send(HELLO)
    assert.equal((await peer.reply()).body?.length, 700 + 324 + 5)
  })

  it('P8: a preview may end early for good: 10 of 1024 bytes, no ieof', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(preview(1024, 'a\r\n0123456789\r\n0\r\n\r\n'))
    assert.equal((await peer.reply()).status, 100)
  })

  it('P9: a preview longer than announced is read to its end', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(preview(2, HELLO))
    assert.equal((await peer.reply()).status, 100)
    peer.send('0\r\n\r\n')
    assert.equal((await peer.reply()).body, 'hello')
  })

  it('P9: a preview that does not end is refused at the bound', async () => {
    const bounded = await startServer({ handler: echoWhole, limits: { maxPreviewOverrunBytes: 100 } })
    peer = await RawPeer.connect(bounded.port)
    peer.send(preview(2, `ffff\r\n${'x'.repeat(65_535)}\r\n`))
    assert.equal((await peer.reply()).status, 400)
    await peer.closed()
    await bounded.close()
  })

  for (const size of ['-1', 'abc', '1e9', '0x10', '', '5, 5', '99999999999999999999']) {
    it(`P10: "Preview: ${size}" is 400`, async () => assert.equal((await ask(server.port, preview(size))).status, 400))
  }

  it('P10: a huge preview is one without a stop, nothing is allocated by it', async () => {
    const before = process.memoryUsage().rss
    assert.equal((await ask(server.port, preview('999999999999', HELLO_IEOF))).body, 'hello')
    assert.ok(process.memoryUsage().rss - before < 200e6)
  })

  it('P11: preview and rest are one body (Squid upload of 5 000 bytes), cut everywhere in its framing', async () => {
    const rest = SQUID_POST_5000_REST
    for (const at of [
      1,
      2,
      3,
      4,
      5,
      6,
      2000,
      rest.length - 8,
      rest.length - 7,
      rest.length - 5,
      rest.length - 2,
      rest.length - 1,
    ]) {
      peer = await RawPeer.connect(server.port)
      peer.send(SQUID_POST_5000)
      assert.equal((await peer.reply()).raw, CONTINUE)
      await peer.sendCut(rest, at)
      const { status, body } = await peer.reply()
      assert.deepEqual([status, body], [200, 'p'.repeat(1024) + 'r'.repeat(3976)], `cut at ${at}`)
      peer.destroy()
    }
  })

  it('P12: ieof behind 100 is tolerated', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(preview(5))
    await peer.reply()
    peer.send(HELLO_IEOF)
    assert.equal((await peer.reply()).body, 'hellohello')
  })

  it('P13: 100 Continue is its status line alone', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(SQUID_RESPMOD_PREVIEW)
    assert.equal((await peer.reply()).raw, CONTINUE)
    assert.equal(await peer.quiet(30), '')
  })

  it('P14: the final answer waits for a byte behind 100, whatever the handler does', async () => {
    const hasty = await startServer({
      handler: async (transaction) => {
        await transaction.readBody(() => {})
        transaction.continueBody()
        await block(transaction)
      },
    })
    peer = await RawPeer.connect(hasty.port)
    peer.send(preview(5))
    assert.equal((await peer.reply()).status, 100)
    assert.equal(await peer.quiet(60), '', 'Squid would not see an answer in the segment of 100')
    peer.send(HELLO)
    assert.equal((await peer.reply()).status, 200)
    await hasty.close()
  })

  it('P15: L3: a client that sends nothing after 100 gets 408 and a close', async () => {
    const impatient = await startServer({ handler: echoWhole, limits: { bodyIdleTimeoutMs: 80 } })
    peer = await RawPeer.connect(impatient.port)
    peer.send(preview(5))
    assert.equal((await peer.reply()).status, 100)
    const reply = await peer.reply()
    assert.deepEqual([reply.status, reply.header('connection')], [408, 'close'])
    await peer.closed()
    await impatient.close()
  })

  it('P16: a block straight after the preview, and the connection stays in step', async () => {
    const blocking = await startServer({ handler: block })
    peer = await RawPeer.connect(blocking.port)
    peer.send(SQUID_RESPMOD_PREVIEW)
    const { status, httpHead, body } = await peer.reply()
    assert.deepEqual([status, httpHead.slice(0, 12), body], [200, 'HTTP/1.1 403', '<h1>Blocked</h1>'])
    peer.send(options())
    assert.equal((await peer.reply()).status, 200)
    await blocking.close()
  })

  it('P17: 204 straight after the preview without Allow: 204', async () => {
    const deciding = await startServer({ handler: decideOnPreview })
    peer = await RawPeer.connect(deciding.port)
    peer.send(preview(5) + options())
    assert.equal((await peer.reply()).status, 204)
    assert.equal((await peer.reply()).status, 200)
    await deciding.close()
  })

  it('P17: N2: after 100 a 204 is not legal without Allow: 204', async () => {
    const careful = await startServer({ handler: echo })
    peer = await RawPeer.connect(careful.port)
    peer.send(preview(5))
    await peer.reply()
    peer.send(HELLO)
    const { status, body } = await peer.reply()
    assert.deepEqual([status, body], [200, 'hellohello'])
    await careful.close()
  })

  it('P17: a handler that insists on an illegal 204 gets a 500 out', async () => {
    const wrong = await startServer({ handler: (transaction) => transaction.reply({ status: 204 }) })
    assert.equal((await ask(wrong.port, respmod())).status, 500)
    await wrong.close()
  })

  it('P18: no preview though OPTIONS asked for one: the whole body is read', async () => {
    const { status, body } = await ask(server.port, respmod())
    assert.deepEqual([status, body], [200, 'hello'])
  })

  it('P19: the only interim answer is 100', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(SQUID_POST_5000)
    const statuses = [(await peer.reply()).status]
    await peer.quiet(50)
    peer.send(SQUID_POST_5000_REST)
    statuses.push((await peer.reply()).status)
    assert.deepEqual(statuses, [100, 200])
  })

  it('P19: a handler that replies with a 1xx gets a 500 out', async () => {
    const wrong = await startServer({ handler: (transaction) => transaction.reply({ status: 102, error: true }) })
    assert.equal((await ask(wrong.port, respmod())).status, 500)
    await wrong.close()
  })

  it('P2: continueBody after ieof is refused to the handler', async () => {
    let refused: unknown
    const wrong = await startServer({
      handler: async (transaction) => {
        await transaction.readBody(() => {})
        try {
          transaction.continueBody()
        } catch (error) {
          refused = error
        }
        await replyOriginal(transaction, Buffer.from('hello'))
      },
    })
    assert.equal((await ask(wrong.port, preview(9, HELLO_IEOF))).status, 200)
    assert.match(String(refused), /IcapError/)
    await wrong.close()
  })
})

describe('conformance: preview of requests', () => {
  it('P7: E16: Preview: 0 and null-body: no chunk is waited for, the next request follows at once', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(reqmod({ lines: ['Preview: 0'] }) + options('req'))
    assert.equal((await peer.reply()).httpHead, GET_HEAD)
    assert.equal((await peer.reply()).header('methods'), 'REQMOD')
  })

  it('E16: RESPMOD with null-body and a Content-Length', async () => {
    peer = await RawPeer.connect(server.port)
    const head = `RESPMOD icap://h/both ICAP/1.0\r\nHost: h\r\nEncapsulated: res-hdr=0, null-body=${OK_HEAD.length}\r\n\r\n`
    peer.send(head + OK_HEAD + options())
    const { httpHead, body } = await peer.reply()
    assert.deepEqual([httpHead, body], [OK_HEAD, undefined])
    assert.equal((await peer.reply()).status, 200)
  })
})
