import { domainToASCII } from 'node:url'

export interface HostAddress {
  /** Dotted decimal, or the IPv6 address without brackets. */
  readonly address: string
  /** Written otherwise than people write addresses: one number, octal, hexadecimal, fewer than four parts, other digits. */
  readonly isOdd: boolean
  /** Not reachable from the Internet: nobody was lured there. */
  readonly isPrivate: boolean
}

const PLAIN = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?=\d)|$)){4}$/
/** WHATWG URL, "ends in a number": the last part decides that a host is an IPv4 address. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i

/** The address that a host is, or undefined. `host` as written, perhaps in brackets. */
export function hostAddress(host: string): HostAddress | undefined {
  if (host.startsWith('[')) return v6Address(host)
  if (PLAIN.test(host)) return { address: host, isOdd: false, isPrivate: isPrivateV4(host) }
  // Fullwidth digits and ideographic full stops are digits and dots to browsers (UTS 46).
  const isAscii = !/[^\x20-\x7e]/.test(host)
  if (isAscii && !ENDS_IN_NUMBER.test(host)) return undefined
  const address = domainToASCII(host)
  if (!PLAIN.test(address)) return undefined
  // A final dot alone is how DNS writes it.
  return { address, isOdd: host !== `${address}.`, isPrivate: isPrivateV4(address) }
}

function v6Address(host: string): HostAddress | undefined {
  const [, address] = /^\[([0-9a-f:.]{2,45})(?:%25?[^\]]{0,20})?\]$/i.exec(host) ?? []
  if (address === undefined) return undefined
  return { address, isOdd: false, isPrivate: /^(?:::1?$|f[cd]|fe[89ab])/i.test(address) }
}

/** RFC 6890: this host, private, loopback, link-local, shared, and the tests' 192.0.2 are nobody's server. */
function isPrivateV4(address: string): boolean {
  return /^(?:0|10|127)\.|^169\.254\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(
    address,
  )
}
