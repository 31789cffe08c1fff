import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Unscanned, type UnscannedReason } from '../../../src/domain/verdict.ts'
import { type CompileOptions, compileRules } from '../../../src/scan/scanners/yara/rule-compiler.ts'
import {
  createYaraEngine,
  type YaraEngine,
  type YaraEngineOptions,
} from '../../../src/scan/scanners/yara/yara-engine.ts'
import { NEVER, sampleOf, withSpooled } from '../samples.ts'

const MARKERS = `
rule loud { meta: risk = "medium" threat = "Test.Loud" description = "words" strings: $a = "loud-marker" $b = "other" condition: any of them }
rule plain { strings: $a = "plain-marker" condition: $a }
rule odd { meta: risk = "none" strings: $a = "odd-marker" condition: $a }`
const EVIL = 'rule evil { strings: $a = /(a|aa)+[a-z]*x{1,200}b/ condition: $a }'
const CLIENT = { client: '192.0.2.1' }

async function engineOf(
  sources: Record<string, string>,
  more: Partial<YaraEngineOptions> & CompileOptions = {},
): Promise<YaraEngine> {
  const files = Object.entries(sources).map(([name, source]) => ({ name, source }))
  const { blob } = await compileRules(files, more.binding ? { binding: more.binding } : {})
  return createYaraEngine({ ...more, blob })
}

const isUnscanned =
  (reason: UnscannedReason, words = /./) =>
  (error: unknown) =>
    error instanceof Unscanned && error.reason === reason && words.test(error.message)

describe('YARA on fast rules', () => {
  let engine: YaraEngine
  before(async () => {
    engine = await engineOf({ 'markers.yar': MARKERS })
  })
  after(() => engine.close())

  it('answers small bodies at once, with the rule, its risk, the first offset and its evidence', () => {
    assert.deepEqual(engine.scanNow(sampleOf('nothing here')), [])
    assert.deepEqual(engine.scanNow(sampleOf('an other and a loud-marker')), [
      {
        engine: 'yara',
        name: 'Test.Loud',
        risk: 'medium',
        about: 'file',
        offset: 3,
        evidence: 'markers.yar: loud $b; words',
      },
    ])
  })

  for (const [text, risk, because] of [
    ['plain-marker', 'high', 'a rule without a risk is high'],
    ['odd-marker', 'high', 'no rule may match and say none'],
  ] as const) {
    it(`gives ${risk} because ${because}`, () => assert.equal(engine.scanNow(sampleOf(text))?.[0]?.risk, risk))
  }

  it('puts the worst first', () => {
    assert.deepEqual(
      engine.scanNow(sampleOf('loud-marker plain-marker'))?.map(({ risk }) => risk),
      ['high', 'medium'],
    )
  })

  it('takes large bodies to a thread, from any place in a larger buffer', async () => {
    const whole = Buffer.alloc(3_000_000, '.')
    whole.write('plain-marker', 2_500_000)
    const sample = sampleOf(whole.subarray(100_000))
    assert.equal(engine.scanNow(sample), undefined)
    const [detection] = await engine.scan(sample, NEVER, CLIENT)
    assert.equal(detection?.offset, 2_400_000)
  })

  it('scans a spooled file that has no name', async () => {
    const bytes = Buffer.alloc(200_000, '.')
    bytes.write('plain-marker', 150_000)
    await withSpooled(bytes, async (sample) => {
      assert.equal(engine.scanNow(sample), undefined)
      assert.equal((await engine.scan(sample, NEVER, CLIENT))[0]?.offset, 150_000)
    })
  })

  it('is engine-down for a file that cannot be opened, and goes on', async () => {
    const sample = sampleOf('', { content: { kind: 'file', fd: 999_999, size: 10 }, size: 10 })
    await assert.rejects(engine.scan(sample, NEVER, CLIENT), isUnscanned('engine-down'))
    assert.equal(engine.health().state, 'up')
  })

  it('does not begin after the deadline', async () => {
    const late = AbortSignal.abort()
    await assert.rejects(engine.scan(sampleOf(Buffer.alloc(100_000)), late, CLIENT), isUnscanned('timeout'))
  })
})

