import type { SuspiciousObject } from '../domain/suspicious-object.ts'
import { type ListEntry, type ListImport, listEntrySchema } from './contract.ts'
import type { ImportLine } from './deps.ts'
import { Refusal } from './errors.ts'

export interface ImportLimits {
  readonly maxBytes: number
  readonly maxLineBytes: number
  readonly maxLines: number
}

/** A million entries of the longest usual kind (URLs) and room to spare. */
export const IMPORT_LIMITS: ImportLimits = {
  maxBytes: 512 * 1024 * 1024,
  maxLineBytes: 8192,
  maxLines: 2_000_000,
}

const NEWLINE = 0x0a

/**
 * A list file as batches of entries: `VALUE [TAB RISK [TAB EXPIRES [TAB NOTE]]]` a line in UTF-8, `#` begins a comment line,
 * EXPIRES is an ISO date or empty. A bad line is a fault of its own; a file over a limit is refused (TOO_LARGE).
 */
export async function* importLines(
  chunks: AsyncIterable<Buffer>,
  common: ListImport,
  limits: ImportLimits = IMPORT_LIMITS,
): AsyncGenerator<readonly ImportLine[]> {
  const splitter = new LineSplitter(limits)
  let lineNumber = 0
  const batchOf = (lines: readonly Buffer[]): ImportLine[] =>
    lines.flatMap((bytes) => parseLine(bytes, ++lineNumber, common) ?? [])
  for await (const chunk of chunks) {
    const batch = batchOf(splitter.push(chunk))
    if (lineNumber > limits.maxLines) throw new Refusal('TOO_LARGE', `more than ${limits.maxLines} lines`)
    if (batch.length > 0) yield batch
  }
  const last = batchOf(splitter.end())
  if (last.length > 0) yield last
}

/** Bytes to lines; holds at most one line. */
class LineSplitter {
  readonly #limits: ImportLimits
  #pending: Buffer = Buffer.alloc(0)
  #bytes = 0
  #lines = 0

  constructor(limits: ImportLimits) {
    this.#limits = limits
  }

  push(chunk: Buffer): Buffer[] {
    this.#bytes += chunk.length
    if (this.#bytes > this.#limits.maxBytes) throw new Refusal('TOO_LARGE', `more than ${this.#limits.maxBytes} bytes`)
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    const lines: Buffer[] = []
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      lines.push(this.#checked(bytes.subarray(start, end), this.#lines + lines.length + 1))
      start = end + 1
    }
    this.#lines += lines.length
    this.#pending = this.#checked(bytes.subarray(start), this.#lines + 1)
    return lines
  }

  end(): Buffer[] {
    return this.#pending.length === 0 ? [] : [this.#pending]
  }

  // One unbounded line would be buffered whole: it ends the import instead of being a fault beside others.
  #checked(line: Buffer, number: number): Buffer {
    if (line.length <= this.#limits.maxLineBytes) return line
    throw new Refusal('FAULTS', undefined, [`line ${number}: longer than ${this.#limits.maxLineBytes} bytes`])
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parseLine(bytes: Buffer, line: number, common: ListImport): ImportLine | undefined {
  let text: string
  try {
    text = utf8.decode(bytes).trimEnd()
  } catch {
    return { line, fault: 'is not UTF-8' }
  }
  if (text.trim() === '' || text.startsWith('#')) return undefined
  const entry = entryOf(text.split('\t'), common)
  return typeof entry === 'string' ? { line, fault: entry } : { line, entry }
}

function entryOf(columns: readonly string[], common: ListImport): ListEntry | string {
  const [value = '', risk = '', expires = '', note = '', ...more] = columns.map((column) => column.trim())
  if (more.length > 0) return 'more than four columns'
  const expiresMs = expires === '' ? common.expiresMs : Date.parse(expires)
  if (Number.isNaN(expiresMs)) return 'EXPIRES is not an ISO date'
  const parsed = listEntrySchema.safeParse({
    ...common,
    value,
    expiresMs,
    ...(risk !== '' && { risk }),
    ...(note !== '' && { note }),
  })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  return `${issue?.path.join('.').toUpperCase() ?? 'line'}: ${issue?.message ?? 'malformed'}`
}

/** The same entry as a line that `importLines` reads back. */
export function exportLine(object: SuspiciousObject): string {
  const expires = object.expiresMs === 0 ? '' : new Date(object.expiresMs).toISOString()
  const note = object.note.replace(/\p{Cc}+/gu, ' ')
  return `${[object.value, object.risk, expires, note].join('\t').trimEnd()}\n`
}
