import { closeSync, openSync, readSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type FileValues, MAX_FILE_BYTES, parseSettingsText, placeOf } from './file-text.ts'
import { MAX_PAGE_BYTES } from './pages.ts'
import { SETTING_KEYS, SETTINGS, type SettingKey } from './settings.ts'

/**
 * Reads a settings file of this machine. Where a page, a certificate or a secret is `@FILE`, that file's text is taken,
 * from the settings file's folder on (`@@` = a text that begins with @). Never throws: what cannot be read is a fault.
 */
export function readSettingsFile(path: string): FileValues {
  const text = readText(path, MAX_FILE_BYTES)
  if (!text.ok) return { name: path, values: {}, lines: {}, faults: [{ key: '', text: text.fault, where: path }] }
  const file = parseSettingsText(text.text, path)
  const values: Partial<Record<SettingKey, unknown>> = {}
  const faults = [...file.faults]
  for (const key of SETTING_KEYS.filter((key) => Object.hasOwn(file.values, key))) {
    const named = readNamedFile(key, file.values[key], dirname(path))
    if (named.ok) values[key] = named.value
    else faults.push({ key, text: named.fault, where: placeOf(path, file.lines[key]) })
  }
  return { ...file, values, faults }
}

type NamedFile = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: string }

function readNamedFile(key: SettingKey, value: unknown, folder: string): NamedFile {
  const { kind } = SETTINGS[key]
  const mayName = kind === 'page' || kind === 'pem' || kind === 'secret'
  if (!mayName || typeof value !== 'string' || !value.startsWith('@')) return { ok: true, value }
  if (value.startsWith('@@')) return { ok: true, value: value.slice(1) }
  const text = readText(resolve(folder, value.slice(1).trim()), MAX_PAGE_BYTES)
  return text.ok ? { ok: true, value: text.text } : { ok: false, fault: text.fault }
}

type ReadText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: string }

function readText(path: string, maxBytes: number): ReadText {
  try {
    const bytes = readBytes(path, maxBytes)
    if (bytes === undefined) return { ok: false, fault: `${path} is larger than ${maxBytes} bytes` }
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return {
      ok: false,
      fault:
        code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? `${path} is not UTF-8 text` : `cannot read ${path} (${code})`,
    }
  }
}

/** Never more than the bound, whatever the name stands for (a pipe and /dev/zero have no size). */
function readBytes(path: string, maxBytes: number): Buffer | undefined {
  const fd = openSync(path, 'r')
  try {
    const parts: Buffer[] = []
    let size = 0
    while (size <= maxBytes) {
      const part = Buffer.allocUnsafe(65_536)
      const count = readSync(fd, part)
      if (count === 0) return Buffer.concat(parts, size)
      parts.push(part.subarray(0, count))
      size += count
    }
    return undefined
  } finally {
    closeSync(fd)
  }
}
