import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { pdfOpener } from '../../../src/unpack/documents/pdf.ts'
import { nodeOf, type RecordingOptions, recordingRun } from '../recording-run.ts'
import { flated, objectOf, objectStream, type PdfPart, PLAIN_PARTS, pdfOf } from './pdf-samples.ts'

const SCRIPT = 'var marker = "harmless"; app.launchURL(marker);'
const PROGRAM = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200, 1)])

async function opened(bytes: Buffer, options: RecordingOptions = {}) {
  const run = recordingRun(options)
  await pdfOpener().open(nodeOf(bytes, { type: 'pdf' }), run)
  return run
}

function withCatalog(catalog: string, ...more: PdfPart[]): Buffer {
  return pdfOf([{ num: 1, body: `<< /Type /Catalog /Pages 2 0 R ${catalog} >>` }, ...PLAIN_PARTS.slice(1), ...more])
}

const named = (run: { findings: readonly { name: string; risk: string }[] }) =>
  run.findings.map(({ name, risk }) => `${name} ${risk}`).sort()

/** Property runs: only Unscanned or an end. */
async function isCalm(bytes: Buffer): Promise<void> {
  try {
    await opened(bytes, { passwords: ['a'] })
  } catch (error) {
    if (!(error instanceof Unscanned)) throw error
  }
}

