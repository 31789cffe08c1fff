import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BINDING_NAMES, loadBinding } from '../../../src/scan/scanners/yara/binding.ts'
import { compileRulesHere } from '../../../src/scan/scanners/yara/compile-rules.ts'
import { guardConditions } from '../../../src/scan/scanners/yara/guard-conditions.ts'
import { unpackRuleBlob } from '../../../src/scan/scanners/yara/rule-blob.ts'

const TWO = [
  { name: 'a.yar', source: 'rule one { strings: $a = "UPX!" condition: filesize < 4 and $a }' },
  { name: 'b.yar', source: 'rule two { strings: $a = "UPX!" condition: $a }' },
]

describe('conditions of rules', () => {
  for (const name of BINDING_NAMES) {
    it(`of one file do not switch off the rules of another (${name})`, () => {
      const { blob } = compileRulesHere(TWO, { binding: name })
      const { fast } = unpackRuleBlob(blob)
      const rules = loadBinding(name).load(fast)
      const { detections } = rules.scan(Buffer.from('xx UPX! yy'), 2000)
      assert.equal(detections.length, 1)
      assert.match(JSON.stringify(detections), /two/i)
    })
  }

  const kept: readonly (readonly [why: string, source: string])[] = [
    ['no test of size or bytes', 'rule a { strings: $a = "x1234" condition: $a }'],
    ['the word in a comment', 'rule a { /* condition: filesize } */ condition: true }'],
    ['the word in a text', 'rule a { strings: $a = "condition: filesize < 3 }" condition: $a }'],
    ['the word in a regular expression', 'rule a { strings: $a = /condition: filesize/ condition: $a }'],
    ['a rule that is not closed', 'rule a { condition: filesize < 3'],
  ]
  for (const [why, source] of kept) it(`stay as they are: ${why}`, () => assert.equal(guardConditions(source), source))

  const guarded: readonly (readonly [why: string, source: string, condition: string])[] = [
    ['size', 'rule a { condition: filesize < 3 }', '(filesize < 3 ) or false'],
    ['first bytes', 'rule a { condition: uint16be(0) == 0x4D5A }', '(uint16be(0) == 0x4D5A ) or false'],
    [
      'a brace in a text',
      'rule a { condition: filesize < 3 and "}" == "}" }',
      '(filesize < 3 and "}" == "}" ) or false',
    ],
    ['a comment behind it', 'rule a { condition: filesize < 3 // }\n}', '(filesize < 3 // } ) or false'],
    [
      'hex strings before it',
      'rule a { strings: $a = { 01 [2-4] 02 } condition: filesize < 3 and $a }',
      '(filesize < 3 and $a ) or false',
    ],
  ]
  for (const [why, source, condition] of guarded) {
    it(`are guarded: ${why}`, () => {
      const text = guardConditions(source).replace(/\s+/g, ' ').replaceAll('( ', '(')
      assert.ok(text.includes(condition), text)
      assert.deepEqual(compileRulesHere([{ name: 'a.yar', source: guardConditions(source) }]).quarantined, [])
    })
  }

  it('keep every line before the end of the condition where it was', () => {
    const source =
      'rule a {\n  strings:\n    $a = "x"\n  condition:\n    filesize < 3 and $a\n}\nrule b { condition: true }\n'
    assert.deepEqual(
      guardConditions(source)
        .split('\n')
        .slice(0, 5)
        .map((line) => line.trim().replace(/^\(/, '')),
      ['rule a {', 'strings:', '$a = "x"', 'condition: (', 'filesize < 3 and $a'],
    )
  })

  it('of any text take no time to speak of and never throw', () => {
    const words = fc.constantFrom(
      'rule',
      'condition:',
      '{',
      '}',
      '"',
      '/',
      '//',
      '/*',
      '*/',
      '\\',
      'filesize',
      '\n',
      ' ',
      '$a',
    )
    fc.assert(
      fc.property(fc.array(words, { maxLength: 200 }), (parts) => typeof guardConditions(parts.join('')) === 'string'),
    )
    assert.equal(typeof guardConditions('"'.repeat(200_000)), 'string')
    assert.equal(typeof guardConditions('/*'.repeat(50_000)), 'string')
  })
})
