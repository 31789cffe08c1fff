import { Unscanned } from '../../../domain/verdict.ts'
import { type Authenticode, readAuthenticode } from './authenticode.ts'
import { explainScore, type FeatureContribution } from './explanation.ts'
import { extractFeatures } from './features.ts'
import type { Model, ModelKind } from './models.ts'
import type { PeImage } from './pe-image.ts'
import { predict } from './tree-model.ts'

export type InstalledModels = { readonly [K in ModelKind]?: Model | undefined }

/** Of the models that were asked, 0..1. */
export type Scores = { readonly [K in ModelKind]?: number }

export interface FileScore {
  /** What the risk rule weighs: the lowest score of the models that this file concerns. */
  readonly score: number
  readonly scores: Scores
  readonly features: Float32Array
  readonly topFeatures: readonly FeatureContribution[]
  /** False where the headers are so damaged that pefile sees no PE. */
  readonly isPe: boolean
  readonly authenticode: Authenticode | undefined
}

const I386 = 0x14c
const AMD64 = 0x8664
const CLR_DIRECTORY = 14

/**
 * Features, scores and what drove them. min(PE, by machine): the two models' false positives are mostly different files, so that both
 * must agree (facts: 0 of 2,745 benign files reach 0.98 so). The machine's models never saw .NET, which the PE model judges alone.
 * Throws Unscanned('engine-down') where no installed model concerns the file.
 */
export function scoreFile(models: InstalledModels, bytes: Buffer): FileScore {
  let authenticode: Authenticode | undefined
  const { features, image } = extractFeatures(bytes, (pe) => {
    authenticode = readAuthenticode(pe)
    return authenticode.features
  })
  const asked = modelsFor(models, image)
  const scored = asked.map(({ kind, model }) => ({ kind, model, score: predict(model.trees, features) }))
  const lowest = scored.reduce((a, b) => (b.score < a.score ? b : a))
  return {
    score: lowest.score,
    scores: Object.fromEntries(scored.map(({ kind, score }) => [kind, score])),
    features,
    topFeatures: explainScore(lowest.model, features),
    isPe: image !== undefined,
    authenticode,
  }
}

interface Asked {
  readonly kind: ModelKind
  readonly model: Model
}

function modelsFor(models: InstalledModels, image: PeImage | undefined): [Asked, ...Asked[]] {
  const kinds: ModelKind[] = ['pe']
  const machine = image === undefined || isDotNet(image) ? undefined : machineKind(image.headers.machine)
  if (machine !== undefined) kinds.push(machine)
  const asked = kinds.flatMap((kind) => {
    const model = models[kind]
    return model === undefined ? [] : [{ kind, model }]
  })
  const [first, ...rest] = asked
  if (first === undefined) throw new Unscanned('engine-down', `no model for this kind of file (${kinds.join(', ')})`)
  return [first, ...rest]
}

function machineKind(machine: number): ModelKind | undefined {
  if (machine === I386) return 'win32'
  return machine === AMD64 ? 'win64' : undefined
}

function isDotNet({ headers }: PeImage): boolean {
  return (headers.directories[CLR_DIRECTORY]?.rva ?? 0) !== 0
}
