import type { WalkLimits } from '../scan/contents/budget.ts'
import { ContentsPool } from '../scan/contents/contents-pool.ts'
import { type ContentsEngine, type ContentsScanner, createContentsScanner } from '../scan/contents/contents-scanner.ts'
import type { Config, SettingKey } from '../settings/settings.ts'
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
  readonly passwords: readonly string[]
  readonly maxPasswordTries: number
}

export interface ContentsOptions {
  readonly config: Config
  readonly rules: Buffer | undefined
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
  'intake.memoryThresholdBytes',
  'intake.maxSpoolBytes',
]

/** Starts the threads that look inside; before the process drops its rights. */
export async function startContents(options: ContentsOptions): Promise<ContentsScanner> {
  const { config } = options
  const engines: readonly ContentsEngine[] = []
  const pool = await ContentsPool.start({
    entry: new URL('./contents-thread.ts', import.meta.url),
    data: threadData(options),
    threads: config['scan.threads'],
    onThreadDead: options.onThreadDead,
  })
  const settings = JSON.stringify(CONTENTS_SETTINGS.map((key) => config[key]))
  return createContentsScanner({ pool, openers: allOpeners(), engines, versions: [settings], detail: '' })
}

function threadData({ config, rules, spoolDirectory }: ContentsOptions): ContentsThreadData {
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
    passwords: config['unpack.passwords'],
    maxPasswordTries: config['unpack.maxPasswordTries'],
  }
}

function shared(bytes: Buffer): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}
