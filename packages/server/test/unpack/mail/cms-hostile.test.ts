import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { cmsOpener } from '../../../src/unpack/mail/cms-opener.ts'
import { nodeOf, recordingRun } from '../recording-run.ts'

/** Tag, length of two bytes, contents. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const inside = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, 0x82, inside.length >> 8, inside.length & 0xff]), inside])
}

const MAIL = Buffer.from('Subject: wrapped\r\n\r\nhello')
const DATA = Buffer.from('06092a864886f70d010701', 'hex')
const SIGNED = Buffer.from('06092a864886f70d010702', 'hex')
const CMS = der(0x30, SIGNED, der(0xa0, der(0x30, der(0x30, DATA, der(0xa0, der(0x24, der(0x04, MAIL)))))))

async function opened(bytes: Buffer): Promise<readonly Buffer[]> {
  const run = recordingRun()
  try {
    await cmsOpener().open(nodeOf(bytes, { type: 'data' }), run)
  } catch (error) {
    if (!(error instanceof Unscanned)) throw error
  }
  return run.members.map((member) => member.bytes)
}

describe('hostile CMS', () => {
  it('is opened where it is whole', async () => {
    assert.deepEqual(await opened(CMS), [MAIL])
  })

  it('may end anywhere', async () => {
    for (let end = 0; end < CMS.length; end++) await opened(CMS.subarray(0, end))
  })

  it('may say any length', async () => {
    for (let at = 0; at < CMS.length; at++)
      for (const value of [0x00, 0x80, 0x81, 0x86, 0x87, 0xff]) {
        const changed = Buffer.from(CMS)
        changed[at] = value
        await opened(changed)
      }
  })
})
