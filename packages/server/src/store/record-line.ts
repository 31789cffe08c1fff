import type { Evidence } from '../domain/evidence.ts'
import type { SavedHeaders, TransactionRecord } from '../domain/transaction-record.ts'
import type { Detection } from '../domain/verdict.ts'

/** No journal line is longer; the reader takes a longer one for damage. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024

const SAVED = [
  'clientIp',
  'serverIp',
  'authenticatedUser',
  'authenticatedGroups',
  'clientUsername',
] as const satisfies readonly (keyof SavedHeaders)[]

/**
 * One record as a line: a JSON array `[1, id, timeMs, ...]` in `recordOf`'s order, and `\n`. The store keeps the same text.
 * An array, and built by hand, because it stands in every transaction's way: half the bytes and half the time of
 * JSON.stringify of the record. New fields go to the end. Lone surrogates are escaped (well-formed JSON.stringify).
 */
export function recordLine(record: TransactionRecord): string {
  const { stagesMs } = record
  const text =
    `[1,${quoted(record.id)},${timeText(record.timeMs)},${originText(record)},${quoted(record.url)},${quoted(record.fileName)}` +
    `,${savedText(record.saved)},"${record.sha256}","${record.sha1}",${number(record.size)},${answerText(record)}` +
    `,${number(stagesMs.read)},${number(stagesMs.scan)},${number(stagesMs.total)},${record.cached ? 1 : 0}${moreText(record)}]`
  // `+` only ties pieces together, and whoever writes them to a file has V8 undo the ties one by one; `join` copies them.
  return [text, '\n'].join('')
}

/** What lines of before had not: left out at the end where there is nothing to say. */
function moreText({ engines, evidence }: TransactionRecord): string {
  if (evidence !== undefined) return `,${quoted(engines)},${JSON.stringify(evidence)}`
  return engines === '' ? '' : `,${quoted(engines)}`
}

let lastTimeMs = -1
let lastTimeText = '-1'

/** Many records come within a millisecond, and numbers beyond 31 bits are slow to spell. */
function timeText(timeMs: number): string {
  if (timeMs !== lastTimeMs) {
    lastTimeMs = timeMs
    lastTimeText = `${number(timeMs)}`
  }
  return lastTimeText
}

/** Fields of a record that mostly are what they were in the record before, and the text that they made. */
interface Repeated {
  of: TransactionRecord | undefined
  text: string
}

const origin: Repeated = { of: undefined, text: '' }
const answer: Repeated = { of: undefined, text: '' }

/** From whom it came and what was asked. */
function originText(record: TransactionRecord): string {
  const { of: last } = origin
  if (
    last === undefined ||
    last.client !== record.client ||
    last.clientGroup !== record.clientGroup ||
    last.mode !== record.mode ||
    last.service !== record.service ||
    last.httpMethod !== record.httpMethod ||
    last.httpStatus !== record.httpStatus
  ) {
    origin.of = record
    origin.text =
      `${quoted(record.client)},${quoted(record.clientGroup)},"${record.mode}",${quoted(record.service)}` +
      `,${quoted(record.httpMethod)},${number(record.httpStatus)}`
  }
  return origin.text
}

/** What it was and what became of it. */
function answerText(record: TransactionRecord): string {
  const { of: last } = answer
  if (
    last === undefined ||
    last.declaredType !== record.declaredType ||
    last.trueType !== record.trueType ||
    last.outcome !== record.outcome ||
    last.risk !== record.risk ||
    last.action !== record.action ||
    last.icapStatus !== record.icapStatus ||
    record.detections.length + last.detections.length > 0 ||
    !areSame(record.reasons, last.reasons) ||
    !areSame(record.details, last.details)
  ) {
    answer.of = record
    answer.text =
      `${quoted(record.declaredType)},${quoted(record.trueType)},"${record.outcome}","${record.risk}"` +
      `,${listText(record.reasons)},${listText(record.details)},${listText(record.detections)}` +
      `,"${record.action}",${number(record.icapStatus)}`
  }
  return answer.text
}

