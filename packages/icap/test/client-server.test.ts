import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { createIcapClient, type IcapClient } from '../src/client.ts'
import { echo, echoWhileReading, echoWhole, type Handler, readWhole } from './conformance/handlers.ts'
import { type Started, startServer } from './conformance/harness.ts'
import { GET_HEAD, OK_HEAD } from './conformance/messages.ts'

/** Puts NEW before the original from byte 3 on: by 206 where that is legal, else by hand. */
const prefixed: Handler = async (transaction) => {
  const head = Buffer.from('HTTP/1.1 200 OK\r\n\r\n')
  const parts: Buffer[] = []
  const state = await transaction.readBody((bytes) => void parts.push(Buffer.from(bytes)))
  const seen = Buffer.concat(parts)
  const body = Buffer.from('NEW')
  if (transaction.allows206 && seen.length >= 3)
    return transaction.reply({ status: 206, section: 'res-hdr', head, body, useOriginalBody: 3 })
  const whole = state === 'whole' ? seen : Buffer.concat([seen, await rest(transaction)])
  await transaction.reply({ status: 200, section: 'res-hdr', head, body: Buffer.concat([body, whole.subarray(3)]) })
}

async function rest(transaction: Parameters<Handler>[0]): Promise<Buffer> {
  transaction.continueBody()
  return readWhole(transaction)
}

const HANDLERS = { echo, echoWhole, echoWhileReading, prefixed } as const

async function* pieces(body: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += bytes) yield body.subarray(at, at + bytes)
}

const exchanges = fc.record({
  handler: fc.constantFrom('echo', 'echoWhole', 'prefixed' as const),
  size: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 200_000 })),
  preview: fc.option(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(1024, 4096)), { nil: undefined }),
  pieceBytes: fc.option(fc.oneof(fc.integer({ min: 1, max: 64 }), fc.constant(65_536)), { nil: undefined }),
  allow204: fc.boolean(),
  allow206: fc.boolean(),
  requestHead: fc.boolean(),
})

describe('client and server', () => {
  const servers = new Map<keyof typeof HANDLERS, { server: Started; client: IcapClient }>()
  before(async () => {
    for (const name of Object.keys(HANDLERS) as (keyof typeof HANDLERS)[]) {
      const server = await startServer({ handler: HANDLERS[name], allow206: true })
      servers.set(name, {
        server,
        client: createIcapClient({ host: '127.0.0.1', port: server.port, timeouts: { idleMs: 5_000 } }),
      })
    }
  })
  after(async () => {
    for (const { server, client } of servers.values()) {
      client.close()
      await server.close()
    }
  })

  const partsOf = (name: keyof typeof HANDLERS) => servers.get(name) ?? assert.fail(name)

  it('bring every body through, whatever its size, pieces, preview and allowances', async () => {
    await fc.assert(
      fc.asyncProperty(exchanges, async ({ handler, size, preview, pieceBytes, requestHead, ...allow }) => {
        // A body in small pieces is small: the point is the cut, not the patience.
        const bytes = Buffer.alloc(
          pieceBytes !== undefined && pieceBytes < 65_536 ? Math.min(size, 1_000) : size,
          'abcdefghijk',
        )
        const body = pieceBytes === undefined ? bytes : pieces(bytes, pieceBytes)
        const reply = await partsOf(handler).client.request({
          method: 'RESPMOD',
          service: 'both',
          responseHead: Buffer.from(OK_HEAD),
          body,
          ...allow,
          ...(preview !== undefined && { preview }),
          ...(requestHead && { requestHead: Buffer.from(GET_HEAD) }),
        })
        const got = await reply.collect()
        if (reply.status === 204) assert.equal(handler, 'echo')
        else
          assert.ok(got.equals(handler === 'prefixed' ? Buffer.concat([Buffer.from('NEW'), bytes.subarray(3)]) : bytes))
        assert.equal(reply.ieof, preview !== undefined && bytes.length <= preview)
      }),
      { numRuns: 120 },
    )
  })

  it('leave no fault and few connections behind them', () => {
    for (const { server } of servers.values()) {
      assert.deepEqual(server.faults, [])
      assert.ok(server.icap.connections <= 4)
    }
  })

  it('K11: stream a body larger than all buffers while its answer comes back', async () => {
    const sent = 200 * 65_536
    async function* source(): AsyncGenerator<Buffer> {
      for (let i = 0; i < 200; i++) yield Buffer.alloc(65_536, i)
    }
    const reply = await partsOf('echoWhileReading').client.request({
      method: 'RESPMOD',
      service: 'both',
      responseHead: Buffer.from(OK_HEAD),
      body: source(),
      allow204: false,
    })
    let received = 0
    for await (const bytes of reply.body) received += bytes.length
    assert.equal(received, sent)
  })

  it('read OPTIONS and a REQMOD without a body', async () => {
    const { client } = partsOf('echoWhole')
    assert.equal((await client.options('both')).headers.get('methods'), 'REQMOD, RESPMOD')
    const reply = await client.request({ method: 'REQMOD', service: 'both', requestHead: Buffer.from(GET_HEAD) })
    assert.deepEqual(
      [reply.status, reply.section, String(reply.head), reply.hasBody],
      [200, 'req-hdr', GET_HEAD, false],
    )
  })
})
