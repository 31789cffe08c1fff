import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { SQUID_GET, SQUID_POST_5000, SQUID_POST_5000_REST } from './fixtures.ts'
import { echo, type Handler, readWhole } from './handlers.ts'
import { ask, type Started, startServer } from './harness.ts'
import { chunked, GET_HEAD, HELLO, options, reqmod, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

const HEAD_206 = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n')

/** Reads what the preview holds, then answers 206: NEW and the original from byte 1 on. */
const partial: Handler = async (transaction) => {
  await transaction.readBody(() => {})
  await transaction.reply({
    status: 206,
    section: 'res-hdr',
    head: HEAD_206,
    body: Buffer.from('NEW'),
    useOriginalBody: 1,
  })
}

/** 206 where it is legal, else the plain 200. */
const partialIfAllowed: Handler = async (transaction) =>
  transaction.allows206 ? partial(transaction) : echo(transaction)

let server: Started
let peer: RawPeer
before(async () => {
  server = await startServer({ handler: echo })
})
after(() => server.close())
afterEach(() => peer?.destroy())

async function withServer<T>(handler: Handler, run: (started: Started) => Promise<T>): Promise<T> {
  const started = await startServer({ handler })
  try {
    return await run(started)
  } finally {
    await started.close()
  }
}

describe('conformance: 204', () => {
  it('N1: 204 after the whole body when Allow says so', async () => {
    assert.equal((await ask(server.port, respmod({ lines: ['Allow: 204'] }))).status, 204)
  })

  it('N1: 204 after 100 Continue when Allow says so (Squid)', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(SQUID_POST_5000.replace('/req ', '/both '))
    assert.equal((await peer.reply()).status, 100)
    peer.send(SQUID_POST_5000_REST)
    assert.equal((await peer.reply()).status, 204)
  })

  it('N2: without Allow: 204 the original comes back whole, 300 KB of it', async () => {
    const body = 'abcdefghij'.repeat(30_000)
    const reply = await ask(server.port, respmod({ body: chunked(body) }))
    assert.deepEqual([reply.status, reply.body === body], [200, true])
  })

  it('N3: 204 is a status line, headers and an empty line, nothing more', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(SQUID_GET)
    const { raw, head } = await peer.reply()
    assert.match(head, /^ICAP\/1\.0 204 /)
    assert.match(head, /^ISTag: "/m)
    assert.doesNotMatch(head, /^encapsulated: (?!null-body=0$)/im)
    assert.ok(raw.endsWith('\r\n\r\n'))
    assert.equal(await peer.quiet(30), '', 'not even a last chunk')
  })

  it('N4: 204 leaves the connection in step', async () => {
    peer = await RawPeer.connect(server.port)
    for (let i = 0; i < 3; i++) {
      peer.send(respmod({ lines: ['Allow: 204'], body: chunked('x'.repeat(100_000)) }))
      assert.equal((await peer.reply()).status, 204)
    }
  })

  it('N5: K3: K12: an early 204 outside a preview: the body is drained, or the close is announced', async () => {
    await withServer(
      (transaction) => transaction.reply({ status: 204 }),
      async ({ port }) => {
        peer = await RawPeer.connect(port)
        const bytes = respmod({ lines: ['Allow: 204'], body: chunked('x'.repeat(50_000)) })
        peer.send(bytes.slice(0, 400))
        const early = await peer.reply()
        assert.equal(early.status, 204)
        peer.send(bytes.slice(400) + options())
        if (early.header('connection') === 'close') assert.equal(await peer.closed(), '')
        else assert.equal((await peer.reply()).status, 200)
      },
    )
  })
})

