import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { odfOpener } from '../../../src/unpack/documents/odf.ts'
import { decryptBlowfishCfb } from '../../../src/unpack/documents/odf-blowfish.ts'
import { encryptedParts, isReadable } from '../../../src/unpack/documents/odf-crypto.ts'
import { type NodeFacts, nodeOf, type RecordingOptions, type RecordingRun, recordingRun } from '../recording-run.ts'
import { makeBasic, makeContent, makeEncryptedOdf, makeListener, makeOdf } from './make-odf.ts'

async function open(
  bytes: Buffer,
  options: RecordingOptions = {},
  facts: Partial<NodeFacts> = {},
): Promise<RecordingRun> {
  const run = recordingRun(options)
  const node = nodeOf(bytes, { type: 'odf', ...facts })
  assert.equal(odfOpener().wants(node), 'looks')
  await odfOpener().open(node, run)
  return run
}

function found(run: RecordingRun): Record<string, string> {
  return Object.fromEntries(run.findings.map((finding) => [finding.name, finding.risk]))
}

const LOAD = makeContent(
  makeListener('dom:load', 'vnd.sun.star.script:Standard.M.Main?language=Basic&amp;location=document'),
)
const CLICK = makeContent(
  makeListener('dom:click', 'vnd.sun.star.script:Standard.M.Main?language=Basic&amp;location=document'),
)
const SHELL = makeBasic('M', 'Sub Main\n  Shell("calc", 1)\nEnd Sub')

describe('OpenDocument files', () => {
  const rows: readonly {
    parts: Record<string, string>
    expected: Record<string, string>
    because: string
    urls?: string[]
  }[] = [
    { parts: { 'content.xml': makeContent('<text:p>Hello</text:p>') }, expected: {}, because: 'plain text' },
    {
      parts: {
        'content.xml': makeContent(
          '<text:a xlink:href="https://example.org/">x</text:a><draw:image xlink:href="Pictures/1.png"/>',
        ),
      },
      expected: {},
      urls: ['https://example.org/'],
      because: 'a hyperlink and a picture',
    },
    {
      parts: { 'content.xml': CLICK, 'Basic/Standard/M.xml': makeBasic('M', 'Sub Main\nMsgBox "hi"\nEnd Sub') },
      expected: {},
      because: 'a button with a harmless macro',
    },
    {
      parts: { 'content.xml': LOAD, 'Basic/Standard/M.xml': makeBasic('M', 'Sub Main\nEnd Sub') },
      expected: { 'Macro.AutoRun': 'low' },
      because: 'a harmless macro on load',
    },
    {
      parts: { 'content.xml': CLICK, 'Basic/Standard/M.xml': SHELL },
      expected: { 'Macro.Shell': 'low' },
      because: 'a button that starts a program',
    },
    {
      parts: { 'content.xml': LOAD, 'Basic/Standard/M.xml': SHELL },
      expected: { 'Macro.AutoRun': 'low', 'Macro.AutoRunShell': 'high' },
      because: 'a program on load, in two parts',
    },
    {
      parts: { 'Scripts/python/m.py': 'def m():\n  pass' },
      expected: { 'Macro.Python': 'low' },
      because: 'a Python macro',
    },
    {
      parts: { 'content.xml': LOAD, 'Scripts/python/m.py': 'import os\nos.system("calc")' },
      expected: { 'Macro.Python': 'high' },
      because: 'Python that starts a program on load',
    },
    {
      parts: {
        'content.xml': makeContent(
          makeListener(
            'dom:mouseover',
            'vnd.sun.star.script:../../../python/pydoc.py$tempfilepager?language=Python&amp;location=share',
          ),
        ),
      },
      expected: { 'Exploit.OdfScriptPath': 'high', 'Macro.AutoRun': 'low' },
      because: 'CVE-2018-16858',
    },
    {
      parts: {
        'content.xml': makeContent(
          '<office:dde-source office:dde-application="cmd" office:dde-topic="/c calc" office:dde-item="x"/>',
        ),
      },
      expected: { 'Document.Dde': 'high' },
      because: 'DDE',
    },
    {
      parts: {
        'content.xml': makeContent(
          '<office:dde-source office:dde-application="soffice" office:dde-topic="a.ods" office:dde-item="x"/>',
        ),
      },
      expected: {},
      because: 'a link to another sheet',
    },
    {
      parts: { 'content.xml': makeContent('<text:section-source xlink:href="http://evil.example/s"/>') },
      expected: { 'Document.RemoteObject': 'medium' },
      urls: ['http://evil.example/s'],
      because: 'a section from elsewhere',
    },
  ]
  for (const { parts, expected, because, urls } of rows) {
    it(`say ${JSON.stringify(expected)} of ${because}`, async () => {
      const run = await open(makeOdf(parts))
      const all = found(run)
      assert.deepEqual('Macro.Python' in expected ? { 'Macro.Python': all['Macro.Python'] } : all, expected)
      assert.deepEqual(run.urls, urls ?? [])
      assert.deepEqual(run.faults, [])
    })
  }

  it('bring their macros out, strings put together too', async () => {
    const run = await open(
      makeOdf({ 'Basic/Standard/M.xml': makeBasic('M', 'Sub Main\nx = "ca" & "lc.exe"\nEnd Sub') }),
    )
    assert.deepEqual(
      run.members.map((member) => [member.name, member.bytes.toString().trim().split('\n')[0]]),
      [
        ['basic/M.bas', 'Sub Main'],
        ['basic/(strings put together).txt', 'calc.exe'],
      ],
    )
  })

  it('in one file are looked at as well', async () => {
    const flat = LOAD.replaceAll('document-content', 'document').replace(
      '</office:document>',
      `${SHELL.slice(SHELL.indexOf('<script:module'))}</office:document>`,
    )
    assert.equal(
      found(await open(Buffer.from(flat), {}, { type: 'xml', family: 'text' }))['Macro.AutoRunShell'],
      'high',
    )
    assert.equal(odfOpener().wants(nodeOf(Buffer.from('<document/>'), { type: 'xml', family: 'text' })), undefined)
  })
})

