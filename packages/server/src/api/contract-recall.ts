import { z } from 'zod'
import { RISK_LEVELS } from '../domain/risk.ts'
import { count, list, queryNumber, text, unixMs } from './contract-kinds.ts'

/** domain/recall.ts, in JSON: a message that was let through and would be blocked today. */
export const recallFindingSchema = z.strictObject({
  id: z.string(),
  timeMs: unixMs,
  foundMs: unixMs,
  client: z.string(),
  clientGroup: z.string(),
  mode: z.enum(['REQMOD', 'RESPMOD']),
  url: z.string(),
  fileName: z.string(),
  sha256: z.string(),
  /** What was done with it then. */
  action: z.enum(['allow-clean', 'allow-unscanned', 'allow-excluded', 'block', 'block-unscanned', 'error']),
  /** As the client claims it. */
  user: z.string(),
  causes: list(
    z.strictObject({
      engine: z.string(),
      name: z.string(),
      risk: z.enum(RISK_LEVELS),
      member: z.string().optional(),
      evidence: z.string().optional(),
    }),
  ),
})
export type RecallView = z.infer<typeof recallFindingSchema>

/** Newest first. `cursor` is the `next` of the page before. */
export const recallQuerySchema = z.strictObject({
  sinceMs: queryNumber.optional(),
  limit: queryNumber.min(1).max(1000).default(100),
  cursor: text(256).optional(),
})
export type RecallQuery = z.infer<typeof recallQuerySchema>

export const recallPageSchema = z.strictObject({
  findings: list(recallFindingSchema),
  next: z.string().nullable(),
})
export type RecallPage = z.infer<typeof recallPageSchema>

export const recheckQuerySchema = recallQuerySchema.omit({ limit: true })

/** Some hundred records a slice; it may hold no finding and still have a next one. */
export const recheckSliceSchema = recallPageSchema.extend({ examined: count })
export type RecheckSliceView = z.infer<typeof recheckSliceSchema>
