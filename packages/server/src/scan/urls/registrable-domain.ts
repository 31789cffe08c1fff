/** The part of a host that somebody registered (`shop.co.uk` of `www.shop.co.uk`), or undefined for a suffix or an address. */
export type RegistrableDomain = (host: string) => string | undefined

/** Labels under which registries of countries sell names, after a suffix of two letters. */
const SECOND_LEVEL = new Set(
  'ac asso biz co com edu firm gen go gob gouv gov gv id in ind info int ltd me mil mod name ne net nhs nic nom or org plc pol police presse pro pub res sch school tm tv web'.split(
    ' ',
  ),
)

/**
 * The fallback where no public suffix list is wired: the last two labels, three below a country's common second level. It errs
 * where a registry is unusual (`*.ck`, cities of Japan), so signals that need it weigh little there.
 */
export function fallbackRegistrableDomain(host: string): string | undefined {
  const last = host.lastIndexOf('.')
  if (last <= 0 || last === host.length - 1) return undefined
  const second = host.lastIndexOf('.', last - 1)
  if (second === -1) return host
  const isCountry = host.length - last - 1 === 2
  if (!isCountry || !SECOND_LEVEL.has(host.slice(second + 1, last))) return host.slice(second + 1)
  const third = host.lastIndexOf('.', second - 1)
  return third === -1 ? host : host.slice(third + 1)
}
