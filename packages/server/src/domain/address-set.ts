import { addressHex, addressText } from './ip-value.ts'

/** Addresses longer than this are not looked at: the longest IPv6 text has 45 characters, a range two of them. */
const MAX_TEXT = 100

/**
 * Addresses from `low` to `high`, both included, as hexadecimal of fixed width (8 digits for IPv4, 32 for IPv6), so that
 * text order is address order. IPv4-mapped IPv6 is IPv4. `text` is the canonical form: an address, a CIDR block with its
 * host bits cleared, or `low-high`.
 */
export interface AddressRange {
  readonly family: 4 | 6
  readonly low: string
  readonly high: string
  readonly text: string
}

export type ParsedRange =
  | { readonly ok: true; readonly range: AddressRange }
  | { readonly ok: false; readonly fault: string }

interface Address {
  readonly family: 4 | 6
  readonly hex: string
}

/** One address, CIDR block or range, IPv4 or IPv6; the fault says what is wrong with it, without repeating it. */
export function parseAddressRange(input: string): ParsedRange {
  const text = input.trim()
  if (text.length > MAX_TEXT) return fault(`is longer than ${MAX_TEXT} characters`)
  if (text.includes('%')) return fault('has a zone, which only this host understands')
  if (text.includes('/')) return parseCidr(text)
  if (text.includes('-')) return parseLowHigh(text)
  const address = parseAddress(text)
  if (address === undefined) return fault('is not an IPv4 or IPv6 address')
  return found(address.family, address.hex, address.hex, addressText(address.hex))
}

function fault(text: string): ParsedRange {
  return { ok: false, fault: text }
}

function found(family: 4 | 6, low: string, high: string, text: string): ParsedRange {
  return { ok: true, range: { family, low, high, text } }
}

function parseCidr(text: string): ParsedRange {
  const [base = '', length = '', ...rest] = text.split('/')
  const address = parseAddress(base.trim())
  if (address === undefined || rest.length > 0) return fault('does not begin with an IPv4 or IPv6 address')
  const bits = address.hex.length * 4
  // A mapped block counts its prefix in 128 bits: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const mapped = address.family === 4 && base.includes(':')
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) - (mapped ? 96 : 0) : -1
  if (prefix < 0 || prefix > bits) return fault(`has a prefix length that is not ${mapped ? '96-128' : `0-${bits}`}`)
  const low = withHostBits(address.hex, prefix, '0')
  const high = withHostBits(address.hex, prefix, '1')
  const network = addressText(low)
  return found(address.family, low, high, prefix === bits ? network : `${network}/${prefix}`)
}

function withHostBits(hex: string, prefix: number, bit: '0' | '1'): string {
  const bits = hex.length * 4
  const binary = BigInt(`0x${hex}`).toString(2).padStart(bits, '0')
  const filled = binary.slice(0, prefix).padEnd(bits, bit)
  return BigInt(`0b${filled}`).toString(16).padStart(hex.length, '0')
}

function parseLowHigh(text: string): ParsedRange {
  const [lowText = '', highText = '', ...rest] = text.split('-')
  const low = parseAddress(lowText.trim())
  const high = parseAddress(highText.trim())
  if (low === undefined || high === undefined || rest.length > 0)
    return fault('is not LOW-HIGH with two whole addresses')
  if (low.family !== high.family) return fault('goes from one address family to the other')
  if (low.hex > high.hex) return fault('ends before it begins')
  const ends = [...new Set([addressText(low.hex), addressText(high.hex)])]
  return found(low.family, low.hex, high.hex, ends.join('-'))
}

function parseAddress(text: string): Address | undefined {
  const hex = addressHex(text)
  return hex === undefined ? undefined : { family: hex.length === 8 ? 4 : 6, hex }
}

/** Whether an address is one of many; `has` is false for anything that is no address. A zone (`fe80::1%eth0`) is ignored. */
export interface AddressSet {
  readonly size: number
  has(address: string): boolean
}

