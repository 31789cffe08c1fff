import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { findFaults, findProofs, renderDoc } from '../../../../scripts/rfc-doc.ts'
import { COUNTS, ROWS } from '../../../../scripts/rfc-rows.ts'

const PAGE = new URL('../../../../docs/rfc3507.md', import.meta.url)

describe('docs/rfc3507.md', () => {
  it('has all 200 rows, each with its file and its test', () => {
    assert.equal(ROWS.length, 200)
    assert.equal(
      Object.values(COUNTS).reduce((sum, count) => sum + count),
      200,
    )
    assert.deepEqual(findFaults(findProofs()), [])
  })

  it('is what the rows and the tests make of it (else run: node scripts/rfc-doc.ts)', () => {
    assert.equal(readFileSync(PAGE, 'utf8'), renderDoc(findProofs()))
  })

  it('finds a lost row, a wrong file, a MUST without a test', () => {
    const [first, ...rest] = ROWS
    assert.ok(first)
    assert.deepEqual(findFaults(findProofs(), rest), ['O1: no row'])
    const wrong = [{ ...first, file: 'icap/nothing.ts', instead: 'no time' }, ...rest]
    assert.deepEqual(findFaults(new Map([...findProofs()].filter(([id]) => id !== 'O1')), wrong), [
      'O1: icap/nothing.ts does not exist',
      'O1: MUST needs a test',
    ])
  })
})