describe('encrypted OpenDocument files', () => {
  const parts = { 'content.xml': LOAD, 'Basic/Standard/M.xml': SHELL, 'a.txt': 'secret '.repeat(2000) }

  for (const cipher of ['aes256-cbc', 'blowfish', 'aes256-gcm'] as const) {
    it(`are opened by password (${cipher})`, async () => {
      const run = await open(makeEncryptedOdf(parts, 'pässword', cipher), { passwords: ['wrong', 'pässword'] })
      const text = run.members.find((member) => member.name === 'a.txt')
      assert.deepEqual([text?.bytes.toString(), text?.password], [parts['a.txt'], 'pässword'])
      assert.deepEqual(run.opened, ['pässword'])
      assert.equal(found(run)['Macro.AutoRunShell'], 'high')
    })

    it(`are encrypted where none fits (${cipher})`, async () => {
      await assert.rejects(open(makeEncryptedOdf(parts, 'other', cipher), { passwords: ['wrong'] }), {
        name: 'Unscanned',
        reason: 'encrypted',
      })
    })
  }

  it('are encrypted where trying would cost too much', () => {
    const row = (attributes: string) =>
      `<file-entry full-path="a"><encryption-data><algorithm algorithm-name="x#aes256-cbc"/><key-derivation ${attributes}/></encryption-data></file-entry>`
    const readable = (attributes: string) => encryptedParts(row(attributes)).map(isReadable)
    assert.deepEqual(readable('key-derivation-name="PBKDF2" key-size="32" iteration-count="100000"'), [true])
    assert.deepEqual(readable('key-derivation-name="PBKDF2" key-size="32" iteration-count="2000000000"'), [false])
    assert.deepEqual(readable('key-derivation-name="x:argon2id" argon2-memory="90000000"'), [false])
    assert.deepEqual(readable('key-derivation-name="x:argon2id" key-size="32" salt="AAAA"'), [false])
    assert.deepEqual(readable('key-derivation-name="scrypt"'), [false])
  })

  it('use Blowfish as its author published it', () => {
    const encrypt = (key: Buffer, block: Buffer) => decryptBlowfishCfb(key, block, Buffer.alloc(8)).toString('hex')
    assert.equal(encrypt(Buffer.from('abcdefghijklmnopqrstuvwxyz'), Buffer.from('BLOWFISH')), '324ed0fef413a203')
    assert.equal(encrypt(Buffer.alloc(8), Buffer.alloc(8)), '4ef997456198dd78')
  })

  it('take any bytes', async () => {
    const good = makeEncryptedOdf({ 'content.xml': LOAD, 'Basic/Standard/M.xml': SHELL }, 'a', 'aes256-cbc')
    const plain = makeOdf({ 'content.xml': LOAD, 'Basic/Standard/M.xml': SHELL })
    for (const bytes of [good, plain]) {
      const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      const property = fc.asyncProperty(flips, fc.integer({ min: 0, max: 30 }), async (edits, cut) => {
        const copy = Buffer.from(bytes.subarray(0, bytes.length - cut))
        for (const [at, value] of edits) if (at < copy.length) copy[at] = value
        await open(copy, { passwords: ['a'] }).catch((error) => assert.ok(error instanceof Unscanned, String(error)))
      })
      await fc.assert(property, { numRuns: 150 })
    }
  })
})
