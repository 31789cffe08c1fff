import { type ListTable, openListTable } from '../domain/list-table.ts'
import type { Sample } from '../domain/sample.ts'
import type { HandlerDeps } from '../icap-service/handler-deps.ts'
import { type Cancellable, createPipeline, downEngine, type Pipeline, type ScanSettings } from '../scan/pipeline.ts'
import type { ScanContext } from '../scan/scanner.ts'
import { type ClamavEngine, createClamavEngine } from '../scan/scanners/clamav/clamav-engine.ts'
import { createYaraEngine, type YaraEngine } from '../scan/scanners/yara/yara-engine.ts'
import { trueFileType } from '../scan/true-file-type.ts'
import type { Config, SettingKey } from '../settings/settings.ts'
import type { EngineReport } from '../supervisor/messages.ts'
import { CONTENTS_SETTINGS, type InstalledModels, startContents } from './contents.ts'
import { clamavOptions, clamavSettings } from './member-engines.ts'
import { scanSettings } from './scan-settings.ts'

export interface ScanningOptions {
  readonly config: Config
  /** Where members go that are too large for memory. */
  readonly spoolDirectory: string
  /** An engine's version changed by itself (new signatures): the ISTag follows. */
  onVersions?(): void
  /** The process should be replaced: a thread died, or native code does not come back. */
  onThreadDead(detail: string): void
}

/** Engines and lists of one process, as the handler and the supervisor see them. */
export interface Scanning extends Required<Pick<HandlerDeps, 'rateUrl' | 'lists' | 'excluded'>> {
  prescan(
    sample: Sample,
    context: Omit<ScanContext, 'scanSettings'> & { readonly scanSettings?: object },
    cancel?: Cancellable,
  ): ReturnType<Pipeline['prescan']>
  /** Resolves when the engines are as the settings say. */
  useConfig(config: Config): Promise<void>
  /** A damaged table is refused: the old one stays. */
  useLists(bytes: Buffer): void
  /** Rejects where the rules cannot be loaded; the old ones stay. */
  useRules(blob: Buffer): Promise<void>
  /** Undefined: none is installed. */
  useModels(models: InstalledModels | undefined): Promise<void>
  /** Starts what looks inside, where no rules have done so; before the process drops its rights. */
  lookInside(): Promise<void>
  engines(): readonly EngineReport[]
  /** What answers depend on, for the ISTag. */
  versions(): {
    readonly engines: readonly string[]
    readonly rules: string
    readonly lists: string
    readonly models: string | undefined
  }
  readonly needsSha1: boolean
  close(): Promise<void>
}

/** A change of one of these takes a new engine. */
const ENGINE_SETTINGS = ['scan.inlineBytes', 'scan.yaraTimeoutMs', 'scan.threads'] as const

function differ(keys: readonly SettingKey[], before: Config, next: Config): boolean {
  return keys.some((key) => JSON.stringify(before[key]) !== JSON.stringify(next[key]))
}

function isLost(models: InstalledModels | undefined): boolean {
  return models?.pack === 'lost'
}

const CLAMAV_SETTINGS = [
  'clamav.endpoints',
  'clamav.maxConnections',
  'clamav.maxBytes',
  'clamav.maxBytesUntold',
] as const

/** The ICAP service hands settings on without knowing them; only `scanSettings` makes any. */
type Own = { readonly scanSettings: ScanSettings }

export function createScanning(options: ScanningOptions): Scanning {
  let settings = scanSettings(options.config)
  let config = options.config
  let table: ListTable | undefined
  let yara: YaraEngine | undefined
  let clamav: ClamavEngine | undefined
  let rules: Buffer | undefined
  let models: InstalledModels | undefined
  let hasContents = false
  const pipeline = createPipeline({
    engines: [downEngine('yara', 'no rules are loaded yet')],
    cacheEntries: config['scan.cacheEntries'],
    settings: () => settings,
    lists: () => table,
    now: Date.now,
  })
  // Its tables are loaded at the first call, which must not come after root's rights are gone.
  trueFileType({ kind: 'memory', bytes: Buffer.from('warm up') })

  /** The new one is there before the old one goes; walks and scans under way keep what they began with. */
  async function useContents(blob: Buffer | undefined): Promise<void> {
    const { spoolDirectory, onThreadDead } = options
    const contents = await startContents({ config, rules: blob, models, spoolDirectory, onThreadDead })
    hasContents = true
    void pipeline.useContents(contents)?.close()
  }

  async function useYara(blob: Buffer): Promise<void> {
    const engine = await createYaraEngine({
      blob,
      threads: config['scan.threads'],
      inlineMaxBytes: config['scan.inlineBytes'],
      maxTimeoutMs: config['scan.yaraTimeoutMs'],
      onThreadDead: options.onThreadDead,
    })
    const old = yara
    yara = engine
    rules = blob
    pipeline.swap(engine)
    void old?.close()
  }

  function useClamav(): void {
    const old = clamav
    clamav = undefined
    if (config['clamav.endpoints'].length === 0) pipeline.swap(downEngine('clamav', 'no clamd is named'))
    else {
      const onVersion = () => {
        pipeline.versionsChanged()
        options.onVersions?.()
      }
      clamav = createClamavEngine({
        ...clamavOptions(clamavSettings(config), config['clamav.maxConnections']),
        onVersion,
      })
      pipeline.swap(clamav)
    }
    void old?.close()
  }

  if (config['clamav.endpoints'].length > 0) useClamav()

  return {
    prescan: (sample, context, cancel) => pipeline.prescan(sample, context as ScanContext, cancel),
    rateUrl: (context) => pipeline.rateUrl(context as typeof context & Own),
    lists: (sample, members, context) => pipeline.lists(sample, members, (context as Partial<Own>).scanSettings),
    excluded: (sample, context) =>
      pipeline.excluded(sample, {
        compressed: context.contentEncodings.length > 0,
        scanSettings: (context as typeof context & Own).scanSettings,
      }),
    async useConfig(next) {
      const before = config
      config = next
      settings = scanSettings(next)
      if (rules !== undefined && differ(ENGINE_SETTINGS, before, next)) await useYara(rules)
      if (differ(CLAMAV_SETTINGS, before, next)) useClamav()
      if (differ(CONTENTS_SETTINGS, before, next)) await useContents(rules)
    },
    useLists(bytes) {
      table = openListTable(bytes)
    },
    async useRules(blob) {
      await useYara(blob)
      await useContents(blob)
    },
    async useModels(next) {
      if (isLost(next) && isLost(models)) return
      models = next
      if (hasContents) await useContents(rules)
    },
    async lookInside() {
      if (!hasContents) await useContents(rules)
    },
    engines: () => pipeline.readiness(),
    versions: () => ({
      engines: [pipeline.version],
      rules: yara?.version ?? '',
      lists: table?.revision ?? '',
      // One that is lost is asked for again with each state: in a moment it may be back.
      models: isLost(models) ? undefined : models?.revision,
    }),
    get needsSha1() {
      return table?.needsSha1 ?? false
    },
    async close() {
      await Promise.all([yara?.close(), clamav?.close(), pipeline.useContents(undefined)?.close()])
    },
  }
}
