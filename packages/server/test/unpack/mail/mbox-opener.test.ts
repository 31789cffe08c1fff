import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mboxOpener } from '../../../src/unpack/mail/mbox-opener.ts'
import { nodeOf, recordingRun } from '../recording-run.ts'

const FACTS = { type: 'mbox', family: 'document', packed: true }

async function open(text: string) {
  const run = recordingRun()
  await mboxOpener().open(nodeOf(Buffer.from(text), FACTS), run)
  return run
}

describe('a mailbox', () => {
  const first =
    'From a@example.org Mon Jan  1 00:00:00 2024\nSubject: one\n\nFrom me to you, a sentence\nFrom 1999 to 2024\nbye\n'
  const second = 'From b@example.org Tue Jan  2 00:00:00 2024\r\nSubject: two\r\n\r\nhello\r\n'

  it('gives each message, and cuts at no sentence', async () => {
    const { members } = await open(first + second)
    assert.deepEqual(
      members.map((one) => one.bytes.toString()),
      [first.trimEnd(), second],
    )
    assert.deepEqual(
      members.map(({ name, declaredType }) => [name, declaredType]),
      [
        ['message-1', 'message/rfc822'],
        ['message-2', 'message/rfc822'],
      ],
    )
  })

  it('of very many messages is read once', async () => {
    assert.equal((await open(first.repeat(3000))).members.length, 3000)
  })

  it('is what it wants, and nothing else', () => {
    assert.equal(mboxOpener().wants(nodeOf(Buffer.from('x'), FACTS)), 'members')
    assert.equal(mboxOpener().wants(nodeOf(Buffer.from('x'), { type: 'text' })), undefined)
  })
})
