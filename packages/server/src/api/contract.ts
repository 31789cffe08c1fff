import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import { RISK_LEVELS } from '../domain/risk.ts'
import { OBJECT_LISTS, OBJECT_TYPES } from '../domain/suspicious-object.ts'
import { UNSCANNED_REASONS } from '../domain/verdict.ts'
import { count, list, queryNumber, text, unixMs } from './contract-kinds.ts'
import { ruleFileSchema } from './contract-rules.ts'
import { detectionSchema, evidenceSchema } from './contract-transactions.ts'

export * from './contract-feeds.ts'
export * from './contract-models.ts'
export * from './contract-recall.ts'
export * from './contract-rules.ts'
export * from './contract-transactions.ts'

/** Everything that the command line and the console may see of the server: one schema a thing, the type follows from it. */
export const API_BASE = '/api/v1'

/** The API's socket inside the data folder (mode 0600: whoever can open it is the administrator). */
export const SOCKET_NAME = 'assay.sock'

export const apiErrorSchema = z.strictObject({
  /** Stable, for programs. */
  code: z.string(),
  /** One plain sentence, for people. */
  text: z.string(),
  /** Every fault at once, where the request was understood and refused: `KEY: FAULT` or `line N: FAULT`. */
  faults: list(z.string()).optional(),
})
export type ApiError = z.infer<typeof apiErrorSchema>

export const healthSchema = z.strictObject({ status: z.literal('ok') })
export type Health = z.infer<typeof healthSchema>

/** `reasons` has one plain sentence for each thing that keeps the server from being ready; no URL, address or user in it. */
export const readinessSchema = z.strictObject({ ready: z.boolean(), reasons: list(z.string()) })
export type Readiness = z.infer<typeof readinessSchema>

export const processSchema = z.strictObject({
  role: z.enum(['supervisor', 'worker', 'store', 'scan', 'analyzer']),
  pid: z.number().int(),
  state: z.enum(['starting', 'running', 'draining', 'silent', 'gone']),
  uid: z.number().int(),
})
export type ProcessStatus = z.infer<typeof processSchema>

export const engineSchema = z.strictObject({
  engine: z.string(),
  state: z.enum(['up', 'down', 'off']),
  version: z.string(),
  /** Why it is down or off, and how to mend it; '' when up. */
  detail: z.string(),
})
export type EngineStatus = z.infer<typeof engineSchema>

export const listCountSchema = z.strictObject({
  list: z.enum(OBJECT_LISTS),
  type: z.enum(OBJECT_TYPES),
  count,
})
export type ListCount = z.infer<typeof listCountSchema>

export const listenerSchema = z.strictObject({
  name: z.enum(['icap', 'icaps', 'console', 'api']),
  /** `ADDRESS:PORT`, or the socket's path. */
  address: z.string(),
  state: z.enum(['listening', 'closed', 'failed']),
  detail: z.string(),
})
export type ListenerStatus = z.infer<typeof listenerSchema>

export const statusSchema = z.strictObject({
  version: z.string(),
  node: z.string(),
  startedMs: unixMs,
  nowMs: unixMs,
  settingsRevision: count,
  readiness: readinessSchema,
  processes: list(processSchema),
  engines: list(engineSchema),
  rules: z.strictObject({ loaded: count, quarantined: list(ruleFileSchema), slow: list(ruleFileSchema) }),
  lists: list(listCountSchema),
  /** Service path without slashes -> its ISTag. */
  isTags: z.record(z.string(), z.string()),
  listeners: list(listenerSchema),
  connections: z.strictObject({ inUse: count, max: count }),
  journal: z.strictObject({ backlogRecords: count, backlogBytes: count, maxBytes: count }),
  store: z.strictObject({
    kind: z.enum(['sqlite', 'postgresql']),
    state: z.enum(['up', 'down']),
    detail: z.string(),
  }),
  /** Totals since the start: metric name without prefix -> sum over its labels. */
  counters: z.record(z.string(), z.number()),
  /** Of all processes together. */
  cpuSeconds: z.number().nonnegative(),
  memory: z.strictObject({ rssBytes: count }),
})
export type Status = z.infer<typeof statusSchema>

/** Where a setting's value comes from; each overrides those before it. */
export const SETTING_SOURCES = ['default', 'saved', 'file', 'environment', 'flag'] as const

