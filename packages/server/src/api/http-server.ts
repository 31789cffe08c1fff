import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { consoleAddressFault, SOCKET_NAME } from './contract.ts'
import { withinDeadline } from './deadline.ts'
import type { ApiDeps } from './deps.ts'
import { Refusal, refusalBody, refusalOf, refusalStatus } from './errors.ts'
import { openApiRoute } from './openapi.ts'
import type { Reply, Route } from './route.ts'
import { feedRoutes } from './routes/feeds.ts'
import { listRoutes } from './routes/lists.ts'
import { modelRoutes } from './routes/models.ts'
import { openRoutes } from './routes/open.ts'
import { recallRoutes } from './routes/recall.ts'
import { ruleRoutes } from './routes/rules.ts'
import { settingsRoutes } from './routes/settings.ts'
import { statusRoutes } from './routes/status.ts'
import { transactionRoutes } from './routes/transactions.ts'
import { listenOnSocket } from './unix-socket.ts'

/** An open face. */
export interface Listening {
  /** `ADDRESS:PORT`, or the socket's path. */
  readonly address: string
  /** 0 for a socket. */
  readonly port: number
  /** Takes no new connection; requests under way have `CLOSE_GRACE_MS`. */
  close(): Promise<void>
}

interface FaceOptions {
  /** Told of every error that is ours (500). */
  readonly report?: (error: unknown, page: string) => void
}

export interface ApiFaceOptions extends FaceOptions {
  readonly dataFolder: string
  readonly version: string
}

export interface ConsoleFaceOptions extends FaceOptions {
  readonly address: string
  readonly port: number
}

const CLOSE_GRACE_MS = 2000
const MAX_BODY_BYTES = 64 * 1024
const MAX_CONSOLE_CONNECTIONS = 128
const CONSOLE_DEADLINE_MS = 5000

/** Deeper JSON than any setting has: a recursive check would run out of stack on it. */
const MAX_JSON_DEPTH = 32

/** Who made a change that came by the socket: its mode lets only the administrator in. */
const SOCKET_ACTOR = 'cli'

/** The whole API, on the data folder's socket. */
export async function listenApi(deps: ApiDeps, options: ApiFaceOptions): Promise<Listening> {
  const routes = apiRoutes(deps)
  const app = faceOf([...openRoutes(deps), ...routes, openApiRoute(routes, options.version)], options)
  await app.ready()
  const closeSocket = await listenOnSocket(app.server, options.dataFolder, SOCKET_NAME)
  const close = async () => {
    await closeFace(app)
    closeSocket()
  }
  return { address: join(options.dataFolder, SOCKET_NAME), port: 0, close }
}

export function apiRoutes(deps: ApiDeps): Route[] {
  return [
    ...statusRoutes(deps),
    ...settingsRoutes(deps, SOCKET_ACTOR),
    ...transactionRoutes(deps),
    ...listRoutes(deps, SOCKET_ACTOR),
    ...ruleRoutes(deps, SOCKET_ACTOR),
    ...modelRoutes(deps, SOCKET_ACTOR),
    ...feedRoutes(deps, SOCKET_ACTOR),
    ...recallRoutes(deps),
  ]
}

/** Health, metrics and one plain page, on loopback only. Rejects with a plain sentence for any other address. */
export async function listenConsole(deps: ApiDeps, options: ConsoleFaceOptions): Promise<Listening> {
  const fault = consoleAddressFault(options.address)
  if (fault !== undefined) throw new Error(`console: ${fault}`)
  const app = faceOf(openRoutes(withinDeadline(deps, CONSOLE_DEADLINE_MS)), options)
  await app.ready()
  limitConnections(app.server)
  app.server.listen({ host: options.address, port: options.port })
  await once(app.server, 'listening')
  const { address, port, family } = app.server.address() as AddressInfo
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    port,
    close: () => closeFace(app),
  }
}

function limitConnections(server: Server): void {
  server.maxConnections = MAX_CONSOLE_CONNECTIONS
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  server.keepAliveTimeout = 5000
}

function faceOf(routes: readonly Route[], { report = () => {} }: FaceOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, _request, reply) => refuse(reply, error),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      else socket.destroy()
    },
  })
  takeBodies(app)
  app.addHook(
    'onSend',
    async (_request, reply) =>
      void reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer'),
  )
  app.setNotFoundHandler((_request, reply) => refuse(reply, new Refusal('NOT_FOUND')))
  app.setErrorHandler((error, request, reply) => {
    if (refuse(reply, error).statusCode === 500) report(error, `${request.method} ${request.routeOptions.url ?? ''}`)
  })
  for (const each of routes) mount(app, each)
  return app
}

/** JSON is read whole within the page's limit, text is handed on as a stream; anything else is refused. */
function takeBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'))
  app.addContentTypeParser('text/plain', (_request, payload, done) => done(null, payload))
}

function mount(app: FastifyInstance, each: Route): void {
  app.route({
    method: each.method,
    url: each.path,
    ...(each.maxBodyBytes !== undefined && { bodyLimit: each.maxBodyBytes }),
    handler: async (request, reply) => {
      checkBody(each, request)
      return answer(reply, await each.handle({ params: request.params, query: request.query, body: request.body }))
    },
  })
}

function checkBody({ takes }: Route, { body }: FastifyRequest): void {
  const kind = body === undefined || body === null ? 'nothing' : body instanceof Readable ? 'stream' : 'json'
  if (takes === 'nothing' && kind === 'json') return
  if (kind !== takes)
    throw new Refusal(
      kind === 'nothing' ? 'BAD_REQUEST' : 'WRONG_TYPE',
      `this page takes ${takes === 'stream' ? 'text/plain' : takes}`,
    )
  if (kind === 'json' && isDeeperThan(body, MAX_JSON_DEPTH))
    throw new Refusal('BAD_REQUEST', `the body nests deeper than ${MAX_JSON_DEPTH}`)
}

/** Level by level, without recursion. */
function isDeeperThan(value: unknown, maxDepth: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}

function answer(reply: FastifyReply, result: Reply): FastifyReply {
  switch (result.kind) {
    case 'json':
      return reply
        .code(result.status ?? 200)
        .header('cache-control', 'no-store')
        .send(result.value)
    case 'text':
      return reply
        .code(result.status ?? 200)
        .type(result.type)
        .headers(result.headers ?? {})
        .send(result.text)
    case 'stream':
      return reply.type(result.type).send(Readable.from(result.chunks))
  }
}

function refuse(reply: FastifyReply, error: unknown): FastifyReply {
  const refusal = refusalOf(error)
  // What is left of a body that nobody will read must not be taken for the next request.
  if (!reply.request.raw.complete) reply.header('connection', 'close')
  return reply.code(refusalStatus(refusal)).type('application/json; charset=utf-8').send(refusalBody(refusal))
}

async function closeFace(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS)
  await app.close().finally(() => clearTimeout(timer))
}
