import { closeSync, openSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { z } from 'zod'
import { API_BASE, apiErrorSchema, SOCKET_NAME } from '../api/contract.ts'
import { CliError, EXIT } from './exit.ts'

export interface ApiCall {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Below /api/v1. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly json?: unknown
  /** A text/plain body, as it comes. */
  readonly stream?: Readable
}

/** Rejects with CliError: 69 when no server runs, 1 with the faults when it refuses. */
export interface ApiClient {
  json<S extends z.ZodType>(call: ApiCall, answer: S): Promise<z.output<S>>
  text(call: ApiCall): AsyncIterable<string>
}

/** A save waits for every worker, a big import for the store. */
const SILENCE_MS = 120_000
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

export function apiClient(dataFolder: string): ApiClient {
  return {
    async json(call, answer) {
      const parsed = answer.safeParse(JSON.parse(await readAll(await open(dataFolder, call))))
      if (parsed.success) return parsed.data
      throw new CliError(
        EXIT.internal,
        'the server answers in a way that this program does not know: are both of one version?',
      )
    },
    async *text(call) {
      const response = await open(dataFolder, call)
      response.setEncoding('utf8')
      for await (const chunk of response) yield String(chunk)
    },
  }
}

/** The answer's head, once it is not a refusal. */
async function open(dataFolder: string, call: ApiCall): Promise<IncomingMessage> {
  const response = await exchange(dataFolder, call)
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return response
  const refusal = apiErrorSchema.safeParse(parseJson(await readAll(response)))
  if (!refusal.success) throw new CliError(EXIT.internal, `the server answers ${status}`)
  const { text, faults = [] } = refusal.data
  throw new CliError(status === 503 ? EXIT.unavailable : EXIT.refused, text, { faults })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function exchange(
  dataFolder: string,
  { method = 'GET', path, query = {}, json, stream }: ApiCall,
): Promise<IncomingMessage> {
  const door = openFolder(dataFolder)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = httpRequest({
    socketPath: door.socketPath,
    method,
    path: `${API_BASE}${path}${queryText(query)}`,
    headers: { host: 'assay', ...typeOf(json, stream) },
    timeout: SILENCE_MS,
    agent: false,
  })
  request.on('response', resolve)
  request.on('timeout', () =>
    request.destroy(new CliError(EXIT.timeout, `the server said nothing for ${SILENCE_MS / 1000} s`)),
  )
  request.on('error', (error) => reject(unreachable(error, dataFolder)))
  if (stream) pipeline(stream, request).catch((error) => reject(unreachable(error, dataFolder)))
  else request.end(json === undefined ? undefined : JSON.stringify(json))
  return promise.finally(() => door.close())
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value))
  return given.size === 0 ? '' : `?${given}`
}

function typeOf(json: unknown, stream: Readable | undefined): Record<string, string> {
  if (stream) return { 'content-type': 'text/plain' }
  return json === undefined ? {} : { 'content-type': 'application/json' }
}

/** A socket's path may have 107 bytes; by the folder's descriptor it is short wherever the folder is. */
function openFolder(dataFolder: string): { socketPath: string; close(): void } {
  if (process.platform !== 'linux') return { socketPath: join(dataFolder, SOCKET_NAME), close: () => {} }
  try {
    const fd = openSync(dataFolder, 'r')
    return { socketPath: `/proc/self/fd/${fd}/${SOCKET_NAME}`, close: () => closeSync(fd) }
  } catch (error) {
    throw unreachable(error, dataFolder)
  }
}

function unreachable(error: unknown, dataFolder: string): CliError {
  if (error instanceof CliError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EACCES' || code === 'EPERM')
    return new CliError(EXIT.noPermission, `only the user that the server of ${dataFolder} runs as may talk to it`, {
      cause: error,
    })
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR')
    return new CliError(EXIT.unavailable, `no server runs on the data folder ${dataFolder}`, { cause: error })
  return new CliError(EXIT.unavailable, `the server of ${dataFolder} broke off`, { cause: error })
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new CliError(EXIT.internal, 'the server answers more than this program takes')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
