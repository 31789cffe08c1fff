import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { zipOpener } from '../../../src/unpack/archives/zip-opener.ts'
import { faultsOf, isSilent, membersOf, opened } from './archive-run.ts'
import { makeZip, type ZipSpec } from './make-zip.ts'

const opener = zipOpener()
const open = (zip: Buffer, passwords: readonly string[] = [], maxBytes?: number) =>
  opened(opener, zip, { type: 'zip', passwords, ...(maxBytes === undefined ? {} : { maxBytes }) })

type Locked = NonNullable<ZipSpec['password']>
const ways: readonly Locked[] = [
  { text: 'infected', how: 'zipcrypto' },
  { text: 'infected', how: 'ae1', bits: 128 },
  { text: 'infected', how: 'ae2', bits: 192 },
  { text: 'infected', how: 'ae2', bits: 256 },
]
const wrong = Array.from({ length: 150 }, (_, index) => `wrong${index}`)
const big = Buffer.concat(Array.from({ length: 30_000 }, (_, index) => Buffer.from(`line ${index * 7919}\n`)))

function flipped(zip: Buffer, at: number): Buffer {
  const copy = Buffer.from(zip)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

describe('locked zips', () => {
  for (const password of ways) {
    const named = `${password.how} ${password.bits ?? ''}`
    for (const how of ['stored', 'deflate', 'zstd'] as const) {
      const member: ZipSpec = { name: 'evil.exe', data: 'evil evil evil', how, password }
      it(`opens ${how} members behind a password that is tried: ${named}`, async () => {
        const run = await open(makeZip([member]), [...wrong, 'infected'])
        assert.deepEqual(membersOf(run), ['evil.exe=evil evil evil'])
        assert.equal(run.members[0]?.password, 'infected')
        assert.deepEqual(run.opened, ['infected'])
        assert.ok(isSilent(run))
      })

      it(`says encrypted where no password fits, for that member only: ${how} ${named}`, async () => {
        const run = await open(makeZip([member, { name: 'good.txt', data: 'good' }]), wrong)
        assert.deepEqual(faultsOf(run).filter((fault) => fault !== 'encrypted evil.exe').length, 0)
        assert.deepEqual(membersOf(run).at(-1), 'good.txt=good')
        assert.ok(!isSilent(run))
        assert.deepEqual(run.opened, [])
      })
    }

    it(`opens long members: ${named}`, async () => {
      const zip = makeZip([
        { name: 'a', data: big, how: 'deflate', password },
        { name: 'b', data: big, password },
      ])
      const run = await open(zip, ['infected'])
      assert.ok(run.members.every(({ bytes }) => bytes.equals(big)))
      assert.equal(run.members.length, 2)
      assert.ok(isSilent(run))
    })

    it(`scans what a right password gives though the end is damaged: ${named}`, async () => {
      const zip = makeZip([{ name: 'a', data: 'evil evil', password, descriptor: true }])
      const dataEnd = zip.indexOf('PK\x07\x08')
      const run = await open(flipped(zip, dataEnd - 1), ['infected'])
      assert.equal(run.members[0]?.bytes.length, 9)
      assert.ok(!isSilent(run))
    })

    it(`says so wherever the data are cut: ${named}`, async () => {
      const zip = makeZip([{ name: 'a', data: 'evil evil', how: 'deflate', password }], {
        end: false,
        directory: false,
      })
      for (let cut = 4; cut < zip.length; cut++)
        assert.ok(!isSilent(await open(zip.subarray(0, cut), ['infected'])), `cut at ${cut}`)
    })

    it(`stops a bomb behind a password: ${named}`, async () => {
      const zip = makeZip([{ name: 'a', data: Buffer.alloc(16 * 1024 * 1024), how: 'deflate', password }])
      assert.deepEqual(faultsOf(await open(zip, ['infected'], 1024 * 1024)), ['bomb'])
    })
  }

  it('opens each member with its own password, and tells each once', async () => {
    const members = ['one', 'two', 'one', 'two', 'one'].map(
      (text, index): ZipSpec => ({
        name: `${index}`,
        data: `data ${text}`,
        how: 'deflate',
        password: { text, how: 'ae2' },
      }),
    )
    const run = await open(makeZip(members), ['zero', 'one', 'two'])
    assert.deepEqual(
      run.members.map(({ password }) => password),
      ['one', 'two', 'one', 'two', 'one'],
    )
    assert.deepEqual(run.opened, ['one', 'two'])
  })

  it('tries a password in the code pages that writers took', async () => {
    // The writer of the test packs UTF-8; its bytes, read as Windows-1252, are the password that was typed.
    const typed = Buffer.from('pässword').toString('latin1')
    const zip = makeZip([{ name: 'a', data: 'evil', password: { text: 'pässword', how: 'zipcrypto' } }])
    assert.deepEqual(membersOf(await open(zip, [typed])), ['a=evil'])
    assert.deepEqual(membersOf(await open(zip, ['pässword'])), ['a=evil'])
  })

  it('takes a mark in the time of the file too, where sizes stand behind the data', async () => {
    const zip = makeZip([
      { name: 'a', data: 'evil', descriptor: true, password: { text: 'infected', how: 'zipcrypto' } },
    ])
    assert.deepEqual(membersOf(await open(zip, ['infected'])), ['a=evil'])
  })

  it('asks for passwords only where something is locked', async () => {
    const zip = makeZip([{ name: 'a', data: 'evil' }])
    const run = await opened(opener, zip, { type: 'zip', passwords: ['infected'] })
    assert.deepEqual(run.opened, [])
  })

  it('ends on members that no password fits', async () => {
    const packed = deflateRawSync('evil')
    const members = Array.from({ length: 40 }, (_, index): ZipSpec => {
      const lie = { method: 99, extra: Buffer.from('019907000200414503 0800'.replace(' ', ''), 'hex'), flags: 1 }
      return { name: `${index}`, raw: Buffer.concat([Buffer.alloc(40, index), packed]), local: lie, central: lie }
    })
    const run = await open(makeZip(members), wrong)
    assert.equal(run.faults.length, 40)
    assert.ok(run.faults.every(({ reason }) => reason === 'encrypted'))
  })
})
