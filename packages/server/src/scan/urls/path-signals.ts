import { type BrandIndex, brandDomainIn } from './brand-index.ts'
import type { HostFacts } from './host-facts.ts'
import { type Signal, shown } from './signal.ts'
import type { UrlParts } from './url-parts.ts'
import { ARCHIVE_EXTENSION, DOUBLE_EXTENSION, LURES, PROGRAM_EXTENSION } from './word-lists.ts'

const RIGHT_TO_LEFT = /%e2%80%ae|\u202e/i
const URL_IN_QUERY = /[?&][\w.-]{1,40}=(?:https?(?::|%3a)|\/\/|%2f%2f)/i
/** Letters and figures that nobody needs to encode (RFC 3986, 2.3 "unreserved"). */
const NEEDLESS = /%(?:3\d|4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a])/gi
const MANY_NEEDLESS = 6
const DOUBLY_ENCODED = /%25(?:2[ef]|5c|3[ce]|00)/i
/** A host's name at the end of what stands before the @. */
const HOST_AS_USER =
  /(?:^|\.|:\/\/|%2f)[a-z0-9-]{2,63}\.(?:com|net|org|gov|edu|info|bank|io|app|[a-z]{2})(?:$|[:%&;=])/i

/** What the parts besides the host say, given what the host is. */
export function pathSignals(parts: UrlParts, host: HostFacts, brands: BrandIndex): Signal[] {
  const signals: Signal[] = []
  if (parts.scheme.length > 0 && parts.host === '') schemeSignals(parts, signals)
  if (parts.user !== '' || parts.hasBackslash) authoritySignals(parts, { brands, signals })
  if (parts.port !== '') portSignals(parts, signals)
  if (parts.path.length > 1) {
    if (parts.path.includes('%') || parts.path.includes('\u202e')) encodingSignals(parts.path, signals)
    if (parts.path.includes('=')) querySignals(parts.path, signals)
    fileSignals(parts.path, host, signals)
    brandSignals(parts.path, host, { brands, signals })
  }
  return signals
}

function schemeSignals({ scheme, path }: UrlParts, signals: Signal[]): void {
  if (scheme === 'javascript' || scheme === 'vbscript') signals.push(signal('script-scheme', 55, `${scheme}: runs`))
  if (scheme === 'data' && /^\s{0,20}(?:text\/html|application\/|image\/svg)/i.test(path))
    signals.push(signal('script-scheme', 40, `data: ${shown(path.slice(0, 40))}`))
}

function authoritySignals(
  { scheme, user, host, path, hasBackslash }: UrlParts,
  { brands, signals }: { readonly brands: BrandIndex; readonly signals: Signal[] },
): void {
  const isWeb = scheme === 'http' || scheme === 'https'
  if (isWeb && hasBackslash)
    signals.push(signal('backslash-authority', path.includes('@') ? 60 : 40, `${shown(host)} ends at a backslash`))
  if (!isWeb || user === '') return
  const name = user.slice(0, 300)
  if (HOST_AS_USER.test(name) || brandDomainIn(name, brands) !== undefined)
    signals.push(signal('host-as-user', 60, `${shown(user)} is a user's name at ${shown(host)}`))
  else signals.push(signal('user-in-url', 15, `a user's name before ${shown(host)}`))
}

function portSignals({ scheme, port }: UrlParts, signals: Signal[]): void {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0
  if (number < 1 || number > 65_535) signals.push(signal('odd-port', 20, `port ${shown(port)}`))
  else if ((scheme === 'http' && number === 443) || (scheme === 'https' && number === 80))
    signals.push(signal('odd-port', 10, `${scheme} at port ${number}`))
}

function encodingSignals(path: string, signals: Signal[]): void {
  if (RIGHT_TO_LEFT.test(path))
    signals.push(signal('right-to-left', 60, 'text that runs backwards hides the extension'))
  if (path.includes('%00')) signals.push(signal('encoded-nul', 25, '%00'))
  if (DOUBLY_ENCODED.test(path)) signals.push(signal('double-encoding', 15, 'an encoded percent sign encodes again'))
  const needless = pathOnly(path).match(NEEDLESS)?.length ?? 0
  if (needless >= MANY_NEEDLESS)
    signals.push(signal('needless-encoding', 20, `${needless} plain characters are encoded`))
}

function querySignals(path: string, signals: Signal[]): void {
  if (URL_IN_QUERY.test(path)) signals.push(signal('url-in-query', 5, 'carries another URL'))
}

function fileSignals(path: string, { address }: HostFacts, signals: Signal[]): void {
  const file = pathOnly(path)
  if (DOUBLE_EXTENSION.test(file))
    signals.push(signal('double-extension', 25, 'a document by name, a program by its last extension'))
  const [, program] = PROGRAM_EXTENSION.exec(file) ?? []
  const isPublicAddress = address !== undefined && !address.isPrivate
  if (program !== undefined && isPublicAddress)
    signals.push(signal('program-at-address', 45, `.${program} from ${address.address}`))
  else if (program !== undefined) signals.push(signal('program-extension', 5, `.${program}`))
  else if (isPublicAddress && ARCHIVE_EXTENSION.test(file))
    signals.push(signal('program-at-address', 20, `an archive from ${address.address}`))
}

function brandSignals(path: string, { brand }: HostFacts, to: { brands: BrandIndex; signals: Signal[] }): void {
  if (brand !== undefined) {
    const lure = path
      .toLowerCase()
      .split(/[^a-z]+/, 64)
      .find((word) => LURES.has(word))
    if (lure !== undefined)
      to.signals.push(
        signal('lure-word', brand.isFreeHost ? 40 : 10, `${lure} in the path, ${brand.brand.name} in the host`),
      )
  }
  const found = path.includes('.') ? brandDomainIn(pathOnly(path), to.brands) : undefined
  if (found !== undefined) to.signals.push(signal('brand-domain-in-path', 15, `${found.domains[0]} in the path`))
}

function pathOnly(path: string): string {
  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

function signal(id: Signal['id'], weight: number, detail: string): Signal {
  return { id, detail, weight }
}
