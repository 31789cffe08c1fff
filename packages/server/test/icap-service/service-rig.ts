import { once } from 'node:events'
import { readSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIcapServer, type IcapLimits } from '@assay/icap'
import type { Policy } from '../../src/domain/action.ts'
import type { Content } from '../../src/domain/sample.ts'
import type { TransactionRecord } from '../../src/domain/transaction-record.ts'
import type { ScanResult } from '../../src/domain/verdict.ts'
import { createHandler } from '../../src/icap-service/handler.ts'
import type { GroupPolicy, HandlerConfig, HandlerDeps } from '../../src/icap-service/handler-deps.ts'
import { compilePages } from '../../src/icap-service/notification-page.ts'
import { createSpool, type Spool } from '../../src/icap-service/spool.ts'
import { decodeContent } from '../../src/unpack/content-encoding.ts'

// In two parts, so that this file is not itself taken for the test virus.
export const EICAR = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'}`

export const POLICY: Policy = {
  blockFrom: 'high',
  unscanned: {
    'engine-down': 'error',
    timeout: 'error',
    'too-large': 'allow',
    encrypted: 'allow',
    'too-deep': 'block',
    bomb: 'block',
    partial: 'allow',
    malformed: 'allow',
    endless: 'error',
    'no-space': 'error',
    'not-unpacked': 'allow',
  },
  classifyPasswordProtected: 'off',
}

export const GROUP: GroupPolicy = { allowed: true, group: 'default', policy: POLICY }

export const PAGES = {
  urlAccess: { enabled: true, content: 'URL page %URL% %THREAT%' },
  fileUpload: { enabled: true, content: 'upload page %THREAT%' },
  fileDownload: { enabled: true, content: 'download page %THREAT%' },
}

export const CONFIG: HandlerConfig = {
  send: { virusId: true, infectionFound: true, responseDesc: true },
  save: { clientIp: true, serverIp: true, authenticatedUser: true, authenticatedGroups: true, clientUsername: true },
  bypassUrlInRespmod: false,
  scanSettings: {},
  pages: compilePages(PAGES),
  intake: {
    memoryBytes: 1_048_576,
    maxBytes: 1e12,
    endlessAfterBytes: 64 * 1_048_576,
    endlessAfterMs: 600_000,
    sha1: false,
    md5: false,
  },
  streams: { types: [], afterMs: 60_000, maxBytesPerS: 1_048_576, byNatureAfterMs: 2_000, maxPassMs: 3_600_000 },
}

/** A real search for the test virus, in memory or in the spool file: the smallest engine there is. */
export function findsEicar(content: Content): boolean {
  return bytesOf(content).includes(EICAR)
}

export function bytesOf(content: Content): Buffer {
  if (content.kind === 'memory') return content.bytes
  const bytes = Buffer.alloc(content.size)
  let at = 0
  while (at < bytes.length) {
    const read = readSync(content.fd, bytes, at, bytes.length - at, at)
    if (read === 0) break
    at += read
  }
  return bytes.subarray(0, at)
}

export const CLEAN_LISTS: readonly ScanResult[] = [{ outcome: 'clean', engine: 'suspicious-objects' }]

export interface Rig {
  readonly port: number
  readonly records: TransactionRecord[]
  readonly counts: Map<string, number>
  readonly spool: Spool
  /** What happened, in order: `journal`, `discard`. */
  readonly failures: unknown[]
  /** Sends the bytes on a new connection and gives what came back until the peer closed or fell silent for `quietMs`. */
  send(bytes: string | Buffer | (string | Buffer)[], quietMs?: number): Promise<string>
  close(): Promise<void>
}

export interface RigOptions {
  readonly deps?: Partial<HandlerDeps>
  readonly config?: Partial<HandlerConfig>
  readonly group?: GroupPolicy
  readonly spool?: { maxBytes?: number; maxMemoryBytes?: number }
  readonly limits?: Partial<IcapLimits>
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const directory = await mkdtemp(join(tmpdir(), 'assay-icap-service-'))
  const spool = createSpool({ directory, maxBytes: 256 * 1_048_576, maxMemoryBytes: 64 * 1_048_576, ...options.spool })
  const records: TransactionRecord[] = []
  const counts = new Map<string, number>()
  const failures: unknown[] = []
  let ids = 0
  const handle = createHandler({
    now: () => performance.now(),
    nextId: () => `id-${++ids}`,
    policyFor: () => options.group ?? GROUP,
    config: () => ({ ...CONFIG, ...options.config }),
    rateUrl: ({ host }) =>
      host === 'evil.example'
        ? [
            {
              outcome: 'detected',
              engine: 'url-rating',
              detections: [{ engine: 'suspicious-objects', name: 'SuspiciousObject.URL', risk: 'high', about: 'url' }],
            },
          ]
        : [{ outcome: 'clean', engine: 'url-rating' }],
    prescan: (sample) => ({
      trueType: 'application/octet-stream',
      cached: false,
      results: findsEicar(sample.content)
        ? [
            {
              outcome: 'detected',
              engine: 'yara',
              detections: [{ engine: 'yara', name: 'EICAR_Test', risk: 'high', about: 'file' }],
            },
          ]
        : [{ outcome: 'clean', engine: 'yara' }],
    }),
    lists: () => CLEAN_LISTS,
    decode: (content, encodings, write, cancel) => decodeContent(content, encodings, write, cancel),
    journal: (record) => {
      records.push(record)
    },
    spool,
    count: (metric) => counts.set(metric, (counts.get(metric) ?? 0) + 1),
    failed: (error) => failures.push(error),
    ...options.deps,
  })
  const server = createIcapServer({
    serverHeader: 'Assay/test',
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    findService: (path) => (path === 'avscan' ? { name: 'avscan', methods: ['REQMOD', 'RESPMOD'] } : undefined),
    isTag: () => 'tag',
    optionsFor: () => {
      throw new Error('not asked here')
    },
    admit: () => 'ok',
    handle,
  })
  const listener = net.createServer({ allowHalfOpen: true }, (socket) => server.handleSocket(socket))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as net.AddressInfo
  return {
    port,
    records,
    counts,
    spool,
    failures,
    send: (bytes, quietMs) => exchange(port, Array.isArray(bytes) ? bytes : [bytes], quietMs),
    async close() {
      listener.close()
      await server.drain(200)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/**
 * Sends the parts one after another, each but the first when the answer to the one before has begun (100 Continue); gives all
 * that came back, as latin1.
 */
export async function exchange(port: number, parts: readonly (string | Buffer)[], quietMs = 5000): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  let bytes = 0
  /** The head of what came, and its last bytes: whole answers of 20 MB are not joined for each chunk. */
  const seen = () =>
    bytes > 100_000 ? (chunks[0]?.toString('latin1') ?? '') + (chunks.at(-1)?.toString('latin1') ?? '') : all()
  const all = () => Buffer.concat(chunks).toString('latin1')
  const finished = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, quietMs)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (isWhole(seen(), parts.length)) {
        clearTimeout(timer)
        resolve()
      }
    })
  })
  const [first = '', ...rest] = parts
  socket.write(first, 'latin1' as BufferEncoding)
  for (const part of rest) {
    await waitFor(() => all().includes('100 Continue\r\n\r\n'))
    socket.write(part, 'latin1' as BufferEncoding)
  }
  await finished
  socket.destroy()
  return all().replace('ICAP/1.0 100 Continue\r\n\r\n', '')
}