describe('what a PDF does', () => {
  const auto = '/OpenAction << /S /JavaScript /JS (app.x\\(1\\)) >>'
  const cases: readonly { bytes: Buffer; findings: string[]; because: string }[] = [
    { bytes: pdfOf(PLAIN_PARTS), findings: [], because: 'text, a link, a picture and metadata do nothing' },
    { bytes: withCatalog(auto), findings: ['Pdf.AutoScript medium'], because: 'a script runs at opening' },
    {
      bytes: withCatalog('/OpenAction 20 0 R', { num: 20, body: '<< /S /JavaScript /JS 21 0 R >>' }, flated(21, SCRIPT)),
      findings: ['Pdf.AutoScript medium'],
      because: 'the script is a packed stream behind two references',
    },
    {
      bytes: withCatalog('/Names << /JavaScript << /Names [(a) 20 0 R] >> >>', { num: 20, body: `<< /S /JavaScript /JS (x${SCRIPT.length}) >>` }),
      findings: ['Pdf.AutoScript medium'],
      because: 'scripts in the names run at opening',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /AA << /F << /S /JavaScript /JS (AFNumber_Format\\(2\\);) >> >> >>' }),
      findings: [],
      because: 'a form formats a number',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /A << /S /JavaScript /JS (custom\\(\\)) >> >>' }),
      findings: ['Pdf.Script low'],
      because: 'a script behind a button is told, no more',
    },
    {
      bytes: withCatalog('/OpenAction << /S /Launch /Win << /F (cmd.exe) /P (/c calc) >> >>'),
      findings: ['Pdf.Launch high'],
      because: 'it starts a program',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /S /Launch /F (chapter2.pdf) >>' }),
      findings: ['Pdf.Launch low'],
      because: 'old writers link the next chapter so',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /S /GoToR /F (\\\\\\\\198.51.100.1\\\\share\\\\x.pdf) >>' }),
      findings: ['Pdf.RemoteShare medium'],
      because: 'a share on another machine takes the password hash',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /S /URI /URI (file:///usr/share/doc/x.html) >>' }),
      findings: [],
      because: 'a link to a local file leaves the machine alone',
    },
    {
      bytes: withCatalog('/Open#41ction << /S /J#61vaScript /#4a#53 (x\\(\\)) >>'),
      findings: ['Pdf.AutoScript medium', 'Pdf.HiddenNames medium'],
      because: 'escapes in names hide what it does',
    },
    {
      bytes: withCatalog(auto.replace('app.x\\(1\\)', 'util.printf\\("%45000f", 1\\)')),
      findings: ['Pdf.AutoScript medium', 'Pdf.ExploitScript high'],
      because: 'that width is CVE-2008-2992',
    },
    {
      bytes: withCatalog(auto.replace('app.x\\(1\\)', 'eval\\(unescape\\("%61"\\)\\)')),
      findings: ['Pdf.AutoScript medium', 'Pdf.ObfuscatedScript high'],
      because: 'it unpacks and runs hidden code by itself',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /Type /Filespec /F (invoice.exe) /EF << /F 21 0 R >> >>' }, flated(21, PROGRAM, '/Type /EmbeddedFile')),
      findings: ['Pdf.EmbeddedProgram high'],
      because: 'it carries a program',
    },
    {
      bytes: withCatalog('', objectStream(20, [[21, '<< /S /JavaScript /JS (custom\\(\\)) >>']])),
      findings: ['Pdf.PackedScript low', 'Pdf.Script low'],
      because: 'an object stream hides it from a plain search',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /Subtype /RichMedia /X << /Subtype /Flash >> >>' }),
      findings: ['Pdf.Flash medium'],
      because: 'Flash content',
    },
    {
      bytes: withCatalog('', { num: 20, body: '<< /XFA [(a) 21 0 R (b) 22 0 R] >>' }, flated(21, '<xdp><script>'), flated(22, 'x</script></xdp>')),
      findings: ['Pdf.FormScript low'],
      because: 'an XFA form with scripts is common',
    },
  ] // biome-ignore format: a table
  for (const { bytes, findings, because } of cases) {
    it(`gives [${findings}] because ${because}`, async () => assert.deepEqual(named(await opened(bytes)), findings))
  }
})

describe('what a PDF holds', () => {
  it('hands over scripts, attachments under their names, forms and the other streams', async () => {
    const run = await opened(
      withCatalog(
        '/OpenAction 20 0 R',
        { num: 20, body: '<< /S /JavaScript /JS 21 0 R >>' },
        flated(21, SCRIPT),
        { num: 22, body: '<< /Type /Filespec /UF (\xfe\xff\0b\0.\0z\0i\0p) /EF << /F 23 0 R >> >>' },
        flated(23, 'attached', '/Type /EmbeddedFile'),
      ),
    )
    const members = new Map(run.members.map(({ name, bytes }) => [name, bytes.toString('latin1')]))
    assert.equal(members.get('javascript/obj21-1.js'), SCRIPT)
    assert.equal(members.get('b.zip'), 'attached')
    assert.match(members.get('streams') ?? '', /hello page[\s\S]*xmpmeta/)
    assert.deepEqual(run.urls, ['https://example.org/a'])
    assert.deepEqual(run.faults, [])
  })

  const hex = Buffer.from(`${Buffer.from(SCRIPT).toString('hex')}>`)
  const filters: readonly { filter: string; stream: Buffer; because: string }[] = [
    { filter: '/FlateDecode', stream: deflateSync(SCRIPT), because: 'deflate' },
    { filter: '/Fl', stream: deflateSync(SCRIPT), because: 'its short name' },
    { filter: '[/ASCIIHexDecode /FlateDecode]', stream: Buffer.from(`${deflateSync(SCRIPT).toString('hex')}>`), because: 'a chain' },
    { filter: '/ASCIIHexDecode', stream: hex, because: 'hexadecimal' },
    { filter: '/#41SCIIHexDecode', stream: hex, because: 'a name with escapes' },
    { filter: '/RunLengthDecode', stream: Buffer.concat([Buffer.from([SCRIPT.length - 1]), Buffer.from(SCRIPT), Buffer.from([128])]), because: 'run lengths' },
    { filter: '/ASCII85Decode', stream: ascii85(Buffer.from(SCRIPT)), because: 'base 85' },
    { filter: '/LZWDecode', stream: lzwLiterals(Buffer.from(SCRIPT)), because: 'LZW' },
    { filter: '/FlateDecode /DecodeParms << /Predictor 12 /Columns 47 >>', stream: deflateSync(Buffer.concat([Buffer.from([2]), Buffer.from(SCRIPT)])), because: 'a PNG predictor' },
    { filter: '/FlateDecode', stream: deflateSync(SCRIPT).subarray(0, -5), because: 'a stream without its end' },
  ] // biome-ignore format: a table
  for (const { filter, stream, because } of filters) {
    it(`undoes ${because}`, async () => {
      const parts = [
        { num: 20, body: '<< /S /JavaScript /JS 21 0 R >>' },
        { num: 21, body: `/Filter ${filter}`, stream },
      ]
      const run = await opened(withCatalog('', ...parts))
      const script = run.members.find(({ name }) => name.startsWith('javascript/'))?.bytes.toString()
      assert.ok(script?.startsWith(SCRIPT.slice(0, 40)), script)
    })
  }

  const action = '<< /S /JavaScript /JS (find\\(me\\)) >>'
  const places: readonly { bytes: Buffer; because: string }[] = [
    { bytes: Buffer.concat([Buffer.from('junk\n'), withCatalog('', { num: 20, body: action })]), because: 'the header is not at byte 0' },
    { bytes: Buffer.concat([pdfOf([...PLAIN_PARTS, { num: 9, body: action }]), objectOf({ num: 9, body: 'null' })]), because: 'an update put null in its place' },
    { bytes: Buffer.concat([pdfOf(PLAIN_PARTS), Buffer.from(`9 0 obj ${action}`)]), because: 'the file ends before endobj' },
    { bytes: pdfOf([...PLAIN_PARTS, { num: 9, body: `[[[${action}]]]` }]), because: 'it lies in arrays' },
    { bytes: pdfOf([...PLAIN_PARTS, { num: 9, body: action.replace('find\\(me', 'q = "1 0 obj"; find\\(me') }]), because: 'its text looks like an object' },
    { bytes: withComment(action), because: 'only the table tells of it, a comment stands in its head' },
    { bytes: pdfOf([...PLAIN_PARTS, { num: 9, body: `<< /Pad (${'x'.repeat(9000)}) /A ${action} >>` }]), because: 'it stands far inside an object' },
    { bytes: pdfOf([...PLAIN_PARTS, { num: 9, body: action.replace('(find\\(me\\))', '<66696e64286d6529>') }]), because: 'it is written in hexadecimal' },
    { bytes: pdfOf([...PLAIN_PARTS, { num: 9, body: '<< /JS (harmless) /JS (find\\(me\\)) /JS (last) >>' }]), because: 'the key comes more than once' },
    { bytes: pdfOf([...PLAIN_PARTS, { num: 9, body: '<< /JS 10 0 R >>' }, { num: 10, body: '/Subtype /Image /Length 3', stream: Buffer.from('find(me)') }]), because: 'its stream says it is a picture and lies of its length' },
  ] // biome-ignore format: a table
  for (const { bytes, because } of places) {
    it(`finds a script though ${because}`, async () => {
      const run = await opened(bytes)
      assert.ok(
        run.members.some(({ name, bytes: text }) => name.startsWith('javascript/') && text.includes('find(me)')),
      )
    })
  }

  it('finds what lies across the windows of its search', async () => {
    for (const pad of [1_048_500, 1_048_520, 1_048_540, 1_048_560, 1_048_576]) {
      const run = await opened(
        pdfOf([{ num: 5, body: `(${'x'.repeat(pad - 100)})` }, { num: 9, body: action }, flated(10, 'seen')]),
      )
      assert.equal(run.members.length, 2, `pad ${pad}`)
    }
  })

  it('calls a stream that is a program one, whatever its dictionary says', async () => {
    const run = await opened(withCatalog('', flated(20, PROGRAM, '/Type /Font')))
    assert.deepEqual(named(run), ['Pdf.EmbeddedProgram high'])
    assert.ok(run.members.some(({ bytes }) => bytes.equals(PROGRAM)))
  })

  it('tells of a stream that is damaged, and scans what came', async () => {
    const packed = deflateSync(noise(90_000))
    packed.fill(0xff, packed.length >> 1)
    const run = await opened(withCatalog('', { num: 20, body: '/Filter /FlateDecode', stream: packed }))
    assert.equal(run.faults[0]?.reason, 'malformed')
    assert.ok((run.members.find(({ name }) => name === 'streams')?.bytes.length ?? 0) > 1000)
  })

  it('stops at a bomb', async () => {
    const bomb = withCatalog('', flated(20, Buffer.alloc(4_000_000)))
    await assert.rejects(opened(bomb, { maxBytes: 1_000_000 }), { name: 'Unscanned', reason: 'bomb' })
    const many = withCatalog('', { num: 20, body: `/Filter [${'/FlateDecode '.repeat(40)}]`, stream: deflateSync('x') })
    await assert.rejects(opened(many), { reason: 'bomb' })
  })

  it('is malformed without an object, and looks into a polyglot only', async () => {
    await assert.rejects(opened(Buffer.from('%PDF-1.4 nothing')), { reason: 'malformed' })
    const opener = pdfOpener()
    assert.equal(opener.wants(nodeOf(Buffer.from('GIF89a %PDF-1.4'), { type: 'gif' })), 'looks')
    assert.equal(opener.wants(nodeOf(Buffer.from('about %PDF- files'), { type: 'text' })), undefined)
  })
})

describe('hostile PDFs', () => {
  it('ends at once on deep nesting, circles and objects that never end', async () => {
    await isCalm(pdfOf([{ num: 1, body: '['.repeat(300_000) }]))
    await isCalm(pdfOf([{ num: 1, body: '<</A'.repeat(200_000) }]))
    await isCalm(Buffer.from(`%PDF-1.4\n${'1 0 obj << /A '.repeat(20_000)}`))
    await isCalm(Buffer.from(`%PDF-1.4\n${'1 0 obj (x '.repeat(20_000)}`))
    await isCalm(
      pdfOf([
        { num: 1, body: '<< /JS 2 0 R >>' },
        { num: 2, body: '3 0 R' },
        { num: 3, body: '2 0 R' },
      ]),
    )
    await isCalm(pdfOf([{ num: 1, body: '<< /OpenAction 1 0 R /Next 1 0 R /Kids [1 0 R 1 0 R] >>' }]))
    const nested = `${'<< '.repeat(5)}/A (`
    const objects = Array.from({ length: 3000 }, (_, i) => [i + 10, nested] as const)
    await isCalm(pdfOf([objectStream(2, objects)]))
  })

  const good = withCatalog(
    '/OpenAction 20 0 R',
    { num: 20, body: '<< /S /JavaScript /JS 21 0 R >>' },
    flated(21, SCRIPT),
    objectStream(22, [[23, '<< /S /URI /URI (http://a.example/) >>']]),
    { num: 24, body: '<< /F (b.bin) /EF << /F 25 0 R >> >>' },
    { num: 25, body: '/Filter [/ASCII85Decode /LZWDecode]', stream: ascii85(lzwLiterals(Buffer.from('abc'))) },
  )

  it('takes every truncation', async () => {
    for (let length = 0; length < good.length; length += 3) await isCalm(good.subarray(0, length))
  })

  it('takes flipped bits and random tails', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 20 }), fc.uint8Array({ maxLength: 64 }), async (flips, tail) => {
        const bytes = Buffer.concat([good, tail])
        for (const [at, value] of flips) bytes[at] = value
        await isCalm(bytes)
      }),
      { numRuns: 400 },
    ) // biome-ignore format: one property
  })
})

