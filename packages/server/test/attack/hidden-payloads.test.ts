import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import type { ScanLine } from '../../src/api/contract.ts'
import { scan } from '../../src/composition/scan-files.ts'
import { needs } from '../e2e/needs.ts'
import { EICAR } from '../e2e/samples.ts'
import { makeZip } from '../unpack/archives/make-zip.ts'

/** Nothing of EICAR can be seen in it without unpacking. */
const PAYLOAD = Buffer.concat([
  Buffer.from('words around it '.repeat(40)),
  EICAR,
  Buffer.from(' more words'.repeat(40)),
])
const ZIP = makeZip([{ name: 'payload.com', data: PAYLOAD, how: 'deflate' }])
const BASE64 = ZIP.toString('base64')
const LINES = (BASE64.match(/.{1,76}/g) ?? []).join('\r\n')

const MAIL = `From: a@example.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="zz"\r\n\r\n--zz\r\nContent-Type: text/plain\r\n\r\nhello\r\n--zz\r\nContent-Type: application/zip; name="p.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n${LINES}\r\n--zz--\r\n`
const ARCHIVE = `MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b1"\n\n--b1\nContent-Location: file:///C:/x.zip\nContent-Transfer-Encoding: base64\nContent-Type: application/x-mso\n\n${LINES}\n--b1--\n`
const PDF_START = '%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'

const PIECES = (BASE64.match(/.{1,24}/g) ?? []).map((piece) => `"${piece}"`).join('+')
const SCRIPT = `var s=${PIECES};var o=new ActiveXObject("WScript.Shell");var t=new ActiveXObject("ADODB.Stream");o.Run(s);\n`
const COMMENT = '// harmless words of a comment\n'
const PAGE = `<html><body><script>${SCRIPT}var a=document.createElement("a");a.href=URL.createObjectURL(new Blob([atob(s)]));a.click()</script></body></html>`
const SHELL = `#!/bin/sh\n${'echo unpacking\n'.repeat(300)}tail -n +302 "$0" | tar xz\nexit 0\n`

type Row = readonly [why: string, file: string, bytes: string | Buffer, needsTool?: true]

