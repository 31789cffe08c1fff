import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { typeOfView } from '../../../src/scan/true-file-type.ts'
import { lzipOpener } from '../../../src/unpack/archives/lzip-opener.ts'
import { sevenZipOpener } from '../../../src/unpack/archives/seven-zip.ts'
import { zipMemberBySevenZip } from '../../../src/unpack/archives/seven-zip-member.ts'
import { ContentView } from '../../../src/unpack/content-view.ts'
import type { Opener, OpenerNode } from '../../../src/unpack/opener.ts'
import { needs } from '../../e2e/needs.ts'
import { nodeOf, type RecordingOptions, type RecordingRun, recordingRun } from '../recording-run.ts'
import { type TestHost, testToolHost } from '../tool-host.ts'
import {
  ARCHIVE_FORMATS,
  type ArchiveFormatName,
  archiveFormat,
  makeArchive,
  needsFor,
  noise,
  type PlainFile,
  SEVEN_ZIP,
} from './make-archive.ts'
import { makeRar4, makeRar5 } from './make-rar.ts'

const NEEDED = needs('bwrap', 'prlimit')
const OPENERS: readonly Opener[] = [sevenZipOpener({ tool: SEVEN_ZIP }), lzipOpener({ tool: SEVEN_ZIP })]
const NAMES = Object.keys(ARCHIVE_FORMATS) as ArchiveFormatName[]

const FILES: readonly PlainFile[] = [
  { name: 'first.txt', bytes: Buffer.from('the first file\n'.repeat(20)) },
  { name: 'second.bin', bytes: Buffer.concat([noise(40_000), Buffer.from('the marker at the end')]) },
  { name: 'third.dat', bytes: Buffer.alloc(70_000, 'ab') },
]

let host: TestHost
before(async () => {
  if (NEEDED.skip === undefined) host = await testToolHost()
})
after(() => host?.close())

interface Opened {
  readonly run: RecordingRun
  /** What open() threw, as `reason: detail`. */
  readonly thrown: string | undefined
}

/** The node as the walker makes it: by its true type. */
function typedNode(bytes: Buffer, fileName = ''): OpenerNode {
  const { name, family, packed } = typeOfView(new ContentView({ kind: 'memory', bytes }))
  return nodeOf(bytes, { type: name, family, packed, fileName })
}

async function open(bytes: Buffer, options: RecordingOptions & { fileName?: string } = {}): Promise<Opened> {
  const node = typedNode(bytes, options.fileName)
  const run = recordingRun({ runTool: host.runTool, passwords: ['virus', 'infected', "it's ünï"], ...options })
  const opener = OPENERS.find((one) => one.wants(node) === 'members')
  assert.ok(opener, `nobody opens ${node.type}`)
  try {
    await opener.open(node, run)
    return { run, thrown: undefined }
  } catch (error) {
    assert.ok(error instanceof Unscanned, String(error))
    return { run, thrown: `${error.reason}: ${error.message}` }
  }
}

/** Opens layer by layer until the files are there; what is not opened is a leaf. */
async function openAll(bytes: Buffer, layers: number): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const { run, thrown } = await open(bytes)
  assert.deepEqual({ thrown, faults: run.faults }, { thrown: undefined, faults: [] })
  for (const { name, bytes: member, damage } of run.members) {
    assert.equal(damage, undefined)
    const isLayer = layers > 0 && OPENERS.some((opener) => opener.wants(typedNode(member)) !== undefined)
    if (!isLayer) found.set(name, member)
    else for (const [inner, leaf] of await openAll(member, layers - 1)) found.set(inner, leaf)
  }
  return found
}

const NO_TAR_HERE = new Set<ArchiveFormatName>(['deb', 'rpm'])

