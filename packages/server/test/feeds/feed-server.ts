import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Answered {
  readonly status?: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Says this length, whatever it sends, and closes. */
  readonly claims?: number
  readonly never?: boolean
}

/** A source on a port of its own, which keeps what it was asked. */
export interface FeedServer {
  readonly url: string
  readonly asked: Asked[]
  /** What it answers from now on. */
  answer: (asked: Asked) => Answered
}

const servers: Server[] = []
// Of the file that imports this: within a test or a hook it would be of that one.
after(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
})

/** Ends with the test file. */
export async function feedServer(answer: (asked: Asked) => Answered): Promise<FeedServer> {
  const served: { -readonly [K in keyof FeedServer]: FeedServer[K] } = { url: '', asked: [], answer }
  const server: Server = createServer((request, response) => void respond(served, request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  served.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return served
}

async function respond(served: FeedServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  const url = new URL(request.url ?? '/', 'http://x')
  const { method = '', headers } = request
  const asked = { method, path: url.pathname, query: url.searchParams, headers, body }
  served.asked.push(asked)
  const answer = served.answer(asked)
  if (answer.never) return
  const bytes = Buffer.from(answer.body ?? '')
  response.writeHead(answer.status ?? 200, {
    'content-type': answer.type ?? 'text/plain',
    'content-length': String(answer.claims ?? bytes.length),
    ...answer.headers,
  })
  if (answer.claims === undefined) response.end(bytes)
  else response.write(bytes, () => response.destroy())
}

export function jsonAnswer(value: unknown, more: Answered = {}): Answered {
  return { type: 'application/json', body: JSON.stringify(value), ...more }
}
