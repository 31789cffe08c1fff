import { createHash, timingSafeEqual } from 'node:crypto'
import { FEATURE_COUNT } from './feature-columns.ts'
import { ModelError, readLightGbm } from './lightgbm-model.ts'
import type { TreeModel } from './tree-model.ts'

/** Which files a model was trained on: all PE files, or 32-bit or 64-bit Intel ones without .NET. */
export const MODEL_KINDS = ['pe', 'win32', 'win64'] as const

export type ModelKind = (typeof MODEL_KINDS)[number]

/** A model that passed every check. */
export interface Model {
  /** Lower-case hex. */
  readonly sha256: string
  readonly trees: TreeModel
}

export interface ModelPin {
  readonly fileName: string
  readonly sha256: string
  /** The publisher's own place; nothing is fetched from it unless the administrator says so. */
  readonly url: string
}

const EMBER2024 = 'https://huggingface.co/joyce8/EMBER2024-benchmark-models/resolve/main'

function ember2024(fileName: string, sha256: string): ModelPin {
  return { fileName, sha256, url: `${EMBER2024}/${fileName}` }
}

/** Sets that `assay models install NAME` knows (Apache-2.0; the hashes are the publisher's own object ids). */
export const MODEL_PINS = {
  ember2024: {
    pe: ember2024('EMBER2024_PE.model', '4252027863492ac138785c8c18576f43dad77d00faddc14e8c0072e8db419f99'),
    win32: ember2024('EMBER2024_Win32.model', 'b1e9fc174e4fcc6c0aba3ff29eb6d96ee9e240057f76940a8a1d6009ac0a4267'),
    win64: ember2024('EMBER2024_Win64.model', '8eddddc26eb346d74810a0dfcc672342eca5709ece4da259934d6d3c77ca971b'),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<ModelKind, ModelPin>>>>

export type ModelSetName = keyof typeof MODEL_PINS

/** The kind whose pinned hash this is: how a file given by path finds its place. */
export function pinnedKind(sha256: string, set: ModelSetName = 'ember2024'): ModelKind | undefined {
  return MODEL_KINDS.find((kind) => MODEL_PINS[set][kind].sha256 === sha256)
}

/**
 * Reads a model file of EMBER version 3. Throws ModelError where its hash is not the expected one, where it is no LightGBM model, or
 * where it was trained on other features. Takes about 0.1 s.
 */
export function checkModel(bytes: Buffer, expectedSha256?: string): Model {
  const digest = createHash('sha256').update(bytes).digest()
  if (expectedSha256 !== undefined && !isSame(digest, expectedSha256)) {
    throw new ModelError(`SHA-256 is ${digest.toString('hex')}, not ${expectedSha256.toLowerCase()}`)
  }
  const trees = readLightGbm(bytes)
  if (trees.featureCount !== FEATURE_COUNT) {
    throw new ModelError(`model wants ${trees.featureCount} features, not the ${FEATURE_COUNT} of EMBER version 3`)
  }
  return { sha256: digest.toString('hex'), trees }
}

function isSame(digest: Buffer, expected: string): boolean {
  const wanted = Buffer.from(expected, 'hex')
  return wanted.length === digest.length && timingSafeEqual(wanted, digest)
}

/** The same without an expected hash, by the name that the rest of the engine uses. */
export function loadModel(bytes: Buffer): Model {
  return checkModel(bytes)
}
