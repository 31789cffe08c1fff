import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { ContentView } from '../../../src/unpack/content-view.ts'
import {
  type CompoundFile,
  ORPHAN_FOLDER,
  openCompoundFile,
  utf16Text,
} from '../../../src/unpack/documents/compound-file.ts'
import { makeOle } from './make-ole.ts'

const EQUATION = '{0002CE02-0000-0000-C000-000000000046}'
const SMALL = Buffer.from('a small stream in 64-byte sectors '.repeat(5))
const LARGE = Buffer.alloc(70_000, 'LARGE-')

function open(bytes: Buffer): CompoundFile {
  return openCompoundFile(new ContentView({ kind: 'memory', bytes }))
}

function readAll(file: CompoundFile): Record<string, string> {
  const streams = file.entries.filter((entry) => entry.kind === 'stream')
  return Object.fromEntries(streams.map((entry) => [entry.path, file.read(entry, 1e9).toString('latin1')]))
}

describe('UTF-16 text', () => {
  it('is whole characters of what is there, wherever it lies', () => {
    const bytes = Buffer.from('x A\0B\0C\0D'.replaceAll(' ', ''), 'latin1')
    assert.equal(utf16Text(bytes, 1), 'ABC')
    assert.equal(utf16Text(bytes, 1, 100), 'ABC')
    assert.equal(utf16Text(bytes, 1, 4), 'A')
    assert.equal(utf16Text(bytes, 50, 60), '')
    assert.equal(utf16Text(bytes, 5, 3), '')
  })

  it('does not write beyond its own memory (nodejs/node#64697)', () => {
    // With Buffer.toString alone this ends the process.
    const bytes = Buffer.alloc(10_000, 0x41)
    for (let size = 25; size < 40_000; size++) utf16Text(bytes, 1, 1 + (size % 4000))
  })
})

describe('compound files', () => {
  for (const version of [3, 4] as const) {
    it(`gives every stream of a version ${version} file, small and large, by path`, () => {
      const tree = { WordDocument: LARGE, ObjectPool: { _1: { '\u0001Ole10Native': SMALL } }, Empty: Buffer.alloc(0) }
      const file = open(makeOle(tree, { version, classIds: { '': EQUATION, 'ObjectPool/_1': EQUATION } }))
      assert.deepEqual(readAll(file), {
        WordDocument: LARGE.toString('latin1'),
        'ObjectPool/_1/\u0001Ole10Native': SMALL.toString('latin1'),
        Empty: '',
      })
      assert.equal(file.entries[0]?.classId, EQUATION)
      const pool = file.find('objectpool/_1')
      assert.equal(pool?.classId, EQUATION)
      assert.deepEqual(pool && file.children(pool).map((entry) => entry.name), ['\u0001Ole10Native'])
      assert.deepEqual(file.faults, [])
      assert.deepEqual(file.leftovers(), [])
    })
  }

  it('follows the DIFAT of files with more than 109 FAT sectors', () => {
    const huge = Buffer.alloc(9 * 1024 * 1024)
    for (let at = 0; at < huge.length; at += 4) huge.writeUInt32LE(at, at)
    const file = open(makeOle({ Huge: huge }))
    const entry = file.find('Huge')
    assert.ok(entry && file.read(entry, huge.length).equals(huge))
  })

  it('lists streams that no tree reaches and sectors that nobody owns', () => {
    const leftover = Buffer.alloc(1024, 'hidden!')
    const bytes = makeOle({ A: SMALL }, { leftover, orphans: { Lost: LARGE } })
    const file = open(bytes)
    assert.equal(readAll(file)[`${ORPHAN_FOLDER}/Lost`], LARGE.toString('latin1'))
    const [run] = file.leftovers()
    assert.ok(run && bytes.subarray(run.offset, run.offset + run.size).equals(leftover))
  })

  it('gives fewer bytes where a chain is cut, so that the reader sees it', () => {
    const bytes = makeOle({ Big: LARGE })
    const table = bytes.length - 2 * 512
    bytes.writeUInt32LE(0xfffffffe, table + 2 * 4)
    const file = open(bytes)
    const entry = file.find('Big')
    assert.ok(entry && entry.size === LARGE.length && file.read(entry, 1e9).equals(LARGE.subarray(0, 3 * 512)))
  })

  it('ends on loops in tables, tree and directory', () => {
    const bytes = makeOle({ Big: LARGE, S: { B: SMALL } })
    const sectors = bytes.length / 512 - 1
    const table = sectors - Math.ceil(sectors / 128)
    for (let sector = 0; sector < table; sector++) {
      const looped = Buffer.from(bytes)
      looped.writeUInt32LE(sector, (table + 1) * 512 + sector * 4)
      const file = open(looped)
      for (const entry of file.entries) assert.ok(file.read(entry, 1e9).length <= bytes.length)
      file.leftovers()
    }
  })

  it('takes hostile bytes without any exception but Unscanned', () => {
    const good = makeOle({ Big: LARGE.subarray(0, 5000), S: { B: SMALL } })
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(flips, fc.nat(good.length), (edits, length) => {
        const bytes = Buffer.from(good.subarray(0, length))
        for (const [at, value] of edits) if (at < length) bytes[at] = value
        tryAll(bytes)
      }),
      { numRuns: 500 },
    )
    for (let at = 0; at < 512; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const bytes = Buffer.from(good)
        bytes[at] = value
        tryAll(bytes)
      }
    }
  })
})

function tryAll(bytes: Buffer): void {
  try {
    const file = open(bytes)
    for (const entry of file.entries) file.read(entry, 1e6)
    file.leftovers()
  } catch (error) {
    if (!(error instanceof Unscanned)) throw error
  }
}
