import { addressRange } from '../domain/ip-value.ts'
import { urlKeys } from '../domain/object-value.ts'
import type { ObjectType } from '../domain/suspicious-object.ts'

/**
 * Networks that no outside source may have blocked: IANA's special-purpose registries (RFC 6890 and updates), multicast, and
 * what is written in documents. One slip in a feed would otherwise shut off the inside.
 */
const RESERVED = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/127',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  '2001:db8::/32',
].map(rangeOf)

/** Resolvers that everybody asks. */
const RESOLVERS = [
  '1.0.0.1',
  '1.1.1.1',
  '8.8.4.4',
  '8.8.8.8',
  '9.9.9.9',
  '149.112.112.112',
  '208.67.220.220',
  '208.67.222.222',
  '2001:4860:4860::8844',
  '2001:4860:4860::8888',
  '2606:4700:4700::1001',
  '2606:4700:4700::1111',
  '2620:fe::9',
  '2620:fe::fe',
].map(rangeOf)

/** More addresses than one listed network may have (prefixes of 8 and 19 bits: the largest that registries hand out). */
const MAX_ADDRESSES = { 8: 1n << 24n, 32: 1n << 109n } as const

/** Sites of everybody: as a whole they are never a finding. Their subdomains and single pages may be. */
const COMMON = new Set(
  `adobe.com akamai.net akamaiedge.net amazon.com amazonaws.com apple.com archive.org azure.com baidu.com bing.com
  bitbucket.org blogspot.com box.com cloudflare.com cloudfront.net debian.org digicert.com discord.com discordapp.com
  docker.io dropbox.com ebay.com facebook.com fastly.net gitlab.com github.com github.io githubusercontent.com gmail.com
  google.com googleapis.com googleusercontent.com gstatic.com icloud.com instagram.com jsdelivr.net letsencrypt.org
  linkedin.com live.com mega.nz microsoft.com microsoftonline.com mozilla.org msn.com netflix.com npmjs.org office.com
  office365.com onedrive.com outlook.com pastebin.com paypal.com pypi.org pythonhosted.org qq.com reddit.com salesforce.com
  sharepoint.com skype.com slack.com sourceforge.net stackoverflow.com t.co t.me telegram.org tiktok.com twitter.com
  ubuntu.com unpkg.com verisign.com virustotal.com wechat.com whatsapp.com wikipedia.org windows.com windows.net
  windowsupdate.com wordpress.com x.com yahoo.com yandex.ru youtube.com zoom.us`.split(/\s+/),
)

/** Names that mean a different host to each network (RFC 6761, RFC 6762, RFC 8375, and by custom). */
const LOCAL =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|lan|corp|home|home\.arpa|in-addr\.arpa|ip6\.arpa)$/

/** Registries below a country: `co.uk` is nobody's own. */
const REGISTRY = /^(?:ac|co|com|edu|gov|net|org)\.[a-z]{2}$/

/** The file of no bytes: on many a list by mistake, and in every place. */
const EMPTY_FILE = new Set([
  'da39a3ee5e6b4b0d3255bfef95601890afd80709',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
])

export type NeverTaken = 'private' | 'common' | 'too-wide'

/** Why this object (canonical) is never taken from a source, whoever names it; undefined where it may be. */
export function neverTaken(type: ObjectType, value: string): NeverTaken | undefined {
  switch (type) {
    case 'ip':
      return addressesNeverTaken(value)
    case 'domain':
      return domainNeverTaken(value)
    case 'url':
      return urlNeverTaken(value)
    case 'sha1':
    case 'sha256':
      return EMPTY_FILE.has(value) ? 'common' : undefined
  }
}

interface Range {
  readonly low: string
  readonly high: string
}

function rangeOf(text: string): Range {
  const range = addressRange(text)
  if (range === undefined) throw new TypeError(text)
  return range
}

function overlaps(a: Range, b: Range): boolean {
  return a.low.length === b.low.length && a.low <= b.high && b.low <= a.high
}

function addressesNeverTaken(value: string): NeverTaken | undefined {
  const range = addressRange(value)
  if (range === undefined) return undefined
  if (RESERVED.some((reserved) => overlaps(range, reserved))) return 'private'
  if (RESOLVERS.some((resolver) => overlaps(range, resolver))) return 'common'
  const addresses = BigInt(`0x${range.high}`) - BigInt(`0x${range.low}`) + 1n
  return addresses > MAX_ADDRESSES[range.low.length === 8 ? 8 : 32] ? 'too-wide' : undefined
}

function domainNeverTaken(value: string): NeverTaken | undefined {
  const name = value.replace(/^\*\./, '')
  if (LOCAL.test(name)) return 'private'
  if (!name.includes('.') || REGISTRY.test(name)) return 'too-wide'
  return COMMON.has(name.replace(/^www\./, '')) ? 'common' : undefined
}

function urlNeverTaken(value: string): NeverTaken | undefined {
  // `*.` in front of the host stands for no name that a look-up would have.
  const keys = urlKeys(value.replace('://*.', '://'))
  if (keys === undefined) return undefined
  if (keys.ip !== undefined) return addressesNeverTaken(keys.ip) === 'private' ? 'private' : undefined
  const host = domainNeverTaken(keys.host)
  if (host === 'private') return host
  return /^\/\**$/.test(keys.path) || keys.path === '/%2A' ? host : undefined
}
