import { isIPv4, isIPv6 } from 'node:net'

/** An inclusive range of addresses of one family, as hex (`addressHex`). */
export interface AddressRange {
  readonly low: string
  readonly high: string
}

const MAPPED_V4 = '00000000000000000000ffff'

/**
 * An address as hex digits: 8 for v4, 32 for v6. The width is fixed within a family, so text order is numeric order.
 * v4-mapped v6 addresses (RFC 4291 2.5.5.2) become v4. Undefined for anything else, zone ids and leading zeros included.
 */
export function addressHex(text: string): string | undefined {
  if (isIPv4(text))
    return text
      .split('.')
      .map((part) => Number(part).toString(16).padStart(2, '0'))
      .join('')
  if (!isIPv6(text) || text.includes('%')) return undefined
  const hex = expandV6(text)
  return hex.startsWith(MAPPED_V4) ? hex.slice(24) : hex
}

function expandV6(text: string): string {
  const lastColon = text.lastIndexOf(':')
  const tail = text.slice(lastColon + 1)
  if (isIPv4(tail)) {
    const hex = addressHex(tail) ?? ''
    return expandV6(`${text.slice(0, lastColon + 1)}${hex.slice(0, 4)}:${hex.slice(4)}`)
  }
  const [before = '', after] = text.split('::')
  const head = before === '' ? [] : before.split(':')
  const rest = after === undefined || after === '' ? [] : after.split(':')
  const zeros = new Array<string>(8 - head.length - rest.length).fill('0')
  return [...head, ...zeros, ...rest].map((group) => group.toLowerCase().padStart(4, '0')).join('')
}

const NAT64 = '0064ff9b0000000000000000'
const SIX_TO_FOUR = '2002'

/** The v4 address that a v6 one leads to, as hex: by NAT64's well-known prefix (RFC 6052 2.1) or 6to4 (RFC 3056 2). */
export function carriedV4(hex: string): string | undefined {
  if (hex.length !== 32) return undefined
  if (hex.startsWith(NAT64)) return hex.slice(24)
  return hex.startsWith(SIX_TO_FOUR) ? hex.slice(4, 12) : undefined
}

/** The one way an address is written here: dotted v4, RFC 5952 v6. */
export function addressText(hex: string): string {
  if (hex.length === 8) return (hex.match(/../g) ?? []).map((part) => Number.parseInt(part, 16)).join('.')
  const groups = (hex.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ''))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

/** Reads an address, `low-high` or CIDR; host bits of a CIDR are cleared. Undefined when it is none of them, or `low` > `high`. */
export function addressRange(text: string): AddressRange | undefined {
  if (text.includes('/')) return cidrRange(text)
  const [first = '', second, ...more] = text.split('-')
  const low = addressHex(first.trim())
  const high = second === undefined ? low : addressHex(second.trim())
  if (low === undefined || high === undefined || more.length > 0) return undefined
  return low.length === high.length && low <= high ? { low, high } : undefined
}

function cidrRange(text: string): AddressRange | undefined {
  const [address = '', length = ''] = text.split('/')
  const hex = addressHex(address.trim())
  if (hex === undefined || !/^\d{1,3}$/.test(length) || text.split('/').length !== 2) return undefined
  const bits = hex.length * 4
  // A mapped network is written with v6 lengths: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const prefix = bits === 32 && address.includes(':') ? Number(length) - 96 : Number(length)
  if (prefix < 0 || prefix > bits) return undefined
  const mask = (1n << BigInt(bits - prefix)) - 1n
  const low = BigInt(`0x${hex}`) & ~mask
  return { low: padded(low, hex.length), high: padded(low | mask, hex.length) }
}

function padded(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

/** The canonical text of an address, range or CIDR; a range of one address is that address. */
export function canonicalAddresses(text: string): string | undefined {
  const range = addressRange(text)
  if (range === undefined) return undefined
  if (range.low === range.high) return addressText(range.low)
  if (!text.includes('/')) return `${addressText(range.low)}-${addressText(range.high)}`
  const size = BigInt(`0x${range.high}`) - BigInt(`0x${range.low}`) + 1n
  return `${addressText(range.low)}/${range.low.length * 4 - (size.toString(2).length - 1)}`
}
