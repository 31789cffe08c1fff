import { Unscanned } from '../domain/verdict.ts'
import type { MemberEngine } from '../scan/contents/walk.ts'
import { type ClamavEngine, type ClamavOptions, createClamavEngine } from '../scan/scanners/clamav/clamav-engine.ts'
import { createPredictiveEngine, DEFAULT_MAX_BYTES } from '../scan/scanners/predictive/engine.ts'
import type { InstalledModels } from '../scan/scanners/predictive/file-score.ts'
import { loadModel } from '../scan/scanners/predictive/models.ts'
import { createMemberYara } from '../scan/scanners/yara/member-yara.ts'
import type { Config } from '../settings/settings.ts'
import type { ContentsThreadData } from './contents.ts'
import { unpackModels } from './models-service.ts'

/** The engines of one thread that looks inside; predictive looks at the sample itself too, the others have it from the pipeline. */
export function memberEngines(data: ContentsThreadData): readonly MemberEngine[] {
  const engines: MemberEngine[] = []
  if (data.rules !== undefined) engines.push(createMemberYara(Buffer.from(data.rules), data.yaraTimeoutMs))
  if (data.clamav.endpoints.length > 0) engines.push(memberClamav(createClamavEngine(clamavOptions(data.clamav, 1))))
  if (data.predictive !== undefined) engines.push(memberPredictive(data.predictive))
  return engines
}

type PredictiveData = NonNullable<ContentsThreadData['predictive']>

/** Without a model it is down, and says so for each program. */
function memberPredictive({ pack, high, medium, monitor }: PredictiveData): MemberEngine {
  const engine =
    pack &&
    createPredictiveEngine({
      models: modelsIn(Buffer.from(pack)),
      // The settings may say 0, from which on everything is a hit; the engine takes what is above.
      thresholds: { high: Math.max(high, Number.MIN_VALUE), medium: Math.max(medium, Number.MIN_VALUE) },
      monitor,
      maxBytes: DEFAULT_MAX_BYTES,
    })
  return {
    name: 'predictive',
    version: engine?.version ?? '',
    looksAtSample: true,
    applies: (type) => type === 'pe',
    scan({ content }, signal) {
      if (engine === undefined) throw new Unscanned('engine-down', 'no model installed')
      const { detections, evidence } = engine.assess(content, signal)
      return { detections, ...(detections.length === 0 ? { note: { name: 'ML.PE.Score', detail: evidence } } : {}) }
    },
  }
}

/** The models of a pack, checked again: a snapshot may be damaged. */
export function modelsIn(pack: Buffer): InstalledModels {
  return Object.fromEntries(unpackModels(pack).map(({ name, bytes }) => [name, loadModel(bytes)]))
}

/** What the settings say of clamd, for the worker's own engine and for the threads'. */
export interface ClamavSettings {
  readonly endpoints: readonly string[]
  readonly maxBytes: number
  readonly maxBytesUntold: number
}

/** A thread asks one question at a time; the worker's own engine has the connections that the settings allow. */
export function clamavOptions(settings: ClamavSettings, connections: number): ClamavOptions {
  const sharedConnections = Math.max(1, Math.floor(connections / 4))
  return { ...settings, sharedConnections, ownConnections: Math.max(1, connections - sharedConnections) }
}

export function clamavSettings(config: Config): ClamavSettings {
  return {
    endpoints: config['clamav.endpoints'],
    maxBytes: config['clamav.maxBytes'],
    maxBytesUntold: config['clamav.maxBytesUntold'],
  }
}

function memberClamav(clamav: ClamavEngine): MemberEngine {
  return {
    name: clamav.name,
    get version() {
      return clamav.version
    },
    looksAtSample: false,
    applies: () => true,
    async scan({ type: _, ...member }, signal) {
      const sample = { ...member, partial: false, decoded: [] }
      return { detections: await clamav.scan(sample, signal, { client: 'members' }) }
    },
  }
}
