import { createHash } from 'node:crypto'
import type { Message } from './message.ts'

/** A piece of one object, as HTTP says it (RFC 9110 14.4). `end` is exclusive. */
export interface RangePart {
  /** Of the object that it is a piece of: 64 hex digits, nothing of the URL can be read from it. */
  readonly key: string
  readonly start: number
  readonly end: number
  readonly total: number
}

/** `whole`: the one range is all of it; `part`: can be joined; `apart`: cannot, and why. */
export type RangeReading =
  | { readonly state: 'whole' }
  | { readonly state: 'part'; readonly part: RangePart }
  | { readonly state: 'apart'; readonly why: string }

export interface RangeInput {
  readonly message: Message
  /** The head that speaks of the body. */
  readonly head: Buffer | undefined
  /** Bytes of the body that came. */
  readonly size: number
}

const CONTENT_RANGE = /^bytes[ \t]{1,8}(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i
/** RFC 9110 8.8.3; a weak one (`W/`) does not say that the bytes are the same. */
const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]{0,1000}"$/
const MAX_DATE = 64

/**
 * What a 206, or a message with Content-Range, is a piece of. Whatever two readers could read differently (a field twice, a
 * folded one, several types) is not joined: that leaves it what it is anyway, unscanned(partial).
 */
export function readRange({ message, head, size }: RangeInput): RangeReading {
  const fields = head === undefined ? undefined : rangeFields(head)
  if (fields === undefined) return apart('its head can be read in more than one way')
  const { context } = message
  if (context.declaredType === 'multipart/byteranges') return apart('several ranges in one body')
  const range = CONTENT_RANGE.exec(fields['content-range'])
  if (range === null) return apart('no Content-Range that says where it belongs')
  if (range[3] === '*') return apart('the size of the whole is not known')
  const [start, last, total] = [Number(range[1]), Number(range[2]), Number(range[3])]
  if (last < start || last >= total) return apart('Content-Range contradicts itself')
  if (last - start + 1 !== size) return apart('Content-Range and body differ in size')
  if (start === 0 && size === total) return { state: 'whole' }
  if (context.mode !== 'RESPMOD' || context.httpStatus !== 206) return apart('not the answer to a range request')
  const validator = validatorOf(fields)
  if (validator === undefined) return apart('neither a strong ETag nor Last-Modified')
  if (context.url === '') return apart('its URL is not known')
  return { state: 'part', part: { key: keyOf(message, validator, total), start, end: last + 1, total } }
}

function apart(why: string): RangeReading {
  return { state: 'apart', why }
}

function validatorOf(fields: Fields): string | undefined {
  if (STRONG_ETAG.test(fields.etag)) return `etag ${fields.etag}`
  const date = fields['last-modified']
  return date !== '' && date.length <= MAX_DATE && Number.isFinite(Date.parse(date)) ? `date ${date}` : undefined
}

/** Parts that another user fetched are not this one's: the claimed address belongs to the key. */
function keyOf({ context, claimedClientIp }: Message, validator: string, total: number): string {
  const parts = [context.client, claimedClientIp, context.url, validator, total, context.contentEncodings]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

type FieldName = 'content-range' | 'etag' | 'last-modified'
type Fields = Record<FieldName, string>

/** The three fields, '' where absent; undefined where one stands there twice or folded. */
function rangeFields(head: Buffer): Fields | undefined {
  const fields: Fields = { 'content-range': '', etag: '', 'last-modified': '' }
  let isOurs = false
  for (const line of head
    .toString('latin1')
    .split(/\r\n|\r|\n/)
    .slice(1)) {
    if (/^[ \t]/.test(line)) {
      if (isOurs) return undefined
      continue
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    isOurs = isFieldName(name)
    if (!isFieldName(name)) continue
    if (fields[name] !== '') return undefined
    fields[name] = line.slice(colon + 1).trim()
  }
  return fields
}

function isFieldName(name: string): name is FieldName {
  return name === 'content-range' || name === 'etag' || name === 'last-modified'
}
