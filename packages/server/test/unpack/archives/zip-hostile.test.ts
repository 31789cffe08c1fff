import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import type { OtherMethods } from '../../../src/unpack/archives/zip-decode.ts'
import { zipOpener } from '../../../src/unpack/archives/zip-opener.ts'
import { ContentView } from '../../../src/unpack/content-view.ts'
import { nodeOf, recordingRun } from '../recording-run.ts'
import { faultsOf, isSilent, membersOf, opened } from './archive-run.ts'
import { makeZip, type ZipSpec } from './make-zip.ts'

const opener = zipOpener()
const open = (zip: Buffer, options: { maxBytes?: number; maxMembers?: number; passwords?: string[] } = {}) =>
  opened(opener, zip, { type: 'zip', ...options })

const specs: readonly ZipSpec[] = [
  { name: 'stored.txt', data: 'stored text' },
  { name: 'deflated.txt', data: 'deflated text '.repeat(5), how: 'deflate', descriptor: true },
  { name: 'wide.txt', data: 'zip64', how: 'zstd', zip64: true },
  { name: 'locked.txt', data: 'locked', how: 'deflate', password: { text: 'infected', how: 'zipcrypto' } },
  { name: 'sealed.txt', data: 'sealed', password: { text: 'infected', how: 'ae1' } },
]
const texts = new Map(specs.map(({ name, data }) => [name as string, crc32(Buffer.from(data as string))]))

describe('zips made to harm', () => {
  it('says so wherever an archive is cut, and gives what stands before', async () => {
    const zip = makeZip(specs, { zip64: true })
    for (let cut = 4; cut < zip.length; cut++) {
      const run = await open(zip.subarray(0, cut), { passwords: ['infected'] })
      assert.ok(!isSilent(run), `cut at ${cut}`)
      if (cut > 60) assert.equal(membersOf(run)[0], 'stored.txt=stored text', `cut at ${cut}`)
    }
  })

  it('survives the loss of its beginning', async () => {
    const zip = makeZip(specs)
    for (let cut = 1; cut < zip.length; cut++) {
      const run = await open(zip.subarray(cut), { passwords: ['infected'] })
      assert.ok(!isSilent(run), `cut at ${cut}`)
    }
  })

  it('never calls a changed member whole', async () => {
    const zip = makeZip(specs)
    await fc.assert(
      fc.asyncProperty(fc.nat(zip.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(zip)
        damaged[at] = (damaged[at] as number) ^ change
        const run = await open(damaged, { passwords: ['infected'] })
        // Contradictory sizes are read in every way they can be meant: the true one is among them, or the damage is told.
        const isTrue = ({ name, bytes }: { name: string; bytes: Buffer }) => crc32(bytes) === texts.get(name)
        for (const { name } of run.members)
          if (texts.has(name))
            assert.ok(
              !isSilent(run) || run.members.some((member) => member.name === name && isTrue(member)),
              `${name} at ${at}`,
            )
      }),
      { numRuns: 150 },
    )
  })

  it('ends cleanly on any bytes, marks of every kind among them', async () => {
    const marks = ['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07', 'PK\x07\x08'].map((mark) =>
      Buffer.from(mark, 'latin1'),
    )
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(...marks),
      fc.constantFrom(makeZip(specs.slice(0, 2)), makeZip(specs.slice(1, 2), { end: false })),
      fc.integer({ min: 1, max: 40 }).map((length) => Buffer.alloc(length)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        await open(Buffer.concat(pieces), { passwords: ['infected'] })
      }),
      { numRuns: 150 },
    )
  })

  it('stops a bomb at the budget', async () => {
    const bomb = makeZip([{ name: 'bomb', data: Buffer.alloc(64 * 1024 * 1024), how: 'deflate' }])
    const run = await open(bomb, { maxBytes: 1024 * 1024 })
    assert.deepEqual(faultsOf(run), ['bomb'])
  })

  it('stops a layer of 42.zip: sixteen archives of the same bytes are one', async () => {
    const inner = makeZip([{ name: '0.dll', data: Buffer.alloc(1024 * 1024), how: 'deflate' }])
    const layer = makeZip(
      Array.from({ length: 16 }, (_, index) => ({ name: `lib ${index}.zip`, data: inner, how: 'deflate' })),
    )
    assert.equal((await open(layer)).members.length, 16)
    assert.deepEqual(faultsOf(await open(layer, { maxBytes: 10 * inner.length })), ['bomb'])
    assert.deepEqual(faultsOf(await open(layer, { maxMembers: 5 })), ['bomb'])
  })

  it('stops members that overlap by quoting each other’s headers', async () => {
    // Fifield, "A better zip bomb": each member's deflated data quote the next header and go on into its data.
    const kernel = deflateRawSync(Buffer.alloc(1024 * 1024))
    const zip = overlapping(kernel, 200)
    assert.ok(zip.length < 40_000)
    assert.deepEqual(faultsOf(await open(zip, { maxBytes: 20 * 1024 * 1024 })), ['bomb'])
  })

  it('opens an archive that holds its own bytes one layer only', async () => {
    const zip = makeZip([{ name: 'a.zip', data: makeZip([{ name: 'a.zip', data: makeZip(specs) }]) }])
    assert.deepEqual(
      (await open(zip)).members.map(({ name }) => name),
      ['a.zip'],
    )
  })

  it('opens 100,000 members', async () => {
    const member = { data: 'some text', raw: deflateRawSync('some text'), how: 'deflate' } as const
    const many = Array.from({ length: 100_000 }, (_, index): ZipSpec => ({ name: `${index}.txt`, ...member }))
    const run = await open(makeZip(many, { zip64: true }), { maxMembers: 100_000 })
    assert.equal(run.members.length, 100_000)
    assert.ok(run.members.every(({ bytes }) => bytes.toString() === 'some text'))
    assert.ok(isSilent(run))
  })

  it('stops at one member too many', async () => {
    const many = Array.from({ length: 50 }, (_, index): ZipSpec => ({ name: `${index}.txt`, data: `text ${index}` }))
    assert.deepEqual(faultsOf(await open(makeZip(many), { maxMembers: 49 })), ['bomb'])
  })

  it('reads thousands of entries for one member once', async () => {
    const run = await open(makeZip([{ name: 'a.txt', data: 'evil', copies: 20_000 }], { zip64: true }))
    assert.deepEqual(membersOf(run), ['a.txt=evil'])
  })

  it('comes through a file of nothing but marks', async () => {
    for (const mark of ['PK', 'PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x07\x08']) {
      const run = await open(Buffer.alloc(256 * 1024, Buffer.from(mark, 'latin1')))
      assert.ok(!isSilent(run), mark)
    }
  })

  it('stops when the walk’s time is over', async () => {
    const zip = makeZip(specs)
    const run = await opened(opener, zip, { type: 'zip', signal: AbortSignal.abort() })
    assert.ok(faultsOf(run).includes('timeout'))
  })

  it('reads a file as it reads memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-zip-'))
    const zip = makeZip([...specs, { name: 'big', data: Buffer.alloc(3_000_000, 'big '), how: 'deflate' }], {
      before: Buffer.alloc(99, 'x'),
    })
    writeFileSync(join(folder, 'a.zip'), zip)
    const fd = openSync(join(folder, 'a.zip'), 'r')
    try {
      const content = { kind: 'file', fd, size: zip.length } as const
      const fromFile = recordingRun({ passwords: ['infected'] })
      await opener.open({ ...nodeOf(zip, { type: 'zip' }), content, view: new ContentView(content) }, fromFile)
      const fromMemory = await open(zip, { passwords: ['infected'] })
      assert.deepEqual(fromFile.members, fromMemory.members)
      assert.deepEqual(fromFile.faults, fromMemory.faults)
    } finally {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    }
  })

  it('gives members of other methods to whoever undoes them, in an archive of our own', async () => {
    const given: Buffer[] = []
    const otherMethods: OtherMethods = async ({ zip, write }) => {
      if (zip.kind === 'memory') given.push(zip.bytes)
      await write(Buffer.from('unpacked'))
      return undefined
    }
    const sum = { crc: crc32(Buffer.from('unpacked')), size: 8 }
    const lie = { method: 12, ...sum }
    const zip = makeZip([{ name: '../x', raw: Buffer.from('packed'), local: lie, central: lie }])
    const run = await opened(zipOpener({ otherMethods }), zip, { type: 'zip' })
    assert.deepEqual(membersOf(run), ['../x=unpacked'])
    assert.ok(isSilent(run))
    assert.ok(given[0]?.includes('packed') && !given[0].includes('../x'))
  })
})

