import type { Policy } from '../domain/action.ts'
import { UNSCANNED_REASONS } from '../domain/verdict.ts'
import type { ClientGroup } from './client-groups.ts'
import type { Config } from './settings.ts'

/** The policy in force for a client of the group, or of none: what the group does not name is as the settings say. */
export function policyFor(config: Config, group?: ClientGroup): Policy {
  const unscanned = UNSCANNED_REASONS.map((reason) => [
    reason,
    group?.policy.unscanned[reason] ?? config[`policy.unscanned.${reason}`],
  ])
  return {
    blockFrom: group?.policy.blockFrom ?? config['policy.blockFrom'],
    unscanned: Object.fromEntries(unscanned) as Policy['unscanned'],
    classifyPasswordProtected: group?.classifyPasswordProtected ?? config['scan.classifyPasswordProtected'],
  }
}
