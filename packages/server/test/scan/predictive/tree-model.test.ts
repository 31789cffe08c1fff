import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { contributionsText, explainScore } from '../../../src/scan/scanners/predictive/explanation.ts'
import { COLUMN, columnName, FEATURE_COUNT } from '../../../src/scan/scanners/predictive/feature-columns.ts'
import { ModelError, readLightGbm } from '../../../src/scan/scanners/predictive/lightgbm-model.ts'
import { checkModel, loadModel } from '../../../src/scan/scanners/predictive/models.ts'
import { contributions, logistic, predict } from '../../../src/scan/scanners/predictive/tree-model.ts'
import { tinyModel, tree } from './tiny-model.ts'

function vector(values: Readonly<Record<number, number>>): Float32Array {
  const features = new Float32Array(FEATURE_COUNT)
  for (const [column, value] of Object.entries(values)) features[Number(column)] = value
  return features
}

const logit = (sum: number) => 1 / (1 + Math.exp(-sum))

describe('evaluating trees', () => {
  const model = loadModel(tinyModel())
  const cases = [
    {
      of: { 0: 1048576, 701: 1 },
      sum: -1 + 0.25,
      because: 'a value on the border goes left, category 1 is in the set',
    },
    { of: { 0: 1048577, 701: 33 }, sum: 3 + 0.25, because: 'category 33 is a bit of the second word' },
    {
      of: { 0: 1, 701: 32, 1: 4.5 },
      sum: -1 + 0.5,
      because: 'category 32 is not in the set, the entropy is on the border',
    },
    { of: { 0: 1, 701: 64, 1: 4.6 }, sum: -1 - 0.5, because: 'a category beyond the set is in no set' },
    { of: { 0: 1, 701: -1, 1: 5 }, sum: -1 - 0.5, because: 'a negative category is in no set' },
    {
      of: { 0: 1, 701: Number.NaN, 1: Number.NaN },
      sum: -1 + 0.5,
      because: 'NaN is in no set, and goes the default way left',
    },
  ]
  for (const { of, sum, because } of cases) {
    it(`gives ${sum} where ${because}`, () => {
      assert.equal(predict(model.trees, vector(of)).toFixed(12), logit(sum).toFixed(12))
    })
  }

  it('takes NaN for 0 where a split knows no missing values', () => {
    const text = tinyModel().toString().replace('decision_type=9 10', 'decision_type=1 0')
    assert.equal(
      predict(readLightGbm(Buffer.from(text)), vector({ 1: Number.NaN, 701: 2 })).toFixed(9),
      logit(-0.5).toFixed(9),
    )
  })

  it('sends zeros the default way where zero counts as missing', () => {
    const goesRight = tinyModel().toString().replace('decision_type=9 10', 'decision_type=9 4')
    assert.equal(predict(readLightGbm(Buffer.from(goesRight)), vector({ 701: 2 })).toFixed(9), logit(-1.5).toFixed(9))
  })
})

describe('explaining a score', () => {
  const model = loadModel(tinyModel())

  it('shares the whole sum out among the features on the way', () => {
    const features = vector({ 0: 2e6, 701: 2, 1: 5 })
    const added = contributions(model.trees, features)
    const roots = 0 + 0.125
    const total = added.reduce((sum, value) => sum + value, 0)
    assert.equal(logistic(model.trees, total + roots).toFixed(12), predict(model.trees, features).toFixed(12))
    assert.deepEqual([added[0], added[701]?.toFixed(3), added[1]?.toFixed(3)], [3, '-0.025', '-0.600'])
  })

  it('names the strongest first, with its value', () => {
    const top = explainScore(model, vector({ 0: 2e6, 701: 2, 1: 5 }))
    assert.deepEqual(top[0], { group: 'general', name: 'file size', contribution: 3, value: 2e6 })
    assert.equal(contributionsText(top.slice(0, 2)), 'file size (+3.00), file entropy (-0.60)')
  })

  it('has a name for every column', () => {
    const names = Array.from({ length: FEATURE_COUNT }, (_, column) => columnName(column))
    assert.ok(names.every(({ name }) => name !== ''))
    assert.equal(names[COLUMN.authenticode]?.name, 'number of signatures')
    assert.equal(names[2567]?.name, 'number of format warnings')
    assert.throws(() => columnName(FEATURE_COUNT), RangeError)
  })
})

