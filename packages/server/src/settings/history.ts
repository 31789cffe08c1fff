import { createHash } from 'node:crypto'
import { type ChangeRequest, type PlannedChange, planChange } from './apply.ts'
import { MASK, openSaved } from './secrets.ts'
import { isSecret, isSettingKey, SETTINGS, type SettingKey, type Values } from './settings.ts'

/** One setting's difference between two revisions, for people: values as JSON, secrets masked, long texts shortened. */
export interface SettingChange {
  readonly key: string
  readonly from: string
  readonly to: string
}

const WHOLE_CHARACTERS = 100
const SHOWN_CHARACTERS = 40

/** What changed from one revision's saved values to another's, in the order of the keys. */
export function describeChanges(before: Values, after: Values): SettingChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const changed = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  return changed.map((key) => ({ key, from: describeValue(key, before[key]), to: describeValue(key, after[key]) }))
}

function describeValue(key: string, value: unknown): string {
  if (value === undefined || value === null)
    return isSettingKey(key) ? `default (${shorten(SETTINGS[key].fallback)})` : 'not set'
  return isSecret(key) && value !== '' ? MASK : shorten(value)
}

/** Whole when short; else its beginning, and what tells it from another with that beginning. */
function shorten(value: unknown): string {
  const json = JSON.stringify(value)
  if (json.length <= WHOLE_CHARACTERS) return json
  const digest = createHash('sha256').update(json).digest('hex').slice(0, 12)
  return `${json.slice(0, SHOWN_CHARACTERS)}... (${Buffer.byteLength(json)} bytes, sha256 ${digest})`
}

export interface RollbackRequest extends Omit<ChangeRequest, 'updates'> {
  /** The saved values of the revision to go back to, secrets sealed. */
  readonly revision: Values
}

export type PlannedRollback = PlannedChange & {
  /** Settings of the revision that file, environment or flags hold now: they stay as they are. */
  readonly skipped: readonly SettingKey[]
}

/** A rollback is a new change with old values: it is checked as they would be today, and can be rolled back itself. */
export function planRollback({ revision, ...change }: RollbackRequest): PlannedRollback {
  const opened = openSaved(revision, change.box)
  const reset = Object.fromEntries(Object.keys(change.saved).map((key) => [key, null]))
  const wanted = Object.entries({ ...reset, ...opened.values }).filter(([key]) => isSettingKey(key))
  const isOverridden = (key: string) => change.overrides?.origins[key as SettingKey] !== undefined
  const updates = Object.fromEntries(wanted.filter(([key]) => !isOverridden(key)))
  const skipped = wanted.map(([key]) => key as SettingKey).filter(isOverridden)
  if (opened.faults.length > 0) return { ok: false, faults: opened.faults, skipped }
  return { ...planChange({ ...change, updates }), skipped }
}