export async function waitFor(isTrue: () => boolean, timeoutMs = 5000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!isTrue()) {
    if (Date.now() > end) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Whether a final answer is whole: a bodiless one by its empty line, one with a body by its last chunk. */
function isWhole(answer: string, parts: number): boolean {
  const final = parts > 1 ? answer.replace('ICAP/1.0 100 Continue\r\n\r\n', '') : answer
  const end = final.indexOf('\r\n\r\n')
  if (end < 0 || final.startsWith('ICAP/1.0 100')) return false
  const head = final.slice(0, end)
  if (/-body=\d+/.test(head) && !head.includes('null-body')) return final.endsWith('0\r\n\r\n')
  const encapsulated = /null-body=(\d+)/.exec(head)
  return final.length >= end + 4 + Number(encapsulated?.[1] ?? 0)
}

export const GET = 'GET http://example.com/dir/file.bin HTTP/1.1\r\nHost: example.com\r\n\r\n'
export const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n'

export interface IcapMessage {
  readonly method?: 'REQMOD' | 'RESPMOD'
  readonly icap?: string
  readonly request?: string | undefined
  readonly response?: string | undefined
  /** Absent: null-body. */
  readonly body?: Buffer | string
  /** The body's wire form, already chunked. */
  readonly chunks?: string | Buffer
}

/** The wire bytes of one request. */
export function icap({ method = 'RESPMOD', icap: lines = '', request, response, body, chunks }: IcapMessage): Buffer {
  const heads: string[] = []
  const sections: string[] = []
  let at = 0
  for (const [name, head] of [
    ['req-hdr', request],
    ['res-hdr', response],
  ] as const) {
    if (head === undefined) continue
    sections.push(`${name}=${at}`)
    heads.push(head)
    at += Buffer.byteLength(head, 'latin1')
  }
  const hasBody = body !== undefined || chunks !== undefined
  sections.push(`${hasBody ? (method === 'REQMOD' ? 'req-body' : 'res-body') : 'null-body'}=${at}`)
  const head = `${method} icap://h/avscan ICAP/1.0\r\nHost: h\r\n${lines}Encapsulated: ${sections.join(', ')}\r\n\r\n${heads.join('')}`
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(chunks ?? (body === undefined ? '' : chunked(body)))])
}

/** Chunks of at most 64 KiB and the last one. */
export function chunked(body: Buffer | string, last = '0\r\n\r\n'): Buffer {
  const bytes = Buffer.from(body as string, 'latin1')
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 65_536) {
    const piece = bytes.subarray(at, at + 65_536)
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from(last)])
}

export interface ParsedAnswer {
  readonly status: number
  readonly icapHead: string
  readonly httpHead: string
  readonly body: Buffer
}

export function parse(answer: string): ParsedAnswer {
  const end = answer.indexOf('\r\n\r\n') + 4
  const icapHead = answer.slice(0, end)
  const offset = Number(/-body=(\d+)/.exec(icapHead)?.[1] ?? 0)
  const rest = answer.slice(end)
  return {
    status: Number(icapHead.slice(9, 12)),
    icapHead,
    httpHead: rest.slice(0, offset),
    body: icapHead.includes('null-body') || offset === 0 ? Buffer.alloc(0) : dechunked(rest.slice(offset)),
  }
}

function dechunked(text: string): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const end = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, end), 16)
    if (!(size > 0)) return Buffer.concat(parts)
    parts.push(Buffer.from(text.slice(end + 2, end + 2 + size), 'latin1'))
    at = end + 4 + size
  }
}

/** The ICAP head without its Date, for comparisons to the byte. */
export function withoutDate(head: string): string {
  return head.replace(/Date: [^\r]*\r\n/, '')
}