describe('reading hostile models', () => {
  const good = tinyModel().toString()
  const cases = [
    { text: '', because: 'it is empty' },
    { text: good.replace('tree\n', 'leaf\n'), because: 'it is no model' },
    { text: good.replace('version=v4', 'version=v9'), because: 'its version is unknown' },
    { text: good.replace('num_class=1', 'num_class=3'), because: 'it has three outputs' },
    { text: good.replace('objective=binary sigmoid:1', 'objective=regression'), because: 'it is no classifier' },
    { text: good.replace('label_index=0', 'label_index=0\naverage_output'), because: 'it is a random forest' },
    { text: good.slice(0, good.indexOf('end of trees')), because: 'it ends early' },
    { text: good.replace('left_child=-1 -2', 'left_child=0 -2'), because: 'a node is its own child' },
    { text: good.replace('right_child=1 -3', 'right_child=-3 -3'), because: 'two nodes share a leaf' },
    { text: good.replace('right_child=1 -3', 'right_child=7 -3'), because: 'a child does not exist' },
    { text: good.replace('split_feature=701 1', 'split_feature=2568 1'), because: 'a feature does not exist' },
    { text: good.replace('leaf_value=0.25 0.5 -0.5', 'leaf_value=0.25 nan -0.5'), because: 'a leaf is no number' },
    { text: good.replace('leaf_value=0.25 0.5 -0.5', 'leaf_value=0.25 0.5'), because: 'a leaf is missing' },
    { text: good.replace('threshold=0 4.5', 'threshold=1 4.5'), because: 'a bit set does not exist' },
    { text: good.replace('cat_boundaries=0 2', 'cat_boundaries=0 9'), because: 'a bit set leaves its words' },
    { text: good.replace('num_leaves=3', 'num_leaves=100000'), because: 'it wants too many leaves' },
    { text: good.replace('is_linear=0', 'is_linear=1'), because: 'its leaves are linear models' },
    { text: good.replace('max_feature_idx=2567', 'max_feature_idx=1e9'), because: 'it wants a billion features' },
  ]
  for (const { text, because } of cases) {
    it(`refuses a model where ${because}`, () => assert.throws(() => readLightGbm(Buffer.from(text)), ModelError))
  }

  it('refuses a chain deeper than any real tree', () => {
    const nodes = 1000
    const list = (of: (index: number) => number) => Array.from({ length: nodes }, (_, index) => of(index)).join(' ')
    const chain = tree(0, {
      num_leaves: String(nodes + 1),
      num_cat: '0',
      split_feature: list(() => 0),
      threshold: list(() => 0),
      decision_type: list(() => 2),
      left_child: list((index) => -index - 1),
      right_child: list((index) => (index + 1 < nodes ? index + 1 : -nodes - 1)),
      leaf_value: `${list(() => 0)} 0`,
      internal_value: list(() => 0),
    })
    const text = `${good.slice(0, good.indexOf('Tree=0'))}${chain}\n\nend of trees\n`
    assert.throws(() => readLightGbm(Buffer.from(text)), /too deep/)
  })

  it('ends with a model or a ModelError for any change of one', () => {
    fc.assert(
      fc.property(fc.nat(good.length), fc.string({ maxLength: 4 }), fc.nat(12), (at, text, cut) => {
        const changed = good.slice(0, at) + text + good.slice(at + cut)
        try {
          const score = predict(readLightGbm(Buffer.from(changed)), vector({ 0: 1 }))
          return score >= 0 && score <= 1
        } catch (error) {
          return error instanceof ModelError
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('checking a model file', () => {
  const bytes = tinyModel()
  const sha256 = createHash('sha256').update(bytes).digest('hex')

  it('takes the right hash in either case', () => assert.equal(checkModel(bytes, sha256.toUpperCase()).sha256, sha256))
  it('refuses another hash', () => assert.throws(() => checkModel(bytes, 'ab'.repeat(32)), ModelError))
  it('refuses a hash that is none', () => assert.throws(() => checkModel(bytes, 'no'), ModelError))
  it('refuses a model of other features', () =>
    assert.throws(() => checkModel(tinyModel({ features: 900 })), ModelError))
})
