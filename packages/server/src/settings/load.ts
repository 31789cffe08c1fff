import { type FileValues, placeOf } from './file-text.ts'
import { valueFromText } from './from-text.ts'
import { type Fault, parseConfig } from './parse.ts'
import type { ConfigContext } from './rules.ts'
import { keepSecrets, openSaved, type SecretBox } from './secrets.ts'
import { type Config, SETTING_KEYS, SETTINGS, type SettingKey, type Values } from './settings.ts'

/** Where a setting's value comes from, weakest first (architecture.md section 5). */
export type Source = 'default' | 'saved' | 'file' | 'environment' | 'flag'

export interface SettingsLayers {
  /** As the store keeps them, secrets sealed. */
  readonly saved?: Values
  readonly box: Pick<SecretBox, 'open'>
  /** Of `readSettingsFile`. */
  readonly file?: FileValues
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** By the flag's name, `icap-port` or as commander writes it, `icapPort`. */
  readonly flags?: Readonly<Record<string, unknown>>
  readonly context?: ConfigContext
}

/** What stands above the saved values. Its keys are read-only: a change of one is refused, naming `origins`. */
export interface Overrides {
  /** Values of file, environment and flags, secrets in plain text. */
  readonly values: Readonly<Partial<Record<SettingKey, unknown>>>
  /** Where each comes from, in words: `settings.yaml line 3`, `ASSAY_ICAP_PORT`, `--icap-port`. */
  readonly origins: Readonly<Partial<Record<SettingKey, string>>>
}

interface Loaded {
  readonly sources: Readonly<Record<SettingKey, Source>>
  readonly overrides: Overrides
  readonly warnings: readonly Fault[]
}

export type LoadedSettings =
  | (Loaded & { readonly ok: true; readonly config: Config })
  | (Loaded & { readonly ok: false; readonly faults: readonly Fault[] })

/** Every setting that a flag or a variable can give, for the command line's help. */
export const FLAGS = SETTING_KEYS.flatMap((key) => {
  const setting: { readonly flag?: string; readonly help: string } = SETTINGS[key]
  if (setting.flag === undefined) return []
  const variable = `ASSAY_${setting.flag.toUpperCase().replaceAll('-', '_')}`
  return [{ key, flag: setting.flag, variable, help: setting.help }]
})

interface Layer {
  readonly source: Source
  readonly values: Readonly<Partial<Record<SettingKey, unknown>>>
  readonly origin: (key: SettingKey) => string
}

/** Defaults < saved < file < environment < flags, all checked together; every fault names the place of its value. */
export function loadSettings({
  saved = {},
  box,
  file,
  environment = {},
  flags = {},
  context,
}: SettingsLayers): LoadedSettings {
  const opened = openSaved(saved, box)
  const above = [fileLayer(file), environmentLayer(environment), flagLayer(flags)]
  const layers: Layer[] = [{ source: 'saved', values: opened.values, origin: () => 'saved settings' }, ...above]
  const owners = ownersOf(layers)
  const parsed = parseConfig(valuesOf(owners), context)
  const place = (fault: Fault): Fault => withPlace(fault, owners)
  const loaded: Loaded = {
    sources: sourcesOf(owners),
    overrides: overridesOf(ownersOf(above)),
    warnings: [...opened.warnings, ...parsed.warnings.map(place)],
  }
  const faults = [...opened.faults, ...(file?.faults ?? []), ...(parsed.ok ? [] : parsed.faults.map(place))]
  return parsed.ok && faults.length === 0
    ? { ...loaded, ok: true, config: parsed.config }
    : { ...loaded, ok: false, faults }
}

function fileLayer(file: FileValues | undefined): Layer {
  const values = keepSecrets(file?.values ?? {})
  return { source: 'file', values, origin: (key) => placeOf(file?.name ?? '', file?.lines[key]) }
}

function environmentLayer(environment: Readonly<Record<string, string | undefined>>): Layer {
  const given = FLAGS.flatMap(({ key, variable }) => {
    const text = environment[variable]
    return text === undefined || text === '' ? [] : [[key, valueFromText(key, text)]]
  })
  return { source: 'environment', values: Object.fromEntries(given), origin: (key) => flagOf(key).variable }
}

function flagLayer(flags: Readonly<Record<string, unknown>>): Layer {
  const given = FLAGS.flatMap(({ key, flag }) => {
    const value = flags[flag] ?? flags[camelCase(flag)]
    return value === undefined ? [] : [[key, typeof value === 'string' ? valueFromText(key, value) : value]]
  })
  return { source: 'flag', values: Object.fromEntries(given), origin: (key) => `--${flagOf(key).flag}` }
}

function flagOf(key: SettingKey): { flag: string; variable: string } {
  return FLAGS.find((flag) => flag.key === key) ?? { flag: key, variable: key }
}

function camelCase(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** Each key's strongest layer. */
function ownersOf(layers: readonly Layer[]): Map<SettingKey, Layer> {
  const owners = new Map<SettingKey, Layer>()
  for (const layer of layers) {
    for (const key of SETTING_KEYS) if (Object.hasOwn(layer.values, key)) owners.set(key, layer)
  }
  return owners
}

function valuesOf(owners: Map<SettingKey, Layer>): Partial<Record<SettingKey, unknown>> {
  return Object.fromEntries([...owners].map(([key, layer]) => [key, layer.values[key]]))
}

function sourcesOf(owners: Map<SettingKey, Layer>): Record<SettingKey, Source> {
  const sources = SETTING_KEYS.map((key) => [key, owners.get(key)?.source ?? 'default'])
  return Object.fromEntries(sources) as Record<SettingKey, Source>
}

function overridesOf(owners: Map<SettingKey, Layer>): Overrides {
  return {
    values: valuesOf(owners),
    origins: Object.fromEntries([...owners].map(([key, layer]) => [key, layer.origin(key)])),
  }
}

function withPlace(fault: Fault, owners: Map<SettingKey, Layer>): Fault {
  const layer = owners.get(fault.key as SettingKey)
  return layer === undefined ? fault : { ...fault, where: layer.origin(fault.key as SettingKey) }
}
