import type { Policy } from '../domain/action.ts'
import type { RecallCause, RecallFinding } from '../domain/recall.ts'
import type { TransactionRecord } from '../domain/transaction-record.ts'
import { decideVerdict, isNonEmpty, type ScanResult } from '../domain/verdict.ts'
import { chooseAction } from '../icap-service/action.ts'
import { SUSPICIOUS_OBJECTS, USER_DEFINED_OBJECTS } from '../scan/object-lists.ts'
import { askFileLists, type ListQuestion, type ScannedMember } from '../scan/scanners/suspicious-objects.ts'
import { rateUrl } from '../scan/url-rating.ts'

/** Lists and policy as they are now. */
export interface Today extends ListQuestion {
  readonly bypassUrlInRespmod: boolean
  policyFor(client: string, service: string): Policy
}

/** They are asked anew: what they said then counts no more. */
const LIST_ENGINES: ReadonlySet<string> = new Set([SUSPICIOUS_OBJECTS, USER_DEFINED_OBJECTS])

/**
 * What would be done with that message today, by the hashes, names and findings that its record keeps. Undefined: nothing else,
 * or it did not pass then either. Its bytes are gone, so rules and models are not asked again.
 */
export function recheckRecord(record: TransactionRecord, today: Today): RecallFinding | undefined {
  if (!record.action.startsWith('allow')) return undefined
  const verdict = decideVerdict([...listed(record, today), ...kept(record)])
  const policy = today.policyFor(record.client, record.service)
  const action = chooseAction(verdict, policy, record.action === 'allow-excluded')
  if (action.type === 'block') return findingOf(record, today.nowMs, action.causes.map(causeOf))
  if (action.type !== 'block-unscanned') return undefined
  const cause = { engine: '', name: action.threat, risk: 'none', evidence: record.details.join('; ') } as const
  return findingOf(record, today.nowMs, [cause])
}

function listed(record: TransactionRecord, today: Today): readonly ScanResult[] {
  const { sha256, sha1, evidence, mode, url, saved } = record
  const members: ScannedMember[] = (evidence?.nodes ?? [])
    .filter((node) => node.path !== '' && node.sha256 !== '')
    .map((node) => ({ path: node.path, sha256: node.sha256 }))
  const hashes = sha1 === '' ? { sha256 } : { sha256, sha1 }
  const files = sha256 === '' && members.length === 0 ? [] : askFileLists(hashes, members, today)
  if (url === '' || (mode === 'RESPMOD' && today.bypassUrlInRespmod)) return files
  const message = { url, host: hostOf(url), claimedServerIp: saved.serverIp ?? '' }
  return [...files, ...rateUrl(message, today, () => NOT_RATED)]
}

/** The URL's signs stand among the record's findings. */
const NOT_RATED: ScanResult = { outcome: 'clean', engine: 'url-rating' }

function hostOf(url: string): string {
  return URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? ''
}

/** What engines found or could not look at then. */
function kept({ detections, reasons, details }: TransactionRecord): ScanResult[] {
  const found = detections.filter(({ engine }) => !LIST_ENGINES.has(engine))
  const unscanned = reasons.map((reason): ScanResult => {
    return { outcome: 'unscanned', engine: 'record', reason, detail: details.join('; ') }
  })
  if (!isNonEmpty(found)) return unscanned
  return [{ outcome: 'detected', engine: 'record', detections: found }, ...unscanned]
}

function causeOf({ engine, name, risk, member, evidence }: RecallCause): RecallCause {
  return {
    engine,
    name,
    risk,
    ...(member === undefined ? {} : { member }),
    ...(evidence === undefined ? {} : { evidence }),
  }
}

const MAX_CAUSES = 20

function findingOf(record: TransactionRecord, foundMs: number, causes: readonly RecallCause[]): RecallFinding {
  const { id, timeMs, client, clientGroup, mode, url, fileName, sha256, action, saved } = record
  const user = saved.authenticatedUser ?? saved.clientUsername ?? ''
  const who = { id, timeMs, client, clientGroup, mode, url, fileName, sha256, action }
  return { ...who, foundMs, user, causes: causes.slice(0, MAX_CAUSES) }
}
