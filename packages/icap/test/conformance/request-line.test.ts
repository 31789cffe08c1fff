import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { PROXYSG_GET } from './fixtures.ts'
import { echo } from './handlers.ts'
import { ask, type Started, startServer } from './harness.ts'
import { GET_HEAD, HELLO, icapHead, options, reqmod, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

let server: Started
before(async () => {
  server = await startServer({ handler: echo })
})
after(() => server.close())

const TLS_HELLO = '\x16\x03\x01\x00\xc5\x01\x00\x00\xc1\x03\x03'

describe('conformance: request line and headers, refused', () => {
  const refused: { name: string; send: string; status: number; mayStay?: boolean }[] = [
    { name: 'H1: an unknown method', send: icapHead('FOO icap://h/both ICAP/1.0'), status: 501 },
    {
      name: 'H2: LOG',
      send: `${icapHead('LOG icap://h/both ICAP/1.0', ['Encapsulated: req-hdr=0, null-body=9'])}XXXXXXXXX`,
      status: 501,
    },
    { name: 'H2: PROFILE', send: icapHead('PROFILE icap://h/both ICAP/1.0'), status: 501 },
    { name: 'H2: FILEMOD', send: icapHead('FILEMOD icap://h/both ICAP/1.0'), status: 501 },
    { name: 'H3: RESPMOD to a REQMOD service', send: respmod({ service: 'req' }), status: 405, mayStay: true },
    { name: 'H3: REQMOD to a RESPMOD service', send: reqmod({ service: 'resp' }), status: 405, mayStay: true },
    { name: 'H4: RESPMOD to an unknown service', send: respmod({ service: 'nothing' }), status: 404, mayStay: true },
    { name: 'H4: REQMOD to an unknown service', send: reqmod({ service: 'nothing' }), status: 404, mayStay: true },
    { name: 'H5: ICAP/2.0', send: icapHead('OPTIONS icap://h/both ICAP/2.0'), status: 505 },
    { name: 'H7: an HTTP request', send: 'GET / HTTP/1.1\r\nHost: h\r\n\r\n', status: 400 },
    { name: 'H7: an HTTP request whose head has not ended', send: 'GET / HTTP/1.1\r\n', status: 400 },
    { name: 'H7: a TLS hello on the plain port', send: TLS_HELLO, status: 400 },
    { name: 'H7: binary garbage', send: '\x00\xff\xfe\x01', status: 400 },
    { name: 'H7: garbage without a space', send: 'x'.repeat(200), status: 400 },
    { name: 'H8: the method in lower case', send: icapHead('options icap://h/both ICAP/1.0'), status: 501 },
    { name: 'H9: no version', send: icapHead('OPTIONS icap://h/both'), status: 400 },
    { name: 'H9: ICAP/x', send: icapHead('OPTIONS icap://h/both ICAP/x'), status: 400 },
    { name: 'H9: two blanks in the request line', send: icapHead('OPTIONS  icap://h/both ICAP/1.0'), status: 400 },
    { name: 'H11: bare LF line ends', send: options().replaceAll('\r\n', '\n'), status: 400 },
    { name: 'H11: one bare LF among CRLF', send: options('both', ['X-A: 1\nX-B: 2']), status: 400 },
    { name: 'H13: a blank before the colon', send: options('both', ['X-N : a']), status: 400 },
    { name: 'H13: a line without a colon', send: options('both', ['X-N']), status: 400 },
    { name: 'H13: an empty header name', send: options('both', [': a']), status: 400 },
    { name: 'H14: NUL in a value', send: options('both', ['X-N: a\0b']), status: 400 },
    { name: 'H14: DEL in a value', send: options('both', ['X-N: a\x7fb']), status: 400 },
    { name: 'H14: a bare CR in a value', send: options('both', ['X-N: a\rb']), status: 400 },
    { name: 'H14: a control character in a name', send: options('both', ['X\x01N: a']), status: 400 },
    {
      name: 'H18: two different Encapsulated lines',
      send: reqmod({ lines: ['Encapsulated: req-hdr=0, null-body=9'] }),
      status: 400,
    },
    { name: 'H18: two different Preview lines', send: reqmod({ lines: ['Preview: 0', 'Preview: 5'] }), status: 400 },
  ]
  for (const { name, send, status, mayStay } of refused) {
    it(`${name} is ${status}`, async () => {
      const peer = await RawPeer.connect(server.port)
      peer.send(send)
      const reply = await peer.reply()
      assert.deepEqual([reply.status, reply.body], [status, undefined])
      if (reply.header('connection')?.toLowerCase() === 'close') assert.equal(await peer.closed(), '')
      else assert.ok(mayStay, 'a connection whose framing is unknown must be closed')
      peer.destroy()
    })
  }
})

describe('conformance: request line and headers, accepted', () => {
  const accepted: { name: string; send: string }[] = [
    { name: 'H6: ICAP/1.1', send: options().replace('ICAP/1.0', 'ICAP/1.1') },
    { name: 'H10: one empty line before the request', send: `\r\n${options()}` },
    { name: 'H10: two empty lines before the request', send: `\r\n\r\n${options()}` },
    { name: 'H12: a folded header line', send: options('both', ['X-Long: one', '\ttwo', '   three']) },
    { name: 'H15: names in any case, many blanks after the colon', send: options().replace('Host: ', 'hOST:      ') },
    { name: 'H15: no blank after the colon', send: options().replace('Host: ', 'Host:') },
    {
      name: 'H20: Upgrade to TLS is ignored',
      send: options('both', ['Upgrade: TLS/1.0, ICAP/1.0', 'Connection: Upgrade']),
    },
    {
      name: 'H27: Date, User-Agent, Referer, From, Cache-Control',
      send: options('both', ['Date: x', 'User-Agent: y', 'Referer: z', 'From: a@b', 'Cache-Control: no-cache']),
    },
    { name: 'H19: Content-Length in the ICAP head frames nothing', send: options('both', ['Content-Length: 100']) },
    {
      name: 'H19: Transfer-Encoding in the ICAP head frames nothing',
      send: options('both', ['Transfer-Encoding: chunked']),
    },
  ]
  for (const { name, send } of accepted) {
    it(name, async () => {
      const peer = await RawPeer.connect(server.port)
      peer.send(send)
      const reply = await peer.reply()
      assert.deepEqual([reply.status, reply.head.slice(0, 9)], [200, 'ICAP/1.0 '])
      peer.send(options())
      assert.equal((await peer.reply()).status, 200, 'in step')
      peer.destroy()
    })
  }

  const allows: { name: string; lines: string[]; status: number }[] = [
    { name: 'H16: two Allow lines are one list', lines: ['Allow: 206', 'Allow: 204, 206'], status: 204 },
    { name: 'H17: Allow without blanks', lines: ['Allow:204,206'], status: 204 },
    { name: 'H17: Allow with an unknown token', lines: ['Allow: 204, 206, trailers'], status: 204 },
    { name: 'H17: Allow with a comma at its end', lines: ['Allow: 204, '], status: 204 },
    { name: 'H17: 2044 is not 204', lines: ['Allow: 2044'], status: 200 },
    { name: 'H17: no Allow', lines: [], status: 200 },
    {
      name: 'H26: unknown X- headers are ignored',
      lines: ['Allow: 204', 'X-Scan-Progress-Interval: 10', 'X-HTTP-Upgrade: x', 'X-ICAP-E2G: y'],
      status: 204,
    },
  ]
  for (const { name, lines, status } of allows) {
    it(name, async () => assert.equal((await ask(server.port, respmod({ lines }))).status, status))
  }

  it('H18: two equal Encapsulated lines are one', async () => {
    const line = `Encapsulated: req-hdr=0, null-body=${GET_HEAD.length}`
    assert.equal((await ask(server.port, reqmod({ lines: [line] }))).status, 200)
  })

  it('H19: Content-Length and Transfer-Encoding of the ICAP head do not frame a body', async () => {
    const peer = await RawPeer.connect(server.port)
    peer.send(respmod({ lines: ['Content-Length: 3', 'Transfer-Encoding: gzip'], body: HELLO }) + options())
    const reply = await peer.reply()
    if (reply.status === 200) {
      assert.equal(reply.body, 'hello')
      assert.equal((await peer.reply()).header('methods'), 'REQMOD, RESPMOD')
    } else assert.deepEqual([reply.status, reply.header('connection')], [400, 'close'])
    peer.destroy()
  })

  it('H21: Proxy-Authorization is not echoed', async () => {
    const reply = await ask(server.port, reqmod({ lines: ['Proxy-Authorization: Basic dTpw'] }))
    assert.doesNotMatch(reply.raw, /dTpw/)
  })

  it('H26: the request of a ProxySG is served', async () => {
    const { status, httpHead } = await ask(server.port, PROXYSG_GET)
    assert.deepEqual([status, httpHead.slice(0, 27)], [200, 'GET http://www.example.com/'])
  })

  it('H11: bare LF is served with lenientLF', async () => {
    const lenient = await startServer({ strictness: { lenientLF: true } })
    assert.equal((await ask(lenient.port, options().replaceAll('\r\n', '\n'))).status, 200)
    await lenient.close()
  })
})