describe('YARA on slow rules', () => {
  let engine: YaraEngine
  before(async () => {
    engine = await engineOf({ 'markers.yar': MARKERS, 'evil.yar': EVIL }, { slowThreads: 2 })
  })
  after(() => engine.close())

  it('never runs them inline, and names them', () => {
    assert.equal(engine.scanNow(sampleOf('short')), undefined)
    assert.deepEqual(engine.health(), { state: 'up', detail: '2 rule files; slow: evil.yar' })
  })

  it('is timeout, never clean, on torture, keeps what the fast rules found, and other clients go on meanwhile', async () => {
    const torture = Array.from({ length: 3 }, () =>
      engine
        .scan(sampleOf(`plain-marker${'a'.repeat(60_000)}`), NEVER, { client: '198.51.100.7' })
        .catch((error) => error),
    )
    let others = 0
    let isOver = false
    void Promise.all(torture).then(() => {
      isOver = true
    })
    while (!isOver) {
      assert.deepEqual(await engine.scan(sampleOf(`ordinary ${others}`), NEVER, CLIENT), [])
      others++
    }
    assert.ok(others > 20, `only ${others} scans went through while another client tortured YARA`)
    for (const error of await Promise.all(torture)) {
      assert.ok(isUnscanned('timeout')(error), String(error))
      assert.equal((error as Unscanned).detections[0]?.name, 'plain')
    }
  })

  it('answers a waiting scan at its deadline', async () => {
    const busy = Array.from({ length: 2 }, (_, i) =>
      engine.scan(sampleOf('a'.repeat(60_000)), NEVER, { client: `203.0.113.${i}` }).catch(() => {}),
    )
    const waiting = engine.scan(sampleOf('ordinary'), AbortSignal.timeout(100), CLIENT)
    await assert.rejects(waiting, isUnscanned('timeout', /waited|deadline/))
    await Promise.all(busy)
  })
})

describe('YARA under pressure and at its end', () => {
  it('is engine-down over its queue, and closes only when its scans are done', async () => {
    const engine = await engineOf({ 'markers.yar': MARKERS }, { maxQueued: 1 })
    const big = sampleOf(Buffer.alloc(8_000_000, 'plain-marke'))
    const scans = Array.from({ length: 5 }, () => engine.scan(big, NEVER, CLIENT).then(() => 'done', String))
    await engine.close()
    const answers = await Promise.all(scans)
    assert.deepEqual(answers.slice(0, 2), ['done', 'done'])
    assert.match(answers[4] ?? '', /queue is full/)
    await assert.rejects(engine.scan(big, NEVER, CLIENT), isUnscanned('engine-down'))
  })

  it('is down without a rule, whatever is asked', async () => {
    const engine = await engineOf({ 'bad.yar': 'rule {' })
    assert.deepEqual(engine.health(), { state: 'down', detail: '0 rule files; quarantined: bad.yar' })
    assert.throws(() => engine.scanNow(sampleOf('x')), isUnscanned('engine-down'))
    await assert.rejects(engine.scan(sampleOf('x'), NEVER, CLIENT), isUnscanned('engine-down'))
    await engine.close()
  })

  it('refuses a damaged rule set', async () => {
    const { blob } = await compileRules([{ name: 'a.yar', source: MARKERS }])
    blob[blob.length - 5] = (blob[blob.length - 5] ?? 0) ^ 1
    await assert.rejects(createYaraEngine({ blob }), /damaged/)
  })
})

describe('the portable WASM build', () => {
  it('finds the same, on threads only', async () => {
    const engine = await engineOf(
      { 'markers.yar': MARKERS, 'bad.yar': 'rule x { condition: nope }' },
      { binding: 'wasm' },
    )
    const sample = sampleOf('an other and a loud-marker')
    assert.equal(engine.scanNow(sample), undefined)
    const [detection] = await engine.scan(sample, NEVER, CLIENT)
    assert.deepEqual([detection?.name, detection?.risk, detection?.offset], ['Test.Loud', 'medium', 3])
    await withSpooled(Buffer.from('....plain-marker'), async (spooled) => {
      assert.equal((await engine.scan(spooled, NEVER, CLIENT))[0]?.offset, 4)
    })
    assert.match(engine.health().detail, /quarantined: bad.yar/)
    await engine.close()
  })

  it('answers timeout for a thread that never comes back, and asks for a new process', async () => {
    const dead: string[] = []
    const endless = 'rule endless { condition: for any i in (0..2000000000) : (uint8(i) == 7 and i > 1999999999) }'
    const engine = await engineOf(
      { 'endless.yar': endless },
      { binding: 'wasm', graceMs: 100, maxTimeoutMs: 500, onThreadDead: (detail) => dead.push(detail) },
    )
    await assert.rejects(engine.scan(sampleOf('x'), NEVER, CLIENT), isUnscanned('timeout', /never answered/))
    assert.deepEqual(dead, ['a scan thread never answered'])
    assert.equal(engine.health().state, 'down')
    await assert.rejects(engine.scan(sampleOf('x'), NEVER, CLIENT), isUnscanned('engine-down', /no scan thread/))
    await engine.close()
  })
})
