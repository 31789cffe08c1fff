import { isLoopback } from './addresses.ts'
import type { Fault } from './parse.ts'
import type { Config, SettingKey } from './settings.ts'
import { checkTlsMaterial } from './tls-material.ts'

/** What the settings cannot know by themselves. */
export interface ConfigContext {
  /** A predictive model is installed. */
  readonly hasModel?: boolean
  /** A source for the synchronized suspicious objects list is set up. */
  readonly hasSynchronizedSource?: boolean
  /** Unix ms; now by default. */
  readonly nowMs?: number
}

interface CrossFaults {
  readonly faults: readonly Fault[]
  readonly warnings: readonly Fault[]
}

/** One rule between settings; it is not asked while one of its keys is wrong by itself. */
interface Rule {
  readonly keys: readonly SettingKey[]
  readonly check: (config: Config, context: ConfigContext, faulty: ReadonlySet<string>) => Partial<CrossFaults>
}

const RULES: readonly Rule[] = [
  { keys: ['icap.port', 'icaps.port', 'console.port'], check: checkPorts },
  // It leaves out the wrong ones itself: the others are looked at all the same.
  { keys: ['icaps.enabled'], check: checkIcaps },
  { keys: ['icap.enabled', 'icaps.enabled'], check: checkSwitches },
  { keys: ['scan.suspiciousObjects.enabled', 'scan.suspiciousObjects.list'], check: checkSynchronized },
  { keys: ['scan.predictive'], check: checkPredictive },
  { keys: ['predictive.high', 'predictive.medium'], check: checkThresholds },
  { keys: ['scan.timeoutMs', 'scan.yaraTimeoutMs'], check: checkTimeouts },
  { keys: ['content.mimeExclusion.enabled', 'content.mimeExclusion.types'], check: checkExclusion },
  { keys: ['clients.onlyListed', 'clients.list'], check: checkClients },
  { keys: ['intake.maxSpoolBytes', 'intake.maxSpoolTotalBytes'], check: checkSpool },
  { keys: ['console.listen'], check: checkConsole },
]

/** What does not fit together, among the settings that are right by themselves. */
export function crossFaults(config: Config, faulty: ReadonlySet<string>, context: ConfigContext): CrossFaults {
  const asked = RULES.filter(({ keys }) => !keys.some((key) => faulty.has(key)))
  const found = asked.map(({ check }) => check(config, context, faulty))
  return {
    faults: found.flatMap(({ faults }) => faults ?? []),
    warnings: found.flatMap(({ warnings }) => warnings ?? []),
  }
}

function fault(key: SettingKey, text: string): Partial<CrossFaults> {
  return { faults: [{ key, text }] }
}

function warning(key: SettingKey, text: string): Partial<CrossFaults> {
  return { warnings: [{ key, text }] }
}

function checkPorts(config: Config): Partial<CrossFaults> {
  const ports = ['icap.port', 'icaps.port', 'console.port'] as const
  const same = ports.flatMap((key, index) =>
    ports
      .slice(0, index)
      .flatMap((other) =>
        config[key] === config[other] ? { key, text: `is the same port as ${other}, ${config[key]}` } : [],
      ),
  )
  return { faults: same }
}

function checkIcaps(
  config: Config,
  { nowMs = Date.now() }: ConfigContext,
  faulty: ReadonlySet<string>,
): Partial<CrossFaults> {
  const checked = checkTlsMaterial({
    certificate: config['icaps.certificate'],
    privateKey: config['icaps.privateKey'],
    passphrase: config['icaps.passphrase'],
    nowMs,
  })
  const missing = config['icaps.enabled'] ? missingForIcaps(config).filter(({ key }) => !faulty.has(key)) : []
  const faults = checked.faults.map(({ part, text }) => ({ key: `icaps.${part}`, text }))
  const warnings = checked.warnings.map(({ part, text }) => ({ key: `icaps.${part}`, text }))
  return { faults: [...missing, ...confirmation(config), ...faults], warnings }
}

function missingForIcaps(config: Config): Fault[] {
  const needed = ['icaps.certificate', 'icaps.privateKey', 'icaps.passphrase', 'icaps.passphraseConfirmation'] as const
  return needed
    .filter((key) => config[key] === '')
    .map((key) => ({ key, text: 'is missing, and icaps.enabled needs it' }))
}

function confirmation(config: Config): Fault[] {
  const { 'icaps.passphrase': passphrase, 'icaps.passphraseConfirmation': again } = config
  // Both may come one after the other while ICAPS is off; an empty one is named as missing when it is on.
  const differs = passphrase !== '' && again !== '' && passphrase !== again
  return differs ? [{ key: 'icaps.passphraseConfirmation', text: 'is not the same as icaps.passphrase' }] : []
}

function checkSwitches(config: Config): Partial<CrossFaults> {
  if (config['icap.enabled'] || !config['icaps.enabled']) return {}
  return warning('icaps.enabled', 'has no effect while icap.enabled is off')
}

function checkSynchronized(config: Config, { hasSynchronizedSource = false }: ConfigContext): Partial<CrossFaults> {
  const list = config['scan.suspiciousObjects.list']
  if (list === 'generated' || hasSynchronizedSource) return {}
  return fault('scan.suspiciousObjects.list', `cannot be ${list}: no source for the synchronized list is set up`)
}

function checkPredictive(config: Config, { hasModel = false }: ConfigContext): Partial<CrossFaults> {
  return config['scan.predictive'] && !hasModel
    ? fault('scan.predictive', 'cannot be switched on: no model is installed')
    : {}
}

function checkThresholds(config: Config): Partial<CrossFaults> {
  if (config['predictive.medium'] <= config['predictive.high']) return {}
  return fault('predictive.medium', 'is above predictive.high')
}

function checkTimeouts(config: Config): Partial<CrossFaults> {
  if (config['scan.yaraTimeoutMs'] <= config['scan.timeoutMs']) return {}
  return warning('scan.yaraTimeoutMs', 'is longer than scan.timeoutMs, which ends the scan before it')
}

function checkExclusion(config: Config): Partial<CrossFaults> {
  if (!config['content.mimeExclusion.enabled'] || config['content.mimeExclusion.types'].length > 0) return {}
  return warning('content.mimeExclusion.enabled', 'excludes nothing while content.mimeExclusion.types is empty')
}

function checkClients(config: Config): Partial<CrossFaults> {
  if (!config['clients.onlyListed'] || config['clients.list'].length > 0) return {}
  return fault('clients.onlyListed', 'would refuse every client: clients.list is empty')
}

function checkSpool(config: Config): Partial<CrossFaults> {
  if (config['intake.maxSpoolBytes'] <= config['intake.maxSpoolTotalBytes']) return {}
  return fault('intake.maxSpoolBytes', 'is more than intake.maxSpoolTotalBytes')
}

function checkConsole(config: Config): Partial<CrossFaults> {
  if (isLoopback(config['console.listen'])) return {}
  return fault(
    'console.listen',
    'must be an address of this machine only (127.0.0.1, ::1): beyond it the console needs TLS',
  )
}
