import net from 'node:net'
import type { Fault } from '../settings/parse.ts'
import type { Config } from '../settings/settings.ts'

interface Endpoint {
  readonly key: 'icap.port' | 'icaps.port'
  readonly host: string
  readonly port: number
}

/** The ICAP ports that these settings open. */
function endpointsOf(config: Config): readonly Endpoint[] {
  if (!config['icap.enabled']) return []
  const host = config['icap.listen']
  const plain = { key: 'icap.port', host, port: config['icap.port'] } as const
  return config['icaps.enabled'] ? [plain, { key: 'icaps.port', host, port: config['icaps.port'] }] : [plain]
}

/**
 * Ports that a change would open: tried once here, so that a port which somebody else has is a fault and not a half-made change.
 * What this server has open already cannot be tried.
 */
export async function openPortFaults(next: Config, before: Config): Promise<Fault[]> {
  const own = new Set(endpointsOf(before).map(({ port }) => port))
  const tries = endpointsOf(next).filter(({ port }) => !own.has(port))
  return (await Promise.all(tries.map(tryPort))).filter((fault) => fault !== undefined)
}

/**
 * What the workers must be in between where a port changes its address or its protocol: the old and the new one cannot be open
 * together, so every worker has to close it before the first one opens it. Undefined where the new ports can open first.
 */
export function closedBetween(before: Config, next: Config): Config | undefined {
  const old = endpointsOf(before)
  const collides = endpointsOf(next).some((endpoint) =>
    old.some(({ key, host, port }) => port === endpoint.port && (key !== endpoint.key || host !== endpoint.host)),
  )
  return collides ? { ...before, 'icap.enabled': false } : undefined
}

function tryPort({ key, host, port }: Endpoint): Promise<Fault | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ key, text: `port ${port} cannot be opened (${error.code})` }),
    )
    server.listen({ port, exclusive: true, ...(host === '*' ? {} : { host }) }, () =>
      server.close(() => resolve(undefined)),
    )
  })
}
