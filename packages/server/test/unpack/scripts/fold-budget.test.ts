import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VBS } from '../../../src/unpack/scripts/dialects.ts'
import { foldBudget, foldConstants } from '../../../src/unpack/scripts/fold.ts'
import { unfold } from '../../../src/unpack/scripts/unfold.ts'

/** Calls that never end: each is tried again from the next one on. The end folds, so that there is a second round. */
const HOSTILE = `x = ${'Chr(65 & '.repeat(20_000)}\ny = Chr(65) & Chr(66)`

describe('what folding may cost', () => {
  it('is bounded over all rounds together', () => {
    const budget = foldBudget(HOSTILE)
    const before = budget.steps
    let text = HOSTILE
    for (let round = 0; round < 4; round++) text = foldConstants(text, VBS, budget).text
    assert.ok(before <= 4 * HOSTILE.length + 10_000)
    assert.ok(budget.steps >= 0 && budget.steps < before)
    assert.equal(foldConstants('z = Chr(65) & Chr(66)', VBS, { steps: 0 }).folds, 0)
  })

  it('leaves an honest text all its rounds', () => {
    assert.match(unfold('x = StrReverse("bA" & Chr(66)) & Replace("aXb", "X", "")', 'vbs').text, /"BAbab"/)
  })
})