describe('the 7-Zip opener', NEEDED, () => {
  for (const name of NAMES) {
    const { isStream, takesPassword, type, innerLayers, renames } = archiveFormat(name)
    const files = isStream ? FILES.slice(0, 1) : FILES

    it(`opens ${name}`, needsFor(name), async () => {
      const bytes = makeArchive(name, files)
      assert.equal(typedNode(bytes).type, type)
      const found = await openAll(bytes, NO_TAR_HERE.has(name) ? 0 : (innerLayers ?? 0))
      if (NO_TAR_HERE.has(name)) return assert.ok(found.size > 0)
      if (isStream) return assert.deepEqual([...found.values()], [files[0]?.bytes])
      if (renames)
        return assert.ok(files.every(({ bytes: file }) => [...found.values()].some((one) => one.equals(file))))
      for (const file of files) assert.ok(found.get(file.name)?.equals(file.bytes), file.name)
    })

    if (takesPassword) {
      it(`opens ${name} by a listed password, and says which`, needsFor(name), async () => {
        const { run, thrown } = await open(makeArchive(name, files, { password: "it's ünï" }))
        assert.deepEqual(
          { thrown, faults: run.faults, opened: run.opened },
          { thrown: undefined, faults: [], opened: ["it's ünï"] },
        )
        const found = run.members.map(({ name: member, password, bytes }) => [member, password, bytes.length])
        assert.deepEqual(
          found,
          files.map((file) => [file.name, "it's ünï", file.bytes.length]),
        )
      })

      it(`calls ${name} encrypted where no password fits`, needsFor(name), async () => {
        const { run, thrown } = await open(makeArchive(name, files, { password: 'nobody knows' }))
        const reasons = new Set([...run.faults.map(({ reason }) => reason), ...(thrown ? [thrown.split(':')[0]] : [])])
        assert.deepEqual([...reasons], ['encrypted'])
        assert.deepEqual(run.members, [])
      })
    }
  }

  it('opens a file that lies on disk', async () => {
    const path = join(host.scratch, 'archive')
    writeFileSync(path, makeArchive('7z', FILES), { mode: 0o600 })
    const fd = openSync(path, 'r')
    unlinkSync(path)
    const content = { kind: 'file', fd, size: readFileSync(fd).length } as const
    const node = {
      ...nodeOf(Buffer.alloc(0), { type: '7z' }),
      content,
      size: content.size,
      view: new ContentView(content),
    }
    const run = recordingRun({ runTool: host.runTool })
    await OPENERS[0]?.open(node, run)
    assert.deepEqual(
      run.members.map(({ bytes }) => bytes),
      FILES.map(({ bytes }) => bytes),
    )
    closeSync(fd)
  })

  it('keeps names as they are, bad ones too, and both of two that are the same', async () => {
    const names = [
      '../../x',
      '/abs/y',
      'a:b',
      ' sp ace ',
      'x'.repeat(900),
      '*?',
      'ünï',
      'same',
      'same',
      '- first',
      'CON',
    ]
    const { run, thrown } = await open(makeRar5(names.map((name, i) => ({ name, bytes: Buffer.from(`file ${i}`) }))))
    assert.deepEqual({ thrown, faults: run.faults }, { thrown: undefined, faults: [] })
    assert.deepEqual(
      run.members.map(({ name, bytes }) => [name, String(bytes)]),
      names.map((name, i) => [name, `file ${i}`]),
    )
  })

  it('takes no contents for the log between them', async () => {
    const log =
      '- b.bin\nEverything is Ok\n\nERROR: CRC Failed : a.txt\n\nEnter password:\n- a.txt\nSub items Errors: 1\n'
    const files = [log, '', `\n${log}`, 'MZ'].map((text, i) => ({ name: `${'abcd'[i]}.txt`, bytes: Buffer.from(text) }))
    for (const name of ['7z', 'rar4', 'rar5', 'iso'] as const)
      for (const password of archiveFormat(name).takesPassword ? [undefined, 'virus'] : [undefined]) {
        const { run, thrown } = await open(makeArchive(name, files, password ? { password } : {}))
        assert.deepEqual({ name, thrown, faults: run.faults }, { name, thrown: undefined, faults: [] })
        assert.deepEqual(
          run.members.map(({ bytes }) => String(bytes)).sort(),
          files.map(({ bytes }) => String(bytes)).sort(),
        )
      }
  })

  it('finds out a member of unknown length that forges the border to the next', needsFor('nsis-solid'), async () => {
    const forged = Buffer.concat([noise(5000), Buffer.from('- b.exe\n'), noise(5000)])
    const files = [
      { name: 'a.txt', bytes: forged },
      { name: 'b.exe', bytes: Buffer.from('MZ the true one') },
    ]
    for (const name of ['nsis', 'nsis-solid'] as const) {
      const { run } = await open(makeArchive(name, files))
      const isFound = run.members.some(
        ({ name: member, bytes }) => member === 'b.exe' && bytes.equals(files[1]?.bytes as Buffer),
      )
      assert.ok(isFound, name)
    }
  })

  it('hands over what lies behind an archive, but no padding', async () => {
    const archive = makeArchive('7z', FILES)
    const behind = makeArchive('rar5', FILES.slice(0, 1))
    const { run } = await open(Buffer.concat([archive, behind]))
    assert.deepEqual(
      run.members.map(({ name, bytes }) => [name, bytes.length]),
      [...FILES.map(({ name, bytes }) => [name, bytes.length]), ['(data after the archive)', behind.length]],
    )
    assert.equal((await open(Buffer.concat([archive, Buffer.alloc(5000)]))).run.members.length, FILES.length)
  })

  it('opens a disc by both of its file systems', needsFor('udf'), async () => {
    const { run } = await open(makeArchive('udf', FILES))
    assert.deepEqual(
      run.members.map(({ name }) => name),
      [...FILES, ...FILES].map(({ name }) => name),
    )
  })

  it('opens images that begin as something else', async () => {
    for (const name of ['iso', 'vhd-fixed', 'dmg'] as const) {
      if (needsFor(name).skip !== undefined) continue
      const bytes = Buffer.from(makeArchive(name, FILES))
      if (name !== 'dmg') bytes.write('GIF89a')
      const { run } = await open(bytes)
      assert.ok(run.members.length > 0, name)
    }
  })

  it('names streams by the archive, so that a script is known by its name', needsFor('xz'), async () => {
    const bytes = makeArchive('xz', FILES.slice(0, 1))
    assert.equal((await open(bytes, { fileName: 'run.js.xz' })).run.members[0]?.name, 'run.js')
    assert.equal((await open(bytes, { fileName: 'all.TXZ' })).run.members[0]?.name, 'all.tar')
  })

  it('reads lzip of several parts, and sees a wrong sum', needsFor('lzip'), async () => {
    const parts = FILES.map((file) => makeArchive('lzip', [file]))
    const { run } = await open(Buffer.concat(parts))
    assert.ok(run.members[0]?.bytes.equals(Buffer.concat(FILES.map(({ bytes }) => bytes))))
    const bad = Buffer.from(parts[0] as Buffer)
    bad[bad.length - 20] = (bad[bad.length - 20] as number) ^ 1
    assert.equal((await open(bad)).run.members[0]?.damage?.reason, 'malformed')
    assert.equal((await open((parts[1] as Buffer).subarray(0, -200))).run.members[0]?.damage?.reason, 'malformed')
  })

  it('does not want what is none of its kind', () => {
    const plain = Buffer.alloc(40_000, 'plain text ')
    const program = Buffer.from(readFileSync(process.execPath).subarray(0, 64 * 1024))
    for (const bytes of [plain, program, Buffer.alloc(0), Buffer.from('MZ')])
      for (const opener of OPENERS) assert.equal(opener.wants(typedNode(bytes)), undefined)
  })

  it('takes a mark that opens nothing for what it is', async () => {
    const marks = Buffer.concat([noise(100), Buffer.from("7z\xbc\xaf'\x1cRar!\x1a\x07\x01\0", 'latin1'), noise(500)])
    const { run, thrown } = await open(marks)
    assert.deepEqual(
      { thrown, faults: run.faults, members: run.members },
      { thrown: undefined, faults: [], members: [] },
    )
  })

  it('undoes odd methods of ZIP', async () => {
    for (const method of ['Deflate64', 'BZip2', 'LZMA', 'PPMd', 'XZ']) {
      const zip = zipOf(method)
      const pieces: Buffer[] = []
      const run = recordingRun({ runTool: host.runTool })
      const job = {
        zip: { kind: 'memory', bytes: zip } as const,
        run,
        write: (chunk: Buffer) => void pieces.push(Buffer.from(chunk)),
      }
      assert.equal(await zipMemberBySevenZip({ tool: SEVEN_ZIP })(job), undefined, method)
      assert.ok(Buffer.concat(pieces).equals(FILES[2]?.bytes as Buffer), method)
    }
  })
})

