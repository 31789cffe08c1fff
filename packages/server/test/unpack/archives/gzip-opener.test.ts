import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc32, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { gzipOpener } from '../../../src/unpack/archives/gzip-opener.ts'
import { needs } from '../../e2e/needs.ts'
import { nodeOf } from '../recording-run.ts'
import { faultsOf, isSilent, madeBy, membersOf, opened } from './archive-run.ts'

const opener = gzipOpener()
const hidden = Buffer.from('bytes behind the end of all members')
const evil = gzipSync('evil')

/** With FNAME, FEXTRA and FCOMMENT where they are given. */
function named(name: string, { extra = '', comment = '' } = {}): Buffer {
  const head = Buffer.from(evil.subarray(0, 10))
  head[3] = (name ? 8 : 0) | (extra ? 4 : 0) | (comment ? 16 : 0)
  const fields = `${extra ? `${String.fromCharCode(extra.length)}\0${extra}` : ''}${name ? `${name}\0` : ''}${comment ? `${comment}\0` : ''}`
  return Buffer.concat([head, Buffer.from(fields, 'latin1'), evil.subarray(10)])
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

interface Row {
  readonly because: string
  readonly bytes: Buffer
  readonly gives: readonly string[]
  readonly faults?: readonly string[]
  readonly fileName?: string
}

const rows: readonly Row[] = [
  { because: 'what was packed comes out', bytes: evil, fileName: 'a.sh.gz', gives: ['a.sh=evil'] },
  { because: 'a tgz holds a tar', bytes: evil, fileName: 'a.TGZ', gives: ['a.tar=evil'] },
  { because: 'the name inside counts', bytes: named('b.exe'), fileName: 'a.gz', gives: ['b.exe=evil'] },
  { because: 'behind an extra field', bytes: named('b.exe', { extra: 'xxxx', comment: 'c' }), gives: ['b.exe=evil'] },
  {
    because: 'all members are one file, and for some readers the first alone',
    bytes: Buffer.concat([gzipSync('first '), evil, gzipSync('')]),
    gives: ['=first evil', '=first '],
  },
  {
    because: 'bytes behind are handed over',
    bytes: Buffer.concat([evil, hidden]),
    gives: ['=evil', `(data after)=${hidden}`],
  },
  { because: 'zeros behind are padding', bytes: Buffer.concat([evil, Buffer.alloc(512)]), gives: ['=evil'] },
  { because: 'a wrong checksum is told', bytes: changed(evil, evil.length - 8), gives: ['=evil (malformed)'] },
  { because: 'a wrong length too', bytes: changed(evil, evil.length - 4), gives: ['=evil (malformed)'] },
  { because: 'a cut trailer too', bytes: evil.subarray(0, -3), gives: ['=evil (malformed)'] },
  { because: 'another method is nothing we know', bytes: changed(evil, 2), gives: [], faults: ['not-unpacked'] },
  { because: 'a header cut short is told', bytes: evil.subarray(0, 8), gives: [], faults: ['malformed'] },
  { because: 'nothing may be packed', bytes: gzipSync(''), gives: ['='] },
]

describe('gzip', () => {
  for (const { because, bytes, gives, faults = [], fileName = '' } of rows) {
    it(because, async () => {
      const run = await opened(opener, bytes, { type: 'gz', fileName })
      assert.deepEqual(membersOf(run), gives)
      assert.deepEqual(faultsOf(run), faults)
    })
  }

  it('wants gzip only', () => {
    assert.equal(opener.wants(nodeOf(evil, { type: 'gz' })), 'members')
    assert.equal(opener.wants(nodeOf(evil, { type: 'zip' })), undefined)
  })

  it('says so wherever it is cut', async () => {
    const bytes = gzipSync('some text that is some text')
    for (let cut = 3; cut < bytes.length; cut++)
      assert.ok(!isSilent(await opened(opener, bytes.subarray(0, cut), { type: 'gz' })), `cut at ${cut}`)
  })

  it('stops a bomb at the budget', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024))
    const run = await opened(opener, bomb, { type: 'gz', maxBytes: 1024 * 1024 })
    assert.deepEqual(faultsOf(run), ['bomb'])
  })

  it('opens a thousand members as one file', async () => {
    const run = await opened(opener, Buffer.concat(Array.from({ length: 1000 }, () => evil)), { type: 'gz' })
    assert.equal(run.members[0]?.bytes.toString(), 'evil'.repeat(1000))
    assert.ok(isSilent(run))
  })

  it('ends cleanly whatever stands in it, and never calls changed bytes whole', async () => {
    const plain = Buffer.alloc(3000, 'some text of some length ')
    const bytes = gzipSync(plain)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const damaged = Buffer.from(bytes)
          damaged[at] = (damaged[at] as number) ^ change
          const run = await opened(opener, damaged, { type: 'gz' })
          const whole = run.members.find(({ damage }) => damage === undefined)
          if (whole !== undefined) assert.equal(crc32(whole.bytes), crc32(plain))
        },
      ),
    )
  })

  it('opens what gzip makes', needs('gzip'), async () => {
    const big = Buffer.concat(Array.from({ length: 40_000 }, (_, index) => Buffer.from(`line ${index * 7919}\n`)))
    const bytes = madeBy('gzip', ['-9', 'big.txt'], { files: { 'big.txt': big }, output: 'big.txt.gz' })
    const run = await opened(opener, bytes, { type: 'gz', fileName: 'x.gz' })
    assert.equal(run.members[0]?.name, 'big.txt')
    assert.ok(run.members[0]?.bytes.equals(big))
    assert.ok(isSilent(run))
  })
})
