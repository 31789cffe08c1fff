import { getDomain } from 'tldts'

/**
 * The registrable domain by the public suffix list (publicsuffix.org), its section of ICANN only: `a.github.io` is a name at GitHub.
 * Undefined for addresses and for what is a suffix itself.
 */
export function listedRegistrableDomain(host: string): string | undefined {
  return getDomain(host, { allowPrivateDomains: false, validateHostname: false }) ?? undefined
}
