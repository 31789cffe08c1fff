import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createIcapClient, type IcapClient, type IcapClientReply, type IcapClientRequest } from '@assay/icap'

/** What an ICAP URL names. */
export interface IcapTarget {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Path and query without the leading slash. */
  readonly service: string
}

/** The command's options, as commander names them. */
export interface SendOptions {
  readonly header: Record<string, string[]>
  readonly timeout: number
  readonly tlsCa?: string
  /** commander's reading of `--tls-no-verify`: a plain flag. */
  readonly tlsNoVerify?: boolean
  readonly preview?: number | 'none'
  /** False with `--no-204`. */
  readonly 204?: boolean
  readonly allow206?: boolean
  readonly httpUrl?: string
  readonly method?: string
  readonly contentType?: string
  readonly output?: string
}

export interface ExchangeRequest extends SendOptions {
  readonly icapMethod: 'options' | 'reqmod' | 'respmod'
  readonly file?: string
}

/** One exchange, its body read to the end. */
export interface ExchangeResult {
  readonly icapMethod: ExchangeRequest['icapMethod']
  readonly reply: IcapClientReply
  readonly bodyBytes: number
  /** Of the body that came back; undefined without one. */
  readonly sha256: string | undefined
  readonly ms: number
}

const PORTS = { 'icap:': 1344, 'icaps:': 11344 } as const
/** Files up to this size are held in memory, so that a request can be repeated; larger ones are streamed. */
const IN_MEMORY_BYTES = 16 * 1024 * 1024

/** Undefined for anything but an icap: or icaps: URL with a host. */
export function parseIcapUrl(text: string): IcapTarget | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, hostname, port, pathname, search } = new URL(text)
  if ((protocol !== 'icap:' && protocol !== 'icaps:') || hostname === '') return undefined
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? PORTS[protocol] : Number(port),
    tls: protocol === 'icaps:',
    service: `${pathname.replace(/^\//, '')}${search}`,
  }
}

/** Runs one exchange on a client of its own. Throws IcapClientError, or what reading and writing files throws. */
export async function exchangeOnce(target: IcapTarget, request: ExchangeRequest): Promise<ExchangeResult> {
  const client = await clientFor(target, request)
  try {
    const message = request.icapMethod === 'options' ? undefined : await messageOf(request, client, target)
    const started = performance.now()
    const reply =
      message === undefined ? await client.options(target.service, request.header) : await client.request(message)
    const read = await readReply(reply, request)
    return { icapMethod: request.icapMethod, reply, ...read, ms: Math.round(performance.now() - started) }
  } finally {
    client.close()
  }
}

async function clientFor({ host, port, tls }: IcapTarget, request: SendOptions): Promise<IcapClient> {
  const ms = request.timeout * 1000
  const timeouts = { connectMs: ms, idleMs: ms, totalMs: ms }
  if (!tls) return createIcapClient({ host, port, timeouts })
  const ca = request.tlsCa === undefined ? undefined : await readFile(request.tlsCa)
  const rejectUnauthorized = request.tlsNoVerify !== true
  return createIcapClient({ host, port, timeouts, tls: { rejectUnauthorized, ...(ca && { ca }) } })
}

async function messageOf(request: ExchangeRequest, client: IcapClient, target: IcapTarget): Promise<IcapClientRequest> {
  const preview = request.preview === undefined ? await previewWanted(client, target) : request.preview
  const body = await bodyOf(request.file)
  return {
    method: request.icapMethod === 'reqmod' ? 'REQMOD' : 'RESPMOD',
    service: target.service,
    headers: request.header,
    ...httpHeads(request, body?.bytes),
    allow204: request[204] !== false,
    allow206: request.allow206 === true,
    ...(body && { body: body.content }),
    ...(preview !== 'none' && { preview }),
  }
}

/** The preview that the service asks for (RFC 3507 4.10.2), as real clients learn it. */
async function previewWanted(client: IcapClient, { service }: IcapTarget): Promise<number | 'none'> {
  const { headers } = await client.options(service)
  const wanted = headers.get('preview') ?? ''
  return /^\d{1,9}$/.test(wanted) ? Number(wanted) : 'none'
}

async function bodyOf(
  file: string | undefined,
): Promise<{ content: Buffer | AsyncIterable<Buffer>; bytes: number } | undefined> {
  if (file === undefined) return undefined
  if (file === '-') {
    const content = await buffer(process.stdin)
    return { content, bytes: content.length }
  }
  const { size } = await stat(file)
  return { content: size <= IN_MEMORY_BYTES ? await readFile(file) : createReadStream(file), bytes: size }
}

function httpHeads(request: ExchangeRequest, bodyBytes: number | undefined) {
  const isUpload = request.icapMethod === 'reqmod' && bodyBytes !== undefined
  const name = request.file === undefined || request.file === '-' ? '' : encodeURIComponent(basename(request.file))
  const url = request.httpUrl ?? `http://example.com/${name}`
  const entity = [`Content-Type: ${request.contentType}`, `Content-Length: ${bodyBytes ?? 0}`]
  const host = URL.canParse(url) ? new URL(url).host : ''
  const requestLine = `${request.method ?? (isUpload ? 'POST' : 'GET')} ${url} HTTP/1.1`
  const requestHead = headOf([requestLine, `Host: ${host}`, ...(isUpload ? entity : [])])
  return request.icapMethod === 'reqmod'
    ? { requestHead }
    : { requestHead, responseHead: headOf(['HTTP/1.1 200 OK', ...entity]) }
}

const headOf = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')

async function readReply(
  reply: IcapClientReply,
  { file, output }: ExchangeRequest,
): Promise<{ bodyBytes: number; sha256: string | undefined }> {
  const hash = createHash('sha256')
  let bodyBytes = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const bytes of reply.body) {
      bodyBytes += bytes.length
      hash.update(bytes)
      yield bytes
    }
  }
  const nowhere = (): Writable => new Writable({ write: (_bytes, _encoding, done) => done() })
  await pipeline(counted(), output === undefined ? nowhere() : createWriteStream(output))
  if (reply.status === 204 && output !== undefined && file !== undefined && file !== '-') {
    await pipeline(createReadStream(file), createWriteStream(output))
  }
  return { bodyBytes, sha256: reply.hasBody ? hash.digest('hex') : undefined }
}
