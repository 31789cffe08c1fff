import type { ClientListOptions, ListedGroup } from '../icap-service/client-list.ts'
import { policyFor } from '../settings/policy.ts'
import type { Config } from '../settings/settings.ts'

/** The settings' words for who may come and what is decided for them, in those of the ICAP service. */
export function clientListOptions(config: Config): ClientListOptions {
  return {
    onlyListed: config['clients.onlyListed'],
    list: config['clients.list'],
    groups: config['clients.groups'].map((group) => listedGroup(config, group)),
    fallback: { allowed: true, group: 'default', policy: policyFor(config) },
  }
}

function listedGroup(config: Config, group: Config['clients.groups'][number]): ListedGroup {
  const { enabled, ...trickle } = group.trickle
  return {
    addresses: group.addresses,
    services: group.services,
    policy: {
      allowed: true,
      group: group.name,
      policy: policyFor(config, group),
      dialect: group.dialect,
      ...(enabled ? { trickle } : {}),
    },
  }
}