function areSame(texts: readonly string[], others: readonly string[]): boolean {
  return texts.length === others.length && texts.every((text, index) => text === others[index])
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what JSON must escape
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/

function quoted(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`
}

// Anything else would not be JSON, and a line that cannot be read back is a lost record.
function number(value: number): number | string {
  if (Number.isSafeInteger(value)) return value
  return Number.isFinite(value) ? hundredths(value) : -1
}

/** Digits of whole numbers come five times as fast as those of fractions. */
function hundredths(value: number): number | string {
  const scaled = Math.round(value * 100)
  if (scaled < 0 || scaled > 0x7fffffff) return scaled / 100
  const rest = scaled % 100
  return rest < 10 ? `${(scaled - rest) / 100}.0${rest}` : `${(scaled - rest) / 100}.${rest}`
}

let lastSaved: SavedHeaders = {}
let lastSavedText = savedListText(lastSaved)

/** Where a client sends none of these headers, it is the same object each time. */
function savedText(saved: SavedHeaders): string {
  if (saved !== lastSaved) {
    lastSaved = saved
    lastSavedText = savedListText(saved)
  }
  return lastSavedText
}

function savedListText(saved: SavedHeaders): string {
  let text = '['
  for (let i = 0; i < SAVED.length; i++) {
    const value = saved[SAVED[i] as (typeof SAVED)[number]]
    text += `${i === 0 ? '' : ','}${value === undefined ? '0' : quoted(value)}`
  }
  return `${text}]`
}

function listText(items: readonly (string | Detection)[]): string {
  return items.length === 0 ? '[]' : JSON.stringify(items)
}

/** What the table has columns for. */
export type RecordHead = Pick<TransactionRecord, 'id' | 'timeMs' | 'client' | 'outcome' | 'action'>

/** A record read back from its line; undefined when the line is torn, damaged or of an unknown version. */
export function parseRecordLine(line: string): TransactionRecord | undefined {
  const row = parseRow(line)
  return row && recordOf(row)
}

/** The same check, but only the head is made: what taking in needs. */
export function parseRecordHead(line: string): RecordHead | undefined {
  const row = parseRow(line)
  return row && { id: row[1], timeMs: row[2], client: row[3], outcome: row[17], action: row[22] }
}

function parseRow(line: string): Row | undefined {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch {
    return undefined // the reader keeps and counts the line
  }
  return Array.isArray(row) && isRow(row) ? row : undefined
}

type Row = readonly [
  ...[version: 1, id: string, timeMs: number, client: string, clientGroup: string],
  ...[mode: TransactionRecord['mode'], service: string, httpMethod: string, httpStatus: number],
  ...[url: string, fileName: string, saved: (string | 0)[], sha256: string, sha1: string],
  ...[size: number, declaredType: string, trueType: string],
  ...[outcome: TransactionRecord['outcome'], risk: TransactionRecord['risk']],
  ...[reasons: TransactionRecord['reasons'], details: string[], detections: Detection[]],
  ...[action: TransactionRecord['action'], icapStatus: number],
  ...[read: number, scan: number, total: number, cached: 0 | 1],
  ...[engines?: unknown, evidence?: unknown],
]

/** `s` text, `n` number, `a` array: the row's shape by position. */
const SHAPE = 'nsnsssssnssassnssssaaasnnnnn'

function isRow(row: readonly unknown[]): row is Row {
  if (row[0] !== 1 || row.length < SHAPE.length) return false
  for (let i = 0; i < SHAPE.length; i++) if (!hasShape(row[i], SHAPE[i])) return false
  const [, id, timeMs] = row as Row
  return id !== '' && id.length <= 64 && Number.isSafeInteger(timeMs)
}

function hasShape(value: unknown, shape: string | undefined): boolean {
  if (shape === 's') return typeof value === 'string'
  return shape === 'n' ? typeof value === 'number' : Array.isArray(value)
}

function recordOf(row: Row): TransactionRecord {
  const [, id, timeMs, client, clientGroup, mode, service, httpMethod, httpStatus, ...rest] = row
  const [url, fileName, saved, sha256, sha1, size, declaredType, trueType, outcome, risk, ...more] = rest
  const [reasons, details, detections, action, icapStatus, read, scan, total, cached, engines, evidence] = more
  return {
    id,
    timeMs,
    client,
    clientGroup,
    mode,
    service,
    httpMethod,
    httpStatus,
    url,
    fileName,
    saved: savedOf(saved),
    sha256,
    sha1,
    size,
    declaredType,
    trueType,
    outcome,
    risk,
    reasons,
    details,
    detections,
    action,
    icapStatus,
    stagesMs: { read, scan, total },
    cached: cached === 1,
    engines: typeof engines === 'string' ? engines : '',
    ...(isEvidence(evidence) ? { evidence } : {}),
  }
}

/** The shape of it: what is inside is as this program wrote it. */
function isEvidence(value: unknown): value is Evidence {
  return typeof value === 'object' && value !== null && 'nodes' in value && Array.isArray(value.nodes)
}

function savedOf(values: readonly (string | 0)[]): SavedHeaders {
  const saved: { -readonly [K in keyof SavedHeaders]: SavedHeaders[K] } = {}
  for (let i = 0; i < SAVED.length; i++) {
    const value = values[i]
    if (typeof value === 'string') saved[SAVED[i] as (typeof SAVED)[number]] = value
  }
  return saved
}