/** Entries whose data run through all that follow: stored blocks of deflate quote each next header. */
function overlapping(kernel: Buffer, count: number): Buffer {
  const headers = Array.from({ length: count }, (_, index) => localHeader(`${index}`.padStart(4, '0')))
  const bodies: Buffer[] = []
  const places: number[] = []
  let at = 0
  for (const [index, header] of headers.entries()) {
    places.push(at)
    const next = headers[index + 1]
    const quote = next === undefined ? kernel : storedBlock(next.length)
    bodies.push(header, quote)
    at += header.length + quote.length
  }
  const directory = places.map((place, index) => {
    const record = Buffer.alloc(46)
    record.write('PK\x01\x02', 'latin1')
    record.writeUInt16LE(8, 10)
    record.writeUInt32LE(at - place - 34, 20)
    record.writeUInt32LE(1024 * 1024, 24)
    record.writeUInt16LE(4, 28)
    record.writeUInt32LE(place, 42)
    return Buffer.concat([record, Buffer.from(`${index}`.padStart(4, '0'))])
  })
  const bytes = directory.reduce((sum, record) => sum + record.length, 0)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(bytes, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...bodies, ...directory, end])
}

function localHeader(name: string): Buffer {
  const header = Buffer.alloc(30)
  header.write('PK\x03\x04', 'latin1')
  header.writeUInt16LE(8, 6)
  header.writeUInt16LE(8, 8)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, Buffer.from(name)])
}

/** RFC 1951 3.2.4, not the last one. */
function storedBlock(length: number): Buffer {
  const block = Buffer.alloc(5)
  block.writeUInt16LE(length, 1)
  block.writeUInt16LE(~length & 0xffff, 3)
  return block
}
