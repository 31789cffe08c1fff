import { execFileSync } from 'node:child_process'
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { containers, nest } from '../../packages/server/test/matrix/containers.ts'
import { rar4, rar5, sevenZip, ole as zipOle } from '../../packages/server/test/scan/archives.ts'
import {
  ARCHIVE_FORMATS,
  type ArchiveFormatName,
  makeArchive,
} from '../../packages/server/test/unpack/archives/make-archive.ts'
import { makeTar, paxRecord } from '../../packages/server/test/unpack/archives/make-tar.ts'
import { makeZip, type ZipSpec } from '../../packages/server/test/unpack/archives/make-zip.ts'
import { testToolHost } from '../../packages/server/test/unpack/tool-host.ts'
import { cached } from './cached.ts'
import { plainSeed, type Seed, seedsOf, type Target } from './target.ts'
import { createWalker, PASSWORD } from './walker.ts'

const TEXT = Buffer.from('WScript.CreateObject("WScript.Shell").Run("calc"); // '.repeat(6))
const SMALL = Buffer.from('hello, this is a harmless file of the tests\r\n')

const ZIPS: Readonly<Record<string, readonly ZipSpec[]>> = {
  stored: [{ name: 'a.txt', data: SMALL }],
  deflate: [
    { name: 'a.js', data: TEXT, how: 'deflate' },
    { name: 'sub/b.txt', data: SMALL, how: 'deflate' },
  ],
  zstd: [{ name: 'a.js', data: TEXT, how: 'zstd' }],
  descriptor: [{ name: 'a.js', data: TEXT, how: 'deflate', descriptor: true }],
  unmarked: [{ name: 'a.js', data: TEXT, how: 'deflate', descriptor: 'unmarked' }],
  'descriptor64': [{ name: 'a.js', data: TEXT, how: 'deflate', descriptor: 'zip64' }],
  zip64: [{ name: 'a.js', data: TEXT, how: 'deflate', zip64: true }],
  zipcrypto: [{ name: 'a.js', data: TEXT, how: 'deflate', password: { text: PASSWORD, how: 'zipcrypto' } }],
  ae1: [{ name: 'a.js', data: TEXT, password: { text: PASSWORD, how: 'ae1', bits: 128 } }],
  ae2: [{ name: 'a.js', data: TEXT, how: 'deflate', password: { text: PASSWORD, how: 'ae2' } }],
  unlisted: [{ name: 'a.js', data: TEXT, noCentral: true }, { name: 'b.txt', data: SMALL }],
  copies: [{ name: 'a.js', data: TEXT, how: 'deflate', copies: 5 }],
  behind: [{ name: 'a.js', data: TEXT, how: 'deflate', behind: Buffer.from('between the members') }],
} // biome-ignore format: one zip a line

const zipSeeds = (): Seed[] => [
  ...seedsOf(Object.fromEntries(Object.entries(ZIPS).map(([name, specs]) => [name, () => makeZip(specs)]))),
  ...seedsOf({
    comment: () => makeZip(ZIPS.stored ?? [], { comment: Buffer.from('the password is infected') }),
    before: () => makeZip(ZIPS.deflate ?? [], { before: Buffer.from('MZ and more in front of it') }),
    end64: () => makeZip(ZIPS.deflate ?? [], { zip64: true }),
    'no end': () => makeZip(ZIPS.deflate ?? [], { end: false }),
    twice: () => Buffer.concat([makeZip(ZIPS.stored ?? []), makeZip(ZIPS.deflate ?? [])]),
  }),
  {
    name: 'members',
    parts: [TEXT, SMALL, makeZip(ZIPS.deflate ?? [])],
    build: ([a = TEXT, b = TEXT, c = TEXT]) =>
      makeZip([
        { name: 'a.js', data: a, how: 'deflate' },
        { name: 'b.txt', data: b },
        { name: 'c.zip', data: c, how: 'deflate' },
      ]),
  },
  {
    name: 'packed data',
    parts: [deflateRawSync(TEXT)],
    build: ([raw = TEXT]) => makeZip([{ name: 'a.js', data: TEXT, how: 'deflate', raw }]),
  },
]

const TAR_MEMBERS = [
  { name: 'a.js', data: TEXT },
  { name: 'b', data: SMALL },
]

