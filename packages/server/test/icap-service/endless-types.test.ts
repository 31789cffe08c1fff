import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { UnscannedAction } from '../../src/domain/action.ts'
import type { Message } from '../../src/icap-service/message.ts'
import { type StreamLimits, streamRuleFor } from '../../src/icap-service/stream-rule.ts'
import { CONFIG, chunked, EICAR, GET, GROUP, icap, POLICY, parse, type Rig, startRig, waitFor } from './service-rig.ts'

const STREAMS: StreamLimits = {
  types: ['audio/*', 'multipart/x-mixed-replace', 'text/event-stream'],
  afterMs: 150,
  maxBytesPerS: 1_000_000,
  byNatureAfterMs: 50,
  maxPassMs: 60_000,
}

function message(
  type: string,
  more: { length?: number; chunked?: boolean; line?: string; mode?: string } = {},
): Message {
  const head = {
    startLine: more.line ?? 'HTTP/1.1 200 OK',
    contentLength: more.length,
    transferEncoding: more.chunked === true,
  }
  return { context: { declaredType: type, mode: more.mode ?? 'RESPMOD' }, head } as unknown as Message
}

describe('the rule for streams', () => {
  const rows: readonly [message: Message, afterMs: number | undefined, because: string][] = [
    [message('audio/mpeg'), 150, 'a family'],
    [message('text/event-stream'), 150, 'an exact type'],
    [message('multipart/x-mixed-replace'), 50, 'by nature'],
    [message('', { line: 'ICY 200 OK' }), 50, 'Shoutcast'],
    [message('audio/mpeg', { length: 100 }), undefined, 'it says where it ends'],
    [message('audio/mpeg', { length: 100, chunked: true }), 150, 'Transfer-Encoding overrides Content-Length'],
    [message('audiobook/x'), undefined, 'another family'],
    [message('text/html'), undefined, 'not listed'],
    [message('text/event-stream-x'), undefined, 'another type'],
    [message('audio/mpeg', { mode: 'REQMOD' }), undefined, 'an upload ends'],
  ]
  for (const [given, afterMs, because] of rows)
    it(`${given.context.declaredType || 'no type'}: ${because}`, () =>
      assert.equal(streamRuleFor(given, STREAMS)?.afterMs, afterMs))

  it('is none with an empty list', () => {
    const none = { ...STREAMS, types: [] }
    assert.equal(streamRuleFor(message('multipart/x-mixed-replace'), none), undefined)
    assert.equal(streamRuleFor(message('', { line: 'ICY 200 OK' }), none), undefined)
  })
})

async function client(port: number) {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let text = ''
  let isClosed = false
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  return {
    send: (bytes: string | Buffer) => socket.write(bytes as Buffer),
    text: () => text,
    isClosed: () => isClosed,
    destroy: () => socket.destroy(),
  }
}

interface StreamRig {
  readonly rig: Rig
  readonly peer: Awaited<ReturnType<typeof client>>
}

async function withStream(
  { action, streams = STREAMS }: { action: UnscannedAction; streams?: StreamLimits },
  run: (given: StreamRig) => Promise<void>,
): Promise<void> {
  const rig = await startRig({
    group: { ...GROUP, policy: { ...POLICY, unscanned: { ...POLICY.unscanned, endless: action } } },
    config: { ...CONFIG, streams },
  })
  const peer = await client(rig.port)
  try {
    await run({ rig, peer })
    peer.destroy()
    await waitFor(() => rig.spool.used.memoryBytes === 0 && rig.spool.used.files === 0)
  } finally {
    peer.destroy()
    await rig.close()
  }
}

const start = (type: string, lines = 'Allow: 204\r\n') =>
  icap({ icap: lines, request: GET, response: `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n\r\n`, chunks: '' })
const piece = (bytes: Buffer | string) => chunked(bytes, '')

