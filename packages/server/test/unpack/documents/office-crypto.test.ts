import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { oleOpener } from '../../../src/unpack/documents/ole.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import {
  makeAgile,
  makeStandard,
  rc4,
  rc4CryptoApi,
  sealWorkbook,
  xorFilePass,
  xorWorkbook,
} from './make-office-crypto.ts'
import { makeOle } from './make-ole.ts'
import { hiddenExec, makeWorkbook } from './make-xls.ts'

const DEFAULT = 'VelvetSweatshop'
const PACKAGE = Buffer.concat([Buffer.from('PK\u0003\u0004'), randomBytes(10_000)])

async function open(bytes: Buffer, passwords: readonly string[], signal?: AbortSignal): Promise<RecordingRun> {
  const run = recordingRun({ passwords, ...(signal ? { signal } : {}) })
  await oleOpener().open(nodeOf(bytes, { type: 'ole', fileName: 'a.docx' }), run)
  return run
}

const locked = { name: 'Unscanned', reason: 'encrypted' }

describe('encrypted OOXML packages', () => {
  for (const hashName of ['SHA1', 'SHA256', 'SHA384', 'SHA512'] as const) {
    for (const keyBits of [128, 192, 256] as const) {
      it(`opens agile ${hashName} with AES-${keyBits}`, async () => {
        const run = await open(makeAgile(PACKAGE, { password: 'pässword', hashName, keyBits }), ['wrong', 'pässword'])
        const member = run.members.find((one) => one.name === 'decrypted a.docx')
        assert.ok(member?.bytes.equals(PACKAGE) === true && member.damage === undefined)
        assert.equal(member?.password, 'pässword')
        assert.deepEqual(run.opened, ['pässword'])
        assert.ok(!run.members.some((one) => one.name === 'EncryptedPackage'))
      })
    }
  }

  it('opens standard encryption', async () => {
    const run = await open(makeStandard(PACKAGE, 'infected'), ['infected'])
    assert.ok(run.members[0]?.bytes.equals(PACKAGE))
  })

  it('opens what Excel opens without asking', async () => {
    assert.ok((await open(makeAgile(PACKAGE, { password: DEFAULT }), [])).members[0]?.bytes.equals(PACKAGE))
  })

  it('is encrypted where no password fits, and hands the streams over all the same', async () => {
    const run = recordingRun({ passwords: ['wrong'] })
    const node = nodeOf(makeAgile(PACKAGE, { password: 'other' }), { type: 'ole' })
    await assert.rejects(async () => oleOpener().open(node, run), locked)
    assert.deepEqual(run.members.map((member) => member.name).sort(), ['EncryptedPackage', 'EncryptionInfo'])
    assert.deepEqual(run.opened, [])
  })

  it('is encrypted where the way is unknown', async () => {
    const strange = makeOle({
      EncryptionInfo: Buffer.from('0400030000000000', 'hex'),
      EncryptedPackage: Buffer.alloc(100),
    })
    await assert.rejects(open(strange, ['a']), locked)
    const rights = makeOle({ '\u0006DataSpaces': { Version: Buffer.alloc(8) }, '\u0009DRMContent': Buffer.alloc(100) })
    await assert.rejects(open(rights, ['a']), locked)
  })

  it('calls a package that ends early damaged', async () => {
    const sealed = makeStandard(PACKAGE, DEFAULT)
    const size = sealed.indexOf(Buffer.from([PACKAGE.length & 0xff, PACKAGE.length >> 8, 0, 0, 0, 0, 0, 0]))
    sealed.writeUInt32LE(PACKAGE.length + 5000, size)
    const [member] = (await open(sealed, [])).members
    assert.equal(member?.damage?.reason, 'malformed')
  })

  it('stops at the deadline however long a key shall be stretched', async () => {
    const sealed = makeAgile(PACKAGE, { password: 'x', spinCount: 10 })
    const xml = sealed.indexOf('spinCount="10"')
    sealed.write('spinCount="9999999" ', xml)
    await assert.rejects(open(sealed, ['a'], AbortSignal.timeout(20)), { name: 'Unscanned', reason: 'timeout' })
  })
})

