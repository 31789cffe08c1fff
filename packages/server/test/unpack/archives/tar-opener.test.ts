import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { tarOpener } from '../../../src/unpack/archives/tar-opener.ts'
import { needs } from '../../e2e/needs.ts'
import { nodeOf } from '../recording-run.ts'
import { faultsOf, isSilent, madeBy, membersOf, opened } from './archive-run.ts'
import { makeTar, paxRecord, type TarSpec } from './make-tar.ts'

const opener = tarOpener()
const open = (bytes: Buffer) => opened(opener, bytes, { type: 'tar' })

const evil: TarSpec = { name: 'evil.sh', data: 'evil' }
const good: TarSpec = { name: 'good.txt', data: 'good' }
const hidden = Buffer.alloc(512, 'no header is this ')
const longName = `${'d/'.repeat(150)}evil.sh`

interface Row {
  readonly because: string
  readonly bytes: Buffer
  readonly gives: readonly string[]
  readonly faults?: readonly string[]
}

const rows: readonly Row[] = [
  { because: 'files come out', bytes: makeTar([good, evil]), gives: ['good.txt=good', 'evil.sh=evil'] },
  { because: 'an empty file is one', bytes: makeTar([{ name: 'empty' }]), gives: ['empty='] },
  {
    because: 'folders, links and devices are no files',
    bytes: makeTar([
      { name: 'd/', type: '5' },
      { name: 'l', type: '2' },
      { name: 'h', type: '1' },
      { name: 'c', type: '3' },
      good,
    ]),
    gives: ['good.txt=good'],
  },
  {
    because: 'the format before ustar has no mark',
    bytes: makeTar([{ ...evil, mark: '' }]),
    gives: ['evil.sh=evil'],
  },
  {
    because: 'a type that nobody knows is a file',
    bytes: makeTar([{ ...evil, type: 'Z' }]),
    gives: ['evil.sh=evil'],
  },
  {
    because: 'ustar splits long names',
    bytes: makeTar([{ ...evil, prefix: 'some/folder' }]),
    gives: ['some/folder/evil.sh=evil'],
  },
  {
    because: 'GNU writes long names in front',
    bytes: makeTar([
      { name: '././@LongLink', type: 'L', data: `${longName}\0`, mark: 'ustar  \0' },
      { ...evil, mark: 'ustar  \0' },
    ]),
    gives: [`${longName}=evil`],
  },
  {
    because: 'pax writes names and sizes in front',
    bytes: makeTar([{ name: 'pax', type: 'x', data: paxRecord('path', longName) + paxRecord('size', '4') }, evil]),
    gives: [`${longName}=evil`],
  },
  {
    because: 'sizes may be of base 256',
    bytes: makeTar([{ ...evil, base256: true }]),
    gives: ['evil.sh=evil'],
  },
  {
    because: 'a tar behind a tar is read',
    bytes: Buffer.concat([makeTar([good]), makeTar([evil])]),
    gives: ['good.txt=good', 'evil.sh=evil'],
  },
  {
    because: 'bytes behind the end are handed over',
    bytes: Buffer.concat([makeTar([good]), hidden]),
    gives: ['good.txt=good', '(data after)=512 bytes'],
  },
  {
    because: 'zeros behind the end are nothing',
    bytes: Buffer.concat([makeTar([good]), Buffer.alloc(10_240)]),
    gives: ['good.txt=good'],
  },
  {
    because: 'bytes that are no header are handed over, and what follows is found',
    bytes: Buffer.concat([makeTar([good], { end: false }), hidden, makeTar([evil])]),
    gives: ['good.txt=good', 'evil.sh=evil', '(data between)=512 bytes'],
  },
  {
    because: 'a wrong checksum stops some readers and not others',
    bytes: makeTar([{ ...evil, wrongSum: true }, good]),
    gives: ['evil.sh=evil', 'good.txt=good'],
    faults: ['malformed evil.sh'],
  },
  {
    because: 'a strict reader finds a header inside the data of one with a wrong checksum',
    bytes: makeTar([{ name: 'a', data: makeTar([evil], { end: false }), wrongSum: true }, good]),
    gives: ['a=1024 bytes', 'good.txt=good', 'evil.sh=evil'],
    faults: ['malformed a'],
  },
  {
    because: 'readers with and without pax lose each other by the size: what each finds is found',
    bytes: makeTar([
      { name: 'pax', type: 'x', data: paxRecord('size', '1024') },
      { name: 'a', data: makeTar([evil], { end: false }), size: 0 },
      good,
    ]),
    gives: ['a=1024 bytes', 'good.txt=good', 'evil.sh=evil'],
  },
  {
    because: 'a link with a size hides nothing',
    bytes: makeTar([{ name: 'link', type: '1', data: makeTar([evil], { end: false }) }, good]),
    gives: ['link=1024 bytes', 'evil.sh=evil', 'good.txt=good'],
  },
  {
    because: 'a file cut short is scanned as far as it goes',
    bytes: makeTar([{ name: 'a', data: 'x'.repeat(50), size: 5000 }], { end: false }),
    gives: ['a=512 bytes (malformed)'],
  },
  {
    because: 'holes are filled with zeros (GNU)',
    bytes: makeTar([
      {
        name: 's',
        type: 'S',
        data: 'evil',
        mark: 'ustar  \0',
        sparse: {
          pieces: [
            [4, 2],
            [8, 2],
          ],
          size: 12,
        },
      },
    ]),
    gives: ['s=\0\0\0\0ev\0\0il\0\0'],
  },
  {
    because: 'holes of a terabyte are left out and told',
    bytes: makeTar([
      { name: 's', type: 'S', data: 'evil', mark: 'ustar  \0', sparse: { pieces: [[2 ** 30, 4]], size: 2 ** 32 } },
    ]),
    gives: ['s=evil (malformed)'],
  },
  {
    because: 'pax describes holes in front of the data',
    bytes: makeTar([
      {
        name: 'pax',
        type: 'x',
        data:
          paxRecord('GNU.sparse.major', '1') +
          paxRecord('GNU.sparse.realsize', '8') +
          paxRecord('GNU.sparse.name', 's'),
      },
      { name: 'GNUSparseFile.1/s', data: `${'1\n4\n4\n'.padEnd(512, '\0')}evil` },
    ]),
    gives: ['s=\0\0\0\0evil'],
  },
  {
    because: 'holes in another way are told',
    bytes: makeTar([{ name: 'pax', type: 'x', data: paxRecord('GNU.sparse.numblocks', '1') }, evil]),
    gives: ['evil.sh=evil (malformed)'],
  },
  {
    because: 'pax records that are none are told',
    bytes: makeTar([{ name: 'pax', type: 'x', data: '99999 path=x\n' }, evil]),
    gives: ['evil.sh=evil'],
    faults: ['malformed pax'],
  },
  { because: 'nothing is no tar', bytes: Buffer.alloc(1024), gives: [], faults: ['malformed'] },
]