describe('a stream by its declared type', () => {
  it('is an error where policy says so, though it is silent and small', async () => {
    await withStream({ action: 'error' }, async ({ rig, peer }) => {
      peer.send(Buffer.concat([start('text/event-stream'), piece('data: 1\n\n')]))
      await waitFor(() => peer.isClosed())
      assert.match(peer.text(), /^ICAP\/1\.0 500 /)
      assert.deepEqual(rig.records[0]?.reasons, ['endless'])
    })
  })

  it('flows on, byte for byte and labelled, where policy lets it', async () => {
    await withStream({ action: 'allow' }, async ({ peer }) => {
      const parts = Array.from({ length: 20 }, () => randomBytes(2_000))
      peer.send(start('multipart/x-mixed-replace; boundary=x'))
      for (const part of parts) {
        peer.send(piece(part))
        await sleep(10)
      }
      await waitFor(() => parse(peer.text()).body.length === 40_000)
      assert.match(peer.text(), /FILE: Not scanned \(endless\)/)
      peer.send('0\r\n\r\n')
      await waitFor(() => peer.text().endsWith('0\r\n\r\n'))
      assert.ok(parse(peer.text()).body.equals(Buffer.concat(parts)))
    })
  })

  it('is blocked for what its beginning holds', async () => {
    await withStream({ action: 'allow' }, async ({ peer }) => {
      peer.send(Buffer.concat([start('audio/mpeg'), piece(EICAR)]))
      await waitFor(() => peer.text().includes('403 Forbidden'))
      assert.match(peer.text(), /X-Virus-ID: EICAR_Test/)
    })
  })

  it('has an end by policy: its connection is cut without a last chunk, and counted', async () => {
    await withStream({ action: 'allow', streams: { ...STREAMS, maxPassMs: 300 } }, async ({ rig, peer }) => {
      peer.send(Buffer.concat([start('audio/mpeg'), piece('la la')]))
      await waitFor(() => peer.text().includes('la la'))
      const timer = setInterval(() => peer.send(piece('la')), 20)
      await waitFor(() => peer.isClosed())
      clearInterval(timer)
      assert.ok(!peer.text().endsWith('0\r\n\r\n'), 'nobody takes it for whole')
      assert.equal(rig.counts.get('stream-ended'), 1)
    })
  })

  it('is none while it comes as fast as a download', async () => {
    await withStream({ action: 'error', streams: { ...STREAMS, maxBytesPerS: 1_000 } }, async ({ peer }) => {
      peer.send(start('audio/mpeg'))
      for (let turn = 0; turn < 10; turn++) {
        peer.send(piece(randomBytes(5_000)))
        await sleep(40)
      }
      peer.send('0\r\n\r\n')
      await waitFor(() => peer.text().includes('\r\n\r\n'))
      assert.match(peer.text(), /^ICAP\/1\.0 204 /)
    })
  })

  it('is none within its preview, which has no answer before its end (RFC 3507 4.5), but behind it', async () => {
    const preview = 'Allow: 204\r\nPreview: 100\r\n'
    await withStream({ action: 'allow' }, async ({ peer }) => {
      peer.send(Buffer.concat([start('text/event-stream', preview), piece('x'.repeat(60))]))
      await sleep(400)
      assert.equal(peer.text(), '')
      peer.send(Buffer.concat([piece('y'.repeat(40)), Buffer.from('0\r\n\r\n')]))
      await waitFor(() => peer.text().includes('100 Continue'))
      peer.send(piece('z'))
      await waitFor(() => peer.text().includes('Not scanned (endless)'))
      peer.send(Buffer.concat([piece('end'), Buffer.from('0\r\n\r\n')]))
      await waitFor(() => peer.text().endsWith('0\r\n\r\n'))
      const answer = peer.text().replace('ICAP/1.0 100 Continue\r\n\r\n', '')
      assert.equal(parse(answer).body.toString(), `${'x'.repeat(60)}${'y'.repeat(40)}zend`)
    })
  })
})

describe('a body of 300 MB', () => {
  it('is scanned and given back in memory that does not grow with it', async () => {
    const rig = await startRig({
      spool: { maxBytes: 1e9 },
      config: { intake: { ...CONFIG.intake, endlessAfterBytes: 1e12 } },
      // The rig's own search would read the file into memory at once.
      deps: {
        prescan: ({ size }) => ({
          trueType: '',
          cached: false,
          results: [{ outcome: 'clean', engine: `saw ${size}` }],
        }),
      },
    })
    try {
      const block = randomBytes(1_048_576)
      const total = 300
      const socket = net.connect(rig.port, '127.0.0.1')
      await once(socket, 'connect')
      let received = 0
      let tail = ''
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length
        tail = (tail + chunk.subarray(-8).toString('latin1')).slice(-8)
      })
      const before = process.memoryUsage().rss
      let most = before
      socket.write(icap({ request: GET, response: 'HTTP/1.1 200 OK\r\n\r\n', chunks: '' }))
      for (let turn = 0; turn < total; turn++) {
        if (!socket.write(Buffer.concat([Buffer.from('100000\r\n'), block, Buffer.from('\r\n')])))
          await once(socket, 'drain', { signal: AbortSignal.timeout(30_000) })
        most = Math.max(most, process.memoryUsage().rss)
      }
      socket.write('0\r\n\r\n')
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss)
      }, 20)
      await waitFor(() => tail.endsWith('\r\n0\r\n\r\n'), 60_000)
      clearInterval(watch)
      socket.destroy()
      assert.ok(received > total * block.length)
      assert.equal(rig.records[0]?.size, total * block.length)
      assert.equal(rig.records[0]?.outcome, 'clean')
      assert.ok(most - before < 150e6, `${Math.round((most - before) / 1e6)} MB more for a body of ${total} MB`)
    } finally {
      await rig.close()
    }
  })
})
