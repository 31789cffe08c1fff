import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { echoWhole, readWhole } from './handlers.ts'
import { ask, everyCut, type Started, startServer, timeless } from './harness.ts'
import { chunked, HELLO, options, respmod } from './messages.ts'
import { RawPeer } from './raw-peer.ts'

let server: Started
let peer: RawPeer
before(async () => {
  server = await startServer({ handler: echoWhole })
})
after(() => server.close())
afterEach(() => peer?.destroy())

describe('conformance: chunks, accepted', () => {
  const accepted: { name: string; body: string }[] = [
    { name: 'C2: lower-case hexadecimal', body: 'a\r\nhellohello\r\n0\r\n\r\n' },
    { name: 'C2: upper-case hexadecimal', body: 'A\r\nhellohello\r\n0\r\n\r\n' },
    { name: 'C2: leading zeros', body: '000000a\r\nhellohello\r\n000\r\n\r\n' },
    { name: 'C3: an extension', body: 'a;a=b\r\nhellohello\r\n0\r\n\r\n' },
    { name: 'C3: an extension without a value, blanks around it', body: 'a ; a ; b = c\r\nhellohello\r\n0\r\n\r\n' },
    { name: 'C3: a quoted extension with a semicolon', body: 'a;a="x;y"\r\nhellohello\r\n0;z="\\""\r\n\r\n' },
    { name: 'C1: chunks of one byte', body: chunked('hellohello', 1) },
  ]
  for (const { name, body } of accepted) {
    it(`${name}, cut everywhere`, async () => {
      const bytes = respmod({ body })
      const reply = await ask(server.port, bytes)
      assert.equal(reply.body, 'hellohello')
      await everyCut(server.port, bytes, timeless(reply.raw))
    })
  }

  it('C9: a million chunks of one byte', async () => {
    const counting = await startServer({
      handler: async (transaction) => {
        let bytes = 0
        await transaction.readBody((chunk) => {
          bytes += chunk.length
        })
        await transaction.reply({ status: 204, headers: { 'X-Bytes': String(bytes) } })
      },
    })
    peer = await RawPeer.connect(counting.port)
    peer.send(respmod({ lines: ['Allow: 204'], body: '' }))
    peer.send(Buffer.from('1\r\nx\r\n'.repeat(1_000_000)))
    peer.send('0\r\n\r\n')
    assert.equal((await peer.reply(20_000)).header('x-bytes'), '1000000')
    await counting.close()
  })

  it('C11: an empty body is still a body: a last chunk alone', async () => {
    const { raw, body } = await ask(server.port, respmod({ body: '0\r\n\r\n' }))
    assert.equal(body, '')
    assert.ok(raw.endsWith('\r\n\r\n0\r\n\r\n'))
  })

  it('C11: our chunks have no extensions and end with 0', async () => {
    const body = 'x'.repeat(300_000)
    const { raw, lastChunkExtensions } = await ask(server.port, respmod({ body: chunked(body) }))
    assert.equal(lastChunkExtensions, '')
    assert.ok(raw.endsWith('\r\n0\r\n\r\n'))
    assert.doesNotMatch(raw, /^[0-9a-f]+;/m)
  })
})

describe('conformance: chunks, refused', () => {
  const refused: { name: string; body: string }[] = [
    { name: 'C4: a bare LF as the end of a size line', body: '5\nhello\r\n0\r\n\r\n' },
    { name: 'C4: a LF inside an extension', body: '5;a\nb\r\nhello\r\n0\r\n\r\n' },
    { name: 'C4: a CR inside an extension', body: '5;a\rb\r\nhello\r\n0\r\n\r\n' },
    { name: 'C4: NUL inside an extension', body: '5;a=\0\r\nhello\r\n0\r\n\r\n' },
    { name: 'C4: a bare LF as the end of the last size line', body: '5\r\nhello\r\n0\n\r\n' },
    { name: 'C4: a bare LF as the end of the trailer', body: '5\r\nhello\r\n0\r\n\n' },
    { name: 'C5: -5', body: '-5\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: +5', body: '+5\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: 0x5', body: '0x5\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: a blank before the size', body: ' 5\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: a blank inside the size', body: '5 5\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: no size', body: '\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: an extension without a size', body: ';a=b\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: no hexadecimal digits', body: 'xyz\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: a decimal point', body: '5.0\r\nhello\r\n0\r\n\r\n' },
    { name: 'C5: an underscore', body: '0_5\r\nhello\r\n0\r\n\r\n' },
    { name: 'C6: a size beyond 2^53', body: 'fffffffffffffff\r\nhello' },
    { name: 'C6: seventeen digits', body: '00000000000000005\r\nhello\r\n0\r\n\r\n' },
    { name: 'C7: data longer than its size', body: '4\r\nhello\r\n0\r\n\r\n' },
    { name: 'C7: data shorter than its size', body: '6\r\nhello\r\n0\r\n\r\n' },
    { name: 'C7: a bare LF behind the data', body: '5\r\nhello\n0\r\n\r\n' },
    { name: 'C8: a size line of 5 000 bytes', body: `5;${'a'.repeat(5_000)}\r\nhello\r\n0\r\n\r\n` },
    { name: 'C8: a size line that does not end', body: `5;${'a'.repeat(50_000)}` },
    { name: 'C8: zeros without end', body: '0'.repeat(50_000) },
  ]
  for (const { name, body } of refused) {
    it(`${name}: 400 and closed, nothing behind it is served`, async () => {
      peer = await RawPeer.connect(server.port)
      peer.send(respmod({ body }) + options())
      const reply = await peer.reply()
      assert.deepEqual([reply.status, reply.header('connection')], [400, 'close'])
      assert.equal(await peer.closed(), '')
    })
  }

  it('C10: a FIN before the last chunk is no verdict: at most a 400', async () => {
    const bytes = respmod({ lines: ['Allow: 204'], body: HELLO })
    for (const cut of [1, 2, 5, 7, 12]) {
      peer = await RawPeer.connect(server.port)
      peer.send(bytes.slice(0, -cut))
      peer.end()
      const left = await peer.closed()
      assert.ok(left === '' || left.startsWith('ICAP/1.0 400 '), left)
    }
  })

  it('C10: a handler whose body does not end gets an error, never the word "whole"', async () => {
    let outcome: unknown
    const reading = await startServer({
      handler: async (transaction) => {
        outcome = await readWhole(transaction).catch((error: unknown) => error)
        throw outcome
      },
    })
    peer = await RawPeer.connect(reading.port)
    peer.send(respmod({ body: '5\r\nhello\r\n' }))
    peer.end()
    await peer.closed()
    assert.match(String(outcome), /IcapError/)
    await reading.close()
  })
})
