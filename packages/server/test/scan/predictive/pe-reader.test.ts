import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readAuthenticode } from '../../../src/scan/scanners/predictive/authenticode.ts'
import { FEATURE_COUNT } from '../../../src/scan/scanners/predictive/feature-columns.ts'
import { extractFeatures } from '../../../src/scan/scanners/predictive/features.ts'
import { readContents } from '../../../src/scan/scanners/predictive/pe-directories.ts'
import { PeImage } from '../../../src/scan/scanners/predictive/pe-image.ts'
import { PE_WARNING, PeFormatError, type PeWarning } from '../../../src/scan/scanners/predictive/pe-warnings.ts'
import { AT, NT_OFFSET, OPTIONAL_OFFSET, TINY_SIZE, tinyPe } from './tiny-pe.ts'

const DIRECTORIES = OPTIONAL_OFFSET + 96
const SECTIONS = OPTIONAL_OFFSET + 224
/** RVA of an offset in the second section. */
const rva = (offset: number) => offset - 0x600 + 0x2000

describe('reading an honest PE', () => {
  for (const wide of [false, true]) {
    it(`finds what ${wide ? 'PE32+' : 'PE32'} holds`, () => {
      const image = new PeImage(tinyPe({ wide }))
      const contents = readContents(image)
      assert.deepEqual(
        contents.imports.map(({ name, symbols }) => [name, symbols.map((symbol) => symbol.name)]),
        [
          ['KERNEL32.dll', ['LoadLibraryA', 'GetProcAddress']],
          ['WS2_32.dll', ['send']],
        ],
      )
      assert.deepEqual(contents.exports, ['Run', 'ordinal2'])
      assert.equal(contents.hasRelocations, true)
      assert.deepEqual([...image.warnings].sort(), [PE_WARNING.packedImports, PE_WARNING.versionInfo].sort())
      assert.deepEqual(
        image.sections.map(({ name }) => name),
        ['.text', '.data'],
      )
    })
  }
})

/** Changes the tiny PE; what pefile 2023.2.7 says of the same bytes was looked up with it. */
interface Case {
  readonly change: (pe: Buffer) => void
  readonly warns: PeWarning
  readonly because: string
}

const dword = (at: number, value: number) => (pe: Buffer) => void pe.writeUInt32LE(value, at)
const word = (at: number, value: number) => (pe: Buffer) => void pe.writeUInt16LE(value, at)