function withComment(action: string): Buffer {
  const bytes = pdfOf([...PLAIN_PARTS, { num: 9, body: action }])
  const text = bytes.toString('latin1').replace('9 0 obj\n', '9 0%c\nobj')
  // One byte more stands behind the offset that the table has for it, which still holds.
  return Buffer.from(text, 'latin1')
}

function ascii85(bytes: Buffer): Buffer {
  let text = ''
  for (let at = 0; at < bytes.length; at += 4) {
    const group = Buffer.alloc(4)
    const count = bytes.copy(group, 0, at)
    let value = group.readUInt32BE(0)
    const digits: string[] = []
    for (let i = 0; i < 5; i++, value = Math.floor(value / 85)) digits.unshift(String.fromCharCode((value % 85) + 33))
    text += digits.slice(0, count + 1).join('')
  }
  return Buffer.from(`${text}~>`)
}

/** Codes of 9 bits: clear, then literals, with a clear before the width would grow. */
function lzwLiterals(bytes: Buffer): Buffer {
  const codes: number[] = []
  for (let at = 0; at < bytes.length; at += 200) codes.push(256, ...bytes.subarray(at, at + 200))
  codes.push(257)
  const bits = codes.map((code) => code.toString(2).padStart(9, '0')).join('')
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0')
  return Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [])
}

/** Bytes that do not pack, the same each time. */
function noise(length: number): Buffer {
  let state = 1
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 24
    }),
  )
}
