import type { Action } from '../domain/action.ts'
import { boundedEvidence, type Evidence } from '../domain/evidence.ts'
import type { TransactionRecord } from '../domain/transaction-record.ts'
import type { Detection, UnscannedReason, Verdict } from '../domain/verdict.ts'
import type { Message } from './message.ts'
import { printable, recordedName, recordedUrl } from './message-url.ts'

export interface RecordInput {
  readonly id: string
  readonly timeMs: number
  readonly message: Message
  readonly hasBody: boolean
  readonly sha256: string
  readonly sha1: string
  readonly size: number
  readonly trueType: string
  readonly cached: boolean
  readonly engines: string
  readonly evidence: Evidence | undefined
  readonly verdict: Verdict
  readonly action: Action
  readonly icapStatus: number
  readonly details: readonly string[]
  readonly stagesMs: TransactionRecord['stagesMs']
}

const MAX_DETAILS = 100
const MAX_DETECTIONS = 200
const MAX_TEXT = 1024

/** The record as it stands in the journal: bounded, free of control characters, secrets masked, credentials never in it. */
export function recordOf(input: RecordInput): TransactionRecord {
  const { message, verdict, action } = input
  const { context } = message
  const complete = verdict.state === 'complete'
  const engineDetails = complete ? NOTHING : verdict.details
  return {
    id: input.id,
    timeMs: input.timeMs,
    client: context.client,
    clientGroup: context.group,
    mode: context.mode,
    service: context.service,
    httpMethod: printable(context.httpMethod),
    httpStatus: context.httpStatus,
    url: recordedUrl(context.url),
    fileName: recordedName(context.fileName),
    saved: message.saved,
    sha256: input.sha256,
    sha1: input.sha1,
    size: input.hasBody ? input.size : -1,
    declaredType: printable(context.declaredType),
    trueType: input.trueType,
    outcome: outcomeOf(verdict, action),
    risk: complete ? verdict.risk : verdict.atLeast,
    reasons: complete ? NO_REASONS : verdict.reasons,
    details:
      engineDetails.length + input.details.length === 0 ? NOTHING : plainAll([...input.details, ...engineDetails]),
    detections:
      verdict.detections.length === 0 ? NO_DETECTIONS : verdict.detections.slice(0, MAX_DETECTIONS).map(plainDetection),
    action: action.type,
    icapStatus: input.icapStatus,
    stagesMs: input.stagesMs,
    cached: input.cached,
    engines: input.engines,
    ...(input.evidence === undefined ? {} : { evidence: boundedEvidence(input.evidence, plain) }),
  }
}

const NOTHING: readonly string[] = []
const NO_REASONS: readonly UnscannedReason[] = []
const NO_DETECTIONS: readonly Detection[] = []

function outcomeOf(verdict: Verdict, action: Action): TransactionRecord['outcome'] {
  if (action.type === 'block') return 'detected'
  if (action.type === 'allow-excluded') return 'excluded'
  if (verdict.state === 'unscanned') return 'unscanned'
  return verdict.risk === 'none' ? 'clean' : 'detected'
}

function plainAll(texts: readonly string[]): readonly string[] {
  return texts.slice(0, MAX_DETAILS).map(plain)
}

function plainDetection(detection: Detection): Detection {
  return {
    ...detection,
    name: plain(detection.name),
    ...(detection.member === undefined ? {} : { member: plain(detection.member) }),
    ...(detection.evidence === undefined ? {} : { evidence: plain(detection.evidence) }),
  }
}

/** Names and evidence come out of hostile files: no NUL (PostgreSQL refuses it), no line breaks, no half surrogates. */
function plain(text: string): string {
  const bounded = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text
  return /[^\x20-\x7e]/.test(bounded) ? plainSlowly(bounded) : bounded
}

function plainSlowly(text: string): string {
  let out = ''
  for (const char of text.toWellFormed()) {
    const code = char.codePointAt(0) ?? 0
    if (code >= 0x20 && (code < 0x7f || code > 0x9f)) out += char
  }
  return out
}