describe('conformance: 206 and trailers', () => {
  const preview = ['Preview: 5']

  it('N6: N9: N10: 206 inside the preview, with Allow: 206 alone', async () => {
    await withServer(partial, async ({ port }) => {
      peer = await RawPeer.connect(port)
      peer.send(respmod({ lines: [...preview, 'Allow: 206'] }) + options())
      const { head, httpHead, body, lastChunkExtensions, header } = await peer.reply()
      assert.match(head, /^ICAP\/1\.0 206 Partial Content\r\n/)
      assert.deepEqual([httpHead, body], [String(HEAD_206), 'NEW'])
      assert.equal(lastChunkExtensions, '; use-original-body=1')
      assert.equal(header('encapsulated'), `res-hdr=0, res-body=${HEAD_206.length}`)
      assert.equal((await peer.reply()).status, 200, 'in step')
    })
  })

  it('N7: 206 outside a preview, with Allow: 204, 206', async () => {
    await withServer(partial, async ({ port }) => {
      const { status, lastChunkExtensions } = await ask(port, respmod({ lines: ['Allow: 204, 206'] }))
      assert.deepEqual([status, lastChunkExtensions], [206, '; use-original-body=1'])
    })
  })

  it('N9: 206 without bytes of its own is still a body with its last chunk', async () => {
    await withServer(
      async (transaction) => {
        await readWhole(transaction)
        await transaction.reply({ status: 206, section: 'res-hdr', head: HEAD_206, useOriginalBody: 0 })
      },
      async ({ port }) => {
        const { raw } = await ask(port, respmod({ lines: ['Allow: 204, 206'] }))
        assert.ok(raw.endsWith(`${HEAD_206}0; use-original-body=0\r\n\r\n`))
      },
    )
  })

  const never: { name: string; send: string }[] = [
    { name: 'N8: N11: no Allow', send: respmod({ lines: preview }) },
    { name: 'N8: N11: Allow: 204', send: respmod({ lines: ['Allow: 204'] }) },
    { name: 'N8: Allow: 206 alone, outside a preview', send: respmod({ lines: ['Allow: 206'] }) },
    { name: 'N8: null-body', send: reqmod({ lines: ['Allow: 204, 206', 'Preview: 0'] }) },
  ]
  for (const { name, send } of never) {
    it(`${name}: a handler that asks first does not send 206`, async () => {
      await withServer(partialIfAllowed, async ({ port }) => {
        peer = await RawPeer.connect(port)
        peer.send(send)
        const first = await peer.reply()
        if (first.status !== 100) return assert.notEqual(first.status, 206)
        peer.send('0\r\n\r\n')
        assert.notEqual((await peer.reply()).status, 206)
      })
    })

    it(`${name}: a handler that does not ask gets a 500 out`, async () => {
      await withServer(partial, async ({ port }) => assert.equal((await ask(port, send)).status, 500))
    })
  }

  it('N13: HTTP trailers behind the body are read and dropped', async () => {
    peer = await RawPeer.connect(server.port)
    peer.send(respmod({ body: '5\r\nhello\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n' }) + options())
    assert.equal((await peer.reply()).body, 'hello')
    assert.equal((await peer.reply()).status, 200)
  })

  for (const [what, trailers] of [
    ['too many', 'X-T: 1\r\n'.repeat(20_000)],
    ['one too long', `X-T: ${'y'.repeat(100_000)}\r\n`],
    ['one that is no field', 'X T\r\n'],
  ] as const) {
    it(`N13: trailers are bounded and checked: ${what} is 400`, async () => {
      peer = await RawPeer.connect(server.port)
      peer.send(respmod({ body: `5\r\nhello\r\n0\r\n${trailers}\r\n` }))
      assert.equal((await peer.reply()).status, 400)
      await peer.closed()
    })
  }

  it('N14: no answer has a Trailer header, whatever the client allows', async () => {
    for (const send of [
      SQUID_GET,
      respmod({ lines: ['Allow: 204, trailers'] }),
      reqmod({ req: GET_HEAD, body: HELLO, lines: ['Allow: trailers'] }),
    ]) {
      assert.doesNotMatch((await ask(server.port, send)).head, /^(trailer|allow)/im)
    }
  })
})
