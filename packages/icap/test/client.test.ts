import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createIcapClient,
  type IcapClient,
  IcapClientError,
  type IcapClientErrorCode,
  type IcapClientOptions,
  type IcapClientRequest,
} from '../src/client.ts'

/** What the scripted server saw on one connection, and the means to answer. */
interface Script {
  readonly socket: Socket
  /** Waits until the bytes seen so far hold `text`; gives all that was seen and forgets it. */
  until(text: string): Promise<string>
  send(text: string): void
}

const open: (Server | IcapClient)[] = []
const REQUEST_HEAD = Buffer.from('GET http://h/p HTTP/1.1\r\nHost: h\r\n\r\n')
const RESPONSE_HEAD = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n')
const BODY = Buffer.from('0123456789')
const NO_CONTENT = 'ICAP/1.0 204 No Content\r\nISTag: "t"\r\n\r\n'
const RESPMOD: IcapClientRequest = { method: 'RESPMOD', service: 'respmod', responseHead: RESPONSE_HEAD, body: BODY }

function answerWith(head: string, body: string, status = '200 OK'): string {
  return `ICAP/1.0 ${status}\r\nISTag: "t"\r\nEncapsulated: res-hdr=0, res-body=${head.length}\r\n\r\n${head}${body}`
}

function scriptOf(socket: Socket): Script {
  let seen = ''
  let wake = (): void => {}
  socket.on('data', (bytes) => {
    seen += bytes.toString('latin1')
    wake()
  })
  socket.on('error', () => {})
  return {
    socket,
    send: (text) => void socket.write(text, 'latin1'),
    async until(text) {
      while (!seen.includes(text)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const all = seen
      seen = ''
      return all
    },
  }
}

/** A server that runs one script a connection; the last one serves all further connections. */
async function serve(
  scripts: ((script: Script) => Promise<void>)[],
  options: Partial<IcapClientOptions> = {},
): Promise<{ client: IcapClient; connections: () => number }> {
  let count = 0
  const server = createServer({ noDelay: true }, (socket) => {
    const run = scripts[Math.min(count++, scripts.length - 1)]
    void run?.(scriptOf(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = createIcapClient({ host: '127.0.0.1', port, ...options })
  open.push(client, server)
  return { client, connections: () => count }
}

const always =
  (text: string, after = '\r\n\r\n') =>
  async (script: Script): Promise<void> => {
    for (;;) {
      await script.until(after)
      script.send(text)
    }
  }

const failsWith = (code: IcapClientErrorCode) => (error: unknown) => {
  assert.ok(error instanceof IcapClientError, String(error))
  assert.equal(error.code, code, error.message)
  return true
}

afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

describe('client: what it sends', () => {
  it('writes OPTIONS with an absolute URI, Host and null-body', async () => {
    let seen = ''
    const { client } = await serve([
      async (script) => {
        seen = await script.until('\r\n\r\n')
        script.send('ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nISTag: "t"\r\nEncapsulated: null-body=0\r\n\r\n')
      },
    ])
    const reply = await client.options('respmod?x=1', { 'X-Client-IP': '10.0.0.1' })
    assert.match(seen, /^OPTIONS icap:\/\/127\.0\.0\.1:\d+\/respmod\?x=1 ICAP\/1\.0\r\nHost: 127\.0\.0\.1:\d+\r\n/)
    assert.match(seen, /\r\nEncapsulated: null-body=0\r\nX-Client-IP: 10\.0\.0\.1\r\n\r\n$/)
    assert.deepEqual([reply.status, reply.headers.get('methods'), reply.hasBody], [200, 'RESPMOD', false])
  })

  it('frames both heads and the chunked body, and asks for 204', async () => {
    let seen = ''
    const { client } = await serve([
      async (script) => {
        seen = await script.until('\r\n0\r\n\r\n')
        script.send(NO_CONTENT)
      },
    ])
    const reply = await client.request({ ...RESPMOD, requestHead: REQUEST_HEAD })
    assert.ok(seen.includes(`Encapsulated: req-hdr=0, res-hdr=${REQUEST_HEAD.length}, res-body=`))
    assert.ok(seen.includes('Allow: 204\r\n'))
    assert.ok(seen.endsWith(`${REQUEST_HEAD}${RESPONSE_HEAD}a\r\n0123456789\r\n0\r\n\r\n`))
    assert.deepEqual([reply.status, reply.head, await reply.collect()], [204, undefined, Buffer.alloc(0)])
  })

  const previews = [
    { preview: 4, sent: '4\r\n0123\r\n0\r\n\r\n', ieof: false, because: 'the body goes on' },
    {
      preview: 0,
      sent: '\r\n\r\n0\r\n\r\n',
      ieof: false,
      because: 'a preview of nothing says only that there is a body',
    },
    { preview: 10, sent: 'a\r\n0123456789\r\n0; ieof\r\n\r\n', ieof: true, because: 'the body is exactly the preview' },
    {
      preview: 99,
      sent: 'a\r\n0123456789\r\n0; ieof\r\n\r\n',
      ieof: true,
      because: 'the body is shorter than the preview',
    },
  ]
  for (const { preview, sent, ieof, because } of previews) {
    for (const kind of ['buffer', 'iterable']) {
      it(`ends a preview of ${preview} ${ieof ? 'with' : 'without'} ieof when ${because} (${kind})`, async () => {
        let seen = ''
        const { client } = await serve([
          async (script) => {
            seen = await script.until(sent)
            script.send(NO_CONTENT)
          },
        ])
        const body = kind === 'buffer' ? BODY : bytewise(BODY)
        const reply = await client.request({ ...RESPMOD, preview, body, allow204: false })
        assert.deepEqual([reply.status, reply.ieof, reply.continued], [204, ieof, false])
        assert.ok(seen.endsWith(sent), JSON.stringify(seen))
        assert.ok(seen.includes(`Preview: ${preview}\r\n`) && !seen.includes('Allow'))
      })
    }
  }

  it('sends the rest of the body only after 100 Continue', async () => {
    let rest = ''
    const { client } = await serve([
      async (script) => {
        await script.until('\r\n0\r\n\r\n')
        script.send('ICAP/1.0 100 Continue\r\n\r\n')
        rest = await script.until('\r\n0\r\n\r\n')
        script.send(answerWith(String(RESPONSE_HEAD), 'a\r\n0123456789\r\n0\r\n\r\n'))
      },
    ])
    const reply = await client.request({ ...RESPMOD, preview: 4 })
    assert.equal(rest, '6\r\n456789\r\n0\r\n\r\n')
    assert.deepEqual([reply.continued, reply.section, reply.head], [true, 'res-hdr', RESPONSE_HEAD])
    assert.deepEqual(await reply.collect(), BODY)
  })

  const refused: { change: Partial<IcapClientRequest>; because: string }[] = [
    { change: { service: 'a b' }, because: 'a space would split the request line' },
    { change: { service: 'a\r\nX: y' }, because: 'a line end would inject a header' },
    { change: { headers: { 'X-A': 'a\r\nX-B: b' } }, because: 'a header value holds CRLF' },
    { change: { headers: { 'X A': 'a' } }, because: 'a header name holds a space' },
    { change: { headers: { Encapsulated: 'null-body=0' } }, because: 'framing is computed by the client' },
    { change: { responseHead: Buffer.from('HTTP/1.1 200 OK\r\n') }, because: 'a head lacks its empty line' },
    {
      change: { responseHead: Buffer.from('HTTP/1.1 200 OK\r\n\r\nA: b\r\n\r\n') },
      because: 'a head hides a second one',
    },
    { change: { method: 'REQMOD' }, because: 'REQMOD has no response head' },
    { change: { preview: -1 }, because: 'a preview has no negative size' },
  ]
  for (const { change, because } of refused) {
    it(`refuses a request when ${because}`, async () => {
      const { client, connections } = await serve([always(NO_CONTENT)])
      await assert.rejects(client.request({ ...RESPMOD, ...change }), failsWith('ICAP_CLIENT_BAD_REQUEST'))
      assert.equal(connections(), 0)
    })
  }
})

describe('client: what it reads', () => {
  const whole = answerWith(String(RESPONSE_HEAD), '4;a=b\r\n0123\r\n006\r\n456789\r\n0\r\nX-T: 1\r\n\r\n')

  it('reads the same answer wherever the bytes are cut', async () => {
    let cut = 1
    const { client, connections } = await serve([
      async (script) => {
        for (;;) {
          await script.until('\r\n0\r\n\r\n')
          script.send(whole.slice(0, cut))
          await new Promise((resolve) => setImmediate(resolve))
          script.send(whole.slice(cut))
        }
      },
    ])
    for (cut = 1; cut < whole.length; cut++) {
      const reply = await client.request(RESPMOD)
      assert.deepEqual([reply.head, await reply.collect()], [RESPONSE_HEAD, BODY], `cut at ${cut}`)
    }
    assert.equal(connections(), 1)
  })

  it('reads an answer that comes before the body is sent, and goes on sending', async () => {
    let received = 0
    const { client } = await serve([
      async (script) => {
        script.socket.on('data', (bytes) => {
          received += bytes.length
        })
        await script.until('\r\n\r\n')
        script.send(answerWith(String(RESPONSE_HEAD), 'a\r\n0123456789\r\n0\r\n\r\n'))
      },
    ])
    const reply = await client.request({ ...RESPMOD, body: repeated(Buffer.alloc(65_536), 64) })
    assert.deepEqual(await reply.collect(), BODY)
    while (received < 64 * 65_536) await sleep(5)
  })

  it('uses one connection for requests that follow each other, and opens more for those at once', async () => {
    const { client, connections } = await serve([always(NO_CONTENT, '\r\n0\r\n\r\n')])
    for (let i = 0; i < 5; i++) assert.equal((await client.request(RESPMOD)).status, 204)
    assert.equal(connections(), 1)
    await Promise.all([client.request(RESPMOD), client.request(RESPMOD)])
    assert.equal(connections(), 2)
  })

  it('does not reuse a connection that the server closes', async () => {
    const closing = NO_CONTENT.replace('ISTag', 'Connection: close\r\nISTag')
    const { client, connections } = await serve([always(closing, '\r\n0\r\n\r\n')])
    await client.request(RESPMOD)
    await client.request(RESPMOD)
    assert.equal(connections(), 2)
  })

  it('K6: repeats a request whose kept connection was closed before any byte of an answer', async () => {
    const once204 = async (script: Script): Promise<void> => {
      await script.until('\r\n0\r\n\r\n')
      script.send(NO_CONTENT)
      await script.until('RESPMOD')
      script.socket.destroy()
    }
    const { client, connections } = await serve([once204, always(NO_CONTENT, '\r\n0\r\n\r\n')])
    await client.request(RESPMOD)
    assert.equal((await client.request(RESPMOD)).status, 204)
    assert.equal(connections(), 2)
  })

  it('drops a kept connection on which bytes come unasked', async () => {
    const chatty = async (script: Script): Promise<void> => {
      await script.until('\r\n0\r\n\r\n')
      script.send(NO_CONTENT)
      await sleep(20)
      script.send('ICAP/1.0 408 Request Timeout\r\n\r\n')
    }
    const { client } = await serve([chatty])
    await client.request(RESPMOD)
    await sleep(60)
    assert.equal((await client.request(RESPMOD)).status, 204)
  })

  const partial = (offset: string): string =>
    answerWith(String(RESPONSE_HEAD), `3\r\nNEW\r\n0; use-original-body=${offset}\r\n\r\n`, '206 Partial Content')

  for (const kind of ['buffer', 'iterable']) {
    const body = (): Buffer | AsyncIterable<Buffer> => (kind === 'buffer' ? BODY : bytewise(BODY))
    it(`joins a 206 inside the preview with the unsent original (${kind})`, async () => {
      const { client } = await serve([always(partial('2'), '\r\n0\r\n\r\n')])
      const reply = await client.request({ ...RESPMOD, body: body(), preview: 4, allow206: true })
      assert.equal(String(await reply.collect()), 'NEW23456789')
      assert.equal(reply.continued, false)
    })

    it(`joins a 206 outside the preview with the sent original (${kind})`, async () => {
      const { client } = await serve([always(partial('7'), '\r\n0\r\n\r\n')])
      const reply = await client.request({ ...RESPMOD, body: body(), allow206: true })
      assert.equal(String(await reply.collect()), 'NEW789')
    })
  }

  it('does not give out a 206 whose original was too large to keep', async () => {
    const { client } = await serve([always(partial('0'), '\r\n0\r\n\r\n')], { limits: { maxKeptBytes: 5 } })
    const reply = await client.request({ ...RESPMOD, body: bytewise(BODY), allow206: true })
    await assert.rejects(reply.collect(), failsWith('ICAP_CLIENT_ORIGINAL_GONE'))
  })
})

const ok = (encapsulated: string, rest = ''): string =>
  `ICAP/1.0 200 OK\r\nISTag: "t"\r\nEncapsulated: ${encapsulated}\r\n\r\n${rest}`
const HEAD = String(RESPONSE_HEAD)
const BODY_AT = `res-hdr=0, res-body=${HEAD.length}`

describe('client: what it refuses', () => {
  const cases: { answer: string; code: IcapClientErrorCode; because: string; change?: Partial<IcapClientRequest> }[] = [
    { answer: 'HTTP/1.1 200 OK\r\n\r\n', code: 'ICAP_CLIENT_BAD_STATUS_LINE', because: 'it is not ICAP' },
    { answer: 'ICAP/1.0 2000 OK\r\n\r\n', code: 'ICAP_CLIENT_BAD_STATUS_LINE', because: 'the status has four digits' },
    {
      answer: 'ICAP/1.0 204 No\r\nA : b\r\n\r\n',
      code: 'ICAP_CLIENT_BAD_HEADER',
      because: 'a space stands before the colon',
    },
    { answer: 'ICAP/1.0 204 No\r\nA\r\n\r\n', code: 'ICAP_CLIENT_BAD_HEADER', because: 'a line has no colon' },
    { answer: 'ICAP/1.0 204 No\r\nA: \0\r\n\r\n', code: 'ICAP_CLIENT_BAD_HEADER', because: 'a value holds NUL' },
    {
      answer: 'ICAP/1.0 204 No\nA: b\n\r\n\r\n',
      code: 'ICAP_CLIENT_BAD_STATUS_LINE',
      because: 'lines end with LF only',
    },
    {
      answer: `ICAP/1.0 204 No\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`,
      code: 'ICAP_CLIENT_HEAD_TOO_LARGE',
      because: 'the head is too large',
    },
    { answer: 'x'.repeat(70_000), code: 'ICAP_CLIENT_HEAD_TOO_LARGE', because: 'the head does not end' },
    {
      answer: ok('res-hdr=0, res-body=9999999'),
      code: 'ICAP_CLIENT_HEAD_TOO_LARGE',
      because: 'the HTTP head is too large',
    },
    {
      answer: ok(`res-hdr=1, res-body=${HEAD.length}`, HEAD),
      code: 'ICAP_CLIENT_BAD_ENCAPSULATED',
      because: 'the first offset is not 0',
    },
    { answer: ok('res-body=-1'), code: 'ICAP_CLIENT_BAD_ENCAPSULATED', because: 'an offset is negative' },
    { answer: ok('res-hdr=0', HEAD), code: 'ICAP_CLIENT_BAD_ENCAPSULATED', because: 'no body or null-body is named' },
    {
      answer: ok(`res-hdr=0, req-body=${HEAD.length}`, HEAD),
      code: 'ICAP_CLIENT_BAD_ENCAPSULATED',
      because: 'head and body are of two kinds',
    },
    {
      answer: ok('res-hdr=0, res-body=10', HEAD),
      code: 'ICAP_CLIENT_BAD_ENCAPSULATED',
      because: 'the head does not end at its offset',
    },
    {
      answer: `${NO_CONTENT}`.replace('204 No Content', '200 OK'),
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: '200 has no Encapsulated',
    },
    { answer: ok('res-body=0', '0\r\n\r\n'), code: 'ICAP_CLIENT_UNEXPECTED_STATUS', because: '200 has no HTTP head' },
    {
      answer: ok(`req-hdr=0, null-body=${REQUEST_HEAD.length}`, String(REQUEST_HEAD)),
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: 'a request answers RESPMOD',
    },
    {
      answer: 'ICAP/1.0 102 Processing\r\n\r\n',
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: '102 is no ICAP answer',
    },
    {
      answer: 'ICAP/1.0 100 Continue\r\n\r\n',
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: '100 comes without a preview',
    },
    {
      answer: 'ICAP/1.0 100 Continue\r\n\r\n',
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: '100 comes after ieof',
      change: { preview: 99 },
    },
    {
      answer: NO_CONTENT,
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: '204 was not allowed',
      change: { allow204: false },
    },
    {
      answer: answerWith(HEAD, '', '204 No Content'),
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: '204 carries a message',
    },
    {
      answer: answerWith(HEAD, '', '206 Partial'),
      code: 'ICAP_CLIENT_UNEXPECTED_STATUS',
      because: '206 was not allowed',
    },
  ]
  for (const { answer, code, because, change } of cases) {
    it(`${code.slice(12).toLowerCase()}: ${because}`, async () => {
      const { client } = await serve([always(answer, '\r\n\r\n')])
      await assert.rejects(client.request({ ...RESPMOD, ...change }), failsWith(code))
    })
  }

  const bodies: { body: string; code: IcapClientErrorCode; because: string }[] = [
    { body: 'z\r\n', code: 'ICAP_CLIENT_BAD_CHUNK', because: 'the size is not hexadecimal' },
    { body: '-5\r\n', code: 'ICAP_CLIENT_BAD_CHUNK', because: 'the size is negative' },
    { body: 'fffffffffffffffff\r\n', code: 'ICAP_CLIENT_BAD_CHUNK', because: 'the size has 17 digits' },
    { body: '5\r\n01234XX', code: 'ICAP_CLIENT_BAD_CHUNK', because: 'the data is not followed by CRLF' },
    { body: `5;${'x'.repeat(5000)}\r\n`, code: 'ICAP_CLIENT_BAD_CHUNK', because: 'the size line is too long' },
    {
      body: `0\r\n${'A: b\r\n'.repeat(20_000)}\r\n`,
      code: 'ICAP_CLIENT_BAD_CHUNK',
      because: 'the trailers are too long',
    },
    {
      body: `400\r\n${'x'.repeat(1024)}\r\n`,
      code: 'ICAP_CLIENT_BODY_TOO_LARGE',
      because: 'the body is over the limit',
    },
  ]
  for (const { body, code, because } of bodies) {
    it(`${code.slice(12).toLowerCase()}: ${because}`, async () => {
      const { client } = await serve([always(ok(BODY_AT, HEAD + body), '\r\n0\r\n\r\n')], {
        limits: { maxBodyBytes: 1000 },
      })
      const reply = await client.request(RESPMOD)
      await assert.rejects(reply.collect(), failsWith(code))
    })
  }

  it('closed: the server ends in the middle of a body', async () => {
    const { client } = await serve([
      async (script) => {
        await script.until('\r\n0\r\n\r\n')
        script.socket.end(ok(BODY_AT, `${HEAD}a\r\n0123`))
      },
    ])
    const reply = await client.request(RESPMOD)
    await assert.rejects(reply.collect(), failsWith('ICAP_CLIENT_CLOSED'))
  })

  it('connect: nobody listens', async () => {
    const client = createIcapClient({ host: '127.0.0.1', port: 1 })
    await assert.rejects(client.options('x'), failsWith('ICAP_CLIENT_CONNECT'))
  })

  it('tls: the server speaks plain ICAP', async () => {
    const { client } = await serve(
      [
        async (script) => {
          await script.until('')
          script.send('ICAP/1.0 400 Bad Request\r\n\r\n')
        },
      ],
      { tls: {} },
    )
    await assert.rejects(client.options('x'), failsWith('ICAP_CLIENT_TLS'))
  })

  it('timeout: the server never answers', async () => {
    const { client } = await serve([async () => {}], { timeouts: { idleMs: 80 } })
    await assert.rejects(client.request(RESPMOD), failsWith('ICAP_CLIENT_TIMEOUT'))
  })

  it('timeout: the server drips for longer than an exchange may last', async () => {
    const drip = async (script: Script): Promise<void> => {
      for (; !script.socket.destroyed; await sleep(10)) script.send('I')
    }
    const { client } = await serve([drip], { timeouts: { idleMs: 1000, totalMs: 150 } })
    await assert.rejects(client.request(RESPMOD), failsWith('ICAP_CLIENT_TIMEOUT'))
  })

  it('source failed: the body to send cannot be read', async () => {
    const { client } = await serve([async () => {}])
    async function* broken(): AsyncGenerator<Buffer> {
      yield BODY
      throw new Error('disk')
    }
    await assert.rejects(client.request({ ...RESPMOD, body: broken() }), failsWith('ICAP_CLIENT_SOURCE_FAILED'))
  })

  it('closed: the client is closed during an exchange', async () => {
    const { client } = await serve([async () => {}])
    const waiting = client.request(RESPMOD)
    setTimeout(() => client.close(), 20)
    await assert.rejects(waiting, failsWith('ICAP_CLIENT_CLOSED'))
  })
})

async function* bytewise(bytes: Buffer): AsyncGenerator<Buffer> {
  for (const byte of bytes) yield Buffer.of(byte)
}

async function* repeated(bytes: Buffer, times: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < times; i++) yield bytes
}
