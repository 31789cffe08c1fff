import { z } from 'zod'
import { RISK_LEVELS } from '../domain/risk.ts'
import { UNSCANNED_REASONS } from '../domain/verdict.ts'
import { count, list, queryNumber, text, unixMs } from './contract-kinds.ts'

export const MAX_TRANSACTIONS_PAGE = 1000

/** Newest first. `cursor` is the `next` of the page before. */
export const transactionsQuerySchema = z.strictObject({
  sinceMs: queryNumber.optional(),
  untilMs: queryNumber.optional(),
  limit: queryNumber.min(1).max(MAX_TRANSACTIONS_PAGE).default(100),
  cursor: text(256).optional(),
  outcome: z.enum(['clean', 'detected', 'unscanned', 'excluded']).optional(),
  action: z.enum(['allow-clean', 'allow-unscanned', 'allow-excluded', 'block', 'block-unscanned', 'error']).optional(),
  mode: z.enum(['REQMOD', 'RESPMOD']).optional(),
  client: text(64).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** Stands anywhere in the URL or file name. */
  contains: text(256).optional(),
})
export type TransactionsQuery = z.infer<typeof transactionsQuerySchema>

export const detectionSchema = z.strictObject({
  engine: z.string(),
  name: z.string(),
  risk: z.enum(RISK_LEVELS),
  about: z.enum(['url', 'file']),
  member: z.string().optional(),
  offset: count.optional(),
  evidence: z.string().optional(),
})

/** domain/evidence.ts, in JSON: the tree of what was inside, with what was found where. */
export const evidenceSchema = z.strictObject({
  nodes: list(
    z.strictObject({
      path: z.string(),
      parent: z.number().int().min(-1),
      type: z.string(),
      size: count,
      sha256: z.string(),
      ms: z.number(),
      openedBy: z.string().optional(),
      findings: list(
        z.strictObject({
          engine: z.string(),
          engineVersion: z.string(),
          name: z.string(),
          risk: z.enum(RISK_LEVELS),
          offset: count.optional(),
          attack: z.string().optional(),
          detail: z.string().optional(),
        }),
      ),
      limits: list(z.strictObject({ engine: z.string(), reason: z.enum(UNSCANNED_REASONS), detail: z.string() })),
    }),
  ),
  omitted: count,
})
export type EvidenceView = z.infer<typeof evidenceSchema>

/** domain/transaction-record.ts, in JSON. */
export const transactionSchema = z.strictObject({
  id: z.string(),
  timeMs: unixMs,
  client: z.string(),
  clientGroup: z.string(),
  mode: z.enum(['REQMOD', 'RESPMOD']),
  service: z.string(),
  httpMethod: z.string(),
  httpStatus: z.number().int(),
  url: z.string(),
  fileName: z.string(),
  saved: z.strictObject({
    clientIp: z.string().optional(),
    serverIp: z.string().optional(),
    authenticatedUser: z.string().optional(),
    authenticatedGroups: z.string().optional(),
    clientUsername: z.string().optional(),
  }),
  sha256: z.string(),
  sha1: z.string(),
  size: z.number().int(),
  declaredType: z.string(),
  trueType: z.string(),
  outcome: z.enum(['clean', 'detected', 'unscanned', 'excluded']),
  risk: z.enum(RISK_LEVELS),
  reasons: list(z.enum(UNSCANNED_REASONS)),
  details: list(z.string()),
  detections: list(detectionSchema),
  action: z.enum(['allow-clean', 'allow-unscanned', 'allow-excluded', 'block', 'block-unscanned', 'error']),
  icapStatus: z.number().int(),
  stagesMs: z.strictObject({ read: z.number(), scan: z.number(), total: z.number() }),
  cached: z.boolean(),
  /** `ENGINE@VERSION` of those that looked at the body, blank between them. */
  engines: z.string(),
})
export type TransactionView = z.infer<typeof transactionSchema>

/** One record whole: with the tree, which a page of records leaves out. A body with nothing inside is a tree of one. */
export const transactionDetailSchema = transactionSchema.extend({ evidence: evidenceSchema })
export type TransactionDetail = z.infer<typeof transactionDetailSchema>

export const transactionIdSchema = z.strictObject({
  id: z.string().regex(/^[\w.:-]{1,64}$/, 'is not the id of a record'),
})

export const transactionsPageSchema = z.strictObject({
  records: list(transactionSchema),
  /** The cursor of the next (older) page; null on the last. */
  next: z.string().nullable(),
})
export type TransactionsPage = z.infer<typeof transactionsPageSchema>
