import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { packRuleBlob, unpackRuleBlob } from '../../../src/scan/scanners/yara/rule-blob.ts'
import { compileRules, readRuleFiles } from '../../../src/scan/scanners/yara/rule-compiler.ts'
import { splitRules } from '../../../src/scan/scanners/yara/split-rules.ts'

const GOOD = 'rule good { strings: $a = "marker-good" condition: $a }'
const EVIL = 'rule evil { strings: $a = /(a|aa)+[a-z]*x{1,200}b/ condition: $a }'

describe('compiling rules', () => {
  it('quarantines every bad file with its faults, and none of them silences another', async () => {
    const compiled = await compileRules([
      { name: 'unknown.yar', source: 'rule x { condition: nope }\nrule y { condition: nope2 }' },
      { name: 'syntax.yar', source: 'rule {' },
      { name: 'include.yar', source: 'include "/etc/passwd"\nrule q { condition: true }' },
      { name: 'good.yar', source: GOOD },
      { name: 'module.yar', source: 'import "magic"\nrule m { condition: magic.type() == "x" }' },
    ])
    assert.deepEqual(compiled.files, ['good.yar'])
    const codes = compiled.quarantined.map(({ name, faults }) => [
      name,
      faults.map(({ line, code }) => `${line} ${code}`),
    ])
    assert.deepEqual(codes, [
      ['include.yar', ['1 E044']],
      ['module.yar', ['1 E010', '2 E009']],
      ['syntax.yar', ['1 E001']],
      ['unknown.yar', ['1 E009', '2 E009']],
    ])
    assert.ok(!JSON.stringify(compiled.quarantined).includes('root:'), 'an include must not print the file it names')
  })

  it('names the slow rule of a file and leaves its neighbours in the fast lane', async () => {
    const compiled = await compileRules([{ name: 'mixed.yar', source: `import "math"\n${GOOD}\n${EVIL}` }])
    assert.deepEqual(
      compiled.slow.map(({ file, rule }) => ({ file, rule })),
      [{ file: 'mixed.yar', rule: 'evil' }],
    )
    const { header, fast, slow } = unpackRuleBlob(compiled.blob)
    assert.deepEqual(header.slowFiles, ['mixed.yar'])
    assert.ok(fast.length > 0 && slow.length > 0)
  })

  it('finds a rule slow whose anchor only its own source tells', async () => {
    const source = 'rule anchored { strings: $a = /rareword[a-z]*x{1,200}b/ condition: $a }'
    const compiled = await compileRules([{ name: 'anchored.yar', source }])
    assert.equal(compiled.slow.length, 1)
  })

  it('takes a second file of the same name for a fault', async () => {
    const compiled = await compileRules([
      { name: 'a.yar', source: GOOD },
      { name: 'a.yar', source: GOOD },
    ])
    assert.deepEqual(
      compiled.quarantined.map(({ faults }) => faults[0]?.code),
      ['duplicate'],
    )
  })

  it('changes its version with the sources that scan, not with their order', async () => {
    const a = { name: 'a.yar', source: GOOD }
    const b = { name: 'b.yar', source: GOOD.replace('marker', 'other') }
    const [one, two, three] = await Promise.all([compileRules([a, b]), compileRules([b, a]), compileRules([a])])
    assert.equal(one?.version, two?.version)
    assert.notEqual(one?.version, three?.version)
  })
})

describe('the compiled rule set', () => {
  const header = {
    binding: 'native',
    bindingVersion: '1',
    version: 'v',
    files: ['a'],
    slowFiles: [],
    quarantined: [],
    options: {},
  } as const
  const blob = packRuleBlob({ header, fast: Buffer.from('fast'), slow: Buffer.from('slow') })

  it('comes back as it was packed', () => {
    const { header: got, fast, slow } = unpackRuleBlob(blob)
    assert.deepEqual(got, header)
    assert.equal(`${fast} ${slow}`, 'fast slow')
  })

  it('is refused wherever a bit is flipped or the end is missing', () => {
    for (let at = 0; at < blob.length; at++) {
      const bad = Buffer.from(blob)
      bad[at] = (bad[at] ?? 0) ^ 0x10
      assert.throws(() => unpackRuleBlob(bad), /rule set/, `bit flipped at ${at}`)
      assert.throws(() => unpackRuleBlob(blob.subarray(0, at)), /rule set/, `cut at ${at}`)
    }
  })
})

describe('cutting a rule file into its rules', () => {
  it('is not led astray by braces and keywords in text, hex, comments and expressions', () => {
    const source = `import "pe"
// rule no { }
private rule one : tag { meta: a = "} rule x {" strings: $h = { 41 (42|43) [2-4] 44 } condition: $h /* } */ }
rule two { strings: $r = /[}/]\\/{2,3}}/ condition: $r and pe.is_pe }`
    const split = splitRules(source)
    assert.equal(split?.head, 'import "pe"\n')
    assert.deepEqual(
      split?.rules.map(({ name }) => name),
      ['one', 'two'],
    )
    assert.match(split?.rules[0]?.source ?? '', /^private rule one/)
  })

  for (const [source, because] of [
    ['global rule g { condition: true } rule a { condition: true }', 'a global rule restricts the others'],
    ['rule a { condition: true }', 'one rule needs no cut'],
    ['rule a { condition: true } rule b {', 'its braces do not close'],
    ['} rule a { condition: true } rule b { condition: true }', 'its braces close before they open'],
  ] as const) {
    it(`leaves the file whole when ${because}`, () => assert.equal(splitRules(source), undefined))
  }
})

describe('reading a rules folder', () => {
  it('takes .yar and .yara of subfolders too, and gives what is unreadable as a bad file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'assay-rules-'))
    try {
      await mkdir(join(folder, 'sub', 'dir.yar'), { recursive: true })
      await writeFile(join(folder, 'a.yar'), GOOD)
      await writeFile(join(folder, 'sub', 'b.YARA'), GOOD)
      await writeFile(join(folder, 'notes.txt'), 'no rule')
      const files = await readRuleFiles(folder)
      assert.deepEqual(
        files.map(({ name }) => name),
        ['a.yar', 'sub/b.YARA', 'sub/dir.yar'],
      )
      assert.match(files[2]?.source ?? '', /^unreadable/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
