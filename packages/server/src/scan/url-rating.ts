import { type Detection, isNonEmpty, type ScanResult } from '../domain/verdict.ts'
import { cleanLists, type Found, judgeLists, listsDown } from './object-lists.ts'
import type { ListQuestion } from './scanners/suspicious-objects.ts'

/** What a message says of where it goes; hostile text. */
export interface RatedMessage {
  /** Absolute; '' when unknown. */
  readonly url: string
  /** Lower case, without port and brackets; '' when unknown. */
  readonly host: string
  /** X-Server-IP as the client claims it; '' when it does not. */
  readonly claimedServerIp: string
}

export const URL_RATING = 'url-rating'

const CLEAN: ScanResult = Object.freeze({ outcome: 'clean', engine: URL_RATING })

/** URL, host and server address on the lists, then the URL by its letters. At least two results, cheap enough for every request. */
export function rateUrl(message: RatedMessage, question: ListQuestion): readonly ScanResult[] {
  return [...askUrlLists(message, question), rateLetters(message.url)]
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

/** How a URL can look wrong: medium at most, so it is passed, recorded and submitted (architecture.md 4a). */
const SIGNS: readonly (readonly [name: string, risk: Detection['risk'], pattern: RegExp, words: string])[] = [
  [
    'SuspiciousURL.ObfuscatedAddress',
    'medium',
    /^[a-z]+:\/\/(?:0x[0-9a-f]+|\d{8,10})(?:[:/?#]|$)/i,
    'the address is one number',
  ],
  ['SuspiciousURL.RightToLeft', 'medium', /%e2%80%ae|\u202e/i, 'text that runs backwards hides the extension'],
  [
    'SuspiciousURL.DoubleExtension',
    'low',
    /\.(?:pdf|docx?|xlsx?|pptx?|jpe?g|png|gif|txt|mp[34])(?:%20|\s)*\.(?:exe|scr|com|pif|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1)(?:[?#]|$)/i,
    'a document by name, a program by its last extension',
  ],
]

/** Longer URLs are cut: the signs stand near the ends of what a person would read. */
const MAX_CHARS = 4096

function rateLetters(url: string): ScanResult {
  const text = url.length > MAX_CHARS ? url.slice(0, MAX_CHARS) : url
  const detections = SIGNS.filter(([, , pattern]) => pattern.test(text)).map(
    ([name, risk, , evidence]): Detection => ({ engine: URL_RATING, name, risk, about: 'url', evidence }),
  )
  return isNonEmpty(detections) ? { outcome: 'detected', engine: URL_RATING, detections } : CLEAN
}
