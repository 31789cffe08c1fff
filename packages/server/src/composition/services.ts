import type { IcapService, OptionsAnswer } from '@assay/icap'
import { istagOf } from '../icap-service/istag.ts'
import type { Config, SettingKey } from '../settings/settings.ts'

/** The paths of ARCHITECTURE.md; anything else is 404, the wrong method 405. */
export const ICAP_SERVICES: readonly IcapService[] = [
  { name: 'request', methods: ['REQMOD'] },
  { name: 'reqmod', methods: ['REQMOD'] },
  { name: 'response', methods: ['RESPMOD'] },
  { name: 'respmod', methods: ['RESPMOD'] },
  { name: 'avscan', methods: ['REQMOD', 'RESPMOD'] },
]

/** Of these the answer to the same bytes depends; ports, timeouts and retention change no answer. */
const DECIDING = /^(scan|content|pages|policy|headers\.send|clients\.groups|intake)\b/

/** The tag of each service for these settings, engines and lists (RFC 3507 4.7). */
export function serviceTags(
  config: Config,
  versions: { readonly engines: readonly string[]; readonly rules: string; readonly lists: string },
): Readonly<Record<string, string>> {
  const deciding = (Object.keys(config) as SettingKey[]).filter((key) => DECIDING.test(key)).sort()
  const policies = JSON.stringify(deciding.map((key) => [key, config[key]]))
  return Object.fromEntries(
    ICAP_SERVICES.map(({ name }) => [
      name,
      istagOf({
        service: name,
        engines: versions.engines,
        rulesVersion: versions.rules,
        listsRevision: versions.lists,
        policies,
      }),
    ]),
  )
}

export interface OptionsFacts {
  readonly config: Config
  readonly isTag: string
  /** A required engine is down, or none is on. */
  readonly ready: boolean
  /** What this client may have open. */
  readonly maxConnections: number
}

/** What OPTIONS says. 503 while nothing could be scanned, if policy would answer with errors anyway: clients go elsewhere. */
export function optionsAnswer(
  service: IcapService,
  { config, isTag, ready, maxConnections }: OptionsFacts,
): OptionsAnswer {
  const refuses = !ready && config['policy.unscanned.engine-down'] === 'error'
  return {
    status: refuses ? 503 : 200,
    methods: service.methods,
    isTag,
    ...(config['icap.preview'] ? { preview: config['icap.previewBytes'] } : {}),
    optionsTtlS: config['icap.optionsTtlS'],
    maxConnections: Math.max(1, maxConnections),
    serviceText: 'Assay malware analysis',
    serviceId: `assay-${service.name}`,
    xInclude: ['X-Client-IP', 'X-Server-IP', 'X-Authenticated-User', 'X-Authenticated-Groups', 'X-Client-Username'],
    allow206: false,
  }
}
