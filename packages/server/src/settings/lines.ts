import { firstOf, quote, type Reading, refused, taken } from './reading.ts'

/** A list of one-line texts: how many, how long, and how each must look. */
export interface LinesSetting {
  readonly maxItems: number
  /** UTF-8 bytes of each. */
  readonly maxBytes: number
  readonly pattern?: RegExp
  /** What `pattern` wants, in words: `unix:/PATH or tcp:HOST:PORT`. */
  readonly form?: string
}

/** Each once, as it stands: spaces at the ends of a password belong to it. */
export function readLines(setting: LinesSetting, value: unknown): Reading<readonly string[]> {
  const { maxItems } = setting
  if (!Array.isArray(value)) return refused(`must be a list of texts, got ${quote(value)}`)
  if (value.length > maxItems) return refused(`has ${value.length} entries, more than ${maxItems}`)
  const items = value as readonly unknown[]
  const texts = items.flatMap((item) => faultOf(item, setting) ?? [])
  const lines = items.map(String)
  const seen = new Set<string>()
  for (const line of lines) {
    if (seen.has(line)) texts.push(`has ${quote(line)} twice`)
    seen.add(line)
  }
  return texts.length > 0 ? refused(...firstOf(texts)) : taken(lines)
}

function faultOf(item: unknown, { maxBytes, pattern, form }: LinesSetting): string | undefined {
  // A password of digits is a number in JSON and YAML.
  if (typeof item === 'number' && Number.isSafeInteger(item)) return undefined
  if (typeof item !== 'string') return `has the entry ${quote(item)}, which is not text`
  if (item === '') return 'has an empty entry'
  if (Buffer.byteLength(item) > maxBytes) return `has an entry of more than ${maxBytes} bytes`
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(item) || !item.isWellFormed())
    return `has the entry ${quote(item)}, which is not one line`
  return pattern === undefined || pattern.test(item) ? undefined : `has the entry ${quote(item)}, which is not ${form}`
}