const cases: readonly Case[] = [
  { change: word(NT_OFFSET + 6, 65535), warns: PE_WARNING.sectionNull, because: 'the header claims 65,535 sections' },
  { change: dword(SECTIONS + 8, 0x20000000), warns: PE_WARNING.sectionValue, because: 'a section is huge in memory' },
  {
    change: dword(SECTIONS + 20, 0x401),
    warns: PE_WARNING.sectionPointerAlignment,
    because: 'a section is misaligned',
  },
  { change: dword(SECTIONS + 16, 0x7fffffff), warns: PE_WARNING.sectionSize, because: 'a section leaves the file' },
  { change: dword(SECTIONS + 36, 0xe0000020), warns: PE_WARNING.writableCode, because: 'code can be written' },
  {
    change: dword(OPTIONAL_OFFSET + 16, 0x90000),
    warns: PE_WARNING.entryOutsideSections,
    because: 'the entry point is nowhere',
  },
  {
    change: dword(OPTIONAL_OFFSET + 16, 0x10),
    warns: PE_WARNING.entryInsideHeaders,
    because: 'the entry point is in the headers',
  },
  { change: word(OPTIONAL_OFFSET, 0x107), warns: PE_WARNING.optionalHeaderType, because: 'it is a ROM image' },
  {
    change: dword(OPTIONAL_OFFSET + 92, 0xffffffff),
    warns: PE_WARNING.directoryCount,
    because: 'it has 4 billion directories',
  },
  {
    change: dword(DIRECTORIES + 8, 0xfffffff0),
    warns: PE_WARNING.importDirectory,
    because: 'imports lie beyond everything',
  },
  {
    change: dword(DIRECTORIES, 0xfffffff0),
    warns: PE_WARNING.exportDirectory,
    because: 'exports lie beyond everything',
  },
  {
    change: dword(AT.imports + 0x60, 0x300000),
    warns: PE_WARNING.importData,
    because: 'a name lies beyond everything',
  },
  {
    change: dword(AT.imports, rva(AT.imports + 0x2000)),
    warns: PE_WARNING.importTableData,
    because: 'a thunk table leaves its section',
  },
  {
    change: dword(AT.imports + 0x60, rva(AT.imports + 0x60)),
    warns: PE_WARNING.importTableOverlap,
    because: 'a thunk is its own name',
  },
  {
    change: dword(AT.exports + 32, 0xfffffff0),
    warns: PE_WARNING.exportDirectory,
    because: 'the names lie beyond everything',
  },
  {
    change: dword(DIRECTORIES + 16, 0xfffffff0),
    warns: PE_WARNING.resourceDirectoryRead,
    because: 'resources lie beyond everything',
  },
  {
    change: word(AT.resources + 14, 0xffff),
    warns: PE_WARNING.resourceDirectoryEntries,
    because: 'a directory has 65,535 entries',
  },
  {
    change: dword(AT.resources + 0x64, 0x7fffffff),
    warns: PE_WARNING.versionInfo,
    because: 'a version block is 2 GiB long',
  },
  {
    change: dword(AT.relocations + 4, 0x7fffffff),
    warns: PE_WARNING.relocationBlockSize,
    because: 'a block is larger than the image',
  },
  {
    change: dword(AT.relocations, 0x7fffffff),
    warns: PE_WARNING.relocationAddress,
    because: 'a block is outside the image',
  },
  {
    change: word(AT.relocations + 10, 0x3010),
    warns: PE_WARNING.relocationOverlap,
    because: 'a place is relocated twice',
  },
  {
    change: dword(DIRECTORIES + 9 * 8, 0xfffffff0),
    warns: PE_WARNING.tlsDirectory,
    because: 'TLS lies beyond everything',
  },
  {
    change: dword(DIRECTORIES + 10 * 8, 0xfffffff0),
    warns: PE_WARNING.loadConfig,
    because: 'the load configuration is nowhere',
  },
  {
    change: dword(DIRECTORIES + 13 * 8, 0xfffffff0),
    warns: PE_WARNING.delayImportDirectory,
    because: 'delay imports are nowhere',
  },
  {
    change: dword(DIRECTORIES + 11 * 8, 0xfffffff0),
    warns: PE_WARNING.boundImports,
    because: 'bound imports are nowhere',
  },
]

