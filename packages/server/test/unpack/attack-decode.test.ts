import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { constants, createDeflateRaw, createZstdCompress, gzipSync } from 'node:zlib'
import { decodeContent } from '../../src/unpack/content-encoding.ts'

async function decoded(bytes: Buffer, ...encodings: string[]) {
  const out: Buffer[] = []
  const cancel = { signal: new AbortController().signal }
  const { unscanned } = await decodeContent(
    { kind: 'memory', bytes },
    encodings,
    (chunk) => void out.push(chunk),
    cancel,
  )
  return { bytes: Buffer.concat(out), reason: unscanned?.reason }
}

/** A frame of a few bytes whose header asks for a window of 2^27 bytes. */
async function zstdFrame(windowLog: number, text: string): Promise<Buffer> {
  const stream = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } })
  const out: Buffer[] = []
  stream.on('data', (chunk: Buffer) => out.push(chunk))
  stream.write(text) // flushed before its end, so that the frame does not know its size and keeps the window
  await new Promise<void>((done) => stream.flush(() => done()))
  stream.end()
  await once(stream, 'end')
  return Buffer.concat(out)
}

describe('hostile Content-Encoding', () => {
  it('does not get 128 MiB for a zstd frame of a few bytes', async () => {
    assert.deepEqual(await decoded(await zstdFrame(23, 'small'), 'zstd'), {
      bytes: Buffer.from('small'),
      reason: undefined,
    })
    assert.deepEqual(await decoded(await zstdFrame(27, 'small'), 'zstd'), { bytes: Buffer.alloc(0), reason: 'bomb' })
  })

  for (const size of [10, 1000, 1024, 5000, 40_000]) {
    it(`loses next to nothing of ${size} bytes before damage`, async () => {
      const content = randomBytes(size)
      const stream = createDeflateRaw({ level: 1 })
      const out: Buffer[] = []
      stream.on('data', (chunk: Buffer) => out.push(chunk))
      stream.write(content)
      await new Promise<void>((done) => stream.flush(() => done()))
      const gzip = Buffer.concat([gzipSync('').subarray(0, 10), ...out, Buffer.alloc(1500, 0xff)])
      const found = await decoded(gzip, 'gzip')
      assert.equal(found.reason, 'malformed')
      assert.ok(content.subarray(0, found.bytes.length).equals(found.bytes.subarray(0, size)))
      assert.ok(found.bytes.length >= size - 32, `${found.bytes.length} of ${size}`)
    })
  }
})
