import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MarkSearch } from '../../../src/unpack/scripts/mark-search.ts'

describe('search for many words at once', () => {
  it('finds what a search for each word finds', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '('), minLength: 4, maxLength: 7 })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'B', '('), maxLength: 80 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), text, (words, hay) => {
        const expected = Math.min(...words.map((one) => hay.toLowerCase().indexOf(one)).filter((at) => at >= 0))
        const hit = new MarkSearch(words.map((one) => ({ word: one }))).first(Buffer.from(hay))
        assert.equal(hit?.at ?? Number.POSITIVE_INFINITY, expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('counts a word only where its sequel follows, and does not ask for ever', () => {
    const search = new MarkSearch([{ word: 'call(', next: /^\d/ }, { word: 'other' }])
    assert.equal(search.first(Buffer.from('call(x) CALL(1)'))?.at, 8)
    assert.equal(search.first(Buffer.from(`${'call(x)'.repeat(100)}call(1)`)), undefined)
    assert.equal(search.first(Buffer.from(`${'call(x)'.repeat(100)}other`))?.mark.word, 'other')
  })
})