describe('reading a malformed PE', () => {
  for (const { change, warns, because } of cases) {
    it(`warns (${warns}) where ${because}`, () => {
      const pe = tinyPe()
      change(pe)
      const image = new PeImage(pe)
      readContents(image)
      assert.ok(image.warnings.has(warns), `only ${[...image.warnings]}`)
      assert.equal(extractFeatures(pe).features[2480 + warns], 1)
    })
  }

  it('walks no loop of resource directories', () => {
    const pe = tinyPe()
    pe.writeUInt32LE(0x80000000, AT.resources + 0x20 + 20)
    readContents(new PeImage(pe))
  })

  it('reads a table of imports that never ends to its limit', () => {
    const pe = tinyPe()
    const thunks = Buffer.alloc(0x20000)
    for (let at = 0; at < thunks.length; at += 4) thunks.writeUInt32LE(rva(AT.imports + 0x120), at)
    const grown = Buffer.concat([pe, thunks])
    grown.writeUInt32LE(0x30000, SECTIONS + 40 + 8)
    grown.writeUInt32LE(0x20600, SECTIONS + 40 + 16)
    grown.writeUInt32LE(rva(TINY_SIZE), AT.imports)
    assert.deepEqual(
      readContents(new PeImage(grown)).imports.map(({ name }) => name),
      ['KERNEL32.dll', 'WS2_32.dll'],
    )
  })

  it('counts 2,048 sections over one large file once', () => {
    const count = 2048
    const pe = Buffer.concat([tinyPe(), Buffer.alloc(16 << 20, 0x41)])
    pe.writeUInt16LE(0xffff, NT_OFFSET + 6)
    const row = Buffer.from(pe.subarray(SECTIONS, SECTIONS + 40))
    row.writeUInt32LE(pe.length - 0x400, 16)
    for (let index = 0; index < 4000; index++) row.copy(pe, SECTIONS + index * 40)
    const { features, image } = extractFeatures(pe)
    assert.deepEqual([image?.sections.length, features[770]], [count, count])
    assert.equal(image?.warnings.has(PE_WARNING.tooManySections), true)
  })

  it('gives up a directory that wants more work than any honest file', () => {
    const pe = Buffer.concat([tinyPe(), Buffer.alloc(8 << 20)])
    // A million blocks of no entries, each valid.
    for (let at = TINY_SIZE; at + 8 <= pe.length; at += 8) pe.writeUInt32LE(8, at + 4)
    pe.writeUInt32LE(pe.length, SECTIONS + 40 + 8)
    pe.writeUInt32LE(pe.length - 0x600, SECTIONS + 40 + 16)
    pe.writeUInt32LE(rva(TINY_SIZE), DIRECTORIES + 5 * 8)
    pe.writeUInt32LE(0x7fffffff, DIRECTORIES + 5 * 8 + 4)
    const image = new PeImage(pe)
    assert.equal(readContents(image).hasRelocations, false)
    assert.ok(image.warnings.has(PE_WARNING.directoryFailed))
  })

  it('has general, byte and string features of what is no PE', () => {
    const { features, image } = extractFeatures(Buffer.from('MZ: an honest text, not an image; password'))
    assert.equal(image, undefined)
    assert.deepEqual([...features.subarray(0, 7)].map(Math.round), [42, 4, 0, 77, 90, 58, 32])
    assert.ok(features.subarray(696).every((value) => value === 0))
    assert.equal(features[519], 1)
    assert.equal(extractFeatures(Buffer.alloc(0)).features.length, FEATURE_COUNT)
  })

  it('ends as pefile does for a writable section named PAGE', () => {
    const pe = tinyPe()
    pe.write('PAGE\0', SECTIONS, 'latin1')
    pe.writeUInt32LE(0xe0000020, SECTIONS + 36)
    assert.throws(() => new PeImage(pe), PeFormatError)
  })
})

/** Everything that reads a PE; throws only what a test must see. */
function readAll(bytes: Buffer): void {
  const { features } = extractFeatures(bytes, (image) => readAuthenticode(image).features)
  assert.equal(features.length, FEATURE_COUNT)
  assert.ok(features.every((value) => !Number.isNaN(value)))
}

describe('hostile bytes', () => {
  it('give features wherever the file is cut', () => {
    const pe = tinyPe()
    for (let cut = 0; cut < 0x420; cut++) readAll(pe.subarray(0, cut))
    for (let cut = 0x420; cut < pe.length; cut += 7) readAll(pe.subarray(0, cut))
  })

  it('give features for any bits turned over', () => {
    const flips = fc.array(fc.record({ at: fc.nat(TINY_SIZE - 1), with: fc.integer({ min: 1, max: 255 }) }), {
      minLength: 1,
      maxLength: 12,
    })
    fc.assert(
      fc.property(flips, fc.boolean(), (changes, wide) => {
        const pe = tinyPe({ wide })
        for (const { at, with: bits } of changes) pe[at] = (pe[at] ?? 0) ^ bits
        readAll(pe)
      }),
      { numRuns: 1500 },
    )
  })

  it('give features for extreme numbers in any header field', () => {
    for (const value of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      for (let at = 0x3c; at < 0x200; at += 2) {
        const pe = tinyPe({ wide: at % 4 === 0 })
        pe.writeUInt32LE(value, at)
        readAll(pe)
      }
    }
  })

  it('give features for random bytes behind a good header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 0x600 }), (data) => {
        const pe = tinyPe()
        pe.set(data, 0x600)
        readAll(pe)
      }),
      { numRuns: 300 },
    )
  })
})
