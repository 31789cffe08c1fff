import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { describe, it } from 'node:test'
import type { UnscannedAction } from '../../src/domain/action.ts'
import {
  chunked,
  EICAR,
  GET,
  GROUP,
  icap,
  OK,
  POLICY,
  parse,
  type Rig,
  type RigOptions,
  startRig,
  waitFor,
} from './service-rig.ts'

async function withRig(options: RigOptions, run: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await startRig(options)
  try {
    await run(rig)
    await waitFor(() => rig.spool.used.memoryBytes === 0 && rig.spool.used.files === 0)
    assert.deepEqual(rig.spool.used, { diskBytes: 0, memoryBytes: 0, files: 0 }, 'nothing is left in the spool')
  } finally {
    await rig.close()
  }
}

/** A client that sends bit by bit and collects what comes. */
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

const TRICKLE = { ...GROUP, trickle: { afterBytes: 1000, bytesPerSecond: 4096, holdBackBytes: 2000 } }
const start = (icapLines = '') => icap({ icap: icapLines, request: GET, response: OK, chunks: '' })
const piece = (bytes: Buffer | string) => chunked(bytes, '')

describe('trickle mode', () => {
  it('sends the head and some bytes early, holds the tail back, and gives all of it when it is clean', async () => {
    await withRig({ group: TRICKLE }, async (rig) => {
      const peer = await client(rig.port)
      const body = randomBytes(20_000)
      peer.send(Buffer.concat([start('Allow: 204\r\n'), piece(body.subarray(0, 5000))]))
      await waitFor(() => peer.text().includes('application/octet-stream'))
      assert.equal(rig.records.length, 0, 'no verdict yet')
      await waitFor(() => parse(`${peer.text()}`).body.length > 0)
      assert.equal(parse(peer.text()).body.length, 3000, 'the last 2,000 bytes stay here')
      assert.match(peer.text(), /FILE: Scan in progress/)
      peer.send(Buffer.concat([piece(body.subarray(5000)), Buffer.from('0\r\n\r\n')]))
      await waitFor(() => peer.text().endsWith('0\r\n\r\n'))
      assert.ok(parse(peer.text()).body.equals(body))
      assert.equal(rig.records[0]?.action, 'allow-clean')
      assert.equal(rig.records[0]?.icapStatus, 200)
      peer.destroy()
    })
  })

  it('cuts the connection without a last chunk when something is found', async () => {
    await withRig({ group: TRICKLE }, async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start(), piece('x'.repeat(5000))]))
      await waitFor(() => peer.text().includes('application/octet-stream'))
      peer.send(Buffer.concat([piece(EICAR), Buffer.from('0\r\n\r\n')]))
      await waitFor(() => peer.isClosed())
      assert.doesNotMatch(peer.text(), /\r\n0\r\n\r\n$/)
      assert.doesNotMatch(peer.text(), /EICAR/)
      assert.equal(rig.records[0]?.action, 'block')
      assert.equal(rig.counts.get('trickle-cut'), 1)
    })
  })

  it('keeps the block page for a body that is whole at once', async () => {
    await withRig({ group: TRICKLE }, async (rig) => {
      const answer = await rig.send(icap({ request: GET, response: OK, body: 'x'.repeat(5000) + EICAR }))
      assert.match(answer, /download page EICAR_Test/)
    })
  })

  it('never trickles an upload', async () => {
    await withRig({ group: TRICKLE }, async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([icap({ method: 'REQMOD', request: GET, chunks: '' }), piece('x'.repeat(5000))]))
      await new Promise((resolve) => setTimeout(resolve, 50))
      assert.equal(peer.text(), '')
      peer.destroy()
    })
  })

  it('begins only behind the first byte after 100 Continue', async () => {
    await withRig({ group: TRICKLE }, async (rig) => {
      const peer = await client(rig.port)
      const body = randomBytes(6000)
      peer.send(icap({ icap: 'Preview: 4\r\n', request: GET, response: OK, chunks: chunked(body.subarray(0, 4)) }))
      await waitFor(() => peer.text().includes('100 Continue'))
      peer.send(piece(body.subarray(4, 3000)))
      await waitFor(() => peer.text().includes('ICAP/1.0 200 OK'))
      peer.send(chunked(body.subarray(3000)))
      await waitFor(() => peer.text().endsWith('0\r\n\r\n'))
      assert.ok(parse(peer.text().replace('ICAP/1.0 100 Continue\r\n\r\n', '')).body.equals(body))
      peer.destroy()
    })
  })

  it('ends with the client, with a record that is not clean', async () => {
    await withRig({ group: TRICKLE }, async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start(), piece('x'.repeat(5000))]))
      await waitFor(() => peer.text().includes('application/octet-stream'))
      peer.destroy()
      await waitFor(() => rig.records.length === 1)
      assert.equal(rig.records[0]?.outcome, 'unscanned')
    })
  })
})

