import type { ScanResult } from '../domain/verdict.ts'
import { cleanLists, type Found, judgeLists, listsDown } from './object-lists.ts'
import type { ListQuestion } from './scanners/suspicious-objects.ts'
import { createUrlRater, type UrlRater } from './urls/signal-rating.ts'
import type { ProviderRater } from './urls/url-provider.ts'

export { URL_RATING } from './urls/signal-rating.ts'

/** What a message says of where it goes; hostile text. */
export interface RatedMessage {
  /** Absolute; '' when unknown. */
  readonly url: string
  /** Lower case, without port and brackets; '' when unknown. */
  readonly host: string
  /** X-Server-IP as the client claims it; '' when it does not. */
  readonly claimedServerIp: string
}

const BUILT_IN = createUrlRater()

/** URL, host and server address on the lists, then the URL by its signals. At least two results, cheap enough for every request. */
export function rateUrl(
  message: RatedMessage,
  question: ListQuestion,
  rater: UrlRater = BUILT_IN,
): readonly ScanResult[] {
  // A CONNECT or a bare Host header has no URL, but a name that can be looked at.
  return [...askUrlLists(message, question), rater(message.url === '' ? hostUrl(message.host) : message.url)]
}

/** Adds what providers say. Still a value where all of them know the URL already, or there are none. */
export function rateUrlWith(
  results: readonly ScanResult[],
  url: string,
  { providers, signal }: { readonly providers: readonly ProviderRater[]; readonly signal?: AbortSignal },
): readonly ScanResult[] | Promise<readonly ScanResult[]> {
  if (providers.length === 0) return results
  const rated = providers.map((provider) => provider.rate(url, signal))
  const isKnown = rated.every((rating): rating is ScanResult => !(rating instanceof Promise))
  if (isKnown) return [...results, ...rated]
  return Promise.all(rated).then((more) => [...results, ...more])
}

function hostUrl(host: string): string {
  if (host === '') return ''
  return host.includes(':') ? `//[${host}]` : `//${host}`
}
function askUrlLists({ url, host, claimedServerIp }: RatedMessage, question: ListQuestion): readonly ScanResult[] {
  const { table, settings, nowMs } = question
  if (table === undefined) return listsDown(settings, 'the lists are not loaded')
  try {
    const looks = [url === '' ? NOTHING : table.findUrl(url, nowMs)]
    // The URL's look-up covers its host; a CONNECT or a bare Host header has no URL that it would know.
    if (looks[0]?.length === 0 && host !== '') looks[0] = table.findHost(host, nowMs)
    if (claimedServerIp !== '' && claimedServerIp !== host) looks.push(table.findHost(claimedServerIp, nowMs))
    const found: Found[] = looks.filter((matches) => matches.length > 0).map((matches) => ({ matches, about: 'url' }))
    return found.length === 0 ? cleanLists(settings) : judgeLists(found, settings)
  } catch (error) {
    return listsDown(settings, `the lists failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const NOTHING = [] as const
