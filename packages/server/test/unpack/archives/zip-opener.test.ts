import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { zipOpener } from '../../../src/unpack/archives/zip-opener.ts'
import { nodeOf } from '../recording-run.ts'
import { faultsOf, membersOf, opened } from './archive-run.ts'
import { makeZip, type ZipShape, type ZipSpec } from './make-zip.ts'

const opener = zipOpener()

const evil: ZipSpec = { name: 'evil.exe', data: 'evil', how: 'deflate' }
const good: ZipSpec = { name: 'good.txt', data: 'good' }
const hidden = Buffer.from('bytes that no header of the archive knows')
const inside = makeZip([evil], { end: false, directory: false })

interface Row {
  readonly because: string
  readonly specs: readonly ZipSpec[]
  readonly shape?: ZipShape
  readonly gives: readonly string[]
  readonly faults?: readonly string[]
  readonly type?: string
}

const rows: readonly Row[] = [
  { because: 'stored and deflated members come out', specs: [good, evil], gives: ['good.txt=good', 'evil.exe=evil'] },
  { because: 'zstd members come out', specs: [{ ...evil, how: 'zstd' }], gives: ['evil.exe=evil'] },
  {
    because: 'an empty file is a file, a folder is none',
    specs: [{ name: 'd/' }, { name: 'empty' }],
    gives: ['empty='],
  },
  {
    because: 'a folder with bytes is a file to some readers',
    specs: [{ name: 'd/', data: 'evil' }],
    gives: ['d/=evil'],
  },
  { because: 'an archive of nothing is whole', specs: [], gives: [] },
  {
    because: 'a member that the directory leaves out is there for readers of local headers',
    specs: [good, { ...evil, noCentral: true }],
    gives: ['good.txt=good', 'evil.exe=evil'],
  },
  {
    because: 'the first one too',
    specs: [{ ...evil, noCentral: true }, good],
    gives: ['good.txt=good', 'evil.exe=evil'],
  },
  ...['', 'x'.repeat(9000)].map(
    (name): Row => ({
      because: `with a name of ${name.length} bytes too`,
      specs: [good, { ...evil, name, noCentral: true }],
      gives: ['good.txt=good', `${name.slice(0, 1024)}=evil`],
    }),
  ),
  {
    because: 'a member without a local header is told',
    specs: [good, { ...evil, noLocal: true }],
    gives: ['good.txt=good'],
    faults: ['malformed evil.exe'],
  },
  {
    because: 'the directory says stored, the local header deflate: both are right for somebody',
    specs: [{ name: 'a', data: 'evil', how: 'deflate', central: { method: 0, size: 6 } }],
    gives: [
      `a=${deflateRawSync('evil').toString('latin1')} (malformed)`,
      `a=${deflateRawSync('evil').toString('latin1').slice(0, 4)} (malformed)`,
      'a=evil',
    ],
  },
  {
    because: 'a stored member is as long as either header says',
    specs: [{ name: 'a', data: 'shortlong', local: { packed: 5, size: 5, crc: 0x85ec3a9b } }],
    gives: ['a=shortlong', 'a=short (malformed)'],
  },
  {
    because: 'a reader that believes the shorter local size finds the next member inside the longer one',
    specs: [
      {
        name: 'a',
        data: 'short',
        raw: Buffer.concat([Buffer.from('short'), inside, hidden]),
        central: { size: 5 + inside.length + hidden.length },
        local: { packed: 5 },
      },
    ],
    gives: [`a=${5 + inside.length + hidden.length} bytes (malformed)`, 'a=short', 'evil.exe=evil'],
  },
  {
    because: 'deflated data end by themselves, whatever both headers say; who believes less takes the beginning',
    specs: [{ ...evil, central: { packed: 2, size: 2 }, local: { packed: 2, size: 2 } }],
    gives: ['evil.exe=evil (malformed)', 'evil.exe=ev'],
  },
  {
    because: 'bytes behind the end of a deflated stream are handed over',
    specs: [{ name: 'a', raw: Buffer.concat([deflateRawSync('evil'), hidden]), how: 'deflate', data: 'evil' }],
    gives: ['a=evil', `(data between)=${hidden}`],
  },
  {
    because: 'names that differ make the member two things',
    specs: [{ ...evil, local: { name: 'note.txt' } }],
    gives: ['evil.exe=evil', 'note.txt=evil'],
  },
  {
    because: 'a wrong checksum is told, and the bytes are scanned',
    specs: [{ ...evil, central: { crc: 1 }, local: { crc: 1 } }],
    gives: ['evil.exe=evil (malformed)'],
  },
  {
    because: 'one right checksum is enough',
    specs: [{ ...evil, local: { crc: 1 } }],
    gives: ['evil.exe=evil'],
  },
  {
    because: 'sizes may stand behind the data',
    specs: [{ ...evil, descriptor: true }, good],
    gives: ['evil.exe=evil', 'good.txt=good'],
  },
  {
    because: 'without their mark',
    specs: [{ ...evil, descriptor: 'unmarked' }, good],
    gives: ['evil.exe=evil', 'good.txt=good'],
  },
  {
    because: 'in 64 bits, with no directory',
    specs: [
      { ...evil, descriptor: 'zip64', noCentral: true },
      { ...good, descriptor: 'zip64', noCentral: true },
    ],
    gives: ['evil.exe=evil', 'good.txt=good'],
  },
  { because: 'Zip64 sizes count', specs: [{ ...evil, zip64: true }], shape: { zip64: true }, gives: ['evil.exe=evil'] },
  {
    because: 'Zip64 behind other bytes, with offsets from the archive’s start',
    specs: [{ ...evil, zip64: true }],
    shape: { zip64: true, before: hidden, offsetsAreOff: -hidden.length },
    gives: ['evil.exe=evil', `(data before)=${hidden}`],
  },
  {
    because: 'bytes before are handed over, offsets counting them',
    specs: [evil],
    shape: { before: hidden },
    gives: ['evil.exe=evil', `(data before)=${hidden}`],
  },
  {
    because: 'bytes before are handed over, offsets not counting them',
    specs: [evil],
    shape: { before: hidden, offsetsAreOff: -hidden.length },
    gives: ['evil.exe=evil', `(data before)=${hidden}`],
  },
  {
    because: 'bytes behind are handed over',
    specs: [evil],
    shape: { after: hidden },
    gives: ['evil.exe=evil', `(data after)=${hidden}`],
  },
  {
    because: 'bytes between members are handed over',
    specs: [{ ...evil, behind: hidden }, good],
    gives: ['evil.exe=evil', 'good.txt=good', `(data between)=${hidden}`],
  },
  {
    because: 'bytes between members and directory too (APK signing block)',
    specs: [evil],
    shape: { beforeDirectory: hidden },
    gives: ['evil.exe=evil', `(data between)=${hidden}`],
  },
  { because: 'padding is nothing', specs: [evil], shape: { after: Buffer.alloc(4096) }, gives: ['evil.exe=evil'] },
  {
    because: 'a comment is handed over',
    specs: [evil],
    shape: { comment: hidden },
    gives: ['evil.exe=evil', `(comment)=${hidden}`],
  },
  {
    because: 'a long comment of an entry is no hiding place',
    specs: [{ ...evil, central: { comment: Buffer.alloc(600, 'x') } }],
    gives: ['evil.exe=evil', '(data between)=600 bytes'],
  },
  {
    because: 'the room that Office keeps in a header is no hiding place, other bytes there are',
    specs: [
      {
        ...good,
        local: { extra: Buffer.concat([Buffer.from('20a21c02', 'hex'), Buffer.from('28a0'), Buffer.alloc(538)]) },
      },
      { ...evil, local: { extra: Buffer.concat([Buffer.from('20a21c02', 'hex'), Buffer.alloc(540, 'x')]) } },
    ],
    gives: ['good.txt=good', 'evil.exe=evil', '(data between)=544 bytes'],
  },
  {
    because: 'two members of one name are two',
    specs: [
      { name: 'a.txt', data: 'one' },
      { name: 'a.txt', data: 'two' },
    ],
    gives: ['a.txt=one', 'a.txt=two'],
  },
  {
    because: 'a hundred entries for one member are one',
    specs: [{ ...evil, copies: 100 }],
    gives: ['evil.exe=evil'],
  },
  ...['../x', '/etc/passwd', 'C:\\x', 'a\0b', '', '.', 'x'.repeat(5000)].map(
    (name): Row => ({
      because: `a name like ${JSON.stringify(name.slice(0, 12))} hides nothing`,
      specs: [{ name, data: 'evil' }],
      gives: [`${name.length > 1024 ? 'x'.repeat(1024) : name}=evil`],
    }),
  ),
  {
    because: 'a name in a code page is shown somehow',
    specs: [{ name: Buffer.from([0x81, 0x82, 0x2e, 0x65]), data: 'evil' }],
    gives: ['\x81\x82.e=evil'],
  },
  { because: 'UTF-8 is read without its flag', specs: [{ name: 'ä.txt', data: 'evil' }], gives: ['ä.txt=evil'] },
  {
    because: 'a Unicode name beside the other is a second name',
    specs: [{ name: 'a.txt', data: 'evil', central: { extra: Buffer.from('\x75\x70\x0a\0\x01crc_b.exe', 'latin1') } }],
    gives: ['a.txt=evil', 'b.exe=evil'],
  },
  {
    because: 'an offset into nowhere does not hide the member',
    specs: [{ ...evil, central: { at: 5000 } }],
    gives: ['evil.exe=evil'],
  },
  {
    because: 'without an end the members are there, and it is told',
    specs: [good, evil],
    shape: { end: false, directory: false },
    gives: ['good.txt=good', 'evil.exe=evil'],
    faults: ['malformed'],
  },
  {
    because: 'a directory without an end too',
    specs: [good, evil],
    shape: { end: false },
    gives: ['good.txt=good', 'evil.exe=evil'],
    faults: ['malformed'],
  },
  {
    because: 'one of several volumes is a part',
    specs: [good],
    shape: { disk: 1 },
    gives: ['good.txt=good'],
    faults: ['partial'],
  },
  {
    because: 'a directory of more entries than it says is told',
    specs: [good, evil],
    shape: { entries: 1 },
    gives: ['good.txt=good', 'evil.exe=evil'],
    faults: ['malformed'],
  },
  {
    because: 'an archive inside a comment is another archive to readers that look from the end',
    specs: [good],
    shape: { comment: makeZip([evil]) },
    gives: ['evil.exe=evil', 'good.txt=good'],
  },
  {
    because: 'an archive behind an archive: the first one is found as well',
    specs: [good],
    shape: { before: makeZip([evil]), offsetsAreOff: -makeZip([evil]).length },
    gives: ['good.txt=good', 'evil.exe=evil'],
  },
  {
    because: 'a stored archive is one member, not its members twice',
    specs: [{ name: 'in.zip', data: makeZip([evil]) as unknown as string }],
    gives: [`in.zip=${makeZip([evil]).length} bytes`],
  },
  {
    because: 'strong encryption is locked',
    specs: [{ ...evil, local: { flags: 0x41 }, central: { flags: 0x41 } }, good],
    gives: ['good.txt=good'],
    faults: ['encrypted evil.exe'],
  },
  {
    because: 'one header says encrypted: the other is right for somebody',
    specs: [{ ...evil, central: { flags: 1 } }],
    gives: ['evil.exe=evil'],
    faults: ['encrypted evil.exe'],
  },
  {
    because: 'a method that nobody here knows is told, for that member only',
    specs: [{ ...evil, central: { method: 12 }, local: { method: 12 } }, good],
    gives: ['good.txt=good'],
    faults: ['engine-down evil.exe'],
  },
  {
    because: 'a CRX 3 header is skipped',
    type: 'crx',
    specs: [good],
    shape: {
      before: Buffer.concat([Buffer.from('Cr24\x03\0\0\0\x20\0\0\0'), Buffer.alloc(32, 7)]),
      offsetsAreOff: -44,
    },
    gives: ['good.txt=good'],
  },
  {
    because: 'a CRX 2 header too',
    type: 'crx',
    specs: [good],
    shape: {
      before: Buffer.concat([Buffer.from('Cr24\x02\0\0\0\x10\0\0\0\x10\0\0\0'), Buffer.alloc(32, 7)]),
      offsetsAreOff: -48,
    },
    gives: ['good.txt=good'],
  },
]

