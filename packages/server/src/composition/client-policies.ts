import type { Policy } from '../domain/action.ts'
import { UNSCANNED_REASONS } from '../domain/verdict.ts'
import type { ClientListOptions, ListedGroup } from '../icap-service/client-list.ts'
import type { GroupPolicy } from '../icap-service/handler-deps.ts'
import type { Config } from '../settings/settings.ts'

type Group = Config['clients.groups'][number]

/** The settings' words for who may come and what is decided for them, in those of the ICAP service. */
export function clientListOptions(config: Config): ClientListOptions {
  const policy = basePolicy(config)
  return {
    onlyListed: config['clients.onlyListed'],
    list: config['clients.list'],
    groups: config['clients.groups'].map((group) => listedGroup(group, policy)),
    fallback: { allowed: true, group: 'default', policy },
  }
}

function basePolicy(config: Config): Policy {
  const unscanned = Object.fromEntries(
    UNSCANNED_REASONS.map((reason) => [reason, config[`policy.unscanned.${reason}`]]),
  ) as Policy['unscanned']
  return {
    blockFrom: config['policy.blockFrom'],
    unscanned,
    classifyPasswordProtected: config['scan.classifyPasswordProtected'],
  }
}

function listedGroup(group: Group, base: Policy): ListedGroup {
  const policy: Policy = {
    blockFrom: group.policy.blockFrom ?? base.blockFrom,
    unscanned: { ...base.unscanned, ...group.policy.unscanned },
    classifyPasswordProtected: group.classifyPasswordProtected ?? base.classifyPasswordProtected,
  }
  const { enabled, ...trickle } = group.trickle
  const decided: GroupPolicy = { allowed: true, group: group.name, policy, ...(enabled ? { trickle } : {}) }
  return { addresses: group.addresses, services: group.services, policy: decided }
}
