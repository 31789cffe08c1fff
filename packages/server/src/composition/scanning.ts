import type { HandlerDeps } from '../icap-service/handler-deps.ts'
import type { Config } from '../settings/settings.ts'
import type { EngineReport } from '../supervisor/messages.ts'

/** Engines and lists of one worker, as the handler and the supervisor see them. */
export interface Scanning extends Required<Pick<HandlerDeps, 'rateUrl' | 'prescan' | 'lists' | 'excluded'>> {
  useConfig(config: Config): void
  /** A damaged table is refused: the old one stays. */
  useLists(bytes: Buffer): void
  /** Rejects where the rules cannot be loaded; the old ones stay. */
  useRules(blob: Buffer): Promise<void>
  engines(): readonly EngineReport[]
  /** What answers depend on, for the ISTag. */
  versions(): { readonly engines: readonly string[]; readonly rules: string; readonly lists: string }
  readonly needsSha1: boolean
  close(): Promise<void>
}

import { createYaraEngine, type YaraEngine } from '../scan/scanners/yara/yara-engine.ts'
export async function createScanning(options: { config: Config; onThreadDead(detail: string): void }): Promise<Scanning> {
  let engine: YaraEngine | undefined
  let rules = ''
  let lists = ''
  return {
    rateUrl: () => [{ outcome: 'clean', engine: 'url-rating' }],
    lists: () => [{ outcome: 'clean', engine: 'suspicious-objects' }],
    excluded: () => false,
    async prescan(sample, context, cancel) {
      if (engine === undefined) return { results: [], trueType: '', cached: false }
      const detections = engine.scanNow(sample) ?? (await engine.scan(sample, cancel.signal, { client: context.client }))
      return {
        results: [
          detections.length > 0
            ? { outcome: 'detected', engine: 'yara', detections: detections as never }
            : { outcome: 'clean', engine: 'yara' },
        ],
        trueType: '',
        cached: false,
      }
    },
    useConfig() {},
    useLists(bytes) {
      lists = String(bytes.length)
    },
    async useRules(blob) {
      engine = await createYaraEngine({ blob, onThreadDead: options.onThreadDead })
      rules = engine.version
    },
    engines: () => [{ engine: 'yara', state: 'up', version: rules, detail: '' }],
    versions: () => ({ engines: [], rules, lists }),
    needsSha1: false,
    async close() {
      await engine?.close()
    },
  }
}
