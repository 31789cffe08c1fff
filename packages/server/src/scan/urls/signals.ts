import { brandIndex } from './brand-index.ts'
import type { Brand } from './brand-table.ts'
import { type HostContext, type HostFacts, hostFacts } from './host-facts.ts'
import { pathSignals } from './path-signals.ts'
import { fallbackRegistrableDomain, type RegistrableDomain } from './registrable-domain.ts'
import type { Signal } from './signal.ts'
import { urlParts } from './url-parts.ts'

/** Longer URLs are cut: what a person would read stands before. */
const MAX_CHARS = 4096

/** Everything that speaks against a URL, host first. Pure; never throws, whatever the text is. */
export function urlSignals(
  url: string,
  brands: readonly Brand[],
  registrableDomain: RegistrableDomain = fallbackRegistrableDomain,
): readonly Signal[] {
  const context = { brands: brandIndex(brands), registrableDomain }
  return signalsOf(url, context, (host) => hostFacts(host, context))
}

/** The same with whatever keeps the facts of hosts. */
export function signalsOf(url: string, context: HostContext, factsOf: (host: string) => HostFacts): readonly Signal[] {
  const parts = urlParts(url.length > MAX_CHARS ? url.slice(0, MAX_CHARS) : url)
  const host = factsOf(parts.host)
  const more = pathSignals(parts, host, context.brands)
  return more.length === 0 ? host.signals : [...host.signals, ...more]
}
