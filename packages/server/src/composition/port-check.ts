import net from 'node:net'
import type { Fault } from '../settings/parse.ts'
import type { Config, SettingKey } from '../settings/settings.ts'

/** Ports that a change would open: tried once here, so that a port which somebody else has is a fault and not a half-made change. */
export async function openPortFaults(config: Config, changed: readonly SettingKey[]): Promise<Fault[]> {
  const plain = changed.some((key) => key === 'icap.enabled' || key === 'icap.port' || key === 'icap.listen')
  const secure = changed.some((key) => key.startsWith('icap.') || key === 'icaps.enabled' || key === 'icaps.port')
  const tries: Promise<Fault | undefined>[] = []
  if (config['icap.enabled'] && plain) tries.push(tryPort('icap.port', config))
  if (config['icap.enabled'] && config['icaps.enabled'] && secure) tries.push(tryPort('icaps.port', config))
  return (await Promise.all(tries)).filter((fault) => fault !== undefined)
}

function tryPort(key: 'icap.port' | 'icaps.port', config: Config): Promise<Fault | undefined> {
  const host = config['icap.listen']
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ key, text: `port ${config[key]} cannot be opened (${error.code})` }),
    )
    server.listen({ port: config[key], exclusive: true, ...(host === '*' ? {} : { host }) }, () =>
      server.close(() => resolve(undefined)),
    )
  })
}
