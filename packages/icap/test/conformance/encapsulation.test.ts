import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SQUID_HEAD } from './fixtures.ts'
import { block, echoWhole } from './handlers.ts'
import { ask, type Started, startServer } from './harness.ts'
import { GET_HEAD, HELLO, icapHead, OK_HEAD, options, POST_HEAD, reqmod, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

let server: Started
before(async () => {
  server = await startServer({ handler: echoWhole })
})
after(() => server.close())

const G = GET_HEAD.length
const R = OK_HEAD.length

describe('conformance: Encapsulated, refused', () => {
  const refused: { name: string; send: string }[] = [
    { name: 'E1: REQMOD without Encapsulated', send: icapHead('REQMOD icap://h/both ICAP/1.0') },
    { name: 'E1: RESPMOD without Encapsulated', send: icapHead('RESPMOD icap://h/both ICAP/1.0') },
    { name: 'E3: blanks around the equals sign', send: reqmod({ encapsulated: `req-hdr = 0 , null-body = ${G}` }) },
    { name: 'E4: null-body before req-hdr', send: reqmod({ encapsulated: `null-body=${G}, req-hdr=0` }) },
    {
      name: 'E4: res-hdr before req-hdr',
      send: respmod({ req: GET_HEAD, encapsulated: `res-hdr=0, req-hdr=${R}, res-body=${R + G}` }),
    },
    {
      name: 'E5: offsets that descend',
      send: respmod({ req: GET_HEAD, encapsulated: `req-hdr=0, res-hdr=${R + G}, res-body=${G}` }),
    },
    { name: 'E5: two heads at one offset', send: respmod({ encapsulated: `req-hdr=0, res-hdr=0, res-body=${R}` }) },
    { name: 'E5: an empty head', send: reqmod({ encapsulated: 'req-hdr=0, null-body=0' }) },
    { name: 'E5: a negative offset', send: reqmod({ encapsulated: 'req-hdr=0, null-body=-1' }) },
    { name: 'E5: an offset beyond 2^31', send: reqmod({ encapsulated: 'req-hdr=0, null-body=4294967296' }) },
    {
      name: 'E5: an offset beyond 2^64',
      send: reqmod({ encapsulated: 'req-hdr=0, null-body=99999999999999999999999' }),
    },
    { name: 'E5: a hexadecimal offset', send: reqmod({ encapsulated: `req-hdr=0, null-body=0x${G.toString(16)}` }) },
    { name: 'E5: an offset with a plus sign', send: reqmod({ encapsulated: `req-hdr=0, null-body=+${G}` }) },
    { name: 'E5: no offset', send: reqmod({ encapsulated: 'req-hdr=0, null-body=' }) },
    { name: 'E5: an empty list', send: reqmod({ encapsulated: '' }) },
    { name: 'E6: a first offset that is not 0', send: reqmod({ encapsulated: `req-hdr=1, null-body=${G}` }) },
    { name: 'E7: an unknown section', send: reqmod({ encapsulated: `req-hdr=0, foo-body=${G}` }) },
    { name: 'E7: a section twice', send: reqmod({ encapsulated: `req-hdr=0, req-hdr=${G}, null-body=${G}` }) },
    { name: 'E7: two bodies', send: respmod({ encapsulated: `res-hdr=0, res-body=${R}, null-body=${R + 5}` }) },
    { name: 'E7: no body section', send: reqmod({ encapsulated: 'req-hdr=0' }) },
    { name: 'E8: REQMOD with res-hdr', send: reqmod({ res: OK_HEAD }) },
    { name: 'E8: REQMOD with res-body', send: reqmod({ encapsulated: `req-hdr=0, res-body=${G}` }) },
    { name: 'E8: RESPMOD with req-body', send: respmod({ encapsulated: `res-hdr=0, req-body=${R}` }) },
    {
      name: 'E11: RESPMOD with a request head and nothing else',
      send: `${icapHead('RESPMOD icap://h/both ICAP/1.0', [`Encapsulated: req-hdr=0, null-body=${G}`])}${GET_HEAD}`,
    },
    { name: 'E12: an offset that cuts the head', send: reqmod({ encapsulated: `req-hdr=0, null-body=${G - 3}` }) },
    {
      name: 'E12: an offset one byte beyond the head',
      send: `${reqmod({ encapsulated: `req-hdr=0, null-body=${G + 1}` })}X`,
    },
    {
      name: 'E12: a res-hdr offset inside the request head',
      send: respmod({ req: GET_HEAD, encapsulated: `req-hdr=0, res-hdr=${G - 10}, res-body=${R + G}` }),
    },
    { name: 'E13: a second message hidden behind an empty line', send: reqmod({ req: `${GET_HEAD}${GET_HEAD}` }) },
    {
      name: 'E13: an empty line of bare LF inside the head',
      send: reqmod({ req: `GET / HTTP/1.1\n\nGET /evil HTTP/1.1\r\n\r\n` }),
    },
    {
      name: 'E14: a bodiless head without its final empty line',
      send: reqmod({ req: 'GET / HTTP/1.1\r\nHost: h\r\n' }),
    },
    {
      name: 'E15: heads over the limit, by their offset alone',
      send: icapHead('REQMOD icap://h/both ICAP/1.0', ['Encapsulated: req-hdr=0, null-body=70000']),
    },
  ]
  for (const { name, send } of refused) {
    it(`${name} is 400 and closed`, async () => {
      const peer = await RawPeer.connect(server.port)
      peer.send(send)
      const reply = await peer.reply()
      assert.deepEqual([reply.status, reply.body, reply.header('connection')], [400, undefined, 'close'])
      assert.equal(await peer.closed(), '', 'nothing of the rest is taken for a request')
      peer.destroy()
    })
  }
})

describe('conformance: Encapsulated, accepted', () => {
  it('E2: null-body reads no body: the next request follows at once', async () => {
    const peer = await RawPeer.connect(server.port)
    peer.send(reqmod() + options('req'))
    assert.equal((await peer.reply()).httpHead, GET_HEAD)
    assert.equal((await peer.reply()).header('methods'), 'REQMOD')
    peer.destroy()
  })

  it('E3: no blank behind the comma', async () => {
    assert.equal((await ask(server.port, reqmod({ encapsulated: `req-hdr=0,null-body=${G}` }))).status, 200)
  })

  it('E9: RESPMOD without the request head', async () => {
    const { status, httpHead, body } = await ask(server.port, respmod())
    assert.deepEqual([status, httpHead, body], [200, OK_HEAD, 'hello'])
  })

  it('E10: a body without any head', async () => {
    assert.deepEqual((await ask(server.port, respmod({ res: '' }))).body, 'hello')
    assert.deepEqual((await ask(server.port, reqmod({ req: '', body: HELLO }))).body, 'hello')
  })

  it('E14: a bodiless head without its empty line is mended with supportBuggyClients', async () => {
    const lenient = await startServer({ handler: echoWhole, strictness: { supportBuggyClients: true } })
    const { status, httpHead } = await ask(lenient.port, reqmod({ req: 'GET / HTTP/1.1\r\nHost: h\r\n' }))
    assert.deepEqual([status, httpHead], [200, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'])
    await lenient.close()
  })

  it('E16: the answer to HEAD has a Content-Length and no body', async () => {
    const peer = await RawPeer.connect(server.port)
    peer.send(SQUID_HEAD.replace('/resp', '/both') + options('both'))
    const { status, httpHead, body } = await peer.reply()
    assert.deepEqual([status, body, /Content-Length: 20\r\n/.test(httpHead)], [200, undefined, true])
    assert.equal((await peer.reply()).status, 200)
    peer.destroy()
  })

  it('E17: R2: the offsets of an echo are exact, the head ends with its empty line and is not chunked', async () => {
    const { header, httpHead, raw } = await ask(server.port, respmod({ req: GET_HEAD }))
    assert.equal(header('encapsulated'), `res-hdr=0, res-body=${R}`)
    assert.equal(httpHead, OK_HEAD)
    assert.ok(raw.endsWith(`${OK_HEAD}5\r\nhello\r\n0\r\n\r\n`))
  })

  it('E18: a block in REQMOD is res-hdr and res-body', async () => {
    const blocking = await startServer({ handler: block })
    const { status, header, httpHead } = await ask(blocking.port, reqmod())
    assert.deepEqual(
      [status, header('encapsulated'), httpHead.slice(0, 13)],
      [200, `res-hdr=0, res-body=${httpHead.length}`, 'HTTP/1.1 403 '],
    )
    await blocking.close()
  })

  it('E19: every 200 has an HTTP head', async () => {
    for (const send of [reqmod(), respmod(), reqmod({ req: '', body: HELLO }), respmod({ res: '' })]) {
      const { header, httpHead } = await ask(server.port, send)
      assert.match(header('encapsulated') ?? '', /^(req|res)-hdr=0, /)
      assert.match(httpHead, /\r\n\r\n$/)
    }
  })

  it('E19: a handler that gives no HTTP head gets a 500 out, not a broken 200', async () => {
    const broken = await startServer({
      handler: (t) => t.reply({ status: 200, section: 'res-hdr', head: Buffer.from('HTTP/1.1 200 OK\r\n') }),
    })
    assert.equal((await ask(broken.port, respmod())).status, 500)
    await broken.close()
  })

  it('E20: GET, POST, GET on one connection: each answer has its own Encapsulated', async () => {
    const peer = await RawPeer.connect(server.port)
    for (const [send, encapsulated] of [
      [reqmod(), `req-hdr=0, null-body=${G}`],
      [reqmod({ req: POST_HEAD, body: HELLO }), `req-hdr=0, req-body=${POST_HEAD.length}`],
      [reqmod(), `req-hdr=0, null-body=${G}`],
    ] as const) {
      peer.send(send)
      assert.equal((await peer.reply()).header('encapsulated'), encapsulated)
    }
    peer.destroy()
  })
})
