import { type AddressRange, parseAddressRange } from '../domain/address-set.ts'
import { firstOf, quote, type Reading, refused, taken } from './reading.ts'

/** Of one list, and of all groups together: enough for any site, small enough to be read on every change. */
export const MAX_ADDRESSES = 5_000

/** A list of addresses, CIDR blocks and ranges, made canonical; the same range twice is named with both spellings. */
export function readAddresses(value: unknown): Reading<readonly string[]> {
  if (!Array.isArray(value)) return refused(`must be a list of addresses, CIDR blocks and ranges, got ${quote(value)}`)
  if (value.length > MAX_ADDRESSES) return refused(`has ${value.length} entries, more than ${MAX_ADDRESSES}`)
  const texts: string[] = []
  const seen = new Map<string, string>()
  const canonical: string[] = []
  for (const item of value as readonly unknown[]) {
    const range = rangeOf(item)
    const fault = typeof range === 'string' ? range : twice(range, String(item), seen)
    if (fault !== undefined) texts.push(fault)
    else if (typeof range !== 'string') canonical.push(range.text)
  }
  return texts.length > 0 ? refused(...firstOf(texts)) : taken(canonical)
}

function rangeOf(item: unknown): AddressRange | string {
  if (typeof item !== 'string') return `has the entry ${quote(item)}, which is not text`
  const parsed = parseAddressRange(item)
  return parsed.ok ? parsed.range : `has the entry ${quote(item)}, which ${parsed.fault}`
}

function twice(range: AddressRange, spelling: string, seen: Map<string, string>): string | undefined {
  const edges = rangeKey(range)
  const before = seen.get(edges)
  seen.set(edges, before ?? spelling)
  return before === undefined ? undefined : `has ${quote(spelling)} twice (first as ${quote(before)})`
}

/** The same for every spelling of one range. */
export function rangeKey({ family, low, high }: AddressRange): string {
  return `${family}:${low}-${high}`
}

/** One address to listen on; `*` = every address of both families. */
export function readListenAddress(value: unknown): Reading<string> {
  if (value === '*') return taken('*')
  if (value === 'localhost') return taken('127.0.0.1')
  const parsed = typeof value === 'string' ? parseAddressRange(value) : undefined
  const isAddress = parsed?.ok && parsed.range.low === parsed.range.high
  return isAddress ? taken(parsed.range.text) : refused(`must be one IP address or *, got ${quote(value)}`)
}

/** Whether only this machine can reach a listener at the address. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