describe('a stream without an end', () => {
  const endless = (action: UnscannedAction): RigOptions => ({
    group: { ...GROUP, policy: { ...POLICY, unscanned: { ...POLICY.unscanned, endless: action } } },
    config: {
      intake: {
        memoryBytes: 100_000,
        maxBytes: 1e12,
        endlessAfterBytes: 200_000,
        endlessAfterMs: 600_000,
        sha1: false,
        md5: false,
      },
    },
  })
  const bytes = randomBytes(300_000)

  it('is an error by default, and the connection ends', async () => {
    await withRig(endless('error'), async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start('Allow: 204\r\n'), piece(bytes)]))
      await waitFor(() => peer.isClosed())
      assert.match(peer.text(), /^ICAP\/1\.0 500 /)
      assert.deepEqual(rig.records[0]?.reasons, ['endless'])
    })
  })

  it('is blocked where policy says so', async () => {
    await withRig(endless('block'), async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start(), piece(bytes)]))
      await waitFor(() => peer.text().includes('403 Forbidden'))
      assert.match(peer.text(), /FILE: Not scanned \(endless\)/)
      peer.destroy()
    })
  })

  it('flows through, labelled and in constant memory, where policy lets it', async () => {
    await withRig(endless('allow'), async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start('Allow: 204\r\n'), piece(bytes)]))
      await waitFor(() => peer.text().includes('FILE: Not scanned (endless)'))
      const more = randomBytes(2_000_000)
      peer.send(piece(more))
      await waitFor(() => parse(peer.text()).body.length === bytes.length + more.length)
      assert.ok(rig.spool.used.diskBytes <= 400_000, 'what flows through is not kept')
      assert.equal(rig.records[0]?.action, 'allow-unscanned')
      peer.send('0\r\n\r\n')
      await waitFor(() => peer.text().endsWith('0\r\n\r\n'))
      assert.ok(parse(peer.text()).body.equals(Buffer.concat([bytes, more])))
      peer.destroy()
    })
  })

  it('still blocks what the part that came holds', async () => {
    await withRig(endless('allow'), async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start(), piece(EICAR), piece(bytes)]))
      await waitFor(() => peer.text().includes('403 Forbidden'))
      assert.match(peer.text(), /X-Virus-ID: EICAR_Test/)
      peer.destroy()
    })
  })

  it('is no stream without an end when its length is stated and kept', async () => {
    await withRig(endless('error'), async (rig) => {
      const response = `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`
      assert.equal(parse(await rig.send(icap({ request: GET, response, body: bytes }))).status, 200)
    })
  })

  it('is found by time too', async () => {
    const options = endless('error')
    const intake = {
      memoryBytes: 100_000,
      maxBytes: 1e12,
      endlessAfterBytes: 1e9,
      endlessAfterMs: 30,
      sha1: true,
      md5: true,
    }
    await withRig({ ...options, config: { intake } }, async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start(), piece('a')]))
      await new Promise((resolve) => setTimeout(resolve, 60))
      peer.send(piece('b'))
      await waitFor(() => peer.isClosed())
      assert.match(peer.text(), /^ICAP\/1\.0 500 /)
    })
  })
})

describe('a client that goes away', () => {
  it('in the middle of its upload leaves a record, and nothing in the spool', async () => {
    await withRig({}, async (rig) => {
      const peer = await client(rig.port)
      peer.send(Buffer.concat([start(), piece(randomBytes(2_000_000))]))
      await waitFor(() => rig.spool.used.files === 1)
      peer.destroy()
      await waitFor(() => rig.records.length === 1)
      assert.equal(rig.records[0]?.outcome, 'unscanned')
      assert.equal(rig.records[0]?.action, 'error')
      assert.equal(rig.counts.get('client-gone'), 1)
    })
  })

  it('in the middle of a scan is nobody to answer, and harms nobody', async () => {
    let finish = (): void => {}
    const prescan = () =>
      new Promise<{ results: []; trueType: string; cached: boolean }>((resolve) => {
        finish = () => resolve({ results: [], trueType: '', cached: false })
      })
    await withRig({ deps: { prescan } }, async (rig) => {
      const peer = await client(rig.port)
      peer.send(icap({ request: GET, response: OK, body: 'x' }))
      await waitFor(() => rig.spool.used.memoryBytes === 1)
      peer.destroy()
      await new Promise((resolve) => setTimeout(resolve, 20))
      finish()
      await waitFor(() => rig.records.length === 1)
      assert.deepEqual(rig.failures, [])
    })
  })

  it('that does not read its answer holds no more than the spool', async () => {
    await withRig({}, async (rig) => {
      const peer = net.connect(rig.port, '127.0.0.1')
      peer.on('error', () => {})
      peer.pause()
      peer.write(icap({ request: GET, response: OK, body: randomBytes(8_000_000) }))
      await waitFor(() => rig.records.length === 1, 10_000)
      assert.ok(rig.spool.used.memoryBytes < 1_048_576, `${rig.spool.used.memoryBytes} bytes in memory`)
      peer.destroy()
    })
  })
})
