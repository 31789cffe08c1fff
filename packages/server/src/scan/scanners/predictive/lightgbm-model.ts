import type { TreeModel } from './tree-model.ts'

/** Why a file is no model that can be used. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
}

/** The published models: 3.8 MB, 500 trees, 64 leaves, 2,568 features. */
export const MODEL_LIMITS = {
  maxBytes: 64 * 1024 * 1024,
  maxTrees: 10_000,
  maxLeaves: 4096,
  maxFeatures: 65_535,
  maxNodes: 4_000_000,
  maxDepth: 512,
} as const

/**
 * Reads LightGBM's text format, versions v3 and v4 (src/boosting/gbdt_model_text.cpp): one binary objective, no linear trees. Every
 * number is checked: a child stands behind its parent and is used once, so that no file makes a cycle; depth, trees and leaves have
 * limits. No library: the native ones are 139-288 MB and parse without limits. Throws ModelError.
 */
export function readLightGbm(bytes: Buffer): TreeModel {
  if (bytes.length > MODEL_LIMITS.maxBytes) throw new ModelError('model is too large')
  const blocks = bytes.toString('latin1').split('\nTree=')
  const head = readFields(blocks[0] ?? '')
  checkHead(blocks[0] ?? '', head)
  const featureCount = integer(head, 'max_feature_idx', { min: 0, max: MODEL_LIMITS.maxFeatures - 1 }) + 1
  if (blocks.length < 2 || blocks.length - 1 > MODEL_LIMITS.maxTrees) throw new ModelError('bad number of trees')
  if (!(blocks.at(-1) ?? '').includes('\nend of trees')) throw new ModelError('model ends early')
  const packer = new Packer(featureCount)
  for (const block of blocks.slice(1)) packer.add(readFields(block))
  return packer.pack(sigmoidOf(head.get('objective') ?? ''))
}

type Fields = ReadonlyMap<string, string>

function readFields(block: string): Fields {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    if (line.startsWith('end of trees')) break
    const at = line.indexOf('=')
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1))
  }
  return fields
}

function checkHead(text: string, head: Fields): void {
  if (!text.startsWith('tree\n')) throw new ModelError('not a LightGBM text model')
  if (!['v3', 'v4'].includes(head.get('version') ?? '')) throw new ModelError('unknown version of the format')
  const one = ['num_class', 'num_tree_per_iteration'].every((field) => head.get(field) === '1')
  // A line without a value: random forests divide by the number of trees.
  if (!one || /^average_output$/m.test(text)) throw new ModelError('not a boosted model with one output')
}

function sigmoidOf(objective: string): number {
  const slope = Number(/^binary sigmoid:([0-9.eE+-]{1,32})\s*$/.exec(objective)?.[1] ?? Number.NaN)
  if (!(slope > 0 && slope < 1000)) throw new ModelError('objective is not binary')
  return slope
}

function integer(fields: Fields, name: string, { min, max }: { min: number; max: number }): number {
  const value = Number(fields.get(name) ?? Number.NaN)
  if (!Number.isInteger(value) || value < min || value > max) throw new ModelError(`${name} is out of range`)
  return value
}

interface Rule {
  readonly count: number
  readonly min?: number
  readonly max?: number
  readonly whole?: boolean
}

/** Exactly `count` finite numbers within bounds. */
function numbers(fields: Fields, name: string, { count, min, max, whole }: Rule): number[] {
  const text = fields.get(name)?.trim() ?? ''
  const values = text === '' ? [] : text.split(' ').map(Number)
  if (values.length !== count) throw new ModelError(`${name} has ${values.length} numbers, not ${count}`)
  for (const value of values) {
    const isBad = !Number.isFinite(value) || (whole && !Number.isInteger(value))
    if (isBad || value < (min ?? value) || value > (max ?? value)) throw new ModelError(`${name} holds a bad number`)
  }
  return values
}

class Packer {
  readonly #featureCount: number
  readonly #roots: number[] = []
  readonly #feature: number[] = []
  readonly #threshold: number[] = []
  readonly #decision: number[] = []
  readonly #left: number[] = []
  readonly #right: number[] = []
  readonly #nodeValue: number[] = []
  readonly #leafValue: number[] = []
  readonly #bitStart: number[] = [0]
  readonly #bitWords: number[] = []

  constructor(featureCount: number) {
    this.#featureCount = featureCount
  }

