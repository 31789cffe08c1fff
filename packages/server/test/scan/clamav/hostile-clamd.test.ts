import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createClamavEngine } from '../../../src/scan/scanners/clamav/clamav-engine.ts'
import { outcome, sampleOf } from './clamd.ts'
import { hostileClamd } from './hostile-clamd.ts'

const LARGE = Buffer.alloc(8 * 1_048_576)

async function ask(reply: (socket: Socket) => void, body: Buffer | string = 'x', commands?: string): Promise<string> {
  const clamd = await hostileClamd(reply, commands)
  const engine = createClamavEngine({ endpoints: [clamd.address], answerMs: 300 })
  try {
    return await outcome(engine, sampleOf(body), 1_500)
  } finally {
    await engine.close()
    await clamd.close()
  }
}

const ROWS: readonly (readonly [reply: (socket: Socket) => void, expected: string, because: string])[] = [
  [(s) => s.write('1: stream: OK\0'), 'clean', 'it answers as clamd does'],
  [(s) => s.write('1: str') && setImmediate(() => s.write('eam: OK\0')), 'clean', 'the answer comes in pieces'],
  [(s) => s.write('1: stream: A.B FOUND\x001: stream: C.D FOUND\0'), 'A.B high', 'it tells all matches'],
  [(s) => s.write('1: stream: A.B(d41d8cd98f00b204e9800998ecf8427e:68) FOUND\0'), 'A.B high', 'it adds hash and size'],
  [(s) => s.write(`1: stream: ${'A'.repeat(3000)} FOUND\0`), `${'A'.repeat(200)} high`, 'the name has no end'],
  [(s) => s.write('1: stream: A\r\nX-Evil: 1 FOUND\0'), 'A??X-Evil: 1 high', 'the name is a header of its own'],
  [(s) => s.write('7: stream: OK\0'), 'unscanned engine-down', 'the id was never given'],
  [(s) => s.write('0: stream: OK\0'), 'unscanned engine-down', 'ids count from 1'],
  [(s) => s.write('stream: OK\0'), 'unscanned engine-down', 'the answer has no id'],
  [(s) => s.write('1: stream: OK \0'), 'unscanned engine-down', 'that is not OK'],
  [(s) => s.write('1: OK\0'), 'unscanned engine-down', 'nor is this'],
  [(s) => s.write('1: stream: not FOUND OK\0'), 'unscanned engine-down', 'nor is this, though it ends so'],
  [(s) => s.write('1: stream:  FOUND\0'), 'unscanned engine-down', 'the name is missing'],
  [(s) => s.write('1: \0'), 'unscanned engine-down', 'the answer is empty'],
  [
    (s) => s.write("1: stream: Can't open file or directory ERROR\0"),
    'unscanned engine-down',
    'it cannot read its own file',
  ],
  [(s) => s.write('1: stream: Time limit reached ERROR\0'), 'unscanned timeout', 'its own time is over'],
  [(s) => s.write('1: INSTREAM size limit exceeded. ERROR\0'), 'unscanned too-large', 'it refuses the size'],
  [(s) => s.write(Buffer.alloc(100_000, 'a')), 'unscanned engine-down', 'the answer has no end'],
  [(s) => s.write(Buffer.alloc(5000, 0)), 'unscanned engine-down', 'it is nothing but NULs'],
  [(s) => s.write('HTTP/1.1 200 OK\r\n\r\n'), 'unscanned timeout', 'it never ends its answer'],
  [(s) => s.end('1: stream: OK'), 'unscanned engine-down', 'the answer is cut off'],
  [(s) => s.end(), 'unscanned engine-down', 'it hangs up'],
  [(s) => s.resetAndDestroy(), 'unscanned engine-down', 'it resets the connection'],
  [() => {}, 'unscanned timeout', 'it says nothing'],
]

describe('What no clamd says', () => {
  for (const [reply, expected, because] of ROWS)
    it(`is ${expected.slice(0, 30)} when ${because}`, async () => assert.equal(await ask(reply), expected))

  it('is no answer before the body is at its end', async () => {
    assert.equal(await ask((socket) => socket.pause().write('1: stream: OK\0'), LARGE), 'unscanned engine-down')
  })

  it('but a refusal may come in the middle of the body', async () => {
    const refusal = '1: INSTREAM size limit exceeded. ERROR\0'
    assert.equal(await ask((socket) => socket.pause().write(refusal), LARGE), 'unscanned too-large')
  })

  it('is not served where it lacks a command', async () => {
    const old = 'ClamAV 0.95| COMMANDS: PING INSTREAM\0'
    assert.equal(await ask((socket) => socket.write('1: stream: OK\0'), 'x', old), 'unscanned engine-down')
    assert.equal(await ask((socket) => socket.write('1: stream: OK\0'), 'x', 'SSH-2.0-x\0'), 'unscanned engine-down')
  })

  it('is never clean and never an exception, whatever the bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).filter((b) => !Buffer.from(b).includes('1: stream: OK\0'))
    await fc.assert(
      fc.asyncProperty(bytes, async (answer) => {
        assert.match(await ask((socket) => socket.end(answer)), /^unscanned/)
      }),
      { numRuns: 60 },
    )
  })
})
