import { gunzipSync } from 'node:zlib'
import type { FeedConfig, FeedCursor } from '../domain/feed.ts'
import { FeedFault } from './feed-fault.ts'

/** The one way out, as `egress` gives it. Rejects with an Error whose text may be shown. */
export type Fetch = (
  request: {
    readonly url: string
    readonly method?: 'GET' | 'POST'
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Buffer
    readonly maxBytes: number
    readonly timeoutMs: number
    readonly signal?: AbortSignal
  },
  sink: (chunk: Buffer) => void | Promise<void>,
) => Promise<{
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** After redirects. */
  readonly url: string
}>

export interface SourceRequest {
  readonly url: string
  readonly accept: string
  readonly json?: unknown
  /** Asks only for what is newer: the answer may be `unchanged`. */
  readonly unless?: FeedCursor | undefined
}

export type SourceAnswer =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'body'; readonly bytes: Buffer; header(name: string): string; readonly validators: FeedCursor }

/** Asks one source, with its credentials. Rejects with FeedFault. */
export type SourceClient = (request: SourceRequest) => Promise<SourceAnswer>

export interface SourceClientOptions {
  readonly config: Pick<FeedConfig, 'url' | 'auth' | 'user' | 'header' | 'maxBytes'>
  /** Password, token or key; '' for none. */
  readonly secret: string
  readonly fetch: Fetch
  readonly signal: AbortSignal
}

const ANSWER_TIMEOUT_MS = 5 * 60_000
const MAX_RETRY_AFTER_MS = 24 * 3_600_000

export function createSourceClient({ config, secret, fetch: askSource, signal }: SourceClientOptions): SourceClient {
  const origin = URL.parse(config.url)?.origin
  return async ({ url, accept, json, unless }) => {
    // A page of the source that names another host must not get its credentials there.
    if (URL.parse(url)?.origin !== origin) throw new FeedFault('refused', `${config.url} leads to another host: ${url}`)
    const chunks: Buffer[] = []
    const headers = {
      accept,
      'user-agent': 'assay',
      ...authorization(config, secret),
      ...conditions(unless),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const request = {
      url,
      headers,
      maxBytes: config.maxBytes,
      timeoutMs: ANSWER_TIMEOUT_MS,
      signal,
      ...(json === undefined ? {} : { method: 'POST' as const, body: Buffer.from(JSON.stringify(json)) }),
    }
    const reply = await askSource(request, (chunk) => void chunks.push(chunk)).catch(
      (error: Error & { fault?: string }) => {
        throw new FeedFault(error.fault === 'too-large' ? 'too-large' : 'unreachable', error.message, { cause: error })
      },
    )
    if (reply.status === 304 && (unless?.etag || unless?.lastModified)) return { kind: 'unchanged' }
    checkStatus(reply.status, headerOf(reply.headers, 'retry-after'))
    return {
      kind: 'body',
      bytes: unpacked(Buffer.concat(chunks), config.maxBytes),
      header: (name) => headerOf(reply.headers, name),
      validators: validatorsOf(reply.headers),
    }
  }
}

function authorization({ auth, user, header }: SourceClientOptions['config'], secret: string): Record<string, string> {
  switch (auth) {
    case 'none':
      return {}
    case 'basic':
      return { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` }
    case 'bearer':
      return { authorization: `Bearer ${secret}` }
    case 'header':
      return { [header.toLowerCase()]: secret }
  }
}

function conditions(unless: FeedCursor | undefined): Record<string, string> {
  return {
    ...(unless?.etag ? { 'if-none-match': unless.etag } : {}),
    ...(unless?.lastModified ? { 'if-modified-since': unless.lastModified } : {}),
  }
}

/** RFC 9110 8.8: sent back as they came; longer ones are no validators of anybody's. */
function validatorsOf(headers: Readonly<Record<string, string | string[] | undefined>>): FeedCursor {
  const short = (value: string) => (value === '' || value.length > 512 ? undefined : value)
  return { etag: short(headerOf(headers, 'etag')), lastModified: short(headerOf(headers, 'last-modified')) }
}

function headerOf(headers: Readonly<Record<string, string | string[] | undefined>>, name: string): string {
  const value = headers[name]
  return typeof value === 'string' ? value : (value?.[0] ?? '')
}

function checkStatus(status: number, retryAfter: string): void {
  if (status === 200) return
  const retryAfterMs = retryAfterOf(retryAfter)
  if (status === 401 || status === 403)
    throw new FeedFault('refused', `the source refuses our credentials (${status})`, { retryAfterMs })
  if (status === 404) throw new FeedFault('not-found', 'the source has no such page (404)')
  if (status === 429 || status === 503) throw new FeedFault('busy', `the source is busy (${status})`, { retryAfterMs })
  throw new FeedFault('status', `the source answers ${status}`, { retryAfterMs })
}

/** RFC 9110 10.2.3: seconds, or a date. */
function retryAfterOf(text: string): number {
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : 0
}

/** Lists are often files `.gz`, and some servers compress what nobody asked to have compressed. */
function unpacked(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length < 18 || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new FeedFault('too-large', `unpacked it is larger than ${maxBytes} bytes`, { cause: error })
    throw new FeedFault('damaged', 'its gzip data are damaged', { cause: error })
  }
}

/** Text of an answer. Rejects a web page: what a portal or a moved site answers with 200. */
export function textOf(bytes: Buffer): string {
  const head = bytes
    .toString('latin1', 0, 512)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase()
  if (/^(?:<!doctype html|<html|<head|<body)/.test(head))
    throw new FeedFault('wrong-type', 'the source answers with a web page, not with a list')
  if (bytes.subarray(0, 4096).includes(0)) throw new FeedFault('wrong-type', 'the source answers with binary data')
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

/** A JSON object of an answer. Rejects with FeedFault. */
export function jsonOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(textOf(bytes))
  } catch (error) {
    if (error instanceof FeedFault) throw error
    throw new FeedFault('damaged', 'the answer is no JSON, or is cut short', { cause: error })
  }
  if (!isRecord(value)) throw new FeedFault('damaged', 'the answer is JSON, but no object')
  return value
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
