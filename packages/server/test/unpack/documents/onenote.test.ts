import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { onenoteOpener } from '../../../src/unpack/documents/onenote.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import { makeOneNote } from './make-onenote.ts'

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

async function open(bytes: Buffer): Promise<RecordingRun> {
  const run = recordingRun()
  await onenoteOpener().open(nodeOf(bytes, { type: 'onenote' }), run)
  return run
}

describe('OneNote sections', () => {
  it('hand over every file by its name, pictures without one', async () => {
    const large = Buffer.alloc(2_500_000, 'large ')
    const run = await open(
      makeOneNote([
        { bytes: PNG },
        { name: 'notes.txt', bytes: Buffer.from('hello') },
        { name: 'Отчёт 1.docx', bytes: large },
      ]),
    )
    assert.deepEqual(
      run.members.map((member) => [member.name, member.bytes.length]),
      [
        ['picture-1', PNG.length],
        ['notes.txt', 5],
        ['Отчёт 1.docx', large.length],
      ],
    )
    assert.ok(run.members[2]?.bytes.equals(large))
    assert.deepEqual([run.findings, run.faults], [[], []])
  })

  for (const [name, content] of [
    ['invoice.hta', 'x'],
    ['open me.cmd', 'x'],
    ['letter.txt', 'MZ program'],
    ['letter.txt', '<script>new ActiveXObject("x")</script>'],
  ] as const) {
    it(`call ${name} with ${content.slice(0, 8)} high`, async () => {
      const run = await open(makeOneNote([{ bytes: PNG }, { name, bytes: Buffer.from(content) }]))
      assert.deepEqual(
        run.findings.map((finding) => [finding.name, finding.risk, finding.attack]),
        [['Document.EmbeddedProgram', 'high', 'T1566.001']],
      )
    })
  }

  it('call a file that is cut short damaged', async () => {
    const bytes = makeOneNote([{ name: 'a.txt', bytes: Buffer.alloc(500, 'a') }])
    const run = await open(bytes.subarray(0, bytes.length - 300))
    assert.equal(run.members[0]?.damage?.reason, 'malformed')
  })

  it('take any bytes', async () => {
    const good = makeOneNote([{ name: 'a.exe', bytes: Buffer.from('MZ') }, { bytes: PNG }])
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 10 })
    const property = fc.asyncProperty(flips, fc.nat(good.length), async (edits, length) => {
      const bytes = Buffer.from(good.subarray(0, length))
      for (const [at, value] of edits) if (at < length) bytes[at] = value
      await open(bytes).catch((error) => assert.ok(error instanceof Unscanned, String(error)))
    })
    await fc.assert(property, { numRuns: 300 })
  })
})
