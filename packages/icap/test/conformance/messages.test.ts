import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  CICAP_REQMOD_206,
  CICAP_RESPMOD,
  COMPLETE,
  SQUID_CONNECT,
  SQUID_GET,
  SQUID_HEAD,
  SQUID_POST_IEOF,
} from './fixtures.ts'
import { echo, echoWhole } from './handlers.ts'
import { ask, everyCut, type Started, startServer, timeless } from './harness.ts'
import { GET_HEAD, HELLO, POST_HEAD, reqmod, respmod, respmodWithoutBody } from './messages.ts'

let server: Started
let whole: Started
before(async () => {
  server = await startServer({ handler: echo })
  whole = await startServer({ handler: echoWhole })
})
after(async () => {
  await server.close()
  await whole.close()
})

const ALLOW = ['Allow: 204']

describe('conformance: REQMOD', () => {
  it('Q1: a GET that allows 204 gets one', async () => {
    assert.equal((await ask(server.port, reqmod({ lines: ALLOW }))).status, 204)
  })

  it('Q2: a GET without Allow and Preview gets itself back, never 204', async () => {
    const { status, header, httpHead, body } = await ask(server.port, reqmod())
    assert.deepEqual(
      [status, header('encapsulated'), httpHead, body],
      [200, `req-hdr=0, null-body=${GET_HEAD.length}`, GET_HEAD, undefined],
    )
  })

  it('Q3: P7: P17: a GET with Preview: 0 and null-body is decided at once, 204 without Allow', async () => {
    assert.equal((await ask(server.port, reqmod({ lines: ['Preview: 0'] }))).status, 204)
    assert.equal((await ask(server.port, SQUID_GET)).status, 204)
  })

  const heads: { name: string; head: string; body?: string }[] = [
    { name: 'Q4: an absolute-form URI', head: GET_HEAD },
    { name: 'Q5: an origin-form URI', head: 'GET /p HTTP/1.1\r\nHost: h\r\n\r\n' },
    { name: 'Q6: CONNECT', head: 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n' },
    { name: 'Q7: OPTIONS *', head: 'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n' },
    { name: 'Q7: TRACE', head: 'TRACE /x HTTP/1.1\r\nHost: h\r\n\r\n' },
    { name: 'Q7: PROPFIND', head: 'PROPFIND /x HTTP/1.1\r\nHost: h\r\n\r\n' },
    { name: 'Q7: a method nobody knows', head: 'X-ODD$ /x HTTP/1.1\r\nHost: h\r\n\r\n' },
    {
      name: 'Q9: Content-Length twice, equal',
      head: 'POST /x HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n',
      body: HELLO,
    },
    { name: 'Q10: a GET with a body', head: GET_HEAD, body: HELLO },
    {
      name: 'Q11: Transfer-Encoding in the HTTP head does not frame',
      head: 'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      body: HELLO,
    },
    {
      name: 'Q12: a WebSocket upgrade',
      head: 'GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n',
    },
    { name: 'Q16: a URL of 8 KB', head: `GET http://h/${'a'.repeat(8192)} HTTP/1.1\r\nHost: h\r\n\r\n` },
    {
      name: 'Q16: an IDN host in raw bytes',
      head: 'GET http://\xc3\xbc.example/ HTTP/1.1\r\nHost: \xc3\xbc.example\r\n\r\n',
    },
    {
      name: 'Q16: %00, user info and an IPv6 literal',
      head: 'GET http://u:p@[2001:db8::1]:80/%00%0d%0a HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n',
    },
    { name: 'S2: another Host than the URI', head: 'GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n' },
    { name: 'Q16: no URI at all', head: 'GET\r\n\r\n' },
  ]
  for (const { name, head, body } of heads) {
    it(`${name}: comes back byte-equal`, async () => {
      const reply = await ask(whole.port, reqmod({ req: head, ...(body !== undefined && { body }) }))
      assert.deepEqual([reply.status, reply.httpHead, reply.body], [200, head, body && 'hello'])
    })
  }

  it('Q6: Squid asks for CONNECT with Preview: 0 and gets 204', async () => {
    assert.equal((await ask(server.port, SQUID_CONNECT)).status, 204)
  })

  it('Q10: H16: a GET with a body and two Allow lines of c-icap-client', async () => {
    assert.equal((await ask(server.port, CICAP_REQMOD_206)).status, 204)
    const { httpHead, body } = await ask(whole.port, CICAP_REQMOD_206)
    assert.deepEqual([httpHead.match(/Content-Length: 11/g)?.length, body], [2, 'hello world'])
  })

  it('P2: the small upload of Squid is answered without 100', async () => {
    const { status, body } = await ask(whole.port, SQUID_POST_IEOF)
    assert.deepEqual([status, body], [200, 'a=1&b=2'])
  })
})

describe('conformance: RESPMOD', () => {
  it('R1: a response that allows 204 gets one', async () => {
    assert.equal((await ask(server.port, respmod({ req: GET_HEAD, lines: ALLOW }))).status, 204)
  })

  it('R3: null-body: 204 where legal, else 200 with null-body, never res-body', async () => {
    assert.equal((await ask(server.port, SQUID_HEAD)).status, 204)
    const { header, body } = await ask(whole.port, SQUID_HEAD)
    assert.match(header('encapsulated') ?? '', /^res-hdr=0, null-body=\d+$/)
    assert.equal(body, undefined)
  })

  it('R4: HTTP/1.0 with an asctime date (c-icap-client)', async () => {
    const { status, body } = await ask(whole.port, CICAP_RESPMOD)
    assert.deepEqual([status, body], [200, 'hello world small file\n'])
  })

  const heads: { name: string; head: string }[] = [
    { name: 'R2: an ordinary head', head: 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\n' },
    { name: 'R5: a head that is no status line', head: 'hello\r\n\r\n' },
    { name: 'R6: no reason', head: 'HTTP/1.1 200\r\n\r\n' },
    { name: 'R6: a partial content', head: 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/9\r\n\r\n' },
    { name: 'R6: 416', head: 'HTTP/1.1 416 Range Not Satisfiable\r\n\r\n' },
    { name: 'R6: 999', head: 'HTTP/1.1 999 Odd\r\n\r\n' },
    { name: 'R9: a folded line', head: 'HTTP/1.1 200 OK\r\nX-A: b\r\n\tc\r\n\r\n' },
    { name: 'R9: bare LF line ends', head: 'HTTP/1.1 200 OK\nX-A: b\r\n\r\n' },
    { name: 'R9: bytes beyond ASCII', head: 'HTTP/1.1 200 OK\r\nX-A: \xe4\xff\x80\r\nX-A: \xc3\xa4\r\n\r\n' },
    {
      name: 'R13: Set-Cookie and WWW-Authenticate',
      head: 'HTTP/1.1 401 No\r\nSet-Cookie: a=b; HttpOnly\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n',
    },
  ]
  for (const { name, head } of heads) {
    it(`${name}: comes back byte-equal`, async () => {
      const { status, httpHead, body } = await ask(whole.port, respmod({ res: head }))
      assert.deepEqual([status, httpHead, body], [200, head, 'hello'])
    })
  }

  for (const status of ['100 Continue', '101 Switching Protocols']) {
    it(`R7: HTTP ${status} passes with 204`, async () => {
      const head = `HTTP/1.1 ${status}\r\nUpgrade: x\r\n\r\n`
      assert.equal((await ask(server.port, respmodWithoutBody(head, ALLOW))).status, 204)
    })
  }

  it('R2: binary bodies of every byte value come back byte-equal', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, at) => at)).toString('latin1')
    const { body } = await ask(whole.port, respmod({ body: `100\r\n${every}\r\n0\r\n\r\n` }))
    assert.equal(body, every)
  })
})

describe('conformance: real clients, cut everywhere', () => {
  for (const [name, bytes] of Object.entries(COMPLETE)) {
    for (const kind of ['decides', 'echoes'] as const) {
      it(`C1: ${name}: a server that ${kind} gives the same answer at every cut`, async () => {
        const { port } = kind === 'decides' ? server : whole
        const expected = timeless((await ask(port, bytes)).raw)
        await everyCut(port, bytes, expected)
      })
    }
  }

  it('C1: an upload without preview, byte by byte', async () => {
    const bytes = reqmod({ req: POST_HEAD, body: '3;x=y\r\nhel\r\n002\r\nlo\r\n0\r\nX-T: 1\r\n\r\n' })
    await everyCut(whole.port, bytes, timeless((await ask(whole.port, bytes)).raw))
  })
})
