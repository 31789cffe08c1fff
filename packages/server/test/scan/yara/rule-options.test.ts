import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ruleOf } from '../../../src/domain/rule-hit.ts'
import { decideVerdict, type Note, type ScanResult } from '../../../src/domain/verdict.ts'
import { createPipeline, type PrescanResult } from '../../../src/scan/pipeline.ts'
import { type BindingName, loadBinding, type RuleOptions } from '../../../src/scan/scanners/yara/binding.ts'
import { compileRulesHere } from '../../../src/scan/scanners/yara/compile-rules.ts'
import { createMemberYara } from '../../../src/scan/scanners/yara/member-yara.ts'
import { createYaraEngine, type YaraEngine } from '../../../src/scan/scanners/yara/yara-engine.ts'
import { NEVER, sampleOf, withSpooled } from '../samples.ts'

const rule = (name: string, meta = '') =>
  `rule ${name} { ${meta === '' ? '' : `meta: ${meta}`} strings: $a = "marker-of-${name}" condition: $a }\n`
const SLOW = 'rule slow { strings: $a = /(a|aa)+[a-z]*x{1,200}b/ $b = "marker-of-slow" condition: $a or $b }'
const CLIENT = { client: '192.0.2.1' }
const BODY = 'marker-of-tried marker-of-sure'

function compiled(files: Record<string, [source: string, options?: RuleOptions]>, binding?: BindingName) {
  const sources = Object.entries(files).map(([name, [source, options]]) => ({
    name,
    source,
    ...(options === undefined ? {} : { options }),
  }))
  return compileRulesHere(sources, binding === undefined ? {} : { binding })
}

const names = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name)

describe('a rule file in shadow', () => {
  const { blob } = compiled({ 'own.yar': [rule('tried'), { shadow: true }], 'sure.yar': [rule('sure')] })
  let engine: YaraEngine
  before(async () => {
    engine = await createYaraEngine({ blob, inlineMaxBytes: 1000 })
  })
  after(() => engine.close())

  it('is a note and no detection where small bodies are scanned at once', () => {
    const notes: Note[] = []
    assert.deepEqual(names(engine.scanNow(sampleOf(BODY), notes) ?? []), ['sure'])
    assert.deepEqual(notes, [
      { name: 'tried', detail: 'shadow, not enforced: own.yar: tried $a; would be high', offset: 0 },
    ])
  })

  it('is the same on the scan threads, for memory and for files', async () => {
    const large = sampleOf(BODY.padEnd(5000, '.'))
    const notes: Note[] = []
    assert.deepEqual(names(await engine.scan(large, NEVER, CLIENT, notes)), ['sure'])
    await withSpooled(Buffer.from(BODY), async (spooled) => {
      assert.deepEqual(names(await engine.scan(spooled, NEVER, CLIENT, notes)), ['sure'])
    })
    assert.deepEqual(names(notes), ['tried', 'tried'])
  })

  it('is the same where members are scanned', async () => {
    const member = createMemberYara(blob, 10_000)
    const { detections, notes = [] } = await member.scan({ ...sampleOf(BODY), type: 'text' }, NEVER)
    assert.deepEqual([names(detections), names(notes)], [['sure'], ['tried']])
  })

  it('is the same in the slow lane', async () => {
    const slow = compiled({ 'slow.yar': [SLOW, { shadow: true }], 'sure.yar': [rule('sure')] })
    assert.deepEqual(
      slow.slow.map(({ file }) => file),
      ['slow.yar'],
    )
    const both = await createYaraEngine({ blob: slow.blob, slowThreads: 1 })
    const notes: Note[] = []
    assert.deepEqual(names(await both.scan(sampleOf('marker-of-slow marker-of-sure'), NEVER, CLIENT, notes)), ['sure'])
    assert.deepEqual(names(notes), ['slow'])
    await both.close()
  })

  it('is the same with the WASM build', () => {
    const wasm = loadBinding('wasm')
    const rules = wasm.load(wasm.serialize([{ name: 'own.yar', source: rule('tried') }]), {
      'own.yar': { shadow: true },
    })
    const { detections, notes } = rules.scan(Buffer.from(BODY), 5000)
    assert.deepEqual([names(detections), names(notes)], [[], ['tried']])
  })

  it('is another version of the rules than the same file enforced', () => {
    const enforced = compiled({ 'own.yar': [rule('tried')], 'sure.yar': [rule('sure')] })
    assert.notEqual(enforced.version, engine.version)
  })

  for (const [size, where] of [
    [0, 'scanned at once'],
    [8000, 'scanned on a thread, then out of the cache'],
  ] as const)
    it(`leaves the verdict clean, and stands in the evidence: ${where}`, async () => {
      const pipeline = createPipeline({
        engines: [engine],
        cacheEntries: 10,
        settings: () => SETTINGS,
        lists: () => undefined,
        now: Date.now,
      })
      const sample = sampleOf(`marker-of-tried${'.'.repeat(size)}`)
      for (const cached of size === 0 ? [false] : [false, true]) {
        const result: PrescanResult = await pipeline.prescan(sample, CLIENT)
        assert.equal(result.cached, cached)
        const verdict = decideVerdict(result.results)
        assert.deepEqual([verdict.state, verdict.detections], ['complete', []])
        const [finding] = result.evidence?.nodes[0]?.findings ?? []
        assert.deepEqual([finding?.engine, finding?.name, finding?.risk], ['yara', 'tried', 'none'])
        assert.deepEqual(ruleOf(finding?.detail), { file: 'own.yar', rule: 'tried', shadow: true })
      }
    })
})

