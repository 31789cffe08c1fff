import type { Fault } from './parse.ts'
import { isSecret, isSettingKey, type Values } from './settings.ts'

/** How secrets are sealed is not the settings' business: the key is the store's. `open` throws on what it did not seal. */
export interface SecretBox {
  seal(text: string): string
  open(sealed: string): string
}

/** Stands for a secret wherever people can read: exports, history, logs. */
export const MASK = '(secret)'

const SEALED = 'sealed:'

/** A copy in which no secret can be read. Works on saved, given and effective values alike. */
export function maskSecrets(values: Values): Record<string, unknown> {
  const masked = Object.entries(values).map(([key, value]) => [key, isSecret(key) && isSet(value) ? MASK : value])
  return Object.fromEntries(masked)
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined && value !== ''
}

/** What a user who applies an export means by its masks: leave that secret as it is. */
export function keepSecrets(updates: Values): Record<string, unknown> {
  return Object.fromEntries(Object.entries(updates).filter(([key, value]) => !isSecret(key) || value !== MASK))
}

export function sealText(box: SecretBox, text: string): string {
  return SEALED + box.seal(text)
}

export interface OpenedValues {
  readonly values: Record<string, unknown>
  readonly faults: readonly Fault[]
  /** Keys of another version of Assay: left out. */
  readonly warnings: readonly Fault[]
}

/** Saved values with their secrets in plain text. A secret that does not open is a fault, never an empty one. */
export function openSaved(saved: Values, box: Pick<SecretBox, 'open'>): OpenedValues {
  const values: Record<string, unknown> = {}
  const faults: Fault[] = []
  const warnings: Fault[] = []
  for (const [key, value] of Object.entries(saved)) {
    if (!isSettingKey(key)) {
      warnings.push({
        key,
        text: 'is saved, but this version has no such setting; it is left out',
        where: 'saved settings',
      })
      continue
    }
    try {
      values[key] = isSecret(key) && isSet(value) ? openText(box, value) : value
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      faults.push({ key, text: `is sealed and cannot be opened (${reason}); set it again`, where: 'saved settings' })
    }
  }
  return { values, faults, warnings }
}

function openText(box: Pick<SecretBox, 'open'>, value: unknown): string {
  if (typeof value !== 'string' || !value.startsWith(SEALED)) throw new TypeError('it was saved unsealed')
  return box.open(value.slice(SEALED.length))
}
