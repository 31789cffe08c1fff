import type { Config } from '../settings/settings.ts'

/** What a newcomer needs after `npm start`: where it listens, and the lines for Squid. */
export function greeting(config: Config, { data, consoleAddress }: { data: string; consoleAddress: string }): string {
  const host = config['icap.listen'] === '*' ? '127.0.0.1' : bracketed(config['icap.listen'])
  const icap = `icap://${host}:${config['icap.port']}`
  const lines = [
    `ICAP    ${config['icap.enabled'] ? icap : 'off (icap.enabled)'}  services: request response reqmod respmod avscan`,
    `ICAPS   ${config['icap.enabled'] && config['icaps.enabled'] ? `icaps://${host}:${config['icaps.port']}` : 'off (icaps.enabled)'}`,
    `Status  http://${consoleAddress}  (/healthz /readyz /metrics)`,
    `Data    ${data}`,
    '',
    'squid.conf:',
    '  icap_enable on',
    `  icap_service assay_req  reqmod_precache  bypass=off ${icap}/request`,
    `  icap_service assay_resp respmod_precache bypass=off ${icap}/response`,
    '  adaptation_access assay_req  allow all',
    '  adaptation_access assay_resp allow all',
    '',
  ]
  return `${lines.join('\n')}\n`
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
