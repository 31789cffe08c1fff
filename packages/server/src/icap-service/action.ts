import type { Action, Policy, UnscannedAction } from '../domain/action.ts'
import { isAtLeast, RISK_LEVELS } from '../domain/risk.ts'
import {
  type Detection,
  isNonEmpty,
  type NonEmpty,
  type UnscannedReason,
  type UnscannedVerdict,
  type Verdict,
} from '../domain/verdict.ts'

/** The appliance's two classes of samples that a password locks. */
export const PASSWORD_BYPASSED = 'ICAP: Password-protected file (bypass scanning)'
export const PASSWORD_UNEXTRACTED = 'ICAP: Password-protected file (non-malicious, unextracted)'

/**
 * Allow is weakest. A block outweighs an error: many clients let a message pass at ICAP 500 (`bypass=on`, fail-open), so an
 * error beside a reason that the administrator blocks would undo the block.
 */
const STRICTNESS: readonly UnscannedAction[] = ['allow', 'error', 'block']

/** What is done with a message; pure. An exclusion (content types) can only turn "clean" into "excluded", never hide anything. */
export function chooseAction(verdict: Verdict, policy: Policy, excluded = false): Action {
  const causes = causesOf(verdict, policy)
  if (isNonEmpty(causes)) return { type: 'block', causes }
  if (verdict.state === 'complete') return excluded ? { type: 'allow-excluded' } : { type: 'allow-clean', verdict }
  return actionForUnscanned(verdict, policy)
}

/** The detections that reach the threshold, worst first: the first ones are what a client's log keeps. */
function causesOf(verdict: Verdict, policy: Policy): Detection[] {
  if (verdict.detections.length === 0) return []
  const causes = verdict.detections.filter((detection) => isAtLeast(detection.risk, policy.blockFrom))
  return causes.sort((a, b) => RISK_LEVELS.indexOf(b.risk) - RISK_LEVELS.indexOf(a.risk))
}

function actionForUnscanned(verdict: UnscannedVerdict, policy: Policy): Action {
  const passwordClass = classifyPasswordProtected(verdict, policy)
  if (passwordClass !== undefined && policy.classifyPasswordProtected === 'block') {
    return { type: 'block-unscanned', reason: 'encrypted', threat: passwordClass }
  }
  const reason = strictestReason(verdict.reasons, policy)
  switch (policy.unscanned[reason]) {
    case 'allow':
      return { type: 'allow-unscanned', reason, ...(passwordClass === undefined ? {} : { passwordClass }) }
    case 'error':
      return { type: 'error', reason }
    case 'block':
      return { type: 'block-unscanned', reason, threat: blockedThreat(reason, passwordClass) }
  }
}

function blockedThreat(reason: UnscannedReason, passwordClass: string | undefined): string {
  return reason === 'encrypted' && passwordClass !== undefined ? passwordClass : `Not scanned (${reason})`
}

/** The reason with the strictest policy; of equal ones the first. */
export function strictestReason(reasons: NonEmpty<UnscannedReason>, policy: Policy): UnscannedReason {
  let [strictest] = reasons
  for (const reason of reasons) {
    if (STRICTNESS.indexOf(policy.unscanned[reason]) > STRICTNESS.indexOf(policy.unscanned[strictest]))
      strictest = reason
  }
  return strictest
}

/**
 * Names the appliance's class of a locked sample; undefined where it is not locked or the box is off. "Unextracted": every
 * engine looked at what could be seen and found nothing; "bypass scanning": it was not even looked at whole.
 */
export function classifyPasswordProtected(verdict: Verdict, policy: Policy): string | undefined {
  if (policy.classifyPasswordProtected === 'off' || verdict.state === 'complete') return undefined
  if (!verdict.reasons.includes('encrypted')) return undefined
  const lookedAt = verdict.reasons.length === 1 && verdict.atLeast === 'none'
  return lookedAt ? PASSWORD_UNEXTRACTED : PASSWORD_BYPASSED
}
