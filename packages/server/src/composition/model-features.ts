import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MODEL_NAMES, type ModelView } from '../api/contract.ts'
import type { ModelFeatures } from '../cli/tools.ts'
import type { Authenticode } from '../scan/scanners/predictive/authenticode.ts'
import { featuresOf } from '../scan/scanners/predictive/features-of.ts'
import type { InstalledModels } from '../scan/scanners/predictive/file-score.ts'
import { checkModel, loadModel, MODEL_PINS } from '../scan/scanners/predictive/models.ts'
import { SETTINGS } from '../settings/settings.ts'
import { type CheckedModel, modelFilesIn, type PinnedModel } from './models-service.ts'

/** The published models, as they are installed by `ember2024`. */
export const PINNED_MODELS: readonly PinnedModel[] = MODEL_NAMES.map((name) => ({
  name,
  ...MODEL_PINS.ember2024[name],
}))

/** Throws one sentence. */
export function checkedModel(bytes: Buffer, sha256: string | undefined): CheckedModel {
  const model = checkModel(bytes, sha256)
  return { sha256: model.sha256, trees: model.trees.roots.length }
}

interface Query {
  readonly data: string
  readonly file: string
  readonly models?: string | undefined
}

/** What the predictive engine makes of a file, by the models of the data folder or of another one. */
export async function modelFeatures({ data, file, models }: Query): Promise<ModelFeatures> {
  const bytes = await readFile(file)
  const installed = models === undefined ? await modelsOf(join(data, 'models')) : await published(models)
  const thresholds = { high: SETTINGS['predictive.high'].fallback, medium: SETTINGS['predictive.medium'].fallback }
  const { features, scores, risk, topFeatures, signature } = featuresOf(bytes, { models: installed, thresholds })
  return {
    features,
    scores: Object.fromEntries(MODEL_NAMES.map((name) => [name, scores[name] ?? -1])),
    risk: risk ?? 'no model installed',
    topFeatures,
    signature: signatureText(signature),
  }
}

async function modelsOf(folder: string): Promise<InstalledModels> {
  const files = modelFilesIn(folder)
  return Object.fromEntries(
    await Promise.all(files.map(async ({ name, path }) => [name, loadModel(await readFile(path))])),
  )
}

/** The files by the names that their publisher gives them. */
async function published(folder: string): Promise<InstalledModels> {
  const entries = MODEL_NAMES.map(async (name: ModelView['name']) => {
    const bytes = await readFile(join(folder, MODEL_PINS.ember2024[name].fileName)).catch(() => undefined) // not all must be there
    return [name, bytes && loadModel(bytes)] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

function signatureText(signature: Authenticode | undefined): string {
  if (signature === undefined || signature.state === 'unsigned') return 'not signed'
  const [first] = signature.signatures
  if (first === undefined) return 'a signature that cannot be read'
  const by = first.signer === undefined ? 'no certificate' : `${first.signer.name} (issued by ${first.signer.issuer})`
  return `${by}; digest ${first.digest}, signature ${first.signature}`
}
