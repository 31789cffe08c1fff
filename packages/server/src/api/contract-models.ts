import { z } from 'zod'
import { count, list, text, unixMs } from './contract-kinds.ts'

/** What a model was trained on: all PE files, or those of one kind of machine. */
export const MODEL_NAMES = ['pe', 'win32', 'win64'] as const

export const modelSchema = z.strictObject({
  name: z.enum(MODEL_NAMES),
  sha256: z.string(),
  bytes: count,
  trees: count,
  /** Where it was taken from, as the administrator said. */
  source: z.string(),
  addedMs: unixMs,
})
export type ModelView = z.infer<typeof modelSchema>

export const modelsSchema = z.strictObject({ models: list(modelSchema) })

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hex')

/** The body is the model's text. */
export const addModelSchema = z.strictObject({
  name: z.enum(MODEL_NAMES),
  source: text(1024).default('upload'),
  /** Refused where the bytes are others. */
  sha256: sha256.optional(),
})
export type AddModel = z.infer<typeof addModelSchema>

/** `ember2024` = the publisher's three, pinned; else one URL. */
export const fetchModelSchema = z.strictObject({
  from: text(2048).min(1),
  name: z.enum(MODEL_NAMES).optional(),
  sha256: sha256.optional(),
})
export type FetchModel = z.infer<typeof fetchModelSchema>

export const modelNameSchema = z.strictObject({ name: z.enum(MODEL_NAMES) })
