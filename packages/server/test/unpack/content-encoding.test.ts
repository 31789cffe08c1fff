import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import type { Content } from '../../src/domain/sample.ts'
import { DECODE_LIMITS, decodeContent } from '../../src/unpack/content-encoding.ts'

const never = { signal: new AbortController().signal }
const memory = (bytes: Buffer): Content => ({ kind: 'memory', bytes })

async function decode(content: Content, encodings: string[], limits = {}) {
  const chunks: Buffer[] = []
  const outcome = await decodeContent(content, encodings, (chunk) => void chunks.push(chunk), never, {
    ...DECODE_LIMITS,
    ...limits,
  })
  return { ...outcome, bytes: Buffer.concat(chunks), reason: outcome.unscanned?.reason }
}

const CODERS = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: (bytes: Buffer) => brotliCompressSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
} as const
const text = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(200))

describe('content encoding', () => {
  for (const [name, coder] of Object.entries(CODERS)) {
    for (const size of [1, 100, 70_000, 300_000]) {
      it(`decodes ${size} random bytes of ${name}`, async () => {
        const bytes = randomBytes(size)
        const found = await decode(memory(coder(bytes)), [name])
        assert.equal(found.unscanned, undefined)
        assert.ok(found.bytes.equals(bytes))
        assert.deepEqual(found.layers, [name])
      })
    }

    it(`gives what stands before the end of a ${name} body that is cut, and calls it malformed`, async () => {
      const whole = coder(randomBytes(200_000))
      const found = await decode(memory(whole.subarray(0, 150_000)), [name])
      assert.equal(found.reason, 'malformed')
      assert.ok(found.bytes.length > 10_000, `${found.bytes.length} bytes came out`)
    })

    it(`gives what stands before damage in a ${name} body`, async () => {
      const whole = coder(randomBytes(300_000))
      const hurt = Buffer.concat([
        whole.subarray(0, 200_000),
        randomBytes(50),
        Buffer.alloc(500, 0xff),
        whole.subarray(200_550),
      ])
      const found = await decode(memory(hurt), [name])
      if (found.reason !== undefined) assert.equal(found.reason, 'malformed')
      assert.ok(found.bytes.length > 10_000, `${found.bytes.length} bytes came out`)
    })

    it(`calls bytes behind a ${name} body malformed`, async () => {
      const found = await decode(memory(Buffer.concat([coder(text), Buffer.from('and more')])), [name])
      assert.equal(found.reason, 'malformed')
      assert.ok(found.bytes.equals(text))
    })

    it(`is malformed where a body is no ${name} at all, or random`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
          const { reason } = await decode(memory(Buffer.from(bytes)), [name])
          assert.ok(reason === 'malformed' || reason === undefined, reason)
        }),
        { numRuns: 50 },
      )
    })
  }

  it('takes raw deflate for deflate, also where it begins like zlib', async () => {
    assert.ok((await decode(memory(deflateRawSync(text)), ['deflate'])).bytes.equals(text))
    // 0x78 0x9c would be a zlib header; as raw deflate it is a stored block of 0x?9c bytes.
    const payload = randomBytes(0x009c)
    const stored = Buffer.concat([Buffer.from([0x78, 0x9c, 0x00, 0x63, 0xff]), payload, Buffer.from([0x03, 0x00])])
    const found = await decode(memory(stored), ['deflate'])
    assert.ok(found.bytes.equals(payload))
  })

  it('decodes several gzip members and zstd frames, wherever they are cut', async () => {
    const pair = Buffer.concat([gzipSync('one'), gzipSync('two'), gzipSync('')])
    assert.equal((await decode(memory(pair), ['gzip'])).bytes.toString(), 'onetwo')
    const big = Buffer.concat([gzipSync(randomBytes(65_520)), gzipSync('tail')])
    const found = await decode(memory(big), ['gzip'])
    assert.equal(found.unscanned, undefined)
    assert.equal(found.bytes.subarray(-4).toString(), 'tail')
    const frames = Buffer.concat([zstdCompressSync(Buffer.from('one')), zstdCompressSync(Buffer.from('two'))])
    assert.equal((await decode(memory(frames), ['zstd'])).bytes.toString(), 'onetwo')
  })

  it('reads gzip headers with all their fields, and a wrong CRC as browsers do', async () => {
    const plain = gzipSync(text)
    const flags = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3]),
      Buffer.from([3, 0, 1, 2, 3]),
      Buffer.from('name\0comment\0'),
      Buffer.from([0, 0]),
      plain.subarray(10),
    ])
    assert.ok((await decode(memory(flags), ['gzip'])).bytes.equals(text))
    const wrong = Buffer.from(plain)
    wrong.fill(0, wrong.length - 8)
    assert.ok((await decode(memory(wrong), ['gzip'])).bytes.equals(text))
  })

  it('removes stacked layers, outermost first, and keeps what damage in the outer one leaves of the inner', async () => {
    const body = brotliCompressSync(gzipSync(deflateSync(text)))
    const found = await decode(memory(body), ['deflate', 'gzip', 'br'])
    assert.deepEqual(found.layers, ['br', 'gzip', 'deflate'])
    assert.ok(found.bytes.equals(text))
    const outer = gzipSync(gzipSync(randomBytes(200_000)))
    const cut = await decode(memory(outer.subarray(0, 150_000)), ['gzip', 'gzip'])
    assert.equal(cut.reason, 'malformed')
    assert.ok(cut.bytes.length > 50_000)
  })

  it('decodes the outer layers of an unknown one, and says not-unpacked', async () => {
    const found = await decode(memory(gzipSync('inner')), ['exotic', 'gzip'])
    assert.equal(found.reason, 'not-unpacked')
    assert.equal(found.bytes.toString(), 'inner')
    assert.deepEqual((await decode(memory(Buffer.from('x')), ['exotic'])).layers, [])
  })

  it('has limits on layers, bytes, ratio and time', async () => {
    const zeros = gzipSync(Buffer.alloc(4_000_000))
    const rows = [
      { encodings: Array(5).fill('gzip') as string[], limits: {}, reason: 'too-deep' },
      { encodings: ['gzip'], limits: { maxBytes: 1_000_000 }, reason: 'bomb' },
      { encodings: ['gzip'], limits: { ratioFreeBytes: 100_000, maxRatio: 10 }, reason: 'bomb' },
      { encodings: ['gzip'], limits: { maxMs: -1 }, reason: 'timeout' },
    ]
    for (const { encodings, limits, reason } of rows) {
      const found = await decode(memory(zeros), encodings, limits)
      assert.equal(found.reason, reason)
      assert.ok(found.bytes.length <= 1_100_000, 'and stops there')
    }
    for (const coder of [brotliCompressSync, zstdCompressSync]) {
      const bomb = await decode(memory(coder(Buffer.alloc(18_000_000))), [coder === brotliCompressSync ? 'br' : 'zstd'])
      assert.equal(bomb.reason, 'bomb')
    }
  })

  it('is whole and empty for an empty body, and for an encoded nothing', async () => {
    assert.equal((await decode(memory(Buffer.alloc(0)), ['gzip'])).unscanned, undefined)
    assert.equal((await decode(memory(gzipSync('')), ['gzip'])).unscanned, undefined)
  })

  it('reads from a file, holds back for a slow sink, and stops when the client has gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-decode-'))
    const bytes = randomBytes(1_000_000)
    const encoded = gzipSync(bytes)
    writeFileSync(join(folder, 'f'), encoded)
    const fd = openSync(join(folder, 'f'), 'r')
    try {
      const content: Content = { kind: 'file', fd, size: encoded.length }
      const chunks: Buffer[] = []
      let running = 0
      const slow = async (chunk: Buffer) => {
        assert.equal(++running, 1, 'one chunk at a time')
        await new Promise((resolve) => setImmediate(resolve))
        chunks.push(chunk)
        running--
      }
      const outcome = await decodeContent(content, ['gzip'], slow, never)
      assert.equal(outcome.unscanned, undefined)
      assert.ok(Buffer.concat(chunks).equals(bytes))
      const gone = await decodeContent(content, ['gzip'], () => {}, { signal: AbortSignal.abort() })
      assert.equal(gone.unscanned?.reason, 'timeout')
    } finally {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    }
  })

  it('passes a failing sink on as a failure of ours', async () => {
    const outcome = await decodeContent(
      memory(gzipSync(randomBytes(100_000))),
      ['gzip'],
      () => Promise.reject(new Error('disk')),
      never,
    )
    assert.equal(outcome.unscanned?.reason, 'engine-down')
  })
})
