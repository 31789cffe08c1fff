import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isExcluded } from '../../src/scan/content-types.ts'
import { trueFileType } from '../../src/scan/true-file-type.ts'

const PNG = Buffer.from('\x89PNG\r\n\x1a\n<script>alert(1)</script>', 'latin1')

function excluded(declaredType: string, bytes: Buffer, fileName = '', validate = true): boolean {
  const settings = { enabled: true, types: ['image/*', 'video/*'], validate }
  const body = { declaredType, compressed: false, isPreviewOnly: false, fileName }
  return isExcluded(settings, { ...body, trueType: trueFileType({ kind: 'memory', bytes }, body) }) === 'excluded'
}

describe('a content type that is excluded', () => {
  it('is an honest picture', () => {
    assert.ok(excluded('image/png', PNG, 'a.png'))
    assert.ok(excluded('image/png', PNG))
  })

  const cases: readonly (readonly [because: string, declaredType: string, bytes: Buffer, fileName: string])[] = [
    ['browsers take the last of two types', 'image/png, text/html', PNG, 'a.png'],
    ['a space ends no type', 'image/png text/html', PNG, 'a.png'],
    ['a page whose comment holds the mark of a film', 'video/mp4', Buffer.from('<!--ftypisom--><script>'), ''],
    ['a name that a click runs', 'image/png', PNG, 'a.hta'],
    ['a name that is rendered', 'image/png', PNG, 'A.HTML'],
    ['a name that opens as an archive', 'image/png', PNG, 'a.zip'],
  ]
  for (const [because, declaredType, bytes, fileName] of cases) {
    it(`is not this: ${because}`, () => assert.equal(excluded(declaredType, bytes, fileName), false))
  }

  it('is two types in one header in no case, validated or not', () => {
    assert.ok(excluded('image/png', PNG, 'a.hta', false))
    assert.equal(excluded('image/png, text/html', PNG, '', false), false)
  })

  it('still knows a film', () => {
    assert.equal(trueFileType({ kind: 'memory', bytes: Buffer.from('\0\0\0\x20ftypisom', 'latin1') }).name, 'mp4')
  })
})
