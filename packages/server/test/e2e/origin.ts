import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { EICAR, noise, plainText, sha256 } from './samples.ts'

const BURST_BYTES = 3_000_000

/**
 * The web server behind the proxy. By path:
 * `/clean`, `/burst` (3 MB in one write), `/chunked`, `/gzip`, `/slow` (1 s), `/range` (honours Range) give harmless bytes that depend on the URL;
 * `/eicar`, `/gzip-eicar`, `/chunked-eicar`, `/late-eicar` (after 300 KB) give the test file; `POST /sink` tells what it got.
 * `?type=T` sets the Content-Type, `?size=N` the size of `/clean`.
 */
export interface Origin {
  readonly port: number
  url(path: string): string
  /** What a GET of this path gives when nobody changes it. */
  bodyOf(path: string): Buffer
  /** Requests that reached it, as `METHOD PATH`. */
  readonly seen: readonly string[]
  stop(): Promise<void>
}

export async function startOrigin(): Promise<Origin> {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    answer(request, response).catch(() => response.destroy())
  })
  // Squid opens a tunnel and keeps it: the test must not wait for it.
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: (path) => `http://127.0.0.1:${port}${path}`,
    bodyOf,
    seen,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

function bodyOf(path: string): Buffer {
  const { pathname, searchParams } = new URL(path, 'http://origin')
  switch (pathname) {
    case '/eicar':
    case '/gzip-eicar':
    case '/chunked-eicar':
      return EICAR
    case '/late-eicar':
      return Buffer.concat([plainText(path, 300_000), EICAR])
    case '/burst':
      return noise(path, BURST_BYTES)
    case '/chunked':
      return plainText(path, 100_000)
    default:
      return plainText(path, Number(searchParams.get('size') ?? 2000))
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/'
  const { pathname, searchParams } = new URL(path, 'http://origin')
  response.setHeader('Content-Type', searchParams.get('type') ?? 'text/plain')
  if (request.method === 'POST' || request.method === 'PUT') return answerSink(request, response)
  const body = bodyOf(path)
  if (pathname.startsWith('/chunked')) return answerInChunks(response, body)
  if (pathname.startsWith('/gzip')) return void response.setHeader('Content-Encoding', 'gzip').end(gzipSync(body))
  if (pathname === '/range') return answerRange(request, response, body)
  if (pathname === '/slow') await sleep(1000)
  response.setHeader('Content-Length', body.length)
  response.end(request.method === 'HEAD' ? undefined : body)
}

async function answerSink(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const body = Buffer.concat(parts)
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify({ sha256: sha256(body), size: body.length }))
}

async function answerInChunks(response: ServerResponse, body: Buffer): Promise<void> {
  for (let at = 0; at < body.length; at += 7001) {
    response.write(body.subarray(at, at + 7001))
    await sleep(2)
  }
  response.end()
}

function answerRange(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  if (from === undefined || to === undefined) return void response.end(body)
  const part = body.subarray(Number(from), Number(to) + 1)
  response.writeHead(206, { 'Content-Range': `bytes ${from}-${to}/${body.length}`, 'Content-Length': part.length })
  response.end(part)
}
