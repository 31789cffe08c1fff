import type { FeedConfig } from '../domain/feed.ts'
import type { Collector } from './collector.ts'
import { FeedFault } from './feed-fault.ts'
import { takeWord } from './plain-lists.ts'
import { textOf } from './source-client.ts'

/** Of one record; more is no table of objects. */
const MAX_FIELDS = 500
const MAX_FIELD = 16_384

/** One column of a table (RFC 4180: quotes doubled, line breaks within quotes); lines that begin with `#` are comments. */
export function readCsvList(
  bytes: Buffer,
  config: Pick<FeedConfig, 'column' | 'delimiter' | 'types'>,
  collector: Collector,
): void {
  const only = config.types.length === 1 ? config.types[0] : undefined
  let column = /^\d+$/.test(config.column) ? Number(config.column) - 1 : undefined
  for (const { fields, comment, line, fault } of recordsOf(textOf(bytes), config.delimiter)) {
    if (comment) {
      // Some lists have their header in the last comment line.
      if (column === undefined) column = indexOfName(fields, config.column)
      continue
    }
    if (column === undefined) {
      column = indexOfName(fields, config.column)
      if (column === undefined) throw new FeedFault('damaged', `no column is named ${JSON.stringify(config.column)}`)
      continue
    }
    const where = `line ${line}`
    const field = fields[column]?.trim()
    if (fault !== undefined) collector.bad(where, fault)
    else if (field === undefined) collector.bad(where, `has ${fields.length} columns`)
    else if (field === '') collector.ignore('empty')
    else if (!isHeader(field, line)) takeWord(field, { where, only }, collector)
  }
}

function indexOfName(fields: readonly string[], name: string): number | undefined {
  const index = fields.findIndex((field) => field.trim().toLowerCase() === name.trim().toLowerCase())
  return index === -1 ? undefined : index
}

/** A first line of plain words is the header of a table whose column is given by number. */
function isHeader(field: string, line: number): boolean {
  return line === 1 && /^[a-z][a-z0-9 _-]{0,40}$/i.test(field) && !/^[0-9a-f]{32,}$/i.test(field)
}

interface CsvRecord {
  readonly fields: readonly string[]
  readonly comment: boolean
  /** Where it begins, from 1. */
  readonly line: number
  readonly fault?: string
}

/** Linear in the text's length: each step begins where the last one ended. */
function* recordsOf(text: string, delimiter: string): Generator<CsvRecord> {
  let at = 0
  let line = 1
  while (at < text.length) {
    const begins = line
    const comment = text[at] === '#'
    const record = comment ? commentAt(text, at, delimiter) : recordAt(text, at, delimiter)
    line += record.lines
    at = record.end
    const isBlank = record.fields.length <= 1 && (record.fields[0] ?? '').trim() === ''
    if (isBlank && record.fault === undefined) continue
    yield { fields: record.fields, comment, line: begins, ...(record.fault !== undefined && { fault: record.fault }) }
  }
}

interface RecordEnd {
  readonly fields: string[]
  readonly end: number
  readonly lines: number
  readonly fault?: string
}

function commentAt(text: string, at: number, delimiter: string): RecordEnd {
  const end = lineEnd(text, at)
  const words = text.slice(at, Math.min(end, at + MAX_FIELD)).replace(/^#+\s*/, '')
  const fields = words.split(delimiter, MAX_FIELDS).map((field) => field.trim().replace(/^"|"$/g, ''))
  return { fields, end: end + 1, lines: 1 }
}

function recordAt(text: string, start: number, delimiter: string): RecordEnd {
  const fields: string[] = []
  let at = start
  let lines = 1
  for (;;) {
    const field = fieldAt(text, at, delimiter)
    if (fields.length >= MAX_FIELDS)
      return { fields, end: lineEnd(text, at) + 1, lines, fault: `has more than ${MAX_FIELDS} columns` }
    if (field.fault !== undefined) return { fields, end: lineEnd(text, start) + 1, lines: 1, fault: field.fault }
    fields.push(field.value)
    lines += field.lines
    at = field.end
    if (text[at] !== delimiter) break
    at++
  }
  return { fields, end: lineEnd(text, at) + 1, lines }
}

interface Field {
  readonly value: string
  readonly end: number
  readonly lines: number
  readonly fault?: string
}

function fieldAt(text: string, start: number, delimiter: string): Field {
  let at = start
  while (text[at] === ' ') at++ // `"a", "b"`: not RFC 4180, and common
  return text[at] === '"' ? quotedAt(text, at + 1, delimiter) : plainAt(text, start, delimiter)
}

function plainAt(text: string, start: number, delimiter: string): Field {
  const window = text.slice(start, start + MAX_FIELD + 1)
  const line = lineEnd(window, 0)
  const found = window.slice(0, line).indexOf(delimiter)
  const length = found === -1 ? line : found
  if (length > MAX_FIELD)
    return { value: '', end: start, lines: 0, fault: `has a field of more than ${MAX_FIELD} characters` }
  return { value: window.slice(0, length).replace(/\r$/, ''), end: start + length, lines: 0 }
}

/** A quote that is never closed is a fault of its own line only: the next line is read again. */
function quotedAt(text: string, start: number, delimiter: string): Field {
  const window = text.slice(start, start + MAX_FIELD)
  let at = 0
  for (;;) {
    const quote = window.indexOf('"', at)
    if (quote === -1) return { value: '', end: start, lines: 0, fault: 'has a quote that is not closed' }
    if (window[quote + 1] !== '"') return endOfQuoted({ text, delimiter, start, value: window.slice(0, quote) })
    at = quote + 2
  }
}

function endOfQuoted({
  text,
  delimiter,
  start,
  value,
}: {
  text: string
  delimiter: string
  start: number
  value: string
}): Field {
  let end = start + value.length + 1
  while (text[end] === ' ' || text[end] === '\r') end++
  const isWhole = end >= text.length || text[end] === delimiter || text[end] === '\n'
  const lines = value.split('\n').length - 1
  return isWhole
    ? { value: value.replaceAll('""', '"'), end, lines }
    : { value: '', end, lines: 0, fault: 'has text after a closing quote' }
}

function lineEnd(text: string, at: number): number {
  const found = text.indexOf('\n', at)
  return found === -1 ? text.length : found
}
