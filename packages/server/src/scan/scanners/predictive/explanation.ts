import { columnName } from './feature-columns.ts'
import type { Model } from './models.ts'
import { contributions } from './tree-model.ts'

/** What drove a score: features of one name together. */
export interface FeatureContribution {
  readonly group: string
  readonly name: string
  /** Added to the log-odds of "malware"; negative speaks for benign. */
  readonly contribution: number
  /** The feature's own value, where the name stands for one column. */
  readonly value?: number
}

const SHOWN = 8

/** The features that moved this model's score most, strongest first. */
export function explainScore({ trees }: Model, features: Float32Array, count = SHOWN): FeatureContribution[] {
  const found = new Map<string, FeatureContribution>()
  for (const [column, contribution] of contributions(trees, features).entries()) {
    if (contribution === 0) continue
    const { group, name, shared } = columnName(column)
    const sum = (found.get(name)?.contribution ?? 0) + contribution
    const value = shared ? {} : { value: features[column] ?? 0 }
    found.set(name, { group, name, contribution: sum, ...value })
  }
  const all = [...found.values()].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
  return all.slice(0, count)
}

/** One line for people: `entry point (+0.41), imported functions (+0.38), ...`. */
export function contributionsText(top: readonly FeatureContribution[]): string {
  return top.map(({ name, contribution }) => `${name} (${signed(contribution)})`).join(', ')
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`
}
