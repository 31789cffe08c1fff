import { domainToASCII, domainToUnicode } from 'node:url'
import { type HostAddress, hostAddress } from './address-notation.ts'
import type { BrandIndex } from './brand-index.ts'
import { type BrandSight, brandSignals } from './brand-signals.ts'
import { randomness } from './random-label.ts'
import type { RegistrableDomain } from './registrable-domain.ts'
import { strangeMixture } from './scripts.ts'
import { type Signal, shown } from './signal.ts'
import { FREE_HOSTS, SUSPICIOUS_TLDS } from './word-lists.ts'

/** What a host says whatever path follows: kept by host. */
export interface HostFacts {
  readonly signals: readonly Signal[]
  /** Set where the host is an address. */
  readonly address?: HostAddress
  /** How a brand is in it, where it is not the brand's own. */
  readonly brand?: BrandSight
}

export interface HostContext {
  readonly brands: BrandIndex
  readonly registrableDomain: RegistrableDomain
}

/** RFC 1035: 253 in all; what is longer is cut, and its length is a signal. */
const MAX_HOST_CHARS = 253
const LONG_HOST_CHARS = 75
const MANY_SUBDOMAINS = 5
const RANDOM_FROM = 0.7
/** Soft hyphen, zero widths, joiners, directions, byte order mark: UTS 46 drops them, eyes do not see them. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/

const NO_SIGNALS: HostFacts = Object.freeze({ signals: Object.freeze([]) })

/** Pure and never throws, whatever the text is. `host` as it stands in the URL. */
export function hostFacts(host: string, context: HostContext): HostFacts {
  if (host === '') return NO_SIGNALS
  const address = hostAddress(host)
  if (address !== undefined) return addressFacts(host, address)
  const signals: Signal[] = []
  const name = readableName(host, signals)
  const domain = context.registrableDomain(name)
  signals.push(...shapeSignals(name, domain))
  const brand =
    domain === undefined
      ? undefined
      : brandSignals({ name, domain, isFreeHost: isFreeHost(name, domain) }, context.brands)
  if (brand !== undefined) signals.push(...brand.signals)
  if (signals.length === 0 && brand === undefined) return NO_SIGNALS
  return brand === undefined ? { signals } : { signals, brand }
}

function addressFacts(host: string, address: HostAddress): HostFacts {
  if (address.isOdd)
    return { address, signals: [signal('obfuscated-address', 60, `${shown(host)} is the address ${address.address}`)] }
  return address.isPrivate
    ? { address, signals: [] }
    : { address, signals: [signal('address-host', 10, address.address)] }
}

/** The name as a person would see it: lower case, Unicode, no final dot. Notes what is strange about the way it is written. */
function readableName(host: string, signals: Signal[]): string {
  if (host.length > LONG_HOST_CHARS) signals.push(signal('long-host', 10, `${host.length} characters`))
  let name = host.slice(0, MAX_HOST_CHARS).toLowerCase()
  if (name.includes('%')) {
    // Nobody needs to encode a letter or a dot; an IDN in percent signs is only clumsy.
    signals.push(signal('encoded-host', /%(?:2[de]|3\d|[46][1-9a-f]|[57][0-9a])/.test(name) ? 50 : 20, shown(name)))
    name = decoded(name)
  }
  if (INVISIBLE.test(name)) signals.push(signal('invisible-in-host', 55, shown(name)))
  if (name.endsWith('.')) name = name.slice(0, -1)
  if (!name.includes('xn--') && !/[^\x20-\x7e]/.test(name)) return name
  const unicode = domainToUnicode(domainToASCII(name))
  // What does not decode is either refused or left as it is.
  if (unicode === '' || /(?:^|\.)xn--/.test(unicode)) signals.push(signal('damaged-punycode', 20, shown(name)))
  else name = unicode
  for (const label of name.split('.')) {
    const scripts = strangeMixture(label)
    if (scripts.length > 0) signals.push(signal('mixed-scripts', 55, `${shown(label)} mixes ${scripts.join(', ')}`))
  }
  return name
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).toLowerCase()
  } catch {
    // Not UTF-8: the name stays as it is written, which is counted already.
    return text
  }
}

function shapeSignals(name: string, domain: string | undefined): Signal[] {
  const signals: Signal[] = []
  const tld = name.slice(name.lastIndexOf('.') + 1)
  if (SUSPICIOUS_TLDS.has(tld)) signals.push(signal('suspicious-tld', 10, `.${tld}`))
  if (domain === undefined) return signals
  const subdomains = name.length > domain.length ? name.slice(0, name.length - domain.length - 1).split('.').length : 0
  if (subdomains >= MANY_SUBDOMAINS) signals.push(signal('many-subdomains', 15, `${subdomains} below ${shown(domain)}`))
  const label = domain.slice(0, domain.indexOf('.'))
  if (randomness(label) >= RANDOM_FROM) signals.push(signal('random-label', 20, shown(label)))
  return signals
}

function isFreeHost(name: string, domain: string): boolean {
  // Blogger has a domain in nearly every country.
  if (FREE_HOSTS.has(domain) || domain.startsWith('blogspot.')) return true
  // Some hand out names one level deeper: ACCOUNT.web.core.windows.net.
  for (const host of FREE_HOSTS) if (name.endsWith(host) && name[name.length - host.length - 1] === '.') return true
  return false
}

function signal(id: Signal['id'], weight: number, detail: string): Signal {
  return { id, detail, weight }
}