export const settingViewSchema = z.strictObject({
  key: z.string(),
  /** Any JSON value. A secret is never given back: a mask where there is one. */
  value: z.unknown(),
  source: z.enum(SETTING_SOURCES),
  /** Overridden by file, environment or flag, so that saving it would have no effect. */
  readOnly: z.boolean(),
  secret: z.boolean(),
  help: z.string(),
})
export type SettingView = z.infer<typeof settingViewSchema>

export const settingsViewSchema = z.strictObject({ revision: count, settings: list(settingViewSchema) })
export type SettingsView = z.infer<typeof settingsViewSchema>

export const saveSettingsSchema = z.strictObject({
  /**
   * One save: all of it or nothing. Values as JSON; a string is read as if it were typed on the command line, as the setting's
   * kind says ("1345" is a number for a port); null is back to the default.
   */
  updates: z.record(text(128), z.unknown()).refine((updates) => Object.keys(updates).length > 0, 'names no setting'),
})
export type SaveSettings = z.infer<typeof saveSettingsSchema>

/** `text` is the YAML settings file; what it does not name stays as it is (secrets too). */
export const applySettingsSchema = z.strictObject({ text: text(24 * 1024 * 1024) })

/** `warnings` stood in the way of nothing: an expired certificate, settings that a rollback left as they are. */
export const settingsSavedSchema = z.strictObject({
  revision: count,
  changed: list(z.string()),
  warnings: list(z.string()),
})
export type SettingsSaved = z.infer<typeof settingsSavedSchema>

export const historyEntrySchema = z.strictObject({
  revision: count,
  timeMs: unixMs,
  by: z.string(),
  /** Secrets masked on both sides. */
  changes: list(z.strictObject({ key: z.string(), from: z.unknown(), to: z.unknown() })),
})
export type HistoryEntry = z.infer<typeof historyEntrySchema>

export const historySchema = z.strictObject({ entries: list(historyEntrySchema) })

const oneLine = (maxLength: number) =>
  text(maxLength).refine((value) => !/\p{Cc}/u.test(value), 'holds a control character')

export const listEntryKeySchema = z.strictObject({
  list: z.enum(OBJECT_LISTS),
  type: z.enum(OBJECT_TYPES),
  /** As typed; the server makes it canonical (domain/suspicious-object.ts). */
  value: oneLine(4096).min(1),
})
export type ListEntryKey = z.infer<typeof listEntryKeySchema>

export const listEntrySchema = listEntryKeySchema.extend({
  risk: z.enum(RISK_LEVELS).default('high'),
  /** Unix ms; 0 = never. */
  expiresMs: unixMs.default(0),
  note: oneLine(1024).default(''),
})
export type ListEntry = z.infer<typeof listEntrySchema>

/** What every line of an import has in common; a line's own columns override it. */
export const listImportSchema = listEntrySchema.omit({ value: true, expiresMs: true }).extend({
  expiresMs: queryNumber.default(0),
})
export type ListImport = z.infer<typeof listImportSchema>

export const listExportSchema = z.strictObject({
  list: z.enum(OBJECT_LISTS),
  type: z.enum(OBJECT_TYPES).optional(),
})
export type ListExport = z.infer<typeof listExportSchema>

/** `changed` is the number of entries added or removed; the same entry twice changes nothing. */
export const listChangedSchema = z.strictObject({ changed: count })
export type ListChanged = z.infer<typeof listChangedSchema>

export const listCountsSchema = z.strictObject({ counts: list(listCountSchema) })

/** One line of `assay scan --json`. */
export const scanLineSchema = z.strictObject({
  path: z.string(),
  sha256: z.string(),
  sha1: z.string(),
  size: count,
  type: z.string(),
  outcome: z.enum(['clean', 'detected', 'unscanned', 'excluded']),
  /** What an unscanned one is at least. */
  risk: z.enum(RISK_LEVELS),
  reasons: list(z.enum(UNSCANNED_REASONS)),
  detections: list(detectionSchema),
  evidence: evidenceSchema,
})
export type ScanLine = z.infer<typeof scanLineSchema>

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Why the console may not listen on this address; undefined where it may. */
export function consoleAddressFault(address: string): string | undefined {
  const family = isIP(address)
  if (family === 0 && address !== 'localhost') return `${JSON.stringify(address.slice(0, 64))} is not an IP address`
  if (family === 0 || loopback.check(address, family === 6 ? 'ipv6' : 'ipv4')) return undefined
  return `${address} is not a loopback address: beyond loopback the console needs TLS and accounts, which this version does not have`
}
