import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { RtfDecoder, rtfText } from '../../../src/unpack/mail/lzfu.ts'
import { tnefOpener } from '../../../src/unpack/mail/tnef-opener.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import { MARKER } from './mails.ts'
import { compressedRtf, properties, type TnefAttribute, tnef, u32, wide } from './outlook.ts'

const TNEF = { type: 'tnef', family: 'archive', packed: true }
const file = Buffer.from(MARKER, 'latin1')
const rendering: TnefAttribute = { id: 0x00069002, data: Buffer.alloc(14) }
const title = (name: string): TnefAttribute => ({ id: 0x00018010, data: Buffer.from(`${name}\0`) })
const data: TnefAttribute = { id: 0x0006800f, data: file }

async function open(bytes: Buffer, run = recordingRun()): Promise<RecordingRun> {
  await tnefOpener().open(nodeOf(bytes, TNEF), run)
  return run
}

const members = (run: RecordingRun) => run.members.map(({ name, bytes }) => [name, bytes.toString('latin1')])

describe('winmail.dat', () => {
  it('gives its attachments with their long names', async () => {
    const long = { id: 0x3707, type: 0x1f, value: wide('a long n\u00e4me.exe\0') }
    const mime = { id: 0x370e, type: 0x1e, value: Buffer.from('Application/PDF\0') }
    const named = { id: 0x8001, type: 0x03, value: u32(1), name: 'odd' }
    const numbers = [0x02, 0x05, 0x14, 0x48].map((type) => ({
      id: 0x7000,
      type,
      value: Buffer.alloc(type === 0x48 ? 16 : type === 0x02 ? 4 : 8),
    }))
    const list: TnefAttribute = { id: 0x00069005, data: properties([named, ...numbers, mime, long]) }
    const run = await open(tnef([rendering, title('ALONGN~1.EXE'), data, list, rendering, title('b.txt'), data]))
    assert.deepEqual(members(run), [
      ['a long n\u00e4me.exe', MARKER],
      ['b.txt', MARKER],
    ])
    assert.equal(run.members[0]?.declaredType, 'application/pdf')
    assert.deepEqual(run.faults, [])
  })

  it('gives a message inside without the mark of its interface', async () => {
    const inner = tnef([rendering, data])
    const object = { id: 0x3701, type: 0x0d, value: Buffer.concat([Buffer.alloc(16, 9), inner]) }
    const run = await open(tnef([rendering, title('inner'), { id: 0x00069005, data: properties([object]) }]))
    assert.deepEqual(members(run), [['inner', inner.toString('latin1')]])
  })

  it('gives bodies, and their texts as hints before anything else', async () => {
    const rtf = "{\\rtf1\\ansi the password is \\b s\\'e4cret\\b0\\par http://evil.example/x }"
    const list = [
      { id: 0x1009, type: 0x102, value: compressedRtf(rtf) },
      { id: 0x0037, type: 0x1e, value: Buffer.from('a subject\0') },
    ]
    const run = await open(
      tnef([
        { level: 1, id: 0x00069003, data: properties(list) },
        { level: 1, id: 0x0002800c, data: Buffer.from('plain body\0') },
      ]),
    )
    assert.deepEqual(members(run), [
      ['body.rtf', rtf],
      ['body', 'plain body\0'],
    ])
    assert.match(run.hints.join('\n'), /a subject\n.*the password is s\u00e4cret.*\n.*plain body/s)
    assert.deepEqual(run.urls, ['http://evil.example/x'])
  })

  it('gives long attributes and properties that nobody knows', async () => {
    const long = Buffer.alloc(300, 'x')
    const list = { id: 0x00069005, data: properties([{ id: 0x6001, type: 0x102, value: long }]) }
    const run = await open(tnef([{ id: 0x00069fff, data: long }, list]))
    assert.deepEqual(
      run.members.map((member) => member.name),
      ['attribute-69fff', 'property-6001'],
    )
  })

  it('that ends inside an attachment gives what is there, and says so', async () => {
    const whole = tnef([rendering, title('a'), data])
    const run = await open(whole.subarray(0, whole.length - 20))
    assert.equal(run.members.length, 1)
    assert.ok(run.faults.length > 0 && run.faults.every((fault) => fault.reason === 'malformed'))
  })

  it('whose property list has an unknown type says so', async () => {
    const run = await open(tnef([{ id: 0x00069005, data: Buffer.concat([u32(2), u32(0x3701_0099)]) }]))
    assert.deepEqual(
      run.faults.map((fault) => fault.reason),
      ['malformed'],
    )
  })

  it('tells a name that deceives', async () => {
    const run = await open(tnef([rendering, title('invoice.pdf.exe'), data]))
    assert.deepEqual(
      run.findings.map((finding) => finding.name),
      ['Attachment.DoubleExtension'],
    )
  })

  it('ends well wherever it is cut, and whatever byte is another', async () => {
    const list = properties([
      { id: 0x3701, type: 0x0d, value: file },
      { id: 0x1009, type: 0x102, value: compressedRtf('{\\rtf1 x}') },
    ])
    const good = tnef([rendering, title('a'), data, { id: 0x00069005, data: list }])
    const survives = async (bytes: Buffer) => {
      try {
        await open(bytes)
      } catch (error) {
        assert.ok(error instanceof Unscanned, String(error))
      }
    }
    for (let cut = 0; cut < good.length; cut++) await survives(good.subarray(0, cut))
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(good)
        for (const [at, value] of changes) bytes[at] = value
        await survives(bytes)
      }),
      { numRuns: 500 },
    )
  })
})

describe('compressed RTF', () => {
  // [MS-OXRTFCP] 4.1: the two examples of the specification.
  const examples = [
    [
      '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0',
      '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n',
      'a simple one',
    ],
    [
      '1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0',
      '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}',
      'a reference that crosses the place of writing',
    ],
  ] as const
  for (const [hex, rtf, because] of examples) {
    it(`is read: ${because}`, () => {
      const bytes = Buffer.from(hex, 'hex')
      for (let cut = 0; cut < bytes.length; cut++) {
        const decoder = new RtfDecoder()
        const pieces = [decoder.push(bytes.subarray(0, cut)), decoder.push(bytes.subarray(cut)), decoder.end()]
        assert.equal(Buffer.concat(pieces).toString('latin1'), rtf, `cut at ${cut}`)
      }
    })
  }

  it('of no known kind stays as it is', () => {
    const decoder = new RtfDecoder()
    assert.equal(
      Buffer.concat([decoder.push(Buffer.from('{\\rtf1 plain, not compressed}')), decoder.end()]).toString(),
      '{\\rtf1 plain, not compressed}',
    )
  })

  it('is told as people read it', () => assert.equal(rtfText('{\\rtf1\\b a\\b0  \\{b\\}\\par c}').trim(), 'a {b} c'))
})