/**
 * @param items addresses, CIDR blocks and ranges (`parseAddressRange`).
 * @throws TypeError on an item that is none; the settings have refused those before.
 */
export function createAddressSet(items: readonly string[]): AddressSet {
  const map = createAddressMap([{ items, value: true }])
  return { size: items.length, has: (address) => map.find(address) === true }
}

/** The value of the most specific (smallest) range that holds the address; of equally small ones, the first given. */
export interface AddressMap<T> {
  find(address: string): T | undefined
}

interface Entry<T> {
  readonly range: AddressRange
  /** Addresses in it, less one. */
  readonly span: bigint
  readonly value: T
}

/** Disjoint stretches in address order: `highs[i]` belongs to `lows[i]`. */
interface Stretches<T> {
  readonly lows: readonly string[]
  readonly highs: readonly string[]
  readonly values: readonly T[]
}

/** Looks up in O(log n), about a microsecond for 1,000 entries; the last answer is remembered, as connections repeat. */
export function createAddressMap<T>(owners: readonly { items: readonly string[]; value: T }[]): AddressMap<T> {
  const entries = owners.flatMap(({ items, value }) => items.map((item) => entryOf(mustParse(item), value)))
  const v4 = flatten(entries.filter((entry) => entry.range.family === 4))
  const v6 = flatten(entries.filter((entry) => entry.range.family === 6))
  let lastAddress: string | undefined
  let lastValue: T | undefined
  return {
    find(text) {
      if (text === lastAddress) return lastValue
      const address = parseAddress(text.split('%', 1)[0] ?? '')
      lastValue = address && look(address.family === 4 ? v4 : v6, address.hex)
      lastAddress = text
      return lastValue
    },
  }
}

function mustParse(item: string): AddressRange {
  const parsed = parseAddressRange(item)
  if (!parsed.ok) throw new TypeError(`"${item}" ${parsed.fault}`)
  return parsed.range
}

function entryOf<T>(range: AddressRange, value: T): Entry<T> {
  return { range, span: BigInt(`0x${range.high}`) - BigInt(`0x${range.low}`), value }
}

function look<T>({ lows, highs, values }: Stretches<T>, hex: string): T | undefined {
  let from = 0
  let to = lows.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((lows[middle] ?? '') <= hex) from = middle + 1
    else to = middle
  }
  const index = from - 1
  return index >= 0 && hex <= (highs[index] ?? '') ? values[index] : undefined
}

/** Cuts overlapping ranges into stretches at every edge; each stretch gets the value of its smallest range. */
function flatten<T>(entries: readonly Entry<T>[]): Stretches<T> {
  const width = entries[0]?.range.low.length ?? 8
  const after = (hex: string) => (BigInt(`0x${hex}`) + 1n).toString(16).padStart(width, '0')
  const before = (hex: string) => (BigInt(`0x${hex}`) - 1n).toString(16).padStart(width, '0')
  const sorted = entries.toSorted((a, b) => (a.range.low < b.range.low ? -1 : a.range.low > b.range.low ? 1 : 0))
  // The address after the last one has one digit more (`100000000`): it is longer, so it is put last by hand.
  const edges = new Set(sorted.flatMap(({ range }) => [range.low, after(range.high)]))
  const ordered = [...edges].sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  const lows: string[] = []
  const highs: string[] = []
  const values: T[] = []
  let open: Entry<T>[] = []
  let next = 0
  for (const [index, low] of ordered.entries()) {
    open = open.filter((entry) => low.length === width && entry.range.high >= low)
    while (next < sorted.length && sorted[next]?.range.low === low) open.push(sorted[next++] as Entry<T>)
    const winner = smallest(open)
    if (winner === undefined) continue
    lows.push(low)
    highs.push(before(ordered[index + 1] ?? ''))
    values.push(winner.value)
  }
  return { lows, highs, values }
}

function smallest<T>(entries: readonly Entry<T>[]): Entry<T> | undefined {
  let best: Entry<T> | undefined
  for (const entry of entries) if (best === undefined || entry.span < best.span) best = entry
  return best
}
