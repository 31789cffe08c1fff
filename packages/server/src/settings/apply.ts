import type { Overrides } from './load.ts'
import type { NotificationPage } from './pages.ts'
import { type Fault, type ParsedConfig, parseConfig } from './parse.ts'
import { isRecord } from './reading.ts'
import type { ConfigContext } from './rules.ts'
import { keepSecrets, MASK, openSaved, type SecretBox, sealText } from './secrets.ts'
import {
  type Config,
  isSecret,
  isSettingKey,
  SETTING_KEYS,
  SETTINGS,
  type SettingKey,
  type Values,
} from './settings.ts'

export interface ChangeRequest {
  /** As the store keeps them, secrets sealed. */
  readonly saved: Values
  /** New values in plain text; null = back to the default; `(secret)` = the secret that is stored. Others stay. */
  readonly updates: Values
  readonly overrides?: Overrides
  readonly box: SecretBox
  readonly context?: ConfigContext
}

export type PlannedChange =
  | {
      readonly ok: true
      /** To be saved: canonical, secrets sealed, without what is at its default because nobody set it. */
      readonly values: Record<string, unknown>
      /** What is in force once it is saved. */
      readonly config: Config
      /** Settings whose value in force differs; empty when nothing needs to be done. */
      readonly changed: readonly SettingKey[]
      readonly warnings: readonly Fault[]
    }
  | { readonly ok: false; readonly faults: readonly Fault[] }

/** What a change would come to, all of it checked and nothing done. Pure but for the box. */
export function planChange({ saved, updates, overrides, box, context }: ChangeRequest): PlannedChange {
  const opened = openSaved(saved, box)
  const above = overrides?.values ?? {}
  const before = parseConfig({ ...opened.values, ...above }, context)
  const accepted = acceptUpdates({ updates, stored: opened.values, before, overrides })
  const next = merge(opened.values, accepted.values)
  const after = parseConfig({ ...next, ...above }, context)
  // A stored secret that does not open is mended by giving a new one.
  const stuck = opened.faults.filter(({ key }) => !Object.hasOwn(accepted.values, key))
  const faults = [...accepted.faults, ...stuck, ...(after.ok ? [] : after.faults)]
  if (!after.ok || faults.length > 0) return { ok: false, faults }
  const canonical = canonicalValues({ next, config: after.config, above })
  const values = sealSecrets({ values: canonical, saved, stored: opened.values, box })
  return {
    ok: true,
    values,
    config: after.config,
    changed: changedKeys(before, after.config),
    warnings: after.warnings,
  }
}

interface Updates {
  readonly updates: Values
  readonly stored: Values
  readonly before: ParsedConfig
  readonly overrides: Overrides | undefined
}

/** Leaves out what would change nothing, and refuses what is not to be changed here. */
function acceptUpdates({ updates, stored, before, overrides }: Updates): {
  values: Record<string, unknown>
  faults: Fault[]
} {
  const values: Record<string, unknown> = {}
  const faults: Fault[] = []
  for (const [key, value] of Object.entries(keepSecrets(updates))) {
    const origin = isSettingKey(key) ? overrides?.origins[key] : undefined
    if (origin === undefined) values[key] = isSettingKey(key) ? wholePage(key, value, before) : value
    else if (!isInForce(key as SettingKey, value, before))
      faults.push({ key, text: `is read-only here: it is set by ${origin}` })
  }
  for (const key of Object.keys(updates)) {
    const nothingKept = updates[key] === MASK && isSecret(key) && !stored[key] && !overrides?.origins[key as SettingKey]
    if (nothingKept) faults.push({ key, text: `is ${MASK}, which keeps what is stored, and nothing is stored` })
  }
  return { values, faults }
}

/** An export names every setting; one that an override holds at that very value is no change. */
function isInForce(key: SettingKey, value: unknown, before: ParsedConfig): boolean {
  const alone = parseConfig({ [key]: value })
  const canonical = alone.ok ? alone.config[key] : value
  return before.ok && same(before.config[key], canonical)
}

/** Switching a page off and on again keeps its text: the seed has a box and a file. */
function wholePage(key: SettingKey, value: unknown, before: ParsedConfig): unknown {
  if (SETTINGS[key].kind !== 'page' || !before.ok) return value
  const given = typeof value === 'boolean' ? { enabled: value } : value
  const keepsText = isRecord(given) && given.content === undefined
  return keepsText ? { ...(before.config[key] as NotificationPage), ...given } : given
}

function merge(stored: Values, updates: Values): Record<string, unknown> {
  const merged = Object.entries({ ...stored, ...updates })
  return Object.fromEntries(merged.filter(([key, value]) => !isUnset(key, value)))
}

/** An empty certificate or secret is none. */
function isUnset(key: string, value: unknown): boolean {
  if (value === null || value === undefined) return true
  return value === '' && isSettingKey(key) && SETTINGS[key].fallback === ''
}

interface Canonical {
  readonly next: Values
  readonly config: Config
  readonly above: Values
}

/** An overridden setting keeps what was saved for it: it counts again when the override is gone. */
function canonicalValues({ next, config, above }: Canonical): Record<string, unknown> {
  const keys = SETTING_KEYS.filter((key) => Object.hasOwn(next, key))
  return Object.fromEntries(keys.map((key) => [key, Object.hasOwn(above, key) ? next[key] : config[key]]))
}

interface Sealing {
  readonly values: Values
  readonly saved: Values
  readonly stored: Values
  readonly box: SecretBox
}

/** An unchanged secret keeps its seal, so that two revisions differ only where something changed. */
function sealSecrets({ values, saved, stored, box }: Sealing): Record<string, unknown> {
  const sealed = Object.entries(values).map(([key, value]) => {
    if (!isSecret(key) || typeof value !== 'string') return [key, value]
    return [key, value === stored[key] ? saved[key] : sealText(box, value)]
  })
  return Object.fromEntries(sealed)
}

function changedKeys(before: ParsedConfig, config: Config): SettingKey[] {
  return SETTING_KEYS.filter((key) => !before.ok || !same(before.config[key], config[key]))
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
