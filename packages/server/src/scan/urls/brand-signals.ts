import { type BrandIndex, brandDomainIn, isOneTypoAway } from './brand-index.ts'
import { type Brand, HONEST_NEIGHBOURS } from './brand-table.ts'
import { type Signal, type SignalId, shown } from './signal.ts'
import { skeleton } from './skeleton.ts'
import { LURES, SUSPICIOUS_TLDS } from './word-lists.ts'

/** A brand's name, or nearly its name, in a host that is not the brand's. */
export interface BrandSight {
  readonly brand: Brand
  /** Somebody's page on a free host: with a lure in the path too it is enough. */
  readonly isFreeHost: boolean
  /** May be empty: the name alone says nothing. */
  readonly signals: readonly Signal[]
}

export interface NamedHost {
  /** Lower case, Unicode. */
  readonly name: string
  readonly domain: string
  readonly isFreeHost: boolean
}

/** Shorter names are parts and neighbours of honest ones. */
const MIN_TYPO_LETTERS = 6
const MIN_LOOKALIKE_LETTERS = 5
const MAX_LABELS = 16
const LURE_IN_NAME = /log-?in|sign-?in|verif|secure|support|account/

/** Undefined where no brand is near, or the host is its own. */
export function brandSignals(host: NamedHost, index: BrandIndex): BrandSight | undefined {
  if (index.own.has(host.domain) && !host.isFreeHost) return undefined
  const below =
    host.name.length > host.domain.length ? host.name.slice(0, host.name.length - host.domain.length - 1) : ''
  const main = host.domain.slice(0, host.domain.indexOf('.'))
  const own = host.isFreeHost ? undefined : inMainLabel(main, host, index)
  return own ?? inSubdomain(below, main, host, index)
}

function inMainLabel(main: string, host: NamedHost, index: BrandIndex): BrandSight | undefined {
  const words = main.split(/[-_]/, MAX_LABELS)
  const near = lookalike(main, words, index)
  if (near !== undefined) return near
  const named = index.names.get(main) ?? findNamed(words, index)
  const sight = (brand: Brand, signals: readonly Signal[]): BrandSight => ({ brand, isFreeHost: false, signals })
  if (named !== undefined) {
    if (words.length > 1 && words.some((word) => LURES.has(word)))
      return sight(named, [signal('brand-with-lure', 55, `${shown(host.domain)} is not ${named.domains[0]}`)])
    const tld = host.domain.slice(host.domain.lastIndexOf('.') + 1)
    if (!SUSPICIOUS_TLDS.has(tld)) return sight(named, [])
    return sight(named, [signal('brand-with-suspicious-tld', 20, `${shown(host.domain)} is not ${named.domains[0]}`)])
  }
  return gluedToLure(main, index) ?? typo(main, index)
}

/** paypa1, pаypal with a Cyrillic letter, rnicrosoft. A mere i for an l may be a word of its own: that is a typo. */
function lookalike(main: string, words: readonly string[], index: BrandIndex): BrandSight | undefined {
  for (const word of words.length > 1 ? [main, ...words] : words) {
    const brand = index.skeletons.get(skeleton(word))
    if (brand === undefined || brand.name === word || brand.name.length < MIN_LOOKALIKE_LETTERS) continue
    const isPlain = /^[a-z]+$/.test(word) && !/rn|vv/.test(word)
    const id = isPlain ? 'brand-typo' : 'brand-lookalike'
    return {
      brand,
      isFreeHost: false,
      signals: [signal(id, isPlain ? 40 : 60, `${shown(word)} looks like ${brand.name}`)],
    }
  }
  return undefined
}

function gluedToLure(main: string, index: BrandIndex): BrandSight | undefined {
  for (const brand of index.names.values()) {
    if (brand.name.length < MIN_TYPO_LETTERS || main.length <= brand.name.length) continue
    const rest = main.startsWith(brand.name)
      ? main.slice(brand.name.length)
      : main.endsWith(brand.name)
        ? main.slice(0, -brand.name.length)
        : ''
    if (LURES.has(rest.replace(/^-|-$/g, '')))
      return {
        brand,
        isFreeHost: false,
        signals: [signal('brand-with-lure', 55, `${shown(main)} is ${brand.name} and ${rest}`)],
      }
  }
  return undefined
}

function typo(main: string, index: BrandIndex): BrandSight | undefined {
  if (main.length < MIN_TYPO_LETTERS || HONEST_NEIGHBOURS.has(main)) return undefined
  for (const brand of index.names.values()) {
    if (brand.name.length < MIN_TYPO_LETTERS || !isOneTypoAway(main, brand.name)) continue
    return {
      brand,
      isFreeHost: false,
      signals: [signal('brand-typo', 40, `${shown(main)} is one letter from ${brand.name}`)],
    }
  }
  return undefined
}

function typoIn(words: readonly string[], index: BrandIndex): BrandSight | undefined {
  for (const word of words) {
    const sight = typo(word, index)
    if (sight !== undefined) return sight
  }
  return undefined
}

/** Below somebody else's domain: whole domains of brands, names like theirs, and on free hosts names with lures. */
function inSubdomain(below: string, main: string, host: NamedHost, index: BrandIndex): BrandSight | undefined {
  if (below === '') return undefined
  const { isFreeHost } = host
  const whole = brandDomainIn(below, index)
  const words = below.split(/[.\-_]/, MAX_LABELS)
  const brand = whole ?? findNamed(words, index) ?? (isFreeHost ? partOf(below, index) : undefined)
  if (brand === undefined) {
    const near = lookalike(below, words, index) ?? (isFreeHost ? typoIn(words, index) : undefined)
    return near === undefined ? undefined : { ...near, isFreeHost }
  }
  const sight = (id: SignalId, weight: number): BrandSight => ({
    brand,
    isFreeHost,
    signals: [signal(id, weight, `${shown(host.name)} is not ${brand.domains[0]}`)],
  })
  // Libraries put the site that they give access to before their proxy's name.
  if (whole !== undefined) return sight('brand-domain-in-subdomain', /proxy/.test(host.name) ? 20 : 55)
  const hasLure =
    [...words, ...main.split('-', MAX_LABELS)].some((word) => LURES.has(word)) ||
    (isFreeHost && LURE_IN_NAME.test(below))
  if (isFreeHost) return sight('brand-on-free-hosting', hasLure ? 55 : 15)
  return hasLure ? sight('brand-in-subdomain', 40) : sight('brand-in-subdomain', 10)
}

/** Whoever makes up a name on a free host has no name of his own for it to be a part of. */
function partOf(below: string, index: BrandIndex): Brand | undefined {
  for (const brand of index.names.values())
    if (brand.name.length >= MIN_TYPO_LETTERS && below.includes(brand.name)) return brand
  return undefined
}

function findNamed(words: readonly string[], index: BrandIndex): Brand | undefined {
  for (const word of words) {
    const brand = index.names.get(word)
    if (brand !== undefined) return brand
  }
  return undefined
}

function signal(id: SignalId, weight: number, detail: string): Signal {
  return { id, detail, weight }
}
