import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { typeOfView } from '../../src/scan/true-file-type.ts'
import { unopened } from '../../src/scan/unopened.ts'
import { ContentView } from '../../src/unpack/content-view.ts'
import { zip } from './archives.ts'

const ZIP = zip([{ name: 'a.txt', data: Buffer.from('hidden') }])
const RAR = Buffer.from('Rar!\x1a\x07\x01\0', 'latin1')
const NO_HINTS = { declaredType: '', fileName: '' }

function reasonOf(bytes: Buffer, hints = NO_HINTS): string {
  const view = new ContentView({ kind: 'memory', bytes })
  const result = unopened(view, typeOfView(view, hints), hints)
  return result?.outcome === 'unscanned' ? result.reason : 'none'
}

function form(...parts: (Buffer | string)[]): Buffer {
  const head = (name: string) => `--B\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\n`
  const pieces = parts.flatMap((part, index) => [
    Buffer.from(head(`f${index}`)),
    Buffer.from(part),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...pieces, Buffer.from('--B--\r\n')])
}

const FORM = { declaredType: 'multipart/form-data', fileName: 'upload' }
const cases = [
  { name: 'a ZIP', bytes: ZIP, because: 'the plain case' },
  { name: 'a ZIP behind a picture', bytes: Buffer.concat([Buffer.from('GIF89a\x01\0\x01\0\0\0\0;', 'latin1'), ZIP]) },
  { name: 'a ZIP behind text', bytes: Buffer.concat([Buffer.from('hello\n'), ZIP]) },
  { name: 'a ZIP behind a program', bytes: Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200), ZIP]) },
  { name: 'a ZIP behind a PDF header', bytes: Buffer.concat([Buffer.from('%PDF-1.4\n'), ZIP]) },
  {
    name: 'a ZIP between a picture and more bytes',
    bytes: Buffer.concat([Buffer.from('GIF89a'), ZIP, Buffer.alloc(999)]),
  },
  {
    name: 'a RAR behind a picture',
    bytes: Buffer.concat([Buffer.from('GIF89a'), RAR]),
    hints: { declaredType: '', fileName: 'invoice.RAR' },
  },
  {
    name: 'what is declared a RAR',
    bytes: Buffer.from('GIF89a'),
    hints: { declaredType: 'application/vnd.rar', fileName: '' },
  },
  { name: 'a ZIP in a form', bytes: form(ZIP), hints: FORM },
  { name: 'a ZIP in the second part of a form', bytes: form('x', ZIP), hints: FORM },
  { name: 'a RAR in a form', bytes: form(RAR, 'x'), hints: FORM },
  {
    name: 'a RAR in a form with bare line feeds',
    bytes: Buffer.from(form(RAR).toString('latin1').replaceAll('\r', ''), 'latin1'),
    hints: FORM,
  },
  {
    name: 'base64 in a form',
    bytes: Buffer.from('--B\r\ncontent-transfer-encoding:  BASE64\r\n\r\nUEsDBA==\r\n--B--'),
    hints: FORM,
  },
]

describe('an archive that does not stand at the beginning', () => {
  for (const { name, bytes, hints } of cases) {
    it(`is not called clean: ${name}`, () => assert.equal(reasonOf(bytes, hints), 'not-unpacked'))
  }

  it('is found in a form too large to be looked through', () => {
    assert.equal(reasonOf(Buffer.concat([form('x'), Buffer.alloc(9 * 1024 * 1024)]), FORM), 'not-unpacked')
  })

  for (const [name, bytes, hints] of [
    ['text', Buffer.from('hello'), { declaredType: 'text/plain', fileName: 'a.txt' }],
    ['a picture', Buffer.from('GIF89a'), { declaredType: 'image/gif', fileName: 'zip.gif' }],
  ] as const) {
    it(`is not seen where there is none: ${name}`, () => assert.equal(reasonOf(bytes, hints), 'none'))
  }

  it('is what a form that nobody opened may hold: its parts are members', () => {
    assert.equal(reasonOf(form('a\r\n\r\nb', 'GIF89a'), FORM), 'not-unpacked')
  })

  it('is not looked for behind ten thousand empty lines: that would hold up everybody else', () => {
    assert.equal(reasonOf(Buffer.alloc(2 * 1024 * 1024, '\n\nP'), FORM), 'not-unpacked')
  })
})
