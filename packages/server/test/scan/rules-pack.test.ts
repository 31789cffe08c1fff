import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { packFiles, rulesDocument, rulesIn } from '../../../../scripts/rules-doc.ts'
import { type CompiledRules, compileRules, readRuleFiles } from '../../src/scan/scanners/yara/rule-compiler.ts'
import { createYaraEngine, type YaraEngine } from '../../src/scan/scanners/yara/yara-engine.ts'
import { CASES } from './rules/cases.ts'
import { cut, missOf, type RuleCase } from './rules/rule-case.ts'
import { NEVER, sampleOf } from './samples.ts'

const TABLES = fileURLToPath(new URL('rules/', import.meta.url))
/** EICAR stands in its rules as bytes on purpose, so that no scanner takes them for it. */
const ON_PURPOSE = ['text_as_hex']

describe('the signature pack', () => {
  let compiled: CompiledRules
  let engine: YaraEngine
  before(async () => {
    compiled = await compileRules(await readRuleFiles(fileURLToPath(new URL('../../rules/', import.meta.url))))
    engine = await createYaraEngine({ blob: compiled.blob })
  })
  after(() => engine.close())

  /** Names of the rules, whatever the threat is called. */
  async function rulesFor(text: string): Promise<string[]> {
    const sample = sampleOf(text)
    const found = engine.scanNow(sample) ?? (await engine.scan(sample, NEVER, { client: '' }))
    return found.map(({ evidence }) => /^\S+: (\w+)/.exec(evidence ?? '')?.[1] ?? '').sort()
  }

  it('compiles whole, has no slow rule and no warning', () => {
    const warnings = compiled.warnings.flatMap(({ name, faults }) =>
      faults
        .filter(({ code }) => name !== 'eicar.yar' || !ON_PURPOSE.includes(code))
        .map((fault) => ({ name, ...fault })),
    )
    assert.deepEqual([compiled.quarantined, compiled.slow, warnings], [[], [], []])
  })

  it('says of each rule what it is, how bad, which technique, where to read more, by whom and when', () => {
    for (const { name: file, source } of packFiles()) {
      assert.equal(rulesIn(source).length, source.match(/^\s*(?:private |global )*rule\b/gm)?.length, file)
      for (const { name, meta } of rulesIn(source)) {
        assert.match(meta.description ?? '', /^\S.{8,180}$/, name)
        assert.match(meta.risk ?? '', /^(high|medium|low)$/, name)
        assert.match(meta.attack ?? '', /^T\d{4}(\.\d{3})?$/, name)
        assert.match(meta.reference ?? '', /^https:\/\/[^\s"]{8,}$/, name)
        assert.equal(meta.author, 'Assay', name)
        assert.match(meta.date ?? '', /^20\d\d-\d\d-\d\d$/, name)
      }
    }
  })

  it('has at least 120 rules, each with one name, one sample and one near-miss', () => {
    const byFile = Object.fromEntries(packFiles().map(({ name, source }) => [name, namesIn(source)]))
    const cases = Object.entries(CASES).map(([file, rows]) => [file, rows.map(({ rule }) => rule)])
    assert.deepEqual(Object.fromEntries(cases), byFile)
    const names = Object.values(byFile).flat()
    assert.equal(new Set(names).size, names.length)
    assert.ok(names.length >= 120)
  })

  it('lets no rule switch off the strings of another', () => {
    // YARA-X 1.20: size and magic tests of one rule count for every rule with the same string (docs/rules.md).
    for (const { source } of packFiles())
      for (const { name, source: rule } of rulesIn(source)) {
        const [, condition = ''] = rule.split('condition:\n')
        const tests = /\bfilesize\b|\buint\d+(be)?\(0\)/.test(condition)
        assert.ok(!tests || /\) or false\n\}/.test(condition), name)
      }
  })

  for (const [file, rows] of Object.entries(CASES))
    describe(file, () => {
      for (const row of rows) it(`${row.rule} finds its kind, and not when ${row.because}`, () => tryCase(row))
    })

  async function tryCase(row: RuleCase): Promise<void> {
    const { rule, hit, also = [], moreHits = [], moreMisses = [] } = row
    assert.deepEqual(await rulesFor(cut(hit)), [rule, ...also].sort())
    for (const text of moreHits) assert.ok((await rulesFor(cut(text))).includes(rule), `missed ${shown(text)}`)
    for (const text of [missOf(row), ...moreMisses])
      assert.ok(!(await rulesFor(cut(text))).includes(rule), `took ${shown(text)}`)
  }

  it('takes no file of these tests for what it is about', async () => {
    for (const name of readdirSync(TABLES))
      assert.deepEqual(await rulesFor(readFileSync(`${TABLES}${name}`, 'latin1')), [], name)
  })

  it('stands whole in docs/rules.md', () => {
    const text = readFileSync(new URL('../../../../docs/rules.md', import.meta.url), 'utf8')
    assert.equal(text, rulesDocument(packFiles()), 'run node scripts/rules-doc.ts')
  })
})

function namesIn(source: string): string[] {
  return rulesIn(source).map(({ name }) => name)
}

function shown(text: string): string {
  return JSON.stringify(cut(text).slice(0, 100))
}
