/** A URL cut as a person reads it, nothing decoded or normalized: the oddities are what is looked for. */
export interface UrlParts {
  /** Lower case, without colon; '' where there is none. */
  readonly scheme: string
  /** '' where there is none. */
  readonly user: string
  /** As written, with brackets where it has them; '' where there is none. */
  readonly host: string
  /** What follows the host's colon; '' where there is none. */
  readonly port: string
  /** From the first slash, question mark or hash on. */
  readonly path: string
  /** A backslash stood where the authority ends: browsers read it as a slash, others do not (WHATWG URL, "special"). */
  readonly hasBackslash: boolean
}

const SCHEME = /^([a-z][a-z0-9+.-]{0,30}):/i
const END_OF_AUTHORITY = /[/?#\\]/

/** Never throws; text that is no URL has a path only. */
export function urlParts(url: string): UrlParts {
  const scheme = SCHEME.exec(url)?.[1] ?? ''
  const rest = scheme === '' ? url : url.slice(scheme.length + 1)
  if (!/^[/\\]{2}/.test(rest))
    return { scheme: scheme.toLowerCase(), user: '', host: '', port: '', path: rest, hasBackslash: false }
  const afterSlashes = rest.slice(2)
  const found = afterSlashes.search(END_OF_AUTHORITY)
  const end = found === -1 ? afterSlashes.length : found
  const authority = afterSlashes.slice(0, end)
  return {
    scheme: scheme.toLowerCase(),
    ...authorityParts(authority),
    path: afterSlashes.slice(end),
    hasBackslash: rest.startsWith('\\') || rest[1] === '\\' || afterSlashes[end] === '\\',
  }
}

function authorityParts(authority: string): Pick<UrlParts, 'user' | 'host' | 'port'> {
  // The last @ counts: WHATWG URL, "authority state".
  const at = authority.lastIndexOf('@')
  const place = authority.slice(at + 1)
  const colon = place.indexOf(':', place.startsWith('[') ? place.indexOf(']') : 0)
  return {
    user: at === -1 ? '' : authority.slice(0, at),
    host: colon === -1 ? place : place.slice(0, colon),
    port: colon === -1 ? '' : place.slice(colon + 1),
  }
}