const SETTINGS = {
  engines: new Set(['yara']),
  suspiciousObjects: { enabled: false, list: 'both' as const },
  userDefinedObjects: false,
  exclusion: { enabled: false, types: [], validate: true },
  timeoutMs: 20_000,
}

describe('the options of a rule file', () => {
  const scan = (files: Parameters<typeof compiled>[0], body: string) => {
    const member = createMemberYara(compiled(files).blob, 10_000)
    return member.scan({ ...sampleOf(body), type: '' }, NEVER) as {
      detections: readonly { name: string; evidence?: string }[]
    }
  }

  it('a weight orders hits of one risk; the rule’s own meta counts before the file’s', () => {
    const { detections } = scan(
      {
        'a.yar': [rule('light')],
        'b.yar': [rule('own', 'weight = 10') + rule('given'), { weight: 8 }],
        'c.yar': [rule('odd', 'weight = 11')],
      },
      'marker-of-light marker-of-own marker-of-given marker-of-odd',
    )
    assert.deepEqual(names(detections), ['own', 'given', 'light', 'odd'])
    assert.match(detections[0]?.evidence ?? '', /; weight 10$/)
  })

  it('a weight never outweighs a risk', () => {
    const { detections } = scan(
      { 'a.yar': [rule('low', 'weight = 10 risk = "low"') + rule('high', 'weight = 1')] },
      'marker-of-low marker-of-high',
    )
    assert.deepEqual(names(detections), ['high', 'low'])
  })

  for (const [types, body, hits, because] of [
    [['text'], 'marker-of-one', 1, 'the type is named'],
    [['script'], '#!/bin/sh\nmarker-of-one', 1, 'the family is named'],
    [['pe', 'elf'], 'marker-of-one', 0, 'the type is another'],
    [[], 'marker-of-one', 1, 'none is named'],
  ] as const)
    it(`asked about [${types}]: ${hits} hits, because ${because}`, () => {
      assert.equal(scan({ 'a.yar': [rule('one'), { types }] }, body).detections.length, hits)
    })

  it('a rule set without any makes results without notes', () => {
    const results: ScanResult[] = [{ outcome: 'clean', engine: 'yara' }]
    assert.equal(decideVerdict(results).state, 'complete')
    const member = createMemberYara(compiled({ 'a.yar': [rule('one')] }).blob, 10_000)
    const answer = member.scan({ ...sampleOf('nothing'), type: '' }, NEVER) as { notes?: readonly Note[] }
    assert.deepEqual(answer.notes, [])
  })
})

describe('what a rule costs', () => {
  it('is told of each file that scans', () => {
    const { costs } = compiled({ 'a.yar': [rule('one')], 'bad.yar': ['rule {'] })
    assert.deepEqual(
      costs.map(({ name }) => name),
      ['a.yar'],
    )
    assert.ok(costs.every(({ meanMs, worstMs }) => meanMs >= 0 && worstMs >= meanMs))
  })
})
