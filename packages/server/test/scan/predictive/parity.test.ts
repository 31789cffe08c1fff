import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readAuthenticode } from '../../../src/scan/scanners/predictive/authenticode.ts'
import { columnName } from '../../../src/scan/scanners/predictive/feature-columns.ts'
import { extractFeatures } from '../../../src/scan/scanners/predictive/features.ts'
import { checkModel, MODEL_KINDS, MODEL_PINS, pinnedKind } from '../../../src/scan/scanners/predictive/models.ts'
import { predict } from '../../../src/scan/scanners/predictive/tree-model.ts'
import { needsShared, sharedPath } from '../../e2e/needs.ts'
import { debianFile, type WantedFile } from './needs-debian.ts'

interface DebianVector extends Required<WantedFile> {
  readonly features: readonly number[]
}

function readShared<T>(path: string): T {
  return JSON.parse(readFileSync(sharedPath(path), 'utf8')) as T
}

describe('features against the official extractor', needsShared('models/vectors-debian.json'), () => {
  it('gives all 2,568 columns of the 24 official vectors', () => {
    const vectors = readShared<DebianVector[]>('models/vectors-debian.json')
    let compared = 0
    for (const vector of vectors) {
      const bytes = debianFile(vector)
      if (bytes === undefined) continue
      const { features } = extractFeatures(bytes, (image) => readAuthenticode(image).features)
      assert.deepEqual(differences(features, vector.features), [], vector.path)
      compared++
    }
    // A point release may replace a package or two; the test must not become empty.
    if (process.env.CI === 'true')
      assert.ok(compared >= 16, `only ${compared} of ${vectors.length} files are to be had`)
  })
})

function differences(got: Float32Array, wanted: readonly number[]): string[] {
  const isFar = (value: number, index: number) => {
    const of = got[index] ?? Number.NaN
    return !(Math.abs(of - value) <= 1e-4 * Math.max(1, Math.abs(value)))
  }
  return wanted.flatMap((value, index) =>
    isFar(value, index) ? [`${index} ${columnName(index).name}: ${got[index]}, not ${value}`] : [],
  )
}

describe('the published models', needsShared('models/EMBER2024_PE.model'), () => {
  it('are read, pinned, and score the 10 signed vectors as published', () => {
    const pin = MODEL_PINS.ember2024.pe
    const model = checkModel(readFileSync(sharedPath(`models/${pin.fileName}`)), pin.sha256)
    const vectors = readShared<{ v: number[] }[]>('models/vectors-signed-10.json')
    const scores = vectors.map(({ v }) => predict(model.trees, Float32Array.from(v))).sort((a, b) => b - a)
    assert.deepEqual(
      scores.slice(0, 3).map((score) => score.toFixed(3)),
      ['1.000', '0.915', '0.638'],
    )
    assert.ok(scores.slice(3).every((score) => score < 0.01))
    assert.equal(scores.length, 10)
  })

  it('are recognised by their hash, each as its kind', () => {
    for (const kind of MODEL_KINDS) {
      const { fileName, sha256 } = MODEL_PINS.ember2024[kind]
      const model = checkModel(readFileSync(sharedPath(`models/${fileName}`)), sha256)
      assert.equal(pinnedKind(model.sha256), kind)
      assert.equal(model.trees.roots.length, 500)
    }
  })
})
