import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ChunkedDecoder } from '../src/chunked-decoder.ts'
import { IcapError } from '../src/errors.ts'
import { InputBuffer } from '../src/input-buffer.ts'
import { DEFAULT_LIMITS } from '../src/limits.ts'
import { type BodySource, RequestBody } from '../src/request-body.ts'

class Source implements BodySource {
  readonly input = new InputBuffer()
  readonly decoder = new ChunkedDecoder(DEFAULT_LIMITS)
  readonly faults: IcapError[] = []
  peerEnded = false

  onBodyTaken(): void {}

  onBodyFault(fault: IcapError): void {
    this.faults.push(fault)
  }
}

function bodyOn(wire: string, preview?: number): { source: Source; body: RequestBody } {
  const source = new Source()
  if (wire !== '') source.input.append(Buffer.from(wire))
  return { source, body: new RequestBody(source, { hasBody: true, preview, maxPreviewOverrunBytes: 100 }) }
}

describe('RequestBody', () => {
  it('feeds what stands in the buffer before it returns', () => {
    const { body } = bodyOn('5\r\nhello\r\n0\r\n\r\nNEXT')
    let seen = ''
    void body.read((data) => {
      seen += data.toString()
    })
    assert.equal(seen, 'hello')
    assert.equal(body.stage, 'whole')
  })

  it('N4: leaves the bytes behind the body in the input', async () => {
    const { source, body } = bodyOn('5\r\nhello\r\n0\r\n\r\nNEXT')
    assert.equal(await body.read(() => {}), 'whole')
    assert.equal(source.input.bytes.toString('latin1', source.input.start, source.input.end), 'NEXT')
  })

  it('P1, P11: stops behind the preview and goes on after continue', async () => {
    const { source, body } = bodyOn('5\r\nhello\r\n0\r\n\r\n', 5)
    let seen = ''
    const sink = (data: Buffer): void => {
      seen += data.toString()
    }
    assert.equal(await body.read(sink), 'preview')
    assert.equal(await body.read(sink), 'preview')
    body.continue()
    const rest = body.read(sink)
    source.input.append(Buffer.from('6\r\n world\r\n0\r\n\r\n'))
    body.pump()
    assert.equal(await rest, 'whole')
    assert.equal(seen, 'hello world')
    assert.equal(body.bytesSeen, 11)
  })

  it('P2: ieof makes the preview whole', async () =>
    assert.equal(await bodyOn('0; ieof\r\n\r\n', 5).body.read(() => {}), 'whole'))

  it('K10: a busy sink holds everything back, in order', async () => {
    const { source, body } = bodyOn('3\r\nabc\r\n')
    const release: (() => void)[] = []
    const seen: string[] = []
    const reading = body.read((data) => {
      seen.push(data.toString())
      return new Promise((resolve) => release.push(resolve))
    })
    source.input.append(Buffer.from('3\r\ndef\r\n0\r\n\r\n'))
    body.pump()
    await turn()
    assert.deepEqual(seen, ['abc'])
    assert.equal(body.isStarved, false)
    release.shift()?.()
    await turn()
    assert.deepEqual(seen, ['abc', 'def'])
    release.shift()?.()
    assert.equal(await reading, 'whole')
  })

  for (const { kind, sink } of [
    { kind: 'throws', sink: (): void => assert.fail('disk full') },
    { kind: 'rejects', sink: async (): Promise<void> => assert.fail('disk full') },
  ])
    it(`a sink that ${kind} fails this read only; the rest can be dropped`, async () => {
      const { source, body } = bodyOn('5\r\nhello\r\n')
      await assert.rejects(body.read(sink), /disk full/)
      const drained = body.drain(1_000)
      source.input.append(Buffer.from('5\r\nworld\r\n0\r\n\r\n'))
      body.pump()
      assert.equal(await drained, true)
      assert.deepEqual(source.faults, [])
    })

  it('K9: drain gives up beyond its bound', async () => {
    assert.equal(await bodyOn('5\r\nhello\r\n0\r\n\r\n').body.drain(5), true)
    assert.equal(await bodyOn('5\r\nhello\r\n0\r\n\r\n').body.drain(4), false)
  })

  it('drain waits for a read that is going on', async () => {
    const { source, body } = bodyOn('')
    let seen = ''
    const reading = body.read((data) => {
      seen += data.toString()
    })
    const drained = body.drain(0)
    source.input.append(Buffer.from('5\r\nhello\r\n0\r\n\r\n'))
    body.pump()
    assert.equal(await reading, 'whole')
    assert.equal(await drained, true)
    assert.equal(seen, 'hello')
  })

  it('C5: bad chunking goes to the connection and to the reader', async () => {
    const { source, body } = bodyOn('-5\r\nhello\r\n')
    await assert.rejects(
      body.read(() => {}),
      { code: 'ICAP_BAD_CHUNK' },
    )
    assert.equal(source.faults[0]?.code, 'ICAP_BAD_CHUNK')
  })

  it('P9: a preview beyond its bound is refused', async () => {
    await assert.rejects(
      bodyOn(`${(106).toString(16)}\r\n${'x'.repeat(106)}`, 5).body.read(() => {}),
      { code: 'ICAP_BAD_PREVIEW' },
    )
    assert.equal(await bodyOn(`69\r\n${'x'.repeat(105)}\r\n0\r\n\r\n`, 5).body.read(() => {}), 'preview')
  })

  it('C10: a FIN in the middle is incomplete', () => {
    const { source, body } = bodyOn('5\r\nhel')
    source.peerEnded = true
    void body.read(() => {}).catch(() => {})
    assert.equal(source.faults[0]?.code, 'ICAP_INCOMPLETE')
  })

  it('L10: fail ends the read, and every later one', async () => {
    const { body } = bodyOn('')
    const reading = body.read(() => {})
    body.fail(new IcapError('ICAP_CONNECTION_ENDED'))
    await assert.rejects(reading, { code: 'ICAP_CONNECTION_ENDED' })
    await assert.rejects(
      body.read(() => {}),
      { code: 'ICAP_CONNECTION_ENDED' },
    )
  })

  it('takes one read at a time', async () => {
    const { body } = bodyOn('')
    void body.read(() => {}).catch(() => {})
    await assert.rejects(
      body.read(() => {}),
      { code: 'ICAP_REPLY_MISUSE' },
    )
  })
})
