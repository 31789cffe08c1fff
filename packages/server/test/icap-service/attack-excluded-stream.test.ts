import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { describe, it } from 'node:test'
import { chunked, GET, icap, parse, startRig, waitFor } from './service-rig.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n'
const INTAKE = {
  memoryBytes: 100_000,
  maxBytes: 1e12,
  endlessAfterBytes: 200_000,
  endlessAfterMs: 600_000,
  sha1: false,
  md5: false,
}

describe('a stream without an end that is excluded by its type', () => {
  it('flows through to its end: it is what exclusion is for', async () => {
    const rig = await startRig({ config: { intake: INTAKE }, deps: { excluded: () => true } })
    const socket = net.connect(rig.port, '127.0.0.1')
    const reply: Buffer[] = []
    const text = () => Buffer.concat(reply).toString('latin1')
    socket.on('data', (data: Buffer) => reply.push(data)).on('error', () => {})
    const [first, second] = [randomBytes(300_000), randomBytes(300_000)]
    try {
      socket.write(icap({ request: GET, response: HEAD, chunks: '' }))
      socket.write(chunked(first, ''))
      await waitFor(() => text().includes('FILE: Not scanned (excluded)'))
      socket.write(chunked(second))
      await waitFor(() => text().endsWith('\r\n0\r\n\r\n'))
      assert.ok(parse(text()).body.equals(Buffer.concat([first, second])))
    } finally {
      socket.destroy()
      await rig.close()
    }
  })
})
