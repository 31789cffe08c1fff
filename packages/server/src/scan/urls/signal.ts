/** What a URL can have about it. Each has one reason, one place in `SIGNAL_NAMES` and a row in the tests. */
export type SignalId =
  | 'obfuscated-address'
  | 'address-host'
  | 'program-at-address'
  | 'user-in-url'
  | 'host-as-user'
  | 'backslash-authority'
  | 'encoded-host'
  | 'damaged-punycode'
  | 'invisible-in-host'
  | 'mixed-scripts'
  | 'brand-lookalike'
  | 'brand-domain-in-subdomain'
  | 'brand-in-subdomain'
  | 'brand-with-lure'
  | 'brand-with-suspicious-tld'
  | 'brand-typo'
  | 'brand-on-free-hosting'
  | 'brand-domain-in-path'
  | 'lure-word'
  | 'many-subdomains'
  | 'long-host'
  | 'random-label'
  | 'suspicious-tld'
  | 'program-extension'
  | 'double-extension'
  | 'right-to-left'
  | 'url-in-query'
  | 'script-scheme'
  | 'odd-port'
  | 'needless-encoding'
  | 'double-encoding'
  | 'encoded-nul'

/** One thing that speaks against a URL. Pure: it says what was seen, not what to do. */
export interface Signal {
  readonly id: SignalId
  /** One line for people, printable ASCII, bounded. */
  readonly detail: string
  /** Points; see `signal-rating.ts` for what they add up to. */
  readonly weight: number
}

/** The threat's name where this is the strongest signal. */
export const SIGNAL_NAMES: Readonly<Record<SignalId, string>> = {
  'obfuscated-address': 'ObfuscatedAddress',
  'address-host': 'AddressAsHost',
  'program-at-address': 'ProgramAtAddress',
  'user-in-url': 'UserInURL',
  'host-as-user': 'HostAsUser',
  'backslash-authority': 'DisguisedHost',
  'encoded-host': 'DisguisedHost',
  'damaged-punycode': 'DamagedPunycode',
  'invisible-in-host': 'DisguisedHost',
  'mixed-scripts': 'MixedScripts',
  'brand-lookalike': 'BrandLookalike',
  'brand-domain-in-subdomain': 'BrandImpersonation',
  'brand-in-subdomain': 'BrandImpersonation',
  'brand-with-lure': 'BrandImpersonation',
  'brand-with-suspicious-tld': 'BrandImpersonation',
  'brand-typo': 'BrandTypo',
  'brand-on-free-hosting': 'BrandImpersonation',
  'brand-domain-in-path': 'BrandImpersonation',
  'lure-word': 'LureWord',
  'many-subdomains': 'ManySubdomains',
  'long-host': 'LongHost',
  'random-label': 'RandomHost',
  'suspicious-tld': 'SuspiciousTLD',
  'program-extension': 'Program',
  'double-extension': 'DoubleExtension',
  'right-to-left': 'RightToLeft',
  'url-in-query': 'URLInQuery',
  'script-scheme': 'ScriptScheme',
  'odd-port': 'OddPort',
  'needless-encoding': 'NeedlessEncoding',
  'double-encoding': 'DoubleEncoding',
  'encoded-nul': 'EncodedNUL',
}

const MAX_SHOWN = 80

/** Hostile text for a line of evidence: what is not printable ASCII is shown by its number. */
export function shown(text: string): string {
  let out = ''
  for (const char of text.slice(0, MAX_SHOWN)) {
    const code = char.codePointAt(0) ?? 0
    out += code >= 0x20 && code < 0x7f ? char : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
  }
  return text.length > MAX_SHOWN ? `${out}...` : out
}
