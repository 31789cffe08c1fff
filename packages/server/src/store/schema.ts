import type { ColumnType } from 'kysely'

/**
 * The tables, the same on both engines: text, and integers that stay below 2^53 (times are Unix ms; yes and no are 1 and 0).
 * Text never holds NUL: PostgreSQL refuses it (`storable`).
 */
export interface Tables {
  transaction_record: TransactionRecordRow
  record_usage: { name: string; records: number; bytes: number }
  suspicious_object: SuspiciousObjectRow
  settings_revision: SettingsRevisionRow
  rule_file: RuleFileRow
  rule_option: RuleOptionRow
  recall: RecallRow
  feed: FeedRow
  feed_object: FeedObjectRow
  meta: { name: string; value: string }
}

export interface TransactionRecordRow {
  id: string
  time_ms: number
  client: string
  outcome: string
  action: string
  /** The journal's line (`recordLine`), without its line end. */
  data: string
}

export interface SuspiciousObjectRow {
  list: string
  type: string
  value: string
  risk: string
  expires_ms: number
  added_ms: number
  source: string
  note: string
}

export interface SettingsRevisionRow {
  id: number
  saved_ms: number
  saved_by: string
  /** JSON. */
  settings: ColumnType<string, string, never>
  changed: ColumnType<string, string, never>
}

export interface RuleFileRow {
  name: string
  source: string
  enabled: number
  sha256: string
  added_ms: number
  status: string
  fault: string
}

/** What is said of a rule file, be it the administrator's own or one that comes with the program. */
export interface RuleOptionRow {
  name: string
  enabled: number
  shadow: number
  /** 0: none. */
  weight: number
  /** JSON: an array of text. */
  types: string
}

export interface RecallRow {
  /** The record's. */
  id: string
  time_ms: number
  found_ms: number
  /** JSON. */
  data: string
}

export interface FeedRow {
  name: string
  /** JSON. */
  config: string
  /** Sealed; '' = none. */
  secret: string
  enabled: number
  /** Another one is another source, though it has the same name. */
  put_ms: number
  attempt_ms: number
  /** JSON. */
  cursor: string
  state: string
}

export interface FeedObjectRow {
  source: string
  type: string
  value: string
  ref: string
  risk: string
  expires_ms: number
  added_ms: number
  note: string
}

/** Text as both engines keep it: without NUL, lone surrogates as U+FFFD. */
export function storable(text: string): string {
  return (text.includes('\0') ? text.replaceAll('\0', '') : text).toWellFormed()
}