/** Each was clean once. */
const ROWS: readonly Row[] = [
  ['a mail whose first field begins like a picture', 'a.eml', `GIF89a: x\r\n${MAIL}`],
  ['a mail whose first field begins like a program', 'a.eml', `MZ: x\r\n${MAIL}`],
  ['a mail whose first field begins like a stream of bzip2', 'a.eml', `BZh9: x\r\n${MAIL}`],
  [
    'a mail behind a line of binary',
    'a.eml',
    Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from(`\r\n${MAIL}`)]),
  ],
  ['a mail behind a byte order mark', 'a.eml', `\ufeff${MAIL}`],
  ['a mail behind blank lines', 'a.eml', `\r\n \r\n${MAIL}`],
  ['a mail in UTF-16', 'a.eml', Buffer.from(`\ufeff${MAIL}`, 'utf16le')],
  ['a web archive behind a PDF', 'a.doc', `${PDF_START}${ARCHIVE}`],
  ['a script that begins like a picture', 'a.js', `GIF89a=1;${SCRIPT}`],
  ['a script with a control character', 'a.js', `/*\x01*/${SCRIPT}`],
  ['a script that begins like JSON', 'a.js', `{"a":1}\n${SCRIPT}`],
  ['a script that names another interpreter', 'a.js', `#!/bin/python\n${SCRIPT}`],
  ['a script in UTF-16', 'a.js', Buffer.from(`\ufeff${SCRIPT}`, 'utf16le')],
  ['a script in the middle of 2 MB', 'a.js', COMMENT.repeat(32_000) + SCRIPT + COMMENT.repeat(32_000)],
  ['a script in the middle of 5 MB', 'a.js', COMMENT.repeat(80_000) + SCRIPT + COMMENT.repeat(80_000)],
  ['a page that begins like a picture', 'a.html', `GIF89a${PAGE}`],
  ['a page that begins like JSON', 'a.html', `{"a":1}${PAGE}`],
  ['a page that begins like a ZIP', 'a.hta', `PK\x03\x04${PAGE}`],
  [
    'a page without the usual words',
    'a.html',
    `<html><body><script>var s="${BASE64}";var b=new File([Uint8Array.from(window["at"+"ob"](s),c=>c.charCodeAt(0))],"x.zip");location=URL["createObject"+"URL"](b)</script></body></html>`,
  ],
  [
    'a page that keeps bytes as numbers',
    'a.html',
    `<html><body><script>var s=new Uint8Array([${ZIP.join(',')}]);location=URL["createObject"+"URL"](x(s))</script></body></html>`,
  ],
  [
    'a page that keeps an archive in a text area',
    'a.html',
    `<html><body><textarea id=t>${BASE64}</textarea><script src="x.js"></script></body></html>`,
  ],
  ['gzip behind a shell script', 'a.run', Buffer.concat([Buffer.from(SHELL), gzipSync(PAYLOAD)])],
  [
    'gzip behind a short script without a name',
    'x',
    Buffer.concat([Buffer.from('#!/bin/sh\ntail -n +3 "$0"|zcat|sh\n'), gzipSync(PAYLOAD)]),
  ],
  [
    'a second gzip member behind padding',
    'a.gz',
    Buffer.concat([gzipSync('first'), Buffer.alloc(5000), gzipSync(PAYLOAD)]),
  ],
  ['a PDF without a header', 'a.pdf', pdf().subarray(9)],
  ['JSON in a string of JSON', 'a.json', JSON.stringify({ a: JSON.stringify({ f: BASE64 }) })],
  ['an attribute of a page', 'a.html', `<html><div data-x="${BASE64}"></div></html>`],
  ['a comment of a page', 'a.html', `<html><!-- ${BASE64} --></html>`],
  ['a text area behind letters', 'a.html', `<html>abc<textarea>${BASE64}</textarea></html>`],
  ['lines of a here-document', 'a.sh', `#!/bin/sh\nbase64 -d <<E > a.zip\n${LINES.replaceAll('\r', '')}\nE\n`],
  [
    'a certificate that certutil decodes',
    'a.bat',
    `@echo off\r\ncertutil -decode "%~f0" a.zip\r\n-----BEGIN CERTIFICATE-----\r\n${LINES}\r\n-----END CERTIFICATE-----\r\n`,
  ],
  [
    'lines that a batch file writes out',
    'a.bat',
    `@echo off\r\n${(BASE64.match(/.{1,60}/g) ?? []).map((line) => `echo ${line}>>a.b64\r\n`).join('')}certutil -decode a.b64 a.zip\r\n`,
  ],
  [
    'a property list',
    'a.plist',
    `<?xml version="1.0"?><plist><data>\n\t${(BASE64.match(/.{1,60}/g) ?? []).join('\n\t')}\n</data></plist>`,
  ],
  ['a script with nothing but the archive', 'a.js', `var s="${BASE64}";`],
  ['a mail behind an opaque signature', 'smime.p7m', signed(Buffer.from(MAIL))],
  ['a mail behind an opaque signature in pieces', 'smime.p7m', signed(Buffer.from(MAIL), 100)],
  ['a name with a dot at its end', 'a.js.', `GIF89a=1;${SCRIPT}`],
  ['a disc that shows Linux more than Windows', 'a.iso', disc(), true],
  ['SZDD, which expand.exe undoes', 'a.ex_', szdd(), true],
  ['packed Flash', 'a.swf', flash(), true],
]

function pdf(): Buffer {
  const data = deflateSync(PAYLOAD)
  const head = `%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n3 0 obj\n<</Filter/FlateDecode/Length ${data.length}>>\nstream\n`
  return Buffer.concat([Buffer.from(head), data, Buffer.from('\nendstream\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n')])
}

/** ContentInfo with SignedData without signers; in indefinite lengths and constructed where it comes in pieces. */
function signed(content: Buffer, piece?: number): Buffer {
  const octets = piece === undefined ? der(0x04, content) : inPieces(content, piece)
  const data = Buffer.from('06092a864886f70d010701', 'hex')
  const inner = der(0x30, Buffer.concat([data, der(0xa0, octets)]))
  const version = Buffer.from('0201013100', 'hex')
  const signedData = der(0x30, Buffer.concat([version, inner, Buffer.from('3100', 'hex')]))
  return der(0x30, Buffer.concat([Buffer.from('06092a864886f70d010702', 'hex'), der(0xa0, signedData)]))
}

function inPieces(content: Buffer, size: number): Buffer {
  const pieces: Buffer[] = [Buffer.from('2480', 'hex')]
  for (let at = 0; at < content.length; at += size) pieces.push(der(0x04, content.subarray(at, at + size)))
  return Buffer.concat([...pieces, Buffer.alloc(2)])
}

function der(tag: number, bytes: Buffer): Buffer {
  const length = Buffer.from([0x82, bytes.length >> 8, bytes.length & 0xff])
  return Buffer.concat([Buffer.from([tag]), length, bytes])
}