describe('zip', () => {
  for (const { because, specs, shape, gives, faults = [], type = 'zip' } of rows) {
    it(because, async () => {
      const run = await opened(opener, makeZip(specs, shape), { type })
      assert.deepEqual(membersOf(run), gives)
      assert.deepEqual(faultsOf(run), faults)
    })
  }

  const behind = (before: string) => makeZip([evil], { before: Buffer.from(before.padEnd(500, '.')) })
  const wanted = [
    { because: 'its type says so', node: nodeOf(makeZip([evil]), { type: 'ooxml' }), want: 'members' },
    { because: 'an archive stands behind a program', node: nodeOf(behind('MZ'), { type: 'pe' }), want: 'members' },
    { because: 'or behind a picture', node: nodeOf(behind('GIF89a'), { type: 'gif' }), want: 'members' },
    {
      because: 'or behind an archive of another kind, for which it does not stand',
      node: nodeOf(behind('Rar!'), { type: 'rar', packed: true }),
      want: 'looks',
    },
    {
      because: 'with a comment as long as can be',
      node: nodeOf(makeZip([evil], { comment: Buffer.alloc(65_535, 'x'), before: Buffer.from('MZ') }), { type: 'dos' }),
      want: 'members',
    },
    { because: 'a tar hands over what it ends with', node: nodeOf(behind('tar'), { type: 'tar' }), want: undefined },
    {
      because: 'four bytes make no archive',
      node: nodeOf(Buffer.alloc(99, 'PK\x05\x06'), { type: 'data' }),
      want: undefined,
    },
    { because: 'text is none', node: nodeOf(Buffer.from('text'), { type: 'text' }), want: undefined },
  ]
  for (const { because, node, want } of wanted)
    it(`is wanted or not: ${because}`, () => assert.equal(opener.wants(node), want))

  it('gives an archive’s comment as a hint before its members are opened', async () => {
    const run = await opened(opener, makeZip([evil], { comment: Buffer.from('password: 4711') }), { type: 'zip' })
    assert.deepEqual(run.hints, ['password: 4711'])
  })

  it('opens what is not a zip any more as malformed, and not itself again', async () => {
    const run = await opened(opener, Buffer.from(`PK\x03\x04${'garbage'.repeat(20)}`), { type: 'zip' })
    assert.ok(run.members.every(({ bytes }) => bytes.length < 144))
    assert.ok(run.faults.some(({ reason }) => reason === 'malformed'))
  })
})
