import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Lz4Checksum } from '../../../src/unpack/archives/lz4-checksum.ts'
import { lz4Opener } from '../../../src/unpack/archives/lz4-opener.ts'
import { needs } from '../../e2e/needs.ts'
import { nodeOf } from '../recording-run.ts'
import { faultsOf, isSilent, madeBy, membersOf, opened } from './archive-run.ts'

const opener = lz4Opener()
const open = (bytes: Buffer, maxBytes?: number) =>
  opened(opener, bytes, { type: 'lz4', fileName: 'a.lz4', ...(maxBytes === undefined ? {} : { maxBytes }) })

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

interface FrameShape {
  readonly flags?: number
  readonly end?: boolean
  readonly behind?: readonly Buffer[]
}

/** Blocks of 64 KiB at most; `flags` 0x60: each for itself, no checksums. */
function frame(blocks: readonly Buffer[], { flags = 0x60, end = true, behind = [] }: FrameShape = {}): Buffer {
  return Buffer.concat([u32(0x184d2204), Buffer.of(flags, 0x40, 0), ...blocks, ...(end ? [u32(0)] : []), ...behind])
}

const stored = (bytes: Buffer | string) =>
  Buffer.concat([u32(0x80000000 + Buffer.from(bytes as string).length), Buffer.from(bytes as string)])
const packed = (hex: string) => Buffer.concat([u32(hex.length / 2), Buffer.from(hex, 'hex')])
/** Four literals `evil`, then the same four bytes again and again, then the last literals. */
const repeated = `44${Buffer.from('evil').toString('hex')}0400` + `50${Buffer.from('lasts').toString('hex')}`
const hidden = Buffer.from('bytes behind the end of all frames')
const skippable = Buffer.concat([u32(0x184d2a5f), u32(hidden.length), hidden])
const legacy = (...blocks: Buffer[]) => Buffer.concat([u32(0x184c2102), ...blocks])
const sumOf = (bytes: string) => u32(new Lz4Checksum().update(Buffer.from(bytes)).digest())

const rows: readonly (readonly [because: string, bytes: Buffer, gives: readonly string[]])[] = [
  ['stored blocks come out', frame([stored('evil')]), ['a=evil']],
  ['packed blocks come out', frame([packed(repeated)]), ['a=evilevilevillasts']],
  [
    'a block may refer to the one before',
    frame([stored('evil'), packed('040400' + '506c61737473')], { flags: 0x40 }),
    ['a=evilevilevillasts'],
  ],
  ['not where each is for itself', frame([stored('evil'), packed('040400' + '506c61737473')]), ['a=evil (malformed)']],
  [
    'all frames are one file',
    Buffer.concat([frame([stored('one ')]), legacy(packed(`40${Buffer.from('evil').toString('hex')}`))]),
    ['a=one evil'],
  ],
  [
    'a legacy frame ends where another begins',
    Buffer.concat([legacy(packed('40' + '6576696c')), frame([stored('!')])]),
    ['a=evil!'],
  ],
  [
    'frames that decoders skip are handed over',
    Buffer.concat([skippable, frame([stored('evil')])]),
    ['a=evil', `(skippable frame)=${hidden}`],
  ],
  ['bytes behind are handed over', frame([stored('evil')], { behind: [hidden] }), ['a=evil', `(data after)=${hidden}`]],
  ['a right checksum is right', frame([stored('evil')], { flags: 0x64, behind: [sumOf('evil')] }), ['a=evil']],
  ['a wrong checksum is told', frame([stored('evil')], { flags: 0x64, behind: [u32(1)] }), ['a=evil (malformed)']],
  ['a right block checksum is right', frame([stored('evil'), sumOf('evil')], { flags: 0x70 }), ['a=evil']],
  ['a wrong block checksum is told', frame([stored('evil'), u32(1)], { flags: 0x70 }), ['a=evil (malformed)']],
  ['no end mark is told', frame([stored('evil')], { end: false }), ['a=evil (malformed)']],
  ['a block longer than allowed is told', frame([stored('evil'), u32(70_000)]), ['a=evil (malformed)']],
  [
    'a match before the beginning stops it',
    frame([packed(`44${Buffer.from('evil').toString('hex')}0500`)]),
    ['a=evil (malformed)'],
  ],
  [
    'a match of no distance stops it',
    frame([packed(`44${Buffer.from('evil').toString('hex')}0000`)]),
    ['a=evil (malformed)'],
  ],
  ['literals behind the block stop it', frame([packed('f0ff')]), []],
]