/** A primary directory with the payload, and a Joliet one without. */
function disc(): Buffer {
  const sector = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(2048 - bytes.length)])
  const record = (at: number, size: number, flags: number, name: string) => {
    const bytes = Buffer.alloc(33 + name.length + ((33 + name.length) % 2))
    bytes[0] = bytes.length
    bytes.writeUInt32LE(at, 2)
    bytes.writeUInt32BE(at, 6)
    bytes.writeUInt32LE(size, 10)
    bytes.writeUInt32BE(size, 14)
    bytes[25] = flags
    bytes[28] = 1
    bytes[31] = 1
    bytes[32] = name.length
    bytes.write(name, 33, 'latin1')
    return bytes
  }
  const volume = (type: number, root: number, escapes: string) => {
    const bytes = Buffer.alloc(2048)
    bytes[0] = type
    bytes.write('CD001\x01', 1, 'latin1')
    bytes.writeUInt32LE(21, 80)
    bytes.writeUInt32BE(21, 84)
    bytes.write(escapes, 88, 'latin1')
    bytes.writeUInt16LE(2048, 128)
    bytes.writeUInt16BE(2048, 130)
    record(root, 2048, 2, '\0').copy(bytes, 156)
    bytes[881] = 1
    return bytes
  }
  const directory = (at: number, files: readonly Buffer[]) =>
    sector(Buffer.concat([record(at, 2048, 2, '\0'), record(at, 2048, 2, '\x01'), ...files]))
  const end = Buffer.alloc(2048)
  end.write('\xffCD001\x01', 0, 'latin1')
  return Buffer.concat([
    Buffer.alloc(16 * 2048),
    volume(1, 19, ''),
    volume(2, 20, '%/E'),
    end,
    directory(19, [record(21, ZIP.length, 0, 'EVIL.ZIP;1')]),
    directory(20, []),
    sector(ZIP),
  ])
}

/** Every byte a literal. */
function szdd(): Buffer {
  const head = Buffer.from('535a444488f027334100', 'hex')
  const size = Buffer.alloc(4)
  size.writeUInt32LE(PAYLOAD.length)
  const groups: Buffer[] = []
  for (let at = 0; at < PAYLOAD.length; at += 8) groups.push(Buffer.from([0xff]), PAYLOAD.subarray(at, at + 8))
  return Buffer.concat([head, size, ...groups])
}

function flash(): Buffer {
  const head = Buffer.from('CWS\x0a\0\0\0\0', 'latin1')
  head.writeUInt32LE(PAYLOAD.length + 8, 4)
  return Buffer.concat([head, deflateSync(PAYLOAD)])
}

/** More findings of little risk than are kept, and one that decides behind them. */
function flood(): Buffer {
  const low = (at: number) =>
    `eval(String.fromCharCode(${[...`alert(${at})`.padEnd(60)].map((one) => one.charCodeAt(0)).join(',')}));`
  const members = Array.from({ length: 260 }, (_, at) => ({ name: `${at}.js`, data: low(at) }))
  return makeZip([...members, { name: 'last.com', data: PAYLOAD, how: 'deflate' }])
}

let folder = ''
const lines = new Map<string, ScanLine>()

describe('payloads that were clean once', () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'assay-attack-'))
    const files = ROWS.map(([, name, bytes], at) => fileOf(`${at}`, name, bytes))
    files.push(
      fileOf('flood', 'flood.zip', flood()),
      fileOf('harmless', 'note.eml', Buffer.from('\ufeffFrom: here on\r\nall is well', 'utf16le')),
    )
    for await (const { line } of scan({ data: join(folder, 'data'), settingsFile: undefined, files: each(files) }))
      lines.set(basename(join(line.path, '..')), line)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const [at, [why, , , needsTool]] of ROWS.entries())
    it(`finds EICAR in ${why}`, needsTool ? needs('bwrap', 'prlimit') : {}, () => {
      const line = lines.get(`${at}`)
      assert.deepEqual(
        [line?.outcome, line?.risk],
        line?.outcome === 'unscanned' ? ['unscanned', 'high'] : ['detected', 'high'],
      )
    })

  it('keeps a high finding behind hundreds of low ones', () => {
    assert.equal(lines.get('flood')?.risk, 'high')
  })

  it('does not walk a text in UTF-16 again and again', () => {
    assert.deepEqual([lines.get('harmless')?.outcome, lines.get('harmless')?.reasons], ['clean', []])
  })
})

/** Each in a folder of its own, because the name counts. */
function fileOf(own: string, name: string, bytes: string | Buffer): string {
  mkdirSync(join(folder, own))
  const path = join(folder, own, name)
  writeFileSync(path, bytes)
  return path
}

async function* each(files: readonly string[]): AsyncGenerator<string> {
  yield* files
}