function zipOf(method: string): Buffer {
  return makeArchive('7z', [FILES[2] as PlainFile], { container: ['-tzip', `-mm=${method}`] })
}

describe('the 7-Zip opener, on what is damaged or too much', NEEDED, () => {
  it('says which member is damaged, and gives the others whole', async () => {
    const bytes = makeRar5(FILES)
    bytes[60] = (bytes[60] as number) ^ 0xff
    const { run, thrown } = await open(bytes)
    assert.equal(thrown, undefined)
    assert.deepEqual(
      run.members.map(({ name, damage }) => [name, damage?.reason]),
      [
        ['first.txt', 'malformed'],
        ['second.bin', undefined],
        ['third.dat', undefined],
      ],
    )
  })

  it('goes on behind a member that breaks off', async () => {
    const bytes = makeArchive('7z', FILES, { container: ['-t7z', '-ms=off'] })
    bytes.fill(0x55, 33, 60)
    const { run } = await open(bytes)
    const whole = run.members.filter(({ damage }) => damage === undefined)
    assert.ok(run.members.length + run.faults.length >= FILES.length)
    for (const { name, bytes: member } of whole)
      assert.ok(FILES.find((file) => file.name === name)?.bytes.equals(member), name)
    assert.ok(whole.some(({ name }) => name === 'third.dat'))
    assert.ok(run.members.some(({ damage }) => damage !== undefined) || run.faults.length > 0)
  })

  it('says so when it is one volume of several', async () => {
    for (const bytes of [makeRar4(FILES, { isVolume: true }), makeRar5(FILES, { isVolume: true })]) {
      const { run } = await open(bytes)
      assert.ok(run.faults.some(({ reason }) => reason === 'not-unpacked'))
      assert.equal(run.members.length, FILES.length)
    }
  })

  it('throws malformed where nothing can be read', async () => {
    for (const mark of [
      "7z\xbc\xaf'\x1c",
      'Rar!\x1a\x07\0',
      'Rar!\x1a\x07\x01\0',
      'MSCF\0\0\0\0',
      '\xfd7zXZ\0',
      'MSWIM\0\0\0',
      'ITSF\x03',
    ]) {
      const { thrown } = await open(Buffer.concat([Buffer.from(mark, 'latin1'), noise(300)]))
      assert.match(thrown ?? '', /^malformed: /, mark)
    }
  })

  it('stops a bomb where the budget ends', async () => {
    const files = [{ name: 'zeros', bytes: Buffer.alloc(12_000_000) }]
    for (const name of ['7z', 'xz'] as const) {
      const { run, thrown } = await open(makeArchive(name, files), { maxBytes: 3_000_000 })
      assert.match(thrown ?? '', /^bomb: /)
      assert.ok(run.members.every(({ bytes }) => bytes.length <= 3_000_000))
    }
  })

  it('stops where there are too many members', async () => {
    const files = Array.from({ length: 300 }, (_, i) => ({ name: `f${i}`, bytes: Buffer.from(`${i}`) }))
    const { run, thrown } = await open(makeRar5(files), { maxMembers: 100 })
    assert.match(thrown ?? '', /^bomb: /)
    assert.equal(run.members.length, 100)
    assert.equal((await open(makeRar5(files))).run.members.length, 300)
  })

  it('is over when the walk is', async () => {
    const { thrown } = await open(makeArchive('7z', FILES), { signal: AbortSignal.abort() })
    assert.match(thrown ?? '', /^timeout: /)
  })

  it('is engine-down where tools cannot be confined', async () => {
    for (const name of ['7z', 'xz'] as const) {
      const node = typedNode(makeArchive(name, FILES.slice(0, 1)))
      await assert.rejects(async () => OPENERS[0]?.open(node, recordingRun()), {
        name: 'Unscanned',
        reason: 'engine-down',
      })
    }
  })

  it('never shows a password on a command line', async () => {
    const password = `secret-${process.pid}-of-nobody`
    const bytes = makeArchive('7z-hidden-names', FILES, { password })
    let isOver = false
    const work = open(bytes, { passwords: ['wrong', password] }).finally(() => {
      isOver = true
    })
    let looks = 0
    while (!isOver) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        for (const file of ['cmdline', 'environ']) assert.ok(!read(`/proc/${pid}/${file}`).includes(password))
      }
      looks++
      await new Promise(setImmediate)
    }
    assert.ok(looks > 3)
    assert.deepEqual((await work).run.opened, [password])
  })

  it('gives members, damage or a reason for every cut and flip', async () => {
    const samples = [makeRar5(FILES.slice(0, 2)), makeRar4(FILES.slice(0, 2)), makeArchive('7z', FILES.slice(0, 2))]
    for (const sample of samples)
      for (let i = 0; i < 4; i++) {
        const at = Math.floor((sample.length * (i + 0.5)) / 4)
        const flipped = Buffer.from(sample)
        flipped[at] = (flipped[at] as number) ^ (1 << (i % 8))
        for (const bytes of [sample.subarray(0, Math.max(at, 8)), flipped]) {
          const { run, thrown } = await open(bytes)
          const isWhole = FILES.slice(0, 2).every((file) =>
            run.members.some((member) => member.bytes.equals(file.bytes)),
          )
          const isTold =
            thrown !== undefined || run.faults.length > 0 || run.members.some(({ damage }) => damage !== undefined)
          assert.ok(isWhole || isTold, `${sample.subarray(0, 4)} ${i}`)
        }
      }
  })
})

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
