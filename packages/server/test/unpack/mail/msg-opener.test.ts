import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { msgOpener } from '../../../src/unpack/mail/msg-opener.ts'
import { makeOle, type Storage } from '../documents/make-ole.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import { MARKER } from './mails.ts'
import { compressedRtf, wide } from './outlook.ts'

const OLE = { type: 'ole', family: 'document' }
const file = Buffer.from(MARKER, 'latin1')
const table = Buffer.alloc(1024)
const PROPERTIES = '__properties_version1.0'

function attachment(name: string, data: Buffer | Storage): Storage {
  const content = Buffer.isBuffer(data) ? { '__substg1.0_37010102': data } : { '__substg1.0_3701000D': data }
  return {
    [PROPERTIES]: table,
    '__substg1.0_3704001E': Buffer.from('SHORT~1'),
    '__substg1.0_3707001F': wide(name),
    ...content,
  }
}

async function open(bytes: Buffer, run = recordingRun()): Promise<RecordingRun> {
  await msgOpener().open(nodeOf(bytes, OLE), run)
  return run
}

const members = (run: RecordingRun) => run.members.map(({ name, bytes }) => [name, bytes.toString('latin1')])
const NAME_ID: Storage = { '__substg1.0_00020102': Buffer.alloc(16) }
const ATTACH = '__attach_version1.0_#0000000'

describe('an Outlook message', () => {
  const big = Buffer.alloc(100_000, MARKER, 'latin1')
  const message: Storage = {
    [PROPERTIES]: table,
    '__nameid_version1.0': NAME_ID,
    '__substg1.0_0037001F': wide('the subject'),
    '__substg1.0_1000001F': wide('password: s\u00e4cret'),
    '__substg1.0_10090102': compressedRtf('{\\rtf1 rtf text}'),
    '__substg1.0_10130102': Buffer.from('<a href="http://evil.example/">html text</a>'),
    [`${ATTACH}0`]: attachment('a long n\u00e4me.exe', file),
    [`${ATTACH}1`]: attachment('big.bin', big),
  }

  it('gives bodies and attachments with their long names', async () => {
    const run = await open(makeOle(message))
    const byName = new Map(run.members.map(({ name, bytes }) => [name, bytes]))
    assert.deepEqual([...byName.keys()].sort(), [
      'a long n\u00e4me.exe',
      'big.bin',
      'body.html',
      'body.rtf',
      'body.txt',
    ])
    assert.ok(byName.get('a long n\u00e4me.exe')?.equals(file))
    assert.ok(byName.get('big.bin')?.equals(big))
    assert.equal(byName.get('body.rtf')?.toString(), '{\\rtf1 rtf text}')
    assert.deepEqual(run.faults, [])
  })

  it('gives its texts as hints before anything is handed over', async () => {
    const run = recordingRun()
    let hints = -1
    const { member } = run
    run.member = (info) => {
      if (hints < 0) hints = run.hints.length
      return member(info)
    }
    await open(makeOle(message), run)
    assert.equal(hints, run.hints.length)
    for (const text of ['the subject', 'password: s\u00e4cret', 'rtf text', 'html text'])
      assert.ok(
        run.hints.some((hint) => hint.includes(text)),
        text,
      )
    assert.deepEqual(run.urls, ['http://evil.example/'])
  })

  it('gives what messages inside it hold', async () => {
    let inner: Storage = { [PROPERTIES]: table, [`${ATTACH}0`]: attachment('deep.exe', file) }
    for (let depth = 0; depth < 3; depth++)
      inner = { [PROPERTIES]: table, [`${ATTACH}0`]: attachment(`m${depth}`, inner) }
    assert.deepEqual(members(await open(makeOle(inner))), [['m2/m1/m0/deep.exe', MARKER]])
  })

  it('says where messages lie too deep, and gives the stream all the same', async () => {
    let inner: Storage = { [PROPERTIES]: table, [`${ATTACH}0`]: attachment('deep.exe', big) }
    for (let depth = 0; depth < 20; depth++) inner = { [PROPERTIES]: table, [`${ATTACH}0`]: attachment('m', inner) }
    const run = await open(makeOle(inner))
    assert.deepEqual(
      run.faults.map((fault) => fault.reason),
      ['too-deep'],
    )
    assert.ok(run.members.some((one) => one.bytes.equals(big)))
  })

  it('gives the streams of an object, and what no structure names or reaches', async () => {
    const odd = { ...message, [`${ATTACH}2`]: attachment('object', { CONTENTS: big }), Hidden: big }
    const run = await open(makeOle(odd, { orphans: { Lost: big } }))
    const names = run.members.map((one) => one.name)
    assert.ok(
      names.includes('Hidden') &&
        names.some((name) => name.endsWith('Lost')) &&
        names.some((name) => name.endsWith('CONTENTS')),
      String(names),
    )
  })

  it('tells a name that deceives', async () => {
    const run = await open(makeOle({ [PROPERTIES]: table, [`${ATTACH}0`]: attachment('inv\u202efdp.exe', file) }))
    assert.deepEqual(
      run.findings.map((finding) => finding.attack),
      ['T1036.002'],
    )
  })

  const wanted = [
    ['members', makeOle(message), OLE, 'a message'],
    [
      'members',
      makeOle({ A: table, B: table, C: table, D: table, E: { ...message } }),
      OLE,
      'its streams behind others',
    ],
    ['members', makeOle({ A: table }), { ...OLE, fileName: 'a.MSG' }, 'what Outlook would open by its name'],
    [undefined, makeOle({ WordDocument: table }), OLE, 'a document'],
    [undefined, Buffer.from('__substg1.0_', 'utf16le'), { type: 'data' }, 'no compound file'],
  ] as const
  for (const [answer, bytes, facts, because] of wanted) {
    it(`is ${answer ?? 'not'} wanted: ${because}`, () => assert.equal(msgOpener().wants(nodeOf(bytes, facts)), answer))
  }

  it('ends well wherever it is cut, and whatever byte is another', async () => {
    const good = makeOle({
      [PROPERTIES]: table,
      [`${ATTACH}0`]: attachment('m', { [PROPERTIES]: table, [`${ATTACH}0`]: attachment('x', file) }),
    })
    const survives = async (bytes: Buffer) => {
      try {
        await open(bytes)
      } catch (error) {
        assert.ok(error instanceof Unscanned, String(error))
      }
    }
    for (let cut = 0; cut < good.length; cut += 37) await survives(good.subarray(0, cut))
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 30 }), async (changes) => {
        const bytes = Buffer.from(good)
        for (const [at, value] of changes) bytes[at] = value
        await survives(bytes)
      }),
      { numRuns: 300 },
    )
  })
})
