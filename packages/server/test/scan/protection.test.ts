import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { protectionOf } from '../../src/scan/protection.ts'
import { typeOfView } from '../../src/scan/true-file-type.ts'
import { ContentView } from '../../src/unpack/content-view.ts'
import { ole, rar4, rar5, sevenZip, zip } from './archives.ts'
import { withSpooled } from './samples.ts'

const item = (name: string, more = {}) => ({ name, data: Buffer.from('some contents'), ...more })
const manifest = (text: string, deflated: boolean) =>
  zip([
    { name: 'mimetype', data: Buffer.from('application/vnd.oasis.opendocument.text') },
    { name: 'META-INF/manifest.xml', data: Buffer.from(text.repeat(20)), deflated },
  ])
const word = (flags: number) =>
  Buffer.from([0xec, 0xa5, 0, 0, 0, 0, 0, 0, 0, 0, flags & 0xff, flags >> 8, ...Array(60).fill(0)])
const excel = (next: number) => Buffer.from([9, 8, 4, 0, 1, 2, 3, 4, next, 0, ...Array(60).fill(0)])
const PDF = '%PDF-1.7\n'

const CASES: readonly (readonly ['encrypted' | 'no', Buffer, string])[] = [
  ['encrypted', zip([item('a', { encrypted: true })]), 'the only member is'],
  ['encrypted', zip([item('a'), item('b', { encrypted: true })]), 'one of two members is'],
  [
    'encrypted',
    zip([item('a'), item('b', { encrypted: true })], 'c'.repeat(60_000)),
    'a long comment hides the directory',
  ],
  [
    'encrypted',
    zip([item('a', { encrypted: true })]).subarray(0, 40),
    'the directory is cut off, the first header is not',
  ],
  ['no', zip([item('a'), item('b', { deflated: true })]), 'no member is'],
  ['no', zip([]), 'an empty ZIP has no member'],
  ['encrypted', manifest('<manifest:encryption-data/>', true), 'the ODF manifest says so, packed'],
  ['encrypted', manifest('<manifest:encryption-data/>', false), 'the ODF manifest says so, stored'],
  ['no', manifest('<manifest:file-entry/>', true), 'the ODF manifest says nothing'],
  ['encrypted', rar4([{ type: 0x73, flags: 0x80 }]), 'RAR 4 headers are'],
  [
    'encrypted',
    rar4([
      { type: 0x73, flags: 0 },
      { type: 0x74, flags: 0, data: 500 },
      { type: 0x74, flags: 4 },
    ]),
    'the second RAR 4 file is',
  ],
  [
    'no',
    rar4([
      { type: 0x73, flags: 0 },
      { type: 0x74, flags: 0, data: 500 },
      { type: 0x7b, flags: 0 },
    ]),
    'no RAR 4 file is',
  ],
  ['encrypted', rar5([{ type: 4 }]), 'RAR 5 begins with an encryption header'],
  [
    'encrypted',
    rar5([{ type: 1 }, { type: 2, data: 100 }, { type: 2, extra: [3, 3, 9, 9, 2, 1, 0] }]),
    'a RAR 5 file has the record',
  ],
  ['no', rar5([{ type: 1 }, { type: 2, data: 100, extra: [3, 3, 9, 9] }, { type: 5 }]), 'no RAR 5 file has the record'],
  ['encrypted', sevenZip([1, 4, 6, 0x24, 6, 0xf1, 7, 1, 0]), 'a 7z coder is AES'],
  ['no', sevenZip([1, 4, 6, 0x23, 3, 1, 1, 0]), 'the 7z coder is LZMA'],
  [
    'encrypted',
    Buffer.from(`${PDF}${'x'.repeat(200_000)}trailer << /Encrypt 5 0 R >>`),
    'the trailer at the end says so',
  ],
  [
    'encrypted',
    Buffer.from(`${PDF}trailer << /Encrypt << /V 4 >> >>${'x'.repeat(200_000)}`),
    'the trailer in front says so',
  ],
  ['no', Buffer.from(`${PDF}<< /EncryptMetadata false >> about /Encryption`), 'only words like it stand there'],
  ['encrypted', ole({ stream: 'EncryptedPackage' }), 'OOXML behind a password is such an OLE file'],
  ['no', ole(), 'an OLE document without any mark'],
  ['encrypted', ole({ first: word(0x0100) }), 'fEncrypted is set'],
  ['no', ole({ first: word(0x0001) }), 'another flag is set'],
  ['encrypted', ole({ first: excel(0x2f) }), 'FILEPASS follows the BOF'],
  ['no', ole({ first: excel(0x42) }), 'another record follows the BOF'],
]

const look = (view: ContentView) => protectionOf(view, typeOfView(view))

describe('password protection', () => {
  for (const [expected, bytes, because] of CASES) {
    it(`is ${expected}: ${because}`, async () => {
      assert.equal(look(new ContentView({ kind: 'memory', bytes })), expected)
      await withSpooled(bytes, ({ content }) => assert.equal(look(new ContentView(content)), expected))
    })
  }
})
