/**
 * Boosted trees packed into flat arrays: 31,500 nodes of a published model are under 2 MB and are walked without an object touched.
 * Node and leaf numbers run through all trees. A child >= 0 is a node, below it is the leaf `~child`.
 */
export interface TreeModel {
  readonly featureCount: number
  /** The first node of each tree, or `~leaf` where a tree has no split. */
  readonly roots: Int32Array
  readonly feature: Uint16Array
  /** For a numerical split its border, for a categorical one the index of its bit set. */
  readonly threshold: Float64Array
  /** LightGBM's decision_type: bit 0 categorical, bit 1 missing goes left, bits 2-3 what counts as missing (0 none, 1 zero, 2 NaN). */
  readonly decision: Uint8Array
  readonly left: Int32Array
  readonly right: Int32Array
  /** Mean output below each node, for explaining a score. */
  readonly nodeValue: Float64Array
  readonly leafValue: Float64Array
  /** Words of bit set N: `bitWords[bitStart[N]] .. bitWords[bitStart[N + 1] - 1]`. */
  readonly bitStart: Int32Array
  readonly bitWords: Uint32Array
  /** Slope of the logistic function. */
  readonly sigmoid: number
}

const CATEGORICAL = 1
const DEFAULT_LEFT = 2
const MISSING_ZERO = 1
const MISSING_NAN = 2
/** LightGBM's kZeroThreshold. */
const ZERO = 1.0000000180025095e-35

/** The probability of malware, 0..1. `features`: at least `featureCount` numbers. */
export function predict(model: TreeModel, features: Float32Array): number {
  const { roots, leafValue } = model
  let sum = 0
  for (let tree = 0; tree < roots.length; tree++) {
    let at = roots[tree] as number
    while (at >= 0) at = next(model, at, features)
    sum += leafValue[~at] as number
  }
  return logistic(model, sum)
}

export function logistic(model: TreeModel, sum: number): number {
  return 1 / (1 + Math.exp(-model.sigmoid * sum))
}

/**
 * What each feature added to the sum before the logistic function (path attribution: Saabas, 2014): the change of the mean output at
 * every split on the way, given to the feature that was asked.
 */
export function contributions(model: TreeModel, features: Float32Array): Float64Array {
  const { roots, feature, nodeValue, leafValue } = model
  const added = new Float64Array(model.featureCount)
  for (let tree = 0; tree < roots.length; tree++) {
    for (let at = roots[tree] as number; at >= 0; ) {
      const child = next(model, at, features)
      const value = child >= 0 ? (nodeValue[child] as number) : (leafValue[~child] as number)
      const column = feature[at] as number
      added[column] = (added[column] as number) + value - (nodeValue[at] as number)
      at = child
    }
  }
  return added
}

/** LightGBM's Tree::NumericalDecision and Tree::CategoricalDecision (include/LightGBM/tree.h, v4). */
function next(model: TreeModel, node: number, features: Float32Array): number {
  const value = features[model.feature[node] as number] as number
  const decision = model.decision[node] as number
  const goesLeft =
    (decision & CATEGORICAL) === 0
      ? isBelow(value, model.threshold[node] as number, decision)
      : isMember(model, model.threshold[node] as number, value)
  return (goesLeft ? model.left[node] : model.right[node]) as number
}

function isBelow(value: number, threshold: number, decision: number): boolean {
  const missing = (decision >> 2) & 3
  const known = Number.isNaN(value) && missing !== MISSING_NAN ? 0 : value
  const isMissing =
    (missing === MISSING_ZERO && Math.abs(known) <= ZERO) || (missing === MISSING_NAN && Number.isNaN(known))
  return isMissing ? (decision & DEFAULT_LEFT) !== 0 : known <= threshold
}

function isMember({ bitStart, bitWords }: TreeModel, set: number, value: number): boolean {
  const category = Math.trunc(value)
  if (!(category >= 0)) return false
  const word = (bitStart[set] as number) + Math.trunc(category / 32)
  if (word >= (bitStart[set + 1] as number)) return false
  return (((bitWords[word] as number) >>> (category % 32)) & 1) === 1
}
