import type { RiskLevel } from '../../../domain/risk.ts'
import { type Authenticode, readAuthenticode } from './authenticode.ts'
import { type PredictiveOptions, riskOf } from './engine.ts'
import type { FeatureContribution } from './explanation.ts'
import { extractFeatures } from './features.ts'
import { type Scores, scoreFile } from './file-score.ts'
import { MODEL_KINDS } from './models.ts'

/** What `assay models features FILE --json` prints; plain JSON. */
export interface FeaturesReport {
  readonly isPe: boolean
  /** 2,568 numbers. */
  readonly features: readonly number[]
  readonly scores: Scores
  /** Absent where no model is installed that concerns the file. */
  readonly score?: number
  readonly risk?: RiskLevel
  readonly topFeatures: readonly FeatureContribution[]
  readonly signature?: Authenticode
}

/** Works without any model: the vector and the signature need none. Throws Unscanned('engine-down') where models are there, but none for this file. */
export function featuresOf(
  bytes: Buffer,
  { models, thresholds }: Pick<PredictiveOptions, 'models' | 'thresholds'>,
): FeaturesReport {
  if (MODEL_KINDS.every((kind) => models[kind] === undefined)) return withoutModel(bytes)
  const { features, scores, score, topFeatures, isPe, authenticode } = scoreFile(models, bytes)
  const risk = riskOf(score, thresholds, isPe)
  return { isPe, features: [...features], scores, score, risk, topFeatures, ...signature(authenticode) }
}

function withoutModel(bytes: Buffer): FeaturesReport {
  let authenticode: Authenticode | undefined
  const { features, image } = extractFeatures(bytes, (pe) => {
    authenticode = readAuthenticode(pe)
    return authenticode.features
  })
  return { isPe: image !== undefined, features: [...features], scores: {}, topFeatures: [], ...signature(authenticode) }
}

function signature(authenticode: Authenticode | undefined): { signature?: Authenticode } {
  return authenticode === undefined ? {} : { signature: authenticode }
}
