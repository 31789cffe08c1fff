import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CICAP_OPTIONS, G3_OPTIONS, RSPAMD_OPTIONS, SQUID_OPTIONS } from './fixtures.ts'
import { ask, type Started, startServer } from './harness.ts'
import { GET_HEAD, HELLO, icapHead, options, reqmod, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

let server: Started
before(async () => {
  server = await startServer({ allow206: true, preview: 1024 })
})
after(() => server.close())

describe('conformance: OPTIONS', () => {
  const accepted: { name: string; send: string }[] = [
    { name: 'O2: Squid sends no Encapsulated', send: SQUID_OPTIONS },
    { name: 'O3: c-icap-client sends null-body=0', send: CICAP_OPTIONS },
    { name: 'O3: rspamd sends null-body=0 and keep-alive', send: RSPAMD_OPTIONS },
    { name: 'O12: a slash at the end names the same service', send: options('both/') },
    { name: 'O13: a query is not part of the path', send: options('both?arg=1&x=y') },
    {
      name: 'O14: another host name is ours too',
      send: 'OPTIONS icap://192.0.2.9:99/both ICAP/1.0\r\nHost: elsewhere\r\n\r\n',
    },
    { name: 'O15: the scheme in capitals', send: icapHead('OPTIONS ICAP://h/both ICAP/1.0') },
    { name: 'O15: icaps:// on the plain port', send: icapHead('OPTIONS icaps://h:11344/both ICAP/1.0') },
    { name: 'O18: Host has no port while the URI has one', send: icapHead('OPTIONS icap://h:1344/both ICAP/1.0') },
    { name: 'O29: Allow with trailers (Squid)', send: options('both', ['Allow: 206, trailers']) },
    { name: 'O29: Allow of g3proxy', send: G3_OPTIONS },
  ]
  for (const { name, send } of accepted) {
    it(name, async () => {
      const reply = await ask(server.port, send)
      assert.equal(reply.status, 200)
      assert.equal(reply.header('encapsulated'), 'null-body=0')
    })
  }

  it('O1: O9: the answer is 200 with Methods, ISTag and null-body', async () => {
    const reply = await ask(server.port, options())
    assert.match(reply.head, /^ICAP\/1\.0 200 OK\r\n/)
    assert.ok(reply.header('methods') && reply.header('istag'))
    assert.deepEqual([reply.header('encapsulated'), reply.httpHead, reply.body], ['null-body=0', '', undefined])
  })

  it('O5: O6: Methods holds what the service does, upper case, never OPTIONS', async () => {
    const methods = async (service: string) => (await ask(server.port, options(service))).header('methods')
    assert.deepEqual(
      [await methods('req'), await methods('resp'), await methods('both')],
      ['REQMOD', 'RESPMOD', 'REQMOD, RESPMOD'],
    )
  })

  it('O7: O25: Options-TTL and Max-Connections are bare integers', async () => {
    const reply = await ask(server.port, options())
    assert.match(reply.header('options-ttl') ?? '', /^\d+$/)
    assert.match(reply.header('max-connections') ?? '', /^[1-9]\d*$/)
  })

  it('O8: Date is the clock in UTC', async () => {
    const date = (await ask(server.port, options())).header('date') ?? ''
    assert.match(date, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
    assert.ok(Math.abs(Date.parse(date) - Date.now()) < 5000, date)
  })

  it('O19: ISTag is quoted and at most 32 plain characters', async () => {
    assert.match((await ask(server.port, options())).header('istag') ?? '', /^"[\x20\x21\x23-\x7e]{1,32}"$/)
  })

  it('O20: Allow names 204 and 206 and nothing else', async () => {
    assert.equal((await ask(server.port, options())).header('allow'), '204, 206')
    const plain = await startServer({ allow206: false })
    assert.equal((await ask(plain.port, options())).header('allow'), '204')
    await plain.close()
  })

  it('O21: O22: O23: Preview is a bare integer, and every extension is to be previewed', async () => {
    const { head, header } = await ask(server.port, options())
    assert.equal(header('preview'), '1024')
    assert.deepEqual(head.match(/^Transfer-.*$/gim), ['Transfer-Preview: *'])
  })

  it('O21: without a preview there is no Transfer list', async () => {
    const plain = await startServer({})
    const { head } = await ask(plain.port, options())
    assert.doesNotMatch(head, /^(Preview|Transfer-)/im)
    await plain.close()
  })

  it('O24: O26: no Transfer-Ignore and no Opt-body-type', async () => {
    assert.doesNotMatch((await ask(server.port, options())).head, /^(transfer-ignore|opt-body-type)/im)
  })

  it('O27: O28: Service, Service-ID and X-Include are single lines', async () => {
    const { header } = await ask(server.port, options())
    assert.ok(header('service') && header('service-id'))
    assert.match(header('x-include') ?? '', /X-Client-IP/)
  })

  it('O4: an opt-body is read and dropped', async () => {
    const peer = await RawPeer.connect(server.port)
    peer.send(`${options('both', ['Encapsulated: opt-body=0'])}5\r\nhello\r\n0\r\n\r\n${options('req')}`)
    assert.equal((await peer.reply()).status, 200)
    assert.equal((await peer.reply()).header('methods'), 'REQMOD')
    peer.destroy()
  })

  for (const path of ['nothing', 'both/more', 'BOTH']) {
    it(`O10: the unknown path /${path} is 404 and in step`, async () => {
      const peer = await RawPeer.connect(server.port)
      peer.send(options(path))
      const reply = await peer.reply()
      assert.deepEqual([reply.status, reply.body], [404, undefined])
      if (reply.header('connection') !== 'close') {
        peer.send(options())
        assert.equal((await peer.reply()).status, 200)
      } else await peer.closed()
      peer.destroy()
    })
  }

  it('O11: the root path is 404 without a default service', async () => {
    assert.equal((await ask(server.port, options(''))).status, 404)
    assert.equal((await ask(server.port, icapHead('OPTIONS icap://h ICAP/1.0'))).status, 404)
  })

  for (const uri of ['*', '/both', 'http://h/both', 'icap:///both']) {
    it(`O16: the URI ${uri} is 400`, async () => {
      assert.equal((await ask(server.port, icapHead(`OPTIONS ${uri} ICAP/1.0`))).status, 400)
    })
  }

  it('O16: a path alone is served with supportBuggyClients', async () => {
    const lenient = await startServer({ strictness: { supportBuggyClients: true } })
    assert.equal((await ask(lenient.port, icapHead('OPTIONS /both ICAP/1.0'))).status, 200)
    await lenient.close()
  })

  it('O17: without Host it is 400, or served where Host is not required', async () => {
    const send = 'OPTIONS icap://h/both ICAP/1.0\r\n\r\n'
    assert.equal((await ask(server.port, send)).status, 400)
    const lenient = await startServer({ strictness: { requireHost: false } })
    assert.equal((await ask(lenient.port, send)).status, 200)
    await lenient.close()
  })

  it('O30: OPTIONS again and again, then RESPMOD and REQMOD on one connection', async () => {
    const peer = await RawPeer.connect(server.port)
    for (const [send, status] of [
      [options('resp'), 200],
      [options('resp'), 200],
      [respmod({ service: 'resp', lines: ['Allow: 204'], body: HELLO }), 204],
      [reqmod({ service: 'req', lines: ['Allow: 204'], req: GET_HEAD }), 204],
      [options('resp'), 200],
    ] as const) {
      peer.send(send)
      assert.equal((await peer.reply()).status, status)
    }
    peer.destroy()
  })

  it('O31: OPTIONS is answered while every handler is stuck', async () => {
    const stuck = await startServer({
      handler: (transaction) => new Promise((resolve) => transaction.signal.addEventListener('abort', () => resolve())),
    })
    const peers = await Promise.all(Array.from({ length: 20 }, () => RawPeer.connect(stuck.port)))
    for (const peer of peers) peer.send(respmod())
    assert.equal((await ask(stuck.port, options())).status, 200)
    for (const peer of peers) peer.destroy()
    await stuck.close()
  })
})