describe('lz4', () => {
  for (const [because, bytes, gives] of rows) {
    it(because, async () => {
      const run = await open(bytes)
      assert.deepEqual(membersOf(run), gives)
      assert.deepEqual(faultsOf(run), gives.length === 0 ? ['malformed a'] : [])
    })
  }

  it('is wanted by its marks, behind frames that make it look like nothing too', () => {
    assert.equal(opener.wants(nodeOf(frame([]), { type: 'lz4' })), 'members')
    assert.equal(opener.wants(nodeOf(legacy(), { type: 'data' })), 'members')
    assert.equal(opener.wants(nodeOf(Buffer.concat([skippable, frame([])]), { type: 'data' })), 'members')
    assert.equal(opener.wants(nodeOf(hidden, { type: 'data' })), undefined)
  })

  it('knows xxHash32 however the bytes come', () => {
    const sum = (text: string) => new Lz4Checksum().update(Buffer.from(text)).digest()
    assert.equal(sum(''), 0x02cc5d05)
    assert.equal(sum('abc'), 0x32d153ff)
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
        const whole = new Lz4Checksum().update(Buffer.concat(pieces)).digest()
        const parts = new Lz4Checksum()
        for (const piece of pieces) parts.update(Buffer.from(piece))
        assert.equal(parts.digest(), whole)
      }),
    )
  })

  it('says so wherever it is cut', async () => {
    const bytes = frame([packed(repeated), stored('more')], { flags: 0x64, behind: [u32(0)] })
    for (let cut = 1; cut < bytes.length; cut++) {
      const run = await open(bytes.subarray(0, cut))
      assert.ok(cut < 4 || !isSilent(run), `cut at ${cut}`)
    }
  })

  it('stops a bomb at the budget', async () => {
    const bomb = Buffer.concat([
      Buffer.of(0x1f, 0x61, 1, 0),
      Buffer.alloc(250, 255),
      Buffer.of(0, 0x50),
      Buffer.from('lasts'),
    ])
    const blocks = Array.from({ length: 100 }, () => Buffer.concat([u32(bomb.length), bomb]))
    assert.deepEqual(faultsOf(await open(frame(blocks), 1024 * 1024)), ['bomb'])
  })

  it('ends cleanly whatever stands in it', async () => {
    const bytes = Buffer.concat([
      skippable,
      frame([packed(repeated), stored('more')], { flags: 0x40 }),
      legacy(packed(repeated)),
    ])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 }), async (changes) => {
        const damaged = Buffer.from(bytes)
        for (const [at, value] of changes) damaged[at] = value
        await open(damaged)
      }),
      { numRuns: 500 },
    )
  })

  const big = Buffer.concat(Array.from({ length: 40_000 }, (_, index) => Buffer.from(`line ${index * 7919}\n`)))
  for (const args of [['-1'], ['-9', '-BD'], ['-B4', '-BX'], ['-B7', '--content-size'], ['--no-frame-crc'], ['-l']]) {
    it(`opens what lz4 makes: ${args.join(' ')}`, needs('lz4'), async () => {
      const bytes = madeBy('lz4', [...args, '-q', 'in.txt', 'out.lz4'], { files: { 'in.txt': big }, output: 'out.lz4' })
      const run = await open(bytes)
      assert.ok(run.members[0]?.bytes.equals(big))
      assert.ok(isSilent(run))
      const damaged = Buffer.from(bytes)
      damaged[bytes.length >> 1] = (damaged[bytes.length >> 1] as number) ^ 0x10
      if (!args.includes('-l') && !args.includes('--no-frame-crc')) assert.ok(!isSilent(await open(damaged)))
    })
  }
})
