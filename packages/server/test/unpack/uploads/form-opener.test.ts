import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { ContentView } from '../../../src/unpack/content-view.ts'
import type { OpenerNode } from '../../../src/unpack/opener.ts'
import { formOpener } from '../../../src/unpack/uploads/form-opener.ts'
import { base64, MARKER, multipart, type Part } from '../mail/mails.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'

const FORM = { type: 'form', family: 'document', packed: true, declaredType: 'multipart/form-data' }

async function open(text: string, run: RecordingRun = recordingRun()): Promise<RecordingRun> {
  await formOpener().open(nodeOf(Buffer.from(text, 'latin1'), FORM), run)
  return run
}

function field(name: string, body: string, more: readonly string[] = []): Part {
  return { fields: [`Content-Disposition: form-data; name="${name}"`, ...more], body }
}

function file(fileName: string, body: string, more: readonly string[] = ['Content-Type: application/pdf']): Part {
  return { fields: [`Content-Disposition: form-data; name="f"; filename="${fileName}"`, ...more], body }
}

describe('a form', () => {
  it('gives each part with its name and type', async () => {
    const run = await open(multipart('----WebKit', [field('token', 'abc'), file('a.pdf', MARKER)]))
    assert.deepEqual(
      run.members.map(({ name, declaredType, bytes }) => [name, declaredType, bytes.toString('latin1')]),
      [
        ['token', undefined, 'abc'],
        ['a.pdf', 'application/pdf', MARKER],
      ],
    )
    assert.deepEqual(run.faults, [])
  })

  const evil = multipart('real', [file('a.exe', MARKER)])
  const holds: readonly (readonly [string, string])[] = [
    ['bare line feeds', multipart('B', [file('a', MARKER)], '\n')],
    ['bare carriage returns', multipart('B', [file('a', MARKER)], '\r')],
    ['no end', multipart('B', [file('a', MARKER)]).replace('--B--', '')],
    ['an encoded part', multipart('B', [file('a', base64(MARKER), ['Content-Transfer-Encoding: base64'])])],
    ['a first line that is not the boundary', `--fake\r\n\r\nx\r\n${evil}`],
    ['a first part of another boundary', multipart('fake', [field('x', 'y')]) + evil],
    ['the real parts inside a part of another boundary', multipart('fake', [field('x', evil)])],
    ['bytes in front of the first delimiter', `preamble\r\n${evil}`],
    [
      'files in one field (RFC 2388 multipart/mixed)',
      multipart('B', [field('x', multipart('C', [file('a', MARKER)]), ['Content-Type: multipart/mixed; boundary=C'])]),
    ],
    ['a part without a field of its own', `--B\r\n\r\n${MARKER}\r\n--B--`],
    [
      'fields in odd order and case',
      multipart('B', [
        { fields: ['content-TYPE: a/b', 'CONTENT-disposition:form-data;NAME=x;FILENAME=y'], body: MARKER },
      ]),
    ],
    ['an epilogue', multipart('B', [field('x', 'y')]) + MARKER],
  ]
  for (const [name, text] of holds) {
    it(`hands over what it holds: ${name}`, async () => {
      const run = await open(text)
      assert.ok(
        run.members.some((member) => member.bytes.toString('latin1').includes(MARKER)),
        name,
      )
      assert.deepEqual(run.faults, [])
    })
  }

  it('tells a name that deceives', async () => {
    const run = await open(multipart('B', [file('invoice.pdf.exe', 'x')]))
    assert.deepEqual(
      run.findings.map((finding) => finding.name),
      ['Attachment.DoubleExtension'],
    )
  })

  it('without any delimiter is malformed: nobody knows what a server sees in it', async () => {
    await assert.rejects(open('x'.repeat(100)), (error) => error instanceof Unscanned && error.reason === 'malformed')
  })

  it('of more boundaries than are read says so', async () => {
    const all = Array.from({ length: 20 }, (_, index) => multipart(`b${index}-`, [field('x', 'y')])).join('')
    assert.deepEqual(
      (await open(all)).faults.map((fault) => fault.reason),
      ['malformed'],
    )
  })

  it('lies in a file, and its parts go on in pieces', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-form-'))
    const fd = openSync(join(folder, 'body'), 'w+')
    try {
      const big = Buffer.alloc(3 * 1024 * 1024 + 17, 'abc\r\n--x\r\n')
      const head = Buffer.from('--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n')
      const size = [head, big, Buffer.from('\r\n--B\r\n\r\nlast\r\n--B--')].reduce(
        (at, piece) => at + writeSync(fd, piece, 0, piece.length, at),
        0,
      )
      const content = { kind: 'file', fd, size } as const
      const node: OpenerNode = { ...nodeOf(Buffer.alloc(0), FORM), content, size, view: new ContentView(content) }
      const run = recordingRun()
      await formOpener().open(node, run)
      assert.equal(run.members.length, 2)
      assert.ok(run.members[0]?.bytes.equals(big))
      assert.equal(run.members[1]?.bytes.toString(), 'last')
    } finally {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    }
  })
})

describe('what the form opener wants', () => {
  const wants = (text: string, facts: object) =>
    formOpener().wants(nodeOf(Buffer.from(text, 'latin1'), { type: 'text', family: 'text', ...facts }))
  const first = '--B\r\nContent-Disposition: form-data; name=a\r\n\r\nMZ\0'
  const cases = [
    ['members', wants('--B', FORM), 'what is a form'],
    [
      'members',
      wants(first, { type: 'data', family: 'data' }),
      'a form whose first part is binary, so that the whole looks like data',
    ],
    ['members', wants('x', { declaredType: 'multipart/related' }), 'what is declared one'],
    [undefined, wants('--help', {}), 'a text that begins with dashes'],
    [
      undefined,
      wants('PK', { type: 'zip', family: 'archive', declaredType: 'multipart/form-data' }),
      'an archive, whatever it is called',
    ],
    [undefined, wants('', { declaredType: 'multipart/form-data' }), 'nothing'],
  ] as const
  for (const [wanted, got, because] of cases)
    it(`${wanted ?? 'nothing'} of ${because}`, () => assert.equal(got, wanted))
})

describe('a hostile form', () => {
  async function survives(text: string): Promise<void> {
    try {
      await open(text, recordingRun({ maxMembers: 100 }))
    } catch (error) {
      assert.ok(error instanceof Unscanned, String(error))
    }
  }

  it('ends well wherever it is cut', async () => {
    const good = multipart('B', [
      field('x', multipart('C', [file('a', MARKER)]), ['Content-Type: multipart/mixed; boundary=C']),
      file('b', 'x'),
    ])
    for (let cut = 0; cut < good.length; cut++) await survives(good.slice(0, cut))
  })

  it('ends well whatever it is', async () => {
    const piece = fc.constantFrom(
      '--',
      'B',
      '\r\n',
      '\n',
      '\r',
      'Content-Disposition: form-data; filename=a',
      'Content-Type: multipart/mixed; boundary=B',
      ':',
      '\0',
      ' ',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 50 }), (all) => survives(`--B\r\n${all.join('')}`)),
      { numRuns: 500 },
    )
  })
})
