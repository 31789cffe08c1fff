import { readValue } from './kinds.ts'
import { type ConfigContext, crossFaults } from './rules.ts'
import { type Config, isSettingKey, SETTING_KEYS, SETTINGS, type Values } from './settings.ts'
import { unknownKeyText } from './unknown-key.ts'

/** What is wrong with one setting; `text` is to be read after the key. `where`: `settings.yaml line 3`, `ASSAY_ICAP_PORT`. */
export interface Fault {
  readonly key: string
  readonly text: string
  readonly where?: string
}

/** Warnings stand in the way of nothing: an expired certificate, an exclusion that excludes nothing. */
export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Fault[] }
  | { readonly ok: false; readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] }

const MAX_FAULTS = 200
/** Looking for the nearest key costs about 0.3 ms. */
const MAX_HINTS = 20

export function faultLine({ key, text, where }: Fault): string {
  return [where, key, text].filter((part) => part !== undefined && part !== '').join(': ')
}

/**
 * Checks all values at once, unknown keys and what must fit together included, so that one edit mends them.
 * Absent and null values are the defaults. Parsing a config gives the same config.
 */
export function parseConfig(values: Values, context: ConfigContext = {}): ParsedConfig {
  const faults = unknownKeys(values)
  const config: Record<string, unknown> = {}
  for (const key of SETTING_KEYS) {
    const setting = SETTINGS[key]
    const given = Object.hasOwn(values, key) ? values[key] : null
    const reading = given === null || given === undefined ? undefined : readValue(setting, given)
    config[key] = reading?.ok ? reading.value : setting.fallback
    if (reading?.ok === false) faults.push(...reading.texts.map((text) => ({ key, text })))
  }
  const faulty = new Set(faults.map((fault) => fault.key))
  const cross = crossFaults(config as Config, faulty, context)
  faults.push(...cross.faults)
  const { warnings } = cross
  return faults.length > 0
    ? { ok: false, faults: faults.slice(0, MAX_FAULTS), warnings }
    : { ok: true, config: config as Config, warnings }
}

function unknownKeys(values: Values): Fault[] {
  const unknown = Object.keys(values).filter((key) => !isSettingKey(key))
  return unknown.slice(0, MAX_FAULTS).map((key, index) => ({
    key: key.length > 80 ? `${key.slice(0, 80)}...` : key,
    text: index < MAX_HINTS ? unknownKeyText(key) : 'unknown setting',
  }))
}
