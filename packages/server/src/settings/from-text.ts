import { isRecord } from './reading.ts'
import { isSettingKey, SETTINGS } from './settings.ts'

/**
 * A value as people type it (command line, environment) made what the setting's kind wants: JSON, or plain text as it
 * stands; lists also as `a, b`. `null` is the default. What it makes no sense of comes back as text, for the reader to refuse.
 */
export function valueFromText(key: string, text: string): unknown {
  if (!isSettingKey(key)) return text
  const { kind } = SETTINGS[key]
  // A passphrase of digits is not a number, and a page that begins with a quote is not JSON.
  if (kind === 'secret' || kind === 'pem') return text.trim() === 'null' ? null : text
  if (kind === 'page') return pageFromText(text)
  const trimmed = text.trim()
  if (trimmed === 'default') return null
  const value = parseJson(trimmed) ?? trimmed
  if (kind === 'boolean') return booleanFromText(value)
  if (kind === 'addresses' || kind === 'media-types' || kind === 'lines') return listFromText(value)
  return trimmed === 'null' ? null : value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // plain text
  }
}

const SWITCH: Readonly<Record<string, boolean | null>> = { on: true, yes: true, off: false, no: false, null: null }

function booleanFromText(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const word = value.toLowerCase()
  return Object.hasOwn(SWITCH, word) ? SWITCH[word] : value
}

function listFromText(value: unknown): unknown {
  if (typeof value !== 'string') return value
  return value === 'null' ? null : value.split(/[,\s]+/).filter((item) => item !== '')
}

/** `off`, `on`, `default`, `{"enabled": ...}`, or the page itself. */
function pageFromText(text: string): unknown {
  const trimmed = text.trim()
  if (trimmed.length < 10) {
    if (trimmed === 'default' || trimmed === 'null') return null
    if (['off', 'on', 'true', 'false'].includes(trimmed)) return trimmed === 'on' || trimmed === 'true'
  }
  const value = trimmed.startsWith('{') ? parseJson(trimmed) : undefined
  return isRecord(value) && ('enabled' in value || 'content' in value) ? value : text
}
