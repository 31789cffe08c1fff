import type { WalkLimits } from '../scan/contents/budget.ts'
import { ContentsPool } from '../scan/contents/contents-pool.ts'
import { type ContentsEngine, type ContentsScanner, createContentsScanner } from '../scan/contents/contents-scanner.ts'
import type { EngineHealth } from '../scan/scanner.ts'
import type { Config, SettingKey } from '../settings/settings.ts'
import { type Identity, workerIdentity } from '../supervisor/identity.ts'
import { type ClamavSettings, clamavSettings } from './member-engines.ts'
import { allOpeners } from './openers.ts'

/** What a thread that looks inside is given at its start; all of it can be sent. */
export interface ContentsThreadData {
  /** The compiled rules, one copy for all threads; undefined: YARA is off. */
  readonly rules: Uint8Array | undefined
  readonly yaraTimeoutMs: number
  readonly limits: WalkLimits
  readonly memoryBytes: number
  readonly maxSpoolBytes: number
  readonly spoolDirectory: string
  /** Who tools are while this process is still root. */
  readonly identity: Identity | undefined
  readonly passwords: readonly string[]
  readonly maxPasswordTries: number
  /** Without an endpoint ClamAV is off. */
  readonly clamav: ClamavSettings
  /** Undefined: the predictive engine is off. Without a pack it is down. */
  readonly predictive:
    | {
        readonly pack: Uint8Array | undefined
        readonly high: number
        readonly medium: number
        readonly monitor: boolean
      }
    | undefined
}

/** Model files as they stand in a snapshot. */
export interface InstalledModels {
  readonly revision: string
  readonly pack: Buffer | 'lost'
}

export interface ContentsOptions {
  readonly config: Config
  readonly rules: Buffer | undefined
  readonly models: InstalledModels | undefined
  /** Where members go that are too large for memory. */
  readonly spoolDirectory: string
  onThreadDead(detail: string): void
}

/** A change of one of these takes new threads. */
export const CONTENTS_SETTINGS: readonly SettingKey[] = [
  'scan.threads',
  'scan.yara',
  'scan.yaraTimeoutMs',
  'unpack.maxDepth',
  'unpack.maxMembers',
  'unpack.maxBytes',
  'unpack.maxRatio',
  'unpack.ratioFromBytes',
  'unpack.passwords',
  'unpack.maxPasswordTries',
  'clamav.endpoints',
  'clamav.maxBytes',
  'clamav.maxBytesUntold',
  'scan.predictive',
  'predictive.high',
  'predictive.medium',
  'predictive.monitor',
  'intake.memoryThresholdBytes',
  'intake.maxSpoolBytes',
]

/** Starts the threads that look inside; before the process drops its rights. */
export async function startContents(options: ContentsOptions): Promise<ContentsScanner> {
  const { config } = options
  const engines = [predictiveEngine(options)]
  const pool = await ContentsPool.start({
    entry: new URL('./contents-thread.ts', import.meta.url),
    data: threadData(options),
    threads: config['scan.threads'],
    onThreadDead: options.onThreadDead,
  })
  const settings = JSON.stringify(CONTENTS_SETTINGS.map((key) => config[key]))
  return createContentsScanner({ pool, openers: allOpeners(), engines, versions: [settings] })
}

function threadData({ config, rules, models, spoolDirectory }: ContentsOptions): ContentsThreadData {
  return {
    rules: config['scan.yara'] && rules !== undefined ? shared(rules) : undefined,
    yaraTimeoutMs: config['scan.yaraTimeoutMs'],
    limits: {
      maxDepth: config['unpack.maxDepth'],
      maxMembers: config['unpack.maxMembers'],
      maxBytes: config['unpack.maxBytes'],
      maxRatio: config['unpack.maxRatio'],
      ratioFromBytes: config['unpack.ratioFromBytes'],
    },
    memoryBytes: config['intake.memoryThresholdBytes'],
    maxSpoolBytes: config['intake.maxSpoolBytes'],
    spoolDirectory,
    identity: workerIdentity(),
    passwords: config['unpack.passwords'],
    maxPasswordTries: config['unpack.maxPasswordTries'],
    clamav: clamavSettings(config),
    predictive: config['scan.predictive']
      ? {
          pack: models === undefined || models.pack === 'lost' ? undefined : shared(models.pack),
          high: config['predictive.high'],
          medium: config['predictive.medium'],
          monitor: config['predictive.monitor'],
        }
      : undefined,
  }
}

function shared(bytes: Buffer): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

function predictiveEngine({ config, models }: ContentsOptions): ContentsEngine {
  return {
    name: 'predictive',
    version: models?.revision ?? '',
    types: new Set(['pe']),
    health: healthOf(config, models),
  }
}

function healthOf(config: Config, models: InstalledModels | undefined): EngineHealth {
  if (!config['scan.predictive']) return { state: 'off', detail: models === undefined ? 'no model installed' : '' }
  if (models === undefined) return { state: 'down', detail: 'no model installed' }
  return models.pack === 'lost' ? { state: 'down', detail: 'the model is lost' } : { state: 'up', detail: '' }
}