const tarSeeds = (): Seed[] =>
  seedsOf({
    plain: () => makeTar(TAR_MEMBERS),
    pax: () => makeTar([{ name: 'p', type: 'x', data: paxRecord('path', 'long/name.js') + paxRecord('size', '44') }, ...TAR_MEMBERS]),
    long: () => makeTar([{ name: '././@LongLink', type: 'L', data: `${'n'.repeat(200)}\0` }, ...TAR_MEMBERS]),
    global: () => makeTar([{ name: 'g', type: 'g', data: paxRecord('comment', 'x') }, ...TAR_MEMBERS]),
    base256: () => makeTar([{ name: 'a', data: TEXT, base256: true }]),
    sparse: () => makeTar([{ name: 's', type: 'S', data: Buffer.alloc(1024, 's'), mark: 'ustar  \0', sparse: { pieces: [[0, 512], [8192, 512]], size: 9000 } }]),
    paxSparse: () => makeTar([{ name: 'p', type: 'x', data: paxRecord('GNU.sparse.major', '1') + paxRecord('GNU.sparse.minor', '0') + paxRecord('GNU.sparse.realsize', '5000') }, { name: 's', data: Buffer.from(`2\n0\n4\n4096\n4\n${'\0'.repeat(499)}datadata`) }]),
    old: () => makeTar([{ name: 'old', data: SMALL, mark: '\0\0\0\0\0\0\0\0' }, ...TAR_MEMBERS]),
    links: () => makeTar([{ name: 'l', type: '2' }, { name: 'd', type: '5' }, ...TAR_MEMBERS], { end: false }),
  }) // biome-ignore format: one tar a line

/** The sum over each block that looks like a header: POSIX.1-1988, ustar. */
function mendTar(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512)
    if (block.toString('latin1', 257, 262) !== 'ustar') continue
    block.write('        ', 148)
    const sum = block.reduce((total, byte) => total + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  }
}

const streamSeeds = (): Seed[] => [
  ...seedsOf({
    gzip: () => gzipSync(TEXT),
    'gzip twice': () => Buffer.concat([gzipSync(TEXT), gzipSync(SMALL)]),
    'gzip named': () => Buffer.concat([Buffer.from('1f8b081c00000000000306000102030405066e616d65006e6f746500', 'hex'), gzipSync(TEXT).subarray(10)]),
    zstd: () => zstdCompressSync(TEXT),
    'zstd frames': () => Buffer.concat([zstdCompressSync(TEXT), Buffer.from('502a4d1804000000abcdef01', 'hex'), zstdCompressSync(SMALL)]),
    lz4: cached('lz4', () => execFileSync('lz4', ['-c', '-z', '-q'], { input: TEXT })),
    'lz4 sums': cached('lz4 sums', () => execFileSync('lz4', ['-c', '-z', '-q', '-B4', '-BX', '--content-size'], { input: Buffer.concat(Array(60).fill(TEXT)) })),
    'lz4 old': cached('lz4 old', () => execFileSync('lz4', ['-c', '-z', '-q', '-l'], { input: TEXT })),
    lzip: cached('lzip', () => execFileSync('lzip', ['-kc'], { input: TEXT })),
    tgz: () => gzipSync(makeTar(TAR_MEMBERS)),
  }), // biome-ignore format: one stream a line
  { name: 'gzip of', parts: [makeTar(TAR_MEMBERS)], build: ([bytes = TEXT]) => gzipSync(bytes, { level: 1 }) },
  { name: 'zstd of', parts: [makeZip(ZIPS.deflate ?? [])], build: ([bytes = TEXT]) => zstdCompressSync(bytes) },
]

const FILES = [
  { name: 'a.js', bytes: TEXT },
  { name: 'b.txt', bytes: SMALL },
]

/** Disk images and installers are large: most changes would fall into emptiness. */
const TOO_LARGE = 600_000

function nativeSeeds(): Seed[] {
  const makers = Object.entries(ARCHIVE_FORMATS).flatMap(([name, format]) => {
    const files = 'isStream' in format ? FILES.slice(0, 1) : FILES
    const make = (password?: string) => makeArchive(name as ArchiveFormatName, files, password === undefined ? {} : { password })
    return [
      [name, cached(`native ${name}`, () => make())] as const,
      ...('takesPassword' in format ? [[`${name} locked`, cached(`native ${name} locked`, () => make(PASSWORD))] as const] : []),
    ]
  }) // biome-ignore format: two makers
  return seedsOf(Object.fromEntries(makers)).filter(({ parts }) => (parts[0] as Buffer).length < TOO_LARGE)
}

