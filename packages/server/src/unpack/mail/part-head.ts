import type { ByteScanner, Range } from './byte-scanner.ts'
import { decodeWords, type FieldValue, parseFieldValue, withoutComments } from './mime-words.ts'

export type TransferEncoding = 'identity' | 'base64' | 'quoted-printable' | 'uuencode'

/** What a part's (or a mail's) head says, with all its contradictions: readers differ in which of two fields they take. */
export interface PartHead {
  readonly bodyFrom: number
  /** Distinct media types, lower case, in order; empty where none is named. */
  readonly types: readonly string[]
  /** Distinct boundaries that a reader may take; Latin-1 bytes. */
  readonly boundaries: readonly Buffer[]
  /** Distinct; `identity` alone where none is named. */
  readonly encodings: readonly TransferEncoding[]
  /** Distinct file names, the one most readers take first. Decoded text. */
  readonly names: readonly string[]
  /** The field of a form that it is; '' for none. */
  readonly fieldName: string
  readonly charset: string
  readonly subject: string
  /** Not all of the head was read. */
  readonly overlong: boolean
}

const MAX_HEAD_BYTES = 256 * 1024
const MAX_FIELDS = 2000
/** RFC 2046 allows 70 characters; some readers take any number. */
const MAX_BOUNDARY = 2048
const MAX_BOUNDARIES = 8
const MAX_NAME = 1024
const FIELD = /^([\x21-\x39\x3b-\x7e]{1,200})[ \t]*:(.*)$/s

const KEPT = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-location',
  'subject',
])

/** `isMail`: an mbox separator, a byte order mark or empty lines may stand in front. Where the first line is no field, there is no head. */
export function readHead(bytes: ByteScanner, range: Range, isMail = false): PartHead {
  const most = Math.min(MAX_HEAD_BYTES, range.to - range.from)
  const first = bytes.ahead(range.from).subarray(0, Math.min(most, 4096)).toString('latin1')
  const short = scanFields(first, isMail)
  const whole = short.end === undefined && most > first.length
  const head = whole ? scanFields(bytes.ahead(range.from, most).subarray(0, most).toString('latin1'), isMail) : short
  const overlong = head.end === undefined && range.to - range.from > most
  return interpret(head.fields, range.from + (head.end ?? most), overlong)
}

interface Fields {
  readonly fields: readonly (readonly [string, string])[]
  /** Where the body begins; undefined where the head goes on behind the text. */
  readonly end: number | undefined
}

/** A line inside that is no field is passed over: some readers end the head there, most do not. */
function scanFields(text: string, isMail: boolean): Fields {
  const fields: [string, string][] = []
  let unfolded: [string, string] | undefined
  let count = 0
  for (const { line, start, next } of linesOf(text)) {
    if (isMail && count === 0 && /^(?:\xef\xbb\xbf)?[ \t]*$/.test(line)) continue
    if (line === '') {
      return { fields, end: next }
    }
    if (count > 0 && (line[0] === ' ' || line[0] === '\t')) {
      if (unfolded !== undefined) unfolded[1] += ` ${line.trim()}`
      continue
    }
    const match = FIELD.exec(line.replace(/^\xef\xbb\xbf/, '').trimStart())
    if (match === null && count === 0 && !(isMail && /^>?From /.test(line))) return { fields, end: start }
    unfolded = undefined
    if (match?.[1] === undefined || ++count > MAX_FIELDS) continue
    const name = match[1].toLowerCase()
    if (!KEPT.has(name)) continue
    unfolded = [name, match[2] ?? '']
    fields.push(unfolded)
  }
  return { fields, end: undefined }
}

function* linesOf(text: string): Generator<{ line: string; start: number; next: number }> {
  const ends = /\r\n|\n|\r/g
  for (let start = 0; start < text.length; ) {
    ends.lastIndex = start
    const end = ends.exec(text)
    if (end === null) yield { line: text.slice(start), start, next: text.length }
    else yield { line: text.slice(start, end.index), start, next: ends.lastIndex }
    start = end === null ? text.length : ends.lastIndex
  }
}

function interpret(fields: Fields['fields'], bodyFrom: number, overlong: boolean): PartHead {
  const valuesOf = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value)
  const types = valuesOf('content-type').map(parseFieldValue)
  const dispositions = valuesOf('content-disposition').map(parseFieldValue)
  const parameters = (values: readonly FieldValue[], name: string) =>
    values.flatMap((value) => value.parameters.filter((one) => one.name === name).map((one) => one.value))
  const isField = dispositions.some((one) => one.word === 'form-data')
  const fromType = [...parameters(types, 'name'), ...parameters(types, 'filename')]
  const fromField = parameters(dispositions, 'name')
  const names = [...parameters(dispositions, 'filename'), ...(isField ? [] : fromField), ...fromType]
  return {
    bodyFrom,
    types: distinct(types.map((type) => type.word).filter((word) => word !== '')),
    boundaries: boundaryReadings(parameters(types, 'boundary')),
    encodings: encodingsOf(valuesOf('content-transfer-encoding')),
    names: distinct(names.map(nameOf).filter((name) => name !== '')),
    fieldName: isField ? nameOf(fromField[0] ?? '') : '',
    charset: parameters(types, 'charset')[0] ?? '',
    subject: decodeWords(valuesOf('subject').join(' ').slice(0, MAX_NAME)).trim(),
    overlong,
  }
}

function nameOf(raw: string): string {
  return decodeWords(raw.slice(0, MAX_NAME)).trim()
}

/** As it stands, without blanks at its end, cut at a blank or comment, without single quotes: each is what some reader takes. */
function boundaryReadings(values: readonly string[]): Buffer[] {
  const readings = values.flatMap((value) => [
    value,
    value.trimEnd(),
    value.split(/[\s(,]/, 1)[0] ?? '',
    value.replace(/^'(.*)'$/s, '$1'),
  ])
  return distinct(readings.filter((one, index) => one.length <= MAX_BOUNDARY && (one !== '' || index % 4 === 0)))
    .slice(0, MAX_BOUNDARIES)
    .map((one) => Buffer.from(one, 'latin1'))
}

function encodingsOf(values: readonly string[]): TransferEncoding[] {
  if (values.length === 0) return ['identity']
  return distinct(values.map((value) => encodingNamed(withoutComments(value).trim().toLowerCase())))
}

/** RFC 2045 6.4: an unknown one leaves the bytes as they are. Readers take names loosely. */
function encodingNamed(name: string): TransferEncoding {
  const word = name.replace(/^["']|["';,].*$/g, '').trim()
  if (/^(?:x-)?base-?64\b/.test(word)) return 'base64'
  if (/^(?:x-)?quoted-?printable\b/.test(word)) return 'quoted-printable'
  return /^(?:x-)?uu(?:e|encode)?\b/.test(word) ? 'uuencode' : 'identity'
}

function distinct<T>(items: readonly T[]): T[] {
  return [...new Set(items)]
}
