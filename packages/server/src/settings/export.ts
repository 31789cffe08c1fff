import { stringify } from 'yaml'
import { maskSecrets } from './secrets.ts'
import { SETTING_KEYS, type Values } from './settings.ts'

/**
 * Values as a settings file: dotted keys in the order of docs/settings.md, secrets masked, what is not set left out.
 * Applying it where it comes from changes nothing.
 */
export function exportYaml(values: Values): string {
  const masked = maskSecrets(values)
  const keys = SETTING_KEYS.filter((key) => Object.hasOwn(masked, key) && isGiven(masked[key]))
  const given = Object.fromEntries(keys.map((key) => [key, masked[key]]))
  // Equal objects would come out as aliases, which a settings file may not have.
  return stringify(given, { aliasDuplicateObjects: false, lineWidth: 0 })
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}
