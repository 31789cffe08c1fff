import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pdfOpener } from '../../../src/unpack/documents/pdf.ts'
import { nodeOf, recordingRun } from '../recording-run.ts'
import { flated, PLAIN_PARTS, pdfOf } from './pdf-samples.ts'

const QPDF = ['/usr/bin/qpdf', '/usr/local/bin/qpdf'].find((path) => existsSync(path))
const why = QPDF === undefined ? 'qpdf is not installed (apt-get install qpdf)' : undefined
const skip = why !== undefined && process.env.CI !== 'true' ? why : false

const SCRIPT = 'var marker = "opened";'
const PLAIN = pdfOf([
  { num: 1, body: '<< /Type /Catalog /Pages 2 0 R /OpenAction 20 0 R >>' },
  ...PLAIN_PARTS.slice(1),
  { num: 20, body: '<< /S /JavaScript /JS 21 0 R /Next << /S /JavaScript /JS (var inString = 1;) >> >>' },
  flated(21, SCRIPT),
])

/** qpdf's words for each version and revision of the standard handler. */
const WAYS: readonly { args: readonly string[]; because: string }[] = [
  { args: ['40', '--'], because: 'RC4 with 40 bits (V1 R2)' },
  { args: ['128', '--use-aes=n', '--'], because: 'RC4 with 128 bits (V2 R3)' },
  { args: ['128', '--use-aes=n', '--force-V4', '--'], because: 'RC4 by a crypt filter (V4 R4)' },
  { args: ['128', '--use-aes=y', '--'], because: 'AES with 128 bits (V4 R4)' },
  { args: ['128', '--use-aes=y', '--cleartext-metadata', '--'], because: 'AES with plain metadata' },
  { args: ['256', '--force-R5', '--'], because: 'AES with 256 bits of Acrobat 9 (V5 R5)' },
  { args: ['256', '--'], because: 'AES with 256 bits (V5 R6)' },
]

describe('an encrypted PDF (made by qpdf)', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-pdf-'))
  after(() => rmSync(folder, { recursive: true }))
  before(() => writeFileSync(join(folder, 'plain.pdf'), PLAIN))

  function encrypted(user: string, owner: string, args: readonly string[]): Buffer {
    const out = join(folder, 'out.pdf')
    // Object streams are asked for, so that XRef streams tell of the encryption.
    const common = ['--allow-weak-crypto', '--object-streams=generate', '--warning-exit-0', join(folder, 'plain.pdf')]
    execFileSync(QPDF ?? 'qpdf', ['--encrypt', user, owner, ...args, ...common, out], { stdio: 'pipe' })
    return readFileSync(out)
  }

  async function opened(bytes: Buffer, passwords: readonly string[]) {
    const run = recordingRun({ passwords })
    await pdfOpener().open(nodeOf(bytes, { type: 'pdf' }), run)
    return run
  }

  const scripts = (run: Awaited<ReturnType<typeof opened>>) =>
    run.members.filter(({ name }) => name.startsWith('javascript/')).map(({ bytes }) => bytes.toString())

  for (const { args, because } of WAYS) {
    it(`opens ${because}`, async () => {
      const free = await opened(encrypted('', 'owner', args), [])
      assert.deepEqual(scripts(free).sort(), [SCRIPT, 'var inString = 1;'].sort())
      assert.ok(free.findings.some(({ name }) => name === 'Pdf.EncryptedScript'))
      assert.deepEqual(free.faults, [])
      const locked = encrypted('user', 'owner', args)
      for (const password of ['user', 'owner']) {
        const run = await opened(locked, ['wrong', password])
        assert.deepEqual(run.opened, [password])
        assert.ok(scripts(run).includes(SCRIPT))
      }
      await assert.rejects(opened(locked, ['wrong']), { name: 'Unscanned', reason: 'encrypted' })
    })
  }

  it('is unscanned where the handler is not the standard one', async () => {
    const bytes = pdfOf(PLAIN_PARTS, '/Encrypt << /Filter /Adobe.PubSec /V 4 /R 4 >>')
    await assert.rejects(opened(bytes, []), { reason: 'encrypted' })
  })

  it('still tells what it starts when no password fits', async () => {
    const launch = { num: 20, body: '<< /S /Launch /Win << /F (cmd.exe) >> >>' }
    const run = recordingRun()
    const bytes = pdfOf([...PLAIN_PARTS, launch], '/Encrypt << /Filter /Other >>')
    await assert.rejects(async () => pdfOpener().open(nodeOf(bytes, { type: 'pdf' }), run), { reason: 'encrypted' })
    assert.deepEqual(
      run.findings.map(({ name }) => name),
      ['Pdf.Launch'],
    )
  })
})
