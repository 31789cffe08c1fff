import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { zstdOpener } from '../../../src/unpack/archives/zstd-opener.ts'
import { needs } from '../../e2e/needs.ts'
import { nodeOf } from '../recording-run.ts'
import { faultsOf, isSilent, madeBy, membersOf, opened } from './archive-run.ts'

const opener = zstdOpener()
const evil = zstdCompressSync('evil')
const hidden = Buffer.from('bytes behind the end of all frames')

function skippable(bytes: Buffer): Buffer {
  const head = Buffer.from('5a2a4d1800000000', 'hex')
  head.writeUInt32LE(bytes.length, 4)
  return Buffer.concat([head, bytes])
}

const rows: readonly (readonly [because: string, bytes: Buffer, gives: readonly string[]])[] = [
  ['what was packed comes out', evil, ['a=evil']],
  ['all frames are one file', Buffer.concat([zstdCompressSync('first '), evil]), ['a=first evil']],
  [
    'frames that decoders skip are handed over',
    Buffer.concat([skippable(hidden), evil, skippable(Buffer.alloc(3)), zstdCompressSync('!')]),
    ['a=evil!', `(skippable frame)=${hidden}`],
  ],
  ['bytes behind are handed over', Buffer.concat([evil, hidden]), ['a=evil', `(data after)=${hidden}`]],
  ['nothing may be packed', zstdCompressSync(''), ['a=']],
]

describe('zstd', () => {
  for (const [because, bytes, gives] of rows) {
    it(because, async () => {
      const run = await opened(opener, bytes, { type: 'zst', fileName: 'a.zst' })
      assert.deepEqual(membersOf(run), gives)
      assert.deepEqual(faultsOf(run), [])
    })
  }

  it('is wanted behind frames that make it look like nothing', () => {
    assert.equal(opener.wants(nodeOf(evil, { type: 'zst' })), 'members')
    assert.equal(opener.wants(nodeOf(Buffer.concat([skippable(hidden), evil]), { type: 'data' })), 'members')
    assert.equal(opener.wants(nodeOf(hidden, { type: 'data' })), undefined)
  })

  it('says so wherever it is cut', async () => {
    const bytes = zstdCompressSync('some text that is some text', { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
    for (let cut = 4; cut < bytes.length; cut++)
      assert.ok(!isSilent(await opened(opener, bytes.subarray(0, cut), { type: 'zst' })), `cut at ${cut}`)
  })

  it('stops a bomb at the budget', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))
    assert.deepEqual(faultsOf(await opened(opener, bomb, { type: 'zst', maxBytes: 1024 * 1024 })), ['bomb'])
  })

  it('ends cleanly whatever stands in it', async () => {
    const bytes = Buffer.concat([skippable(hidden), zstdCompressSync(Buffer.alloc(3000, 'some text '))])
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] as number) ^ change
        await opened(opener, damaged, { type: 'zst' })
      }),
    )
  })

  it('opens what zstd makes, with a window of 128 MiB too', needs('zstd'), async () => {
    const big = Buffer.concat(Array.from({ length: 40_000 }, (_, index) => Buffer.from(`line ${index * 7919}\n`)))
    for (const args of [['-19'], ['--long=27', '--check']]) {
      const all = [...args, '-q', 'big.txt', '-o', 'out.zst']
      const bytes = madeBy('zstd', all, { files: { 'big.txt': big }, output: 'out.zst' })
      const run = await opened(opener, bytes, { type: 'zst', fileName: 'big.tzst' })
      assert.equal(run.members[0]?.name, 'big.tar')
      assert.ok(run.members[0]?.bytes.equals(big))
      assert.ok(isSilent(run))
    }
  })
})