  add(fields: Fields): void {
    const leaves = integer(fields, 'num_leaves', { min: 1, max: MODEL_LIMITS.maxLeaves })
    if ((fields.get('is_linear') ?? '0') !== '0') throw new ModelError('linear trees are not supported')
    const firstNode = this.#feature.length
    const firstLeaf = this.#leafValue.length
    if (firstNode + leaves > MODEL_LIMITS.maxNodes) throw new ModelError('too many nodes')
    push(this.#leafValue, numbers(fields, 'leaf_value', { count: leaves }))
    this.#roots.push(leaves === 1 ? ~firstLeaf : firstNode)
    if (leaves === 1) return
    const nodes = leaves - 1
    const children = readChildren(fields, leaves)
    const place = (child: number) => (child >= 0 ? child + firstNode : ~(~child + firstLeaf))
    push(this.#left, children.left.map(place))
    push(this.#right, children.right.map(place))
    const column = { count: nodes, min: 0, max: this.#featureCount - 1, whole: true }
    push(this.#feature, numbers(fields, 'split_feature', column))
    push(this.#nodeValue, numbers(fields, 'internal_value', { count: nodes }))
    const decisions = numbers(fields, 'decision_type', { count: nodes, min: 0, max: 15, whole: true })
    push(this.#decision, decisions)
    push(this.#threshold, this.#thresholds(fields, decisions))
  }

  #thresholds(fields: Fields, decisions: readonly number[]): number[] {
    const sets = this.#bitStart.length - 1
    const count = this.#addBitSets(fields)
    const thresholds = numbers(fields, 'threshold', { count: decisions.length })
    return thresholds.map((threshold, node) => {
      if (((decisions[node] as number) & 1) === 0) return threshold
      if (!Number.isInteger(threshold) || threshold < 0 || threshold >= count) throw new ModelError('no such bit set')
      return threshold + sets
    })
  }

  #addBitSets(fields: Fields): number {
    const count = integer(fields, 'num_cat', { min: 0, max: MODEL_LIMITS.maxLeaves })
    if (count === 0) return 0
    const borders = numbers(fields, 'cat_boundaries', {
      count: count + 1,
      min: 0,
      max: MODEL_LIMITS.maxNodes,
      whole: true,
    })
    const words = borders.at(-1) ?? 0
    const isAscending = borders[0] === 0 && borders.every((border, index) => border >= (borders[index - 1] ?? 0))
    if (!isAscending || this.#bitWords.length + words > MODEL_LIMITS.maxNodes) throw new ModelError('bad bit sets')
    const from = this.#bitWords.length
    push(this.#bitWords, numbers(fields, 'cat_threshold', { count: words, min: 0, max: 0xffffffff, whole: true }))
    push(
      this.#bitStart,
      borders.slice(1).map((border) => border + from),
    )
    return count
  }

  pack(sigmoid: number): TreeModel {
    return {
      featureCount: this.#featureCount,
      roots: Int32Array.from(this.#roots),
      feature: Uint16Array.from(this.#feature),
      threshold: Float64Array.from(this.#threshold),
      decision: Uint8Array.from(this.#decision),
      left: Int32Array.from(this.#left),
      right: Int32Array.from(this.#right),
      nodeValue: Float64Array.from(this.#nodeValue),
      leafValue: Float64Array.from(this.#leafValue),
      bitStart: Int32Array.from(this.#bitStart),
      bitWords: Uint32Array.from(this.#bitWords),
      sigmoid,
    }
  }
}

function push(target: number[], values: readonly number[]): void {
  for (const value of values) target.push(value)
}

/** Every node but the first and every leaf is the child of exactly one node that stands before it. */
function readChildren(fields: Fields, leaves: number): { left: number[]; right: number[] } {
  const nodes = leaves - 1
  const rule = { count: nodes, min: -leaves, max: nodes - 1, whole: true }
  const left = numbers(fields, 'left_child', rule)
  const right = numbers(fields, 'right_child', rule)
  const depth = new Uint16Array(nodes)
  const seen = new Uint8Array(nodes + leaves)
  for (let node = 0; node < nodes; node++) {
    for (const child of [left[node] as number, right[node] as number]) {
      const slot = child >= 0 ? child : nodes + ~child
      if (seen[slot] === 1 || (child >= 0 && child <= node)) throw new ModelError('nodes do not form a tree')
      seen[slot] = 1
      if (child < 0) continue
      depth[child] = (depth[node] as number) + 1
      if ((depth[child] as number) > MODEL_LIMITS.maxDepth) throw new ModelError('tree is too deep')
    }
  }
  return { left, right }
}
