import type { Brand } from './brand-table.ts'
import { skeleton } from './skeleton.ts'

/** What is asked of brands for each host, made once. */
export interface BrandIndex {
  /** By name. */
  readonly names: ReadonlyMap<string, Brand>
  /** By what the name looks like. */
  readonly skeletons: ReadonlyMap<string, Brand>
  /** Registrable domains that are a brand's own. */
  readonly own: ReadonlySet<string>
  /** The brand whose domain stands in a text as a word: the domain as captured by `domainsInText`. */
  readonly domains: ReadonlyMap<string, Brand>
  /** Undefined without brands. */
  readonly domainsInText: RegExp | undefined
}

const known = new WeakMap<readonly Brand[], BrandIndex>()

/** The same list gives the same index: give it the same array until it changes. */
export function brandIndex(brands: readonly Brand[]): BrandIndex {
  const before = known.get(brands)
  if (before !== undefined) return before
  const index = {
    names: new Map(brands.map((brand) => [brand.name, brand])),
    skeletons: new Map(brands.map((brand) => [skeleton(brand.name), brand])),
    own: new Set(brands.flatMap(({ domains }) => domains)),
    domains: new Map(brands.map((brand) => [brand.domains[0] ?? '', brand])),
    domainsInText: domainPattern(brands),
  }
  known.set(brands, index)
  return index
}

/** Only the first domain of each: the one that people know. */
function domainPattern(brands: readonly Brand[]): RegExp | undefined {
  const domains = new Set(brands.flatMap(({ domains }) => domains.slice(0, 1)))
  if (domains.size === 0) return undefined
  const words = [...domains].map((domain) => domain.replaceAll('.', '\\.')).join('|')
  return new RegExp(`(?:^|[/.=&?_-])(${words})(?=[./?&#_-]|$)`, 'i')
}

/** The first brand whose domain stands in the text. */
export function brandDomainIn(text: string, { domains, domainsInText }: BrandIndex): Brand | undefined {
  const found = domainsInText?.exec(text)?.[1]
  return found === undefined ? undefined : domains.get(found.toLowerCase())
}

/** One letter more, less, other, or two changed over (Damerau 1964). */
export function isOneTypoAway(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  let i = 0
  while (i < short.length && short[i] === long[i]) i++
  if (short.length < long.length) return short.slice(i) === long.slice(i + 1)
  if (short.slice(i + 1) === long.slice(i + 1)) return true
  return short[i] === long[i + 1] && short[i + 1] === long[i] && short.slice(i + 2) === long.slice(i + 2)
}