const matrixSeeds = (): Seed[] =>
  containers()
    .filter(({ name }) => !(name in ARCHIVE_FORMATS))
    .flatMap((container) => {
      const facts = container.contentType === undefined ? {} : { declaredType: container.contentType.split(';', 1)[0] ?? '' }
      const make = (depth: number, password?: string) =>
        cached(`matrix ${container.name} ${depth} ${password}`, () => nest(container, FILES[0] as (typeof FILES)[0], { depth, password }).bytes)
      const password = container.takesPassword ? PASSWORD : undefined
      return seedsOf({ [container.name]: make(1, password), [`${container.name} twice`]: make(2, password) }, facts)
    }) // biome-ignore format: two makers

const ZIP_TOKENS = ['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07', 'PK\x07\x08', '\x01\x99\x07\0', '\x01\0\x10\0', 'mimetype', '[Content_Types].xml', 'META-INF/MANIFEST.MF'] // biome-ignore format: one list
const TAR_TOKENS = ['ustar\x0000', 'ustar  \0', '././@LongLink', ' path=x\n', 'GNU.sparse.map=0,1,2,3\n', '7777777777 ', '\x80\0\0\0', '30 mtime=1.0\n'] // biome-ignore format: one list
const STREAM_TOKENS = ['\x1f\x8b\x08\0', '\x28\xb5\x2f\xfd', '\x04\x22\x4d\x18', '\x02\x21\x4c\x18', 'LZIP\x01', '\x50\x2a\x4d\x18', '\xff\xff\xff\xff', '\0\0\0\x80'] // biome-ignore format: one list

export const ARCHIVE_TARGETS: readonly Target[] = [
  {
    name: 'zip',
    about: 'zip opener (all readings, ZipCrypto, WinZip AES), directory and protection',
    share: 150,
    prepare: () => ({ seeds: zipSeeds(), tokens: ZIP_TOKENS, keptBytes: 4, run: createWalker() }),
  },
  {
    name: 'tar',
    about: 'tar opener: ustar, GNU, pax, sparse',
    share: 300,
    prepare: () => ({ seeds: tarSeeds(), tokens: TAR_TOKENS, keptBytes: 0, mend: mendTar, run: createWalker() }),
  },
  {
    name: 'streams',
    about: 'gzip, zstd and lz4 openers, lzip',
    share: 100,
    prepare: () => ({ seeds: streamSeeds(), tokens: STREAM_TOKENS, keptBytes: 4, run: createWalker() }),
  },
  {
    name: 'matrix',
    about: 'every container of the matrix, one and two levels deep, with every opener',
    share: 80,
    prepare: () => ({ seeds: matrixSeeds(), tokens: [...ZIP_TOKENS, ...STREAM_TOKENS], run: createWalker() }),
  },
  {
    name: 'protection',
    about: 'true types, protection, hidden archives: heads of RAR, 7z, OLE, CAB and what 7-Zip would open, without it',
    share: 250,
    prepare: () => ({ seeds: [...nativeSeeds(), ...headSeeds()], tokens: [...ZIP_TOKENS, ...STREAM_TOKENS, 'Rar!\x1a\x07\x01\0'], keptBytes: 6, run: createWalker() }), // biome-ignore format: one object
  },
  {
    name: 'seven-zip',
    about: '7-Zip itself in the real confinement, and what reads its output',
    share: 0.5,
    async prepare() {
      const host = await testToolHost()
      return {
        seeds: nativeSeeds(),
        tokens: STREAM_TOKENS,
        keptBytes: 6,
        run: createWalker(host.runTool),
        close: () => host.close(),
      }
    },
  },
]

const headSeeds = (): Seed[] =>
  [
    rar4([
      { type: 0x73, flags: 0x80 },
      { type: 0x74, flags: 4, data: 20 },
    ]),
    rar5([{ type: 4 }]),
    sevenZip([1, 6, 0xf1, 7, 1]),
    zipOle({ stream: 'EncryptedPackage' }),
  ].map((bytes, at) => plainSeed(`head ${at}`, bytes))