describe('encrypted workbooks and documents', () => {
  const sheets = [{ name: 'Macro1', macro: true, state: 1, formulas: [hiddenExec('calc.exe')] }] as const
  const kinds = {
    RC4: (password: string) => {
      const sealed = rc4(password)
      return sealWorkbook(
        makeWorkbook({ sheets, filePass: Buffer.concat([Buffer.from([1, 0]), sealed.header]) }),
        sealed,
      )
    },
    'RC4 CryptoAPI 128': (password: string) => {
      const sealed = rc4CryptoApi(password, 128)
      return sealWorkbook(
        makeWorkbook({ sheets, filePass: Buffer.concat([Buffer.from([1, 0]), sealed.header]) }),
        sealed,
      )
    },
    'RC4 CryptoAPI 40': (password: string) => {
      const sealed = rc4CryptoApi(password, 40)
      return sealWorkbook(
        makeWorkbook({ sheets, filePass: Buffer.concat([Buffer.from([1, 0]), sealed.header]) }),
        sealed,
      )
    },
    XOR: (password: string) => xorWorkbook(makeWorkbook({ sheets, filePass: xorFilePass(password) }), password),
  }
  for (const [kind, make] of Object.entries(kinds)) {
    it(`finds macros of a workbook under ${kind}`, async () => {
      for (const password of [DEFAULT, 'infected']) {
        const run = await open(makeOle({ Workbook: make(password) }), ['wrong', 'infected'])
        assert.ok(run.findings.some((finding) => finding.name === 'Macro.XlmStarts' && finding.risk === 'high'))
        assert.match(
          String(run.members.find((member) => member.name === 'xlm/formulas.txt')?.bytes),
          /EXEC\("calc\.exe"\)/,
        )
        assert.equal(run.members.find((member) => member.name === 'Workbook')?.password, password)
        assert.deepEqual(run.opened, [password])
      }
    })

    it(`is encrypted where no password fits ${kind}`, async () => {
      await assert.rejects(open(makeOle({ Workbook: make('other') }), ['wrong', 'infected']), locked)
    })
  }

  it('knows the verifier of Excel for its own password', () => {
    // As it stands in each workbook that has only its sheets protected in the old way.
    assert.equal(xorFilePass(DEFAULT).toString('hex'), '000059b30a9a')
  })

  it('finds fields of a document under RC4', async () => {
    const sealed = rc4('infected')
    const fib = Buffer.alloc(1024)
    fib.writeUInt16LE(0xa5ec, 0)
    fib.writeUInt16LE(0x100 | 0x200, 0x0a)
    fib.writeUInt32LE(sealed.header.length, 0x0e)
    const plain = Buffer.concat([fib, Buffer.from('\u0013 DDEAUTO cmd.exe "/k calc" \u0014!\u0015', 'latin1')])
    const word = sealed.seal(plain, 512)
    plain.copy(word, 0, 0, 68)
    const table = Buffer.concat([sealed.header, Buffer.alloc(200)])
    const bytes = makeOle({ WordDocument: word, '1Table': table })
    const run = await open(bytes, ['infected'])
    assert.equal(run.findings[0]?.name, 'Document.Dde')
    await assert.rejects(open(bytes, []), locked)
  })

  it('calls encrypted presentations encrypted', async () => {
    const atom = Buffer.alloc(44)
    atom.writeUInt32LE(0xf3d1c4df, 12)
    await assert.rejects(open(makeOle({ 'Current User': atom, 'PowerPoint Document': Buffer.alloc(99) }), []), locked)
  })

  it('takes hostile headers', async () => {
    const good = [
      makeAgile(PACKAGE.subarray(0, 600), { password: DEFAULT, spinCount: 1 }),
      makeOle({ Workbook: kinds.RC4(DEFAULT) }),
    ]
    for (const bytes of good) {
      const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      const property = fc.asyncProperty(flips, async (edits) => {
        const copy = Buffer.from(bytes)
        for (const [at, value] of edits) copy[at] = value
        await open(copy, [], AbortSignal.timeout(300)).catch((error) =>
          assert.ok(error instanceof Unscanned, String(error)),
        )
      })
      await fc.assert(property, { numRuns: 100 })
    }
  })
})
