import { z } from 'zod'
import { FEED_AUTHS, FEED_KINDS, FEED_NAME } from '../domain/feed.ts'
import { RISK_LEVELS } from '../domain/risk.ts'
import { OBJECT_TYPES } from '../domain/suspicious-object.ts'
import { count, list, text, unixMs } from './contract-kinds.ts'

const line = (maxLength: number) =>
  text(maxLength).refine((value) => !/\p{Cc}/u.test(value), 'holds a control character')

export const feedNameSchema = z.strictObject({
  name: z.string().regex(FEED_NAME, 'is not 1 to 63 letters, digits, dots, dashes and underscores'),
})

/** A source of the synchronized list (domain/feed.ts says what each field means). */
export const feedConfigSchema = feedNameSchema.extend({
  kind: z.enum(FEED_KINDS),
  url: line(2048).min(1),
  collection: line(256).default(''),
  tags: list(line(256).min(1)).default([]),
  column: line(128).default('1'),
  delimiter: text(1).default(','),
  auth: z.enum(FEED_AUTHS).default('none'),
  user: line(256).default(''),
  header: line(64).default(''),
  scheduleMinutes: z.number().int().min(1).max(43_200).default(60),
  expiryDays: z.number().int().min(0).max(3650).default(90),
  risk: z.enum(RISK_LEVELS).exclude(['none']).default('high'),
  types: list(z.enum(OBJECT_TYPES)).default(OBJECT_TYPES),
  minConfidence: z.number().int().min(0).max(100).default(0),
  maxEntries: z.number().int().min(1).max(5_000_000).default(1_000_000),
  maxBytes: z
    .number()
    .int()
    .min(1024)
    .max(256 * 1024 * 1024)
    .default(128 * 1024 * 1024),
  ca: text(65_536).default(''),
})
export type FeedConfigView = z.infer<typeof feedConfigSchema>

/** Password, token or key: goes in, and never comes back. */
const secret = text(4096).default('')

export const addFeedSchema = z.strictObject({
  feed: feedConfigSchema,
  secret,
  enabled: z.boolean().default(true),
  /** Takes the place of the one of that name, secret included. */
  replace: z.boolean().default(false),
})
export type AddFeed = z.infer<typeof addFeedSchema>

export const feedTallySchema = z.strictObject({
  taken: count,
  bad: count,
  faults: list(z.string()),
  ignored: z.record(z.string(), count),
})

export const feedViewSchema = z.strictObject({
  feed: feedConfigSchema,
  hasSecret: z.boolean(),
  /** `new`: never read; `failing`: the last attempt failed, what came before stands. */
  state: z.enum(['new', 'ok', 'failing', 'disabled']),
  running: z.boolean(),
  /** Unix ms; 0 = never. */
  attemptMs: unixMs,
  successMs: unixMs,
  nextMs: unixMs,
  /** In a row. */
  failures: count,
  /** Why the last attempt failed; '' when it did not. */
  fault: z.string(),
  /** What came of the last reading: of everything, or of what had changed. */
  tally: feedTallySchema,
  /** What it names now, by type. */
  counts: z.partialRecord(z.enum(OBJECT_TYPES), count),
})
export type FeedView = z.infer<typeof feedViewSchema>

export const feedsSchema = z.strictObject({ feeds: list(feedViewSchema) })
export const oneFeedSchema = z.strictObject({ feed: feedViewSchema })

export const enableFeedSchema = z.strictObject({ enabled: z.boolean() })

export const syncFeedSchema = z.strictObject({
  /** Take it though it has become small, or is mostly damaged. */
  confirm: z.boolean().default(false),
  /** Read everything, not only what has changed. */
  whole: z.boolean().default(false),
})
export type SyncFeed = z.infer<typeof syncFeedSchema>

export const previewFeedSchema = z.strictObject({ feed: feedConfigSchema, secret })
export type PreviewFeed = z.infer<typeof previewFeedSchema>

export const feedPreviewSchema = z.strictObject({
  tally: feedTallySchema,
  counts: z.partialRecord(z.enum(OBJECT_TYPES), count),
  /** The first of them. */
  objects: list(
    z.strictObject({
      type: z.enum(OBJECT_TYPES),
      value: z.string(),
      risk: z.enum(RISK_LEVELS),
      expiresMs: unixMs,
      note: z.string(),
    }),
  ),
})
export type FeedPreview = z.infer<typeof feedPreviewSchema>
