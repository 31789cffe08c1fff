import type { MemberEngine } from '../scan/contents/walk.ts'
import { type ClamavEngine, type ClamavOptions, createClamavEngine } from '../scan/scanners/clamav/clamav-engine.ts'
import { createMemberYara } from '../scan/scanners/yara/member-yara.ts'
import type { Config } from '../settings/settings.ts'
import type { ContentsThreadData } from './contents.ts'

/** The engines of one thread that looks inside; predictive looks at the sample itself too, the others have it from the pipeline. */
export function memberEngines(data: ContentsThreadData): readonly MemberEngine[] {
  const engines: MemberEngine[] = []
  if (data.rules !== undefined) engines.push(createMemberYara(Buffer.from(data.rules), data.yaraTimeoutMs))
  if (data.clamav.endpoints.length > 0) engines.push(memberClamav(createClamavEngine(clamavOptions(data.clamav, 1))))
  return engines
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
