import { firstOf, quote, type Reading, refused, taken } from './reading.ts'

const MAX_TYPES = 500

// RFC 6838 4.2: restricted-name; a name has at most 127 characters.
const NAME = '[a-z0-9][a-z0-9!#$&^_.+-]{0,126}'
const PATTERN = new RegExp(`^${NAME}/(?:\\*|${NAME})$`)

/** Media types without parameters, `image/png` or a whole family `image/*`; lower case, each once. */
export function readMediaTypes(value: unknown): Reading<readonly string[]> {
  if (!Array.isArray(value)) return refused(`must be a list of media types, got ${quote(value)}`)
  if (value.length > MAX_TYPES) return refused(`has ${value.length} entries, more than ${MAX_TYPES}`)
  const items = value as readonly unknown[]
  const texts = items.flatMap((item) => faultOf(item) ?? [])
  const types = items.map((item) => String(item).trim().toLowerCase())
  const twice = types.filter((type, index) => types.indexOf(type) < index).map((type) => `has ${quote(type)} twice`)
  return texts.length + twice.length > 0 ? refused(...firstOf([...texts, ...twice])) : taken(types)
}

function faultOf(item: unknown): string | undefined {
  if (typeof item !== 'string') return `has the entry ${quote(item)}, which is not text`
  const type = item.trim().toLowerCase()
  if (PATTERN.test(type)) return undefined
  if (type.startsWith('*')) return `has the entry ${quote(item)}, which would exclude every body of that kind`
  if (type.includes(';')) return `has the entry ${quote(item)}: give the type without parameters`
  return `has the entry ${quote(item)}, which is not TYPE/SUBTYPE or TYPE/*`
}
