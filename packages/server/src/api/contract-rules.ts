import { z } from 'zod'
import { RISK_LEVELS } from '../domain/risk.ts'
import { count, list, text } from './contract-kinds.ts'

export const RULE_FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,122}\.yara?$/

export const ruleFileNameSchema = z.strictObject({
  name: z.string().regex(RULE_FILE_NAME, 'is not a plain file name that ends in .yar or .yara'),
})

/** 10 = the weightiest. It orders what is told of a file; no risk follows from it. */
const weight = z.number().int().min(1).max(10)
const typeNames = z
  .array(z.string().regex(/^[a-z0-9-]{1,32}$/, 'is not the name of a true type'))
  .max(64)
  .readonly()

/** CPU ms on 64 KiB of the torture corpus. */
export const ruleCostSchema = z.strictObject({ meanMs: z.number(), worstMs: z.number() })

/** Hits since the server's start; one a transaction, however often the rule matched in it. */
export const ruleHitsSchema = z.strictObject({ file: z.string(), rule: z.string(), enforced: count, shadow: count })
export type RuleHitCount = z.infer<typeof ruleHitsSchema>

export const ruleFileSchema = z.strictObject({
  name: z.string(),
  /** `loaded`; `slow`: compiled, never run inline; `quarantined`: does not compile, the others run without it; `disabled`. */
  state: z.enum(['loaded', 'slow', 'quarantined', 'disabled']),
  /** Rules in the file; 0 when it is quarantined. */
  rules: count,
  /** `line N: FAULT`, or why it is slow. */
  faults: list(z.string()),
  /** Comes with the program, so that it cannot be removed. */
  builtIn: z.boolean(),
  /** Its hits are counted and kept with the sample, and block nothing. */
  shadow: z.boolean(),
  weight: weight.optional(),
  /** True types or families it is asked about; empty: all. */
  types: list(z.string()),
  /** `share`: of the cost of all files that scan, 0-1. Absent where it was not measured. */
  cost: ruleCostSchema.extend({ share: z.number() }).optional(),
})
export type RuleFile = z.infer<typeof ruleFileSchema>

export const ruleFilesSchema = z.strictObject({ files: list(ruleFileSchema) })

/** What is not named stays as it is. */
export const ruleOptionsSchema = z.strictObject({
  enabled: z.boolean().optional(),
  shadow: z.boolean().optional(),
  /** null: none. */
  weight: weight.nullable().optional(),
  types: typeNames.optional(),
})
export type RuleOptionsChange = z.infer<typeof ruleOptionsSchema>

const ruleText = text(16 * 1024 * 1024)

/** Its options are in force from its first scan on. */
export const addRuleFileSchema = ruleFileNameSchema.extend({ text: ruleText, options: ruleOptionsSchema.optional() })
export type AddRuleFile = z.infer<typeof addRuleFileSchema>

export const checkRuleFileSchema = ruleFileNameSchema.extend({ text: ruleText })

export const ruleFaultSchema = z.strictObject({
  /** From 1; 0 where the compiler names none. */
  line: count,
  code: z.string(),
  text: z.string(),
})

/** What can be told of a rule file without installing it. */
export const ruleCheckSchema = z.strictObject({
  name: z.string(),
  /** Every error; none: it compiles. */
  faults: list(ruleFaultSchema),
  warnings: list(ruleFaultSchema),
  rules: list(
    z.strictObject({
      name: z.string(),
      risk: z.enum(RISK_LEVELS),
      weight: weight.optional(),
      /** Absent where the rule could not be measured alone. */
      cost: ruleCostSchema.optional(),
      /** Of the cost of all rules of the file, 0-1. */
      share: z.number().optional(),
    }),
  ),
  cost: ruleCostSchema.optional(),
})
export type RuleCheckView = z.infer<typeof ruleCheckSchema>

export const ruleFileDetailSchema = z.strictObject({
  file: ruleFileSchema,
  check: ruleCheckSchema,
  hits: list(ruleHitsSchema),
})
export type RuleFileDetail = z.infer<typeof ruleFileDetailSchema>
