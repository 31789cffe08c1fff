/** The appliance's detection modules (`identifiedBy` in its logs), by the engine that takes their place here. */
const MODULE_NAMES: Readonly<Record<string, string>> = {
  yara: 'YARA Rule',
  'suspicious-objects': 'Suspicious Object',
  'user-defined-objects': 'User-defined Suspicious Object',
  'url-rating': 'Web Reputation Services',
  clamav: 'Advanced Threat Scan Engine',
  predictive: 'Predictive Machine Learning Engine',
  'virtual-analyzer': 'Virtual Analyzer',
}

/** The appliance's name where it has one, else the engine's own. */
export function moduleNameOf(engine: string): string {
  return MODULE_NAMES[engine] ?? engine
}

/** Classes of "classify password-protected samples", as the appliance writes them. */
export const PASSWORD_CLASS_NAMES = {
  bypass: 'ICAP: Password-protected file (bypass scanning)',
  unextracted: 'ICAP: Password-protected file (non-malicious, unextracted)',
} as const
