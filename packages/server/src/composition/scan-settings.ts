import type { ScanSettings } from '../scan/pipeline.ts'
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
  }
}
