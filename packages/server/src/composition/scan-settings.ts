import type { ScanSettings } from '../scan/pipeline.ts'
import { DEFAULT_BRANDS } from '../scan/urls/brand-table.ts'
import { listedRegistrableDomain } from '../scan/urls/public-suffix.ts'
import { createUrlRater, type UrlRater } from '../scan/urls/signal-rating.ts'
import type { Config } from '../settings/settings.ts'

/** Made once a change: the pipeline keeps what follows from it by its identity. */
export function scanSettings(config: Config): ScanSettings {
  const engines = new Set<string>()
  if (config['scan.yara']) engines.add('yara')
  if (config['scan.predictive']) engines.add('predictive')
  if (config['clamav.endpoints'].length > 0) engines.add('clamav')
  return {
    engines,
    suspiciousObjects: {
      enabled: config['scan.suspiciousObjects.enabled'],
      list: config['scan.suspiciousObjects.list'],
    },
    userDefinedObjects: config['scan.userDefinedObjects'],
    exclusion: {
      enabled: config['content.mimeExclusion.enabled'],
      types: config['content.mimeExclusion.types'],
      validate: config['content.mimeValidation'],
    },
    timeoutMs: config['scan.timeoutMs'],
    urlRater: raterFor(config),
  }
}

/** Made anew with each change: it keeps what it has worked out of hosts. */
function raterFor(config: Config): UrlRater {
  const own = config['scan.urlBrands'].map((domain) => ({ name: nameOf(domain), domains: [domain] }))
  return createUrlRater({
    mode: config['scan.urlSignals'],
    brands: [...DEFAULT_BRANDS, ...own],
    registrableDomain: listedRegistrableDomain,
  })
}

/** `bank` of `www.bank.co.uk`. */
function nameOf(domain: string): string {
  return (listedRegistrableDomain(domain) ?? domain).split('.', 1)[0] ?? domain
}
