import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkRulesHere } from '../../../src/scan/scanners/yara/check-rules.ts'

const check = (source: string) => checkRulesHere({ name: 'own.yar', source })

describe('checking a rule file', () => {
  it('tells all faults and warnings with their lines', () => {
    const { faults, warnings, rules } = check(
      [
        'rule a { condition: $x }',
        'rule b { strings: $a = "x" condition: $a }',
        'rule c { condition: foo }',
        'rule d { condition: true and }',
      ].join('\n'),
    )
    assert.deepEqual(
      faults.map(({ line, code }) => [line, code]),
      [
        [1, 'E025'],
        [3, 'E009'],
        [4, 'E001'],
      ],
    )
    assert.deepEqual(
      warnings.map(({ line, code }) => [line, code]),
      [[2, 'slow_pattern']],
    )
    assert.deepEqual(rules, [])
  })

  it('tells name, risk, weight and cost of each rule', () => {
    const { faults, rules, cost } = check(
      `
       rule one { meta: risk = "low" weight = 7 strings: $a = "some-words" condition: $a }
       private rule two { condition: filesize == 7 }
       rule dear { strings: $a = /a[a-z]{1,100}#/ condition: $a }`,
    )
    assert.deepEqual(faults, [])
    assert.deepEqual(
      rules.map(({ name, risk, weight }) => [name, risk, weight]),
      [
        ['one', 'low', 7],
        ['two', 'high', undefined],
        ['dear', 'high', undefined],
      ],
    )
    assert.ok((cost?.worstMs ?? -1) >= (cost?.meanMs ?? 0))
    const shares = rules.map(({ share = Number.NaN }) => share)
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 0.01, `${shares}`)
    assert.ok((shares[2] ?? 0) > 0.5, `the rule with the wild pattern is the dear one: ${shares}`)
  })

  it('names the rule of a file of one, and rules that cannot be measured alone', () => {
    assert.deepEqual(
      check('rule only { condition: filesize == 7 }').rules.map(({ name, cost }) => [name, cost !== undefined]),
      [['only', true]],
    )
    const leaning = check('rule base { condition: filesize == 7 } rule upper { condition: base }').rules
    assert.deepEqual(
      leaning.map(({ name, cost, share }) => [name, cost !== undefined, share]),
      [
        ['base', true, undefined],
        ['upper', false, undefined],
      ],
    )
    assert.equal(check('global rule g { condition: true } rule h { condition: true }').rules.length, 2)
  })

  it('does not measure with the WASM build, and tells its faults', () => {
    const { rules, cost } = checkRulesHere({ name: 'own.yar', source: 'rule a { condition: filesize == 7 }' }, 'wasm')
    assert.deepEqual([rules.length, cost], [1, undefined])
    const { faults } = checkRulesHere({ name: 'own.yar', source: 'rule a {\n condition: nowhere }' }, 'wasm')
    assert.deepEqual([faults.length, faults[0]?.line], [1, 2])
  })
})
