import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Sample } from '../../../src/domain/sample.ts'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { createPredictiveEngine, type PredictiveOptions } from '../../../src/scan/scanners/predictive/engine.ts'
import { FEATURE_COUNT } from '../../../src/scan/scanners/predictive/feature-columns.ts'
import { featuresOf } from '../../../src/scan/scanners/predictive/features-of.ts'
import { loadModel } from '../../../src/scan/scanners/predictive/models.ts'
import { tinyModel } from './tiny-model.ts'
import { tinyPe } from './tiny-pe.ts'

const never = new AbortController().signal

/** A model that says this raw score for every small file (its second tree adds 0.25 for i386 and up to 0.5 else). */
const saying = (small: number) => loadModel(tinyModel({ small }))
const HIGH = saying(9)
const LOW = saying(-9)
const MIDDLE = saying(2.4)

function engine(options: Partial<PredictiveOptions> = {}) {
  const defaults = { models: { pe: HIGH }, thresholds: { high: 0.98, medium: 0.9 }, monitor: false, maxBytes: 1 << 20 }
  return createPredictiveEngine({ ...defaults, ...options })
}

function sampleOf(bytes: Buffer): Sample {
  const content = { kind: 'memory', bytes } as const
  return { content, size: bytes.length, sha256: '', declaredType: '', fileName: '', partial: false, decoded: [] }
}

const memory = (bytes: Buffer) => ({ kind: 'memory', bytes }) as const

describe('predictive engine', () => {
  const amd64 = tinyPe({ wide: true })
  const cases = [
    { file: tinyPe(), models: { pe: HIGH, win32: HIGH }, risk: 'high', because: 'both models agree' },
    { file: tinyPe(), models: { pe: HIGH, win32: LOW }, risk: 'none', because: 'the 32-bit model does not agree' },
    { file: tinyPe(), models: { pe: HIGH, win64: LOW }, risk: 'high', because: 'the 64-bit model does not concern it' },
    { file: amd64, models: { pe: HIGH, win64: LOW }, risk: 'none', because: 'the 64-bit model does not agree' },
    {
      file: tinyPe({ dotNet: true }),
      models: { pe: HIGH, win32: LOW },
      risk: 'high',
      because: '.NET is for the PE model alone',
    },
    {
      file: tinyPe(),
      models: { pe: MIDDLE, win32: HIGH },
      risk: 'medium',
      because: 'the lowest is between the thresholds',
    },
    {
      file: tinyPe({ machine: 0xaa64 }),
      models: { pe: HIGH, win32: LOW },
      risk: 'high',
      because: 'no model is for ARM',
    },
    {
      file: tinyPe().subarray(0, 0x90),
      models: { pe: HIGH, win32: LOW },
      risk: 'medium',
      because: 'its headers are damaged',
    },
  ] as const
  for (const { file, models, risk, because } of cases) {
    it(`finds ${risk} where ${because}`, () => {
      const assessed = engine({ models }).assess(memory(Buffer.from(file)), never)
      assert.equal(assessed.risk, risk, assessed.evidence)
      assert.equal(assessed.detections.length, risk === 'none' ? 0 : 1)
    })
  }

  it('names the detection, its scores and what drove them', () => {
    const [detection] = engine().scan(sampleOf(tinyPe()), never)
    assert.deepEqual(
      { ...detection, evidence: '' },
      { engine: 'predictive', name: 'ML.PE.High', risk: 'high', about: 'file', evidence: '' },
    )
    assert.match(detection?.evidence ?? '', /^score 0\.9999 \(pe 0\.9999\); file size \(\+9\.00\)/)
  })

  it('never detects in monitor mode, but tells the score', () => {
    const assessed = engine({ monitor: true }).assess(memory(tinyPe()), never)
    assert.deepEqual([assessed.detections, assessed.risk], [[], 'high'])
    assert.ok(assessed.score > 0.98)
    assert.equal(assessed.scores.pe, assessed.score)
  })

  it('reads files on disk like those in memory', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-predictive-'))
    const path = join(folder, 'a.exe')
    const bytes = Buffer.concat([tinyPe(), Buffer.alloc(3 << 20, 7)])
    writeFileSync(path, bytes)
    const fd = openSync(path, 'r')
    try {
      const asked = engine({ maxBytes: 8 << 20 })
      const onDisk = asked.assess({ kind: 'file', fd, size: bytes.length }, never)
      assert.deepEqual(onDisk, asked.assess(memory(bytes), never))
    } finally {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    }
  })

  const refusals = [
    { reason: 'too-large', of: () => engine({ maxBytes: 100 }).assess(memory(tinyPe()), never) },
    { reason: 'timeout', of: () => engine().assess(memory(tinyPe()), AbortSignal.abort()) },
    { reason: 'engine-down', of: () => engine({ models: { win64: HIGH } }).assess(memory(tinyPe()), never) },
  ]
  for (const { reason, of } of refusals) {
    it(`is unscanned(${reason}) where it cannot look`, () => {
      assert.throws(of, (error) => error instanceof Unscanned && error.reason === reason)
    })
  }

  it('changes its version with models, thresholds and mode, and with nothing else', () => {
    const others: Partial<PredictiveOptions>[] = [
      { models: { pe: LOW } },
      { models: { pe: HIGH, win32: HIGH } },
      { thresholds: { high: 0.99, medium: 0.9 } },
      { monitor: true },
    ]
    const versions = [engine(), ...others.map(engine)].map(({ version }) => version)
    assert.equal(new Set(versions).size, versions.length)
    assert.equal(engine().version, engine().version)
  })

  it('applies to PE files only', () =>
    assert.deepEqual(['pe', 'dos', 'zip'].map(engine().applies), [true, false, false]))
  it('refuses to be made without a model', () => assert.throws(() => engine({ models: {} }), RangeError))
  it('refuses thresholds upside down', () => {
    assert.throws(() => engine({ thresholds: { high: 0.5, medium: 0.9 } }), RangeError)
  })
})

describe('features of a file', () => {
  const thresholds = { high: 0.98, medium: 0.9 }

  it('are plain JSON with the scores', () => {
    const report = featuresOf(tinyPe(), { models: { pe: HIGH }, thresholds })
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report)
    assert.deepEqual([report.features.length, report.isPe, report.risk], [FEATURE_COUNT, true, 'high'])
    assert.equal(report.signature?.state, 'unsigned')
  })

  it('need no model', () => {
    const report = featuresOf(tinyPe(), { models: {}, thresholds })
    assert.deepEqual([report.features.length, report.scores, report.score], [FEATURE_COUNT, {}, undefined])
  })
})