describe('tar', () => {
  for (const { because, bytes, gives, faults = [] } of rows) {
    it(because, async () => {
      const run = await open(bytes)
      assert.deepEqual(membersOf(run), gives)
      assert.deepEqual(faultsOf(run), faults)
    })
  }

  const wanted = [
    { because: 'its type says so', node: nodeOf(makeTar([evil]), { type: 'tar' }), want: 'members' },
    {
      because: 'a name may make it a program',
      node: nodeOf(makeTar([{ ...evil, name: 'MZ' }]), { type: 'dos' }),
      want: 'members',
    },
    {
      because: 'or an archive of another kind',
      node: nodeOf(makeTar([evil]), { type: 'rar', packed: true }),
      want: 'looks',
    },
    { because: 'text is none', node: nodeOf(Buffer.alloc(600, 'text '), { type: 'text' }), want: undefined },
    { because: 'zeros are none', node: nodeOf(Buffer.alloc(600), { type: 'data' }), want: undefined },
  ]
  for (const { because, node, want } of wanted)
    it(`is wanted or not: ${because}`, () => assert.equal(opener.wants(node), want))

  it('says so wherever a tar is cut', async () => {
    const bytes = makeTar([good, evil], { end: false })
    for (let cut = 1; cut < bytes.length; cut++) {
      // Behind the last byte of a file only padding is missing.
      const atBoundary = [1024, 2048].some((end) => cut >= end - 508 && cut <= end)
      const run = await open(bytes.subarray(0, cut))
      const isTold = !isSilent(run) || run.members.some(({ name }) => name.startsWith('(data'))
      assert.ok(isTold || atBoundary || (cut > 1024 && cut < 1024 + 17), `cut at ${cut}`)
    }
  })

  it('ends cleanly whatever stands in it', async () => {
    const bytes = makeTar([
      { name: 'pax', type: 'x', data: paxRecord('size', '4') },
      evil,
      { ...good, type: 'S' },
      good,
    ])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 8 }), async (changes) => {
        const damaged = Buffer.from(bytes)
        for (const [at, value] of changes) damaged[at] = value
        await open(damaged)
      }),
      { numRuns: 300 },
    )
  })

  it('follows doubts without going the same way twice', async () => {
    const link = { name: 'l', type: '1', size: 0 }
    const blocks = makeTar(Array.from({ length: 2000 }, (_, index) => ({ ...link, size: 512 * (2000 - index) })))
    const run = await opened(opener, blocks, { type: 'tar', maxBytes: 2 ** 31 })
    assert.ok(run.members.length <= 2000)
  })

  const files = { 'a/evil.sh': 'evil', [`a/${'long'.repeat(40)}.txt`]: 'good', 'a/big.bin': Buffer.alloc(100_000, 7) }
  for (const format of ['v7', 'ustar', 'gnu', 'pax', 'oldgnu']) {
    it(`opens what GNU tar makes: ${format}`, needs('tar'), async () => {
      const { [`a/${'long'.repeat(40)}.txt`]: _, ...short } = files
      const own = format === 'v7' || format === 'ustar' ? short : files
      const bytes = madeBy('tar', [`--format=${format}`, '-cf', 'out.tar', 'a'], { files: own, output: 'out.tar' })
      const run = await open(bytes)
      assert.deepEqual(run.members.map(({ name }) => name).sort(), Object.keys(own).sort())
      for (const { name, bytes: member } of run.members)
        assert.ok(member.equals(Buffer.from(own[name as keyof typeof own] as Buffer)), name)
      assert.ok(isSilent(run))
    })
  }

  for (const args of [
    ['--format=gnu'],
    ['--format=pax', '--sparse-version=1.0'],
    ['--format=pax', '--sparse-version=0.1'],
  ]) {
    it(`opens GNU tar’s sparse files: ${args.join(' ')}`, needs('tar'), async () => {
      const holes = Buffer.concat([Buffer.alloc(400_000), Buffer.from('evil'), Buffer.alloc(400_000)])
      const all = [...args, '--sparse', '--hole-detection=raw', '-cf', 'out.tar', 'holes']
      const bytes = madeBy('tar', all, { files: { holes }, output: 'out.tar' })
      assert.ok(bytes.length < 100_000, 'tar left the holes out')
      const run = await open(bytes)
      assert.deepEqual(
        run.members.map(({ name }) => name),
        ['holes'],
      )
      assert.ok(run.members[0]?.bytes.equals(holes))
      assert.ok(isSilent(run))
    })
  }
})
