import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Status, TransactionsPage, TransactionView } from '../../src/api/contract.ts'
import { openDatabase } from '../../src/store/database.ts'
import { settingsRevisionsIn } from '../../src/store/settings-revisions.ts'
import { TOP } from '../e2e/needs.ts'
import { processesMarked } from '../e2e/process-table.ts'
import { CLEAN_ENV, endWithUs, freePorts, waitFor } from '../e2e/programs.ts'
import { exchange, OPTIONS, type RawAnswer, respmod } from '../e2e/raw-icap.ts'

const COMMAND = join(TOP, 'bin/assay.ts')
const READY_MS = 60_000

export interface ServerOptions {
  readonly data?: string
  readonly ports?: Ports
  readonly workers?: number
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Everything in the data folder is given to it, and the server runs as it. */
  readonly uid?: number
  /** Another checkout to run from. */
  readonly checkout?: string
  /** Settings of a new data folder. */
  readonly saved?: Readonly<Record<string, unknown>>
  /** A program and its arguments that becomes the server's: `exec "$@"` at its end. */
  readonly under?: readonly string[]
}

export interface Ports {
  readonly icap: number
  readonly console: number
}

export interface ApiAnswer {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what came
  readonly json: any
}

/** `assay serve` as a child, asked over its own socket: no process a question, so that a test can ask often. */
export interface Server {
  readonly data: string
  readonly ports: Ports
  readonly child: ChildProcess
  readonly pid: number
  readonly mark: string
  log(): string
  api(method: string, path: string, body?: unknown): Promise<ApiAnswer>
  /** Changes settings; throws with the faults. */
  set(updates: Readonly<Record<string, unknown>>): Promise<void>
  status(): Promise<Status>
  /** Pids, by role. */
  pids(role: string): Promise<number[]>
  transactions(contains: string): Promise<TransactionView[]>
  options(service?: string): Promise<RawAnswer>
  /** The answer to a response with this body. */
  respond(name: string, body: Buffer): Promise<RawAnswer>
  exited(): boolean
  /** SIGTERM; gives the exit code once it has ended. */
  stop(): Promise<number | null>
  kill(): Promise<void>
}

const MOUNTS = '/proc/self/mountinfo'

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'assay-server-'))
}

/** Refuses where another file system is still mounted in it: what would be removed is that one. */
export function removeFolder(path: string): void {
  if (existsSync(MOUNTS) && readFileSync(MOUNTS, 'utf8').includes(` ${path}/`))
    throw new Error(`${path} holds a mount: it is left as it is`)
  rmSync(path, { recursive: true, force: true })
}

export async function newPorts(): Promise<Ports> {
  const [icap = 0, console = 0] = await freePorts(2)
  return { icap, console }
}

export function serveArgs(data: string, ports: Ports, more: readonly string[] = []): string[] {
  return [COMMAND, 'serve', '--data', data, '--console-port', String(ports.console), ...more]
}

/** Saves settings in a folder that no server has used yet: a port that a flag names could not be changed. */
async function saveFirst(data: string, values: Readonly<Record<string, unknown>>): Promise<void> {
  if (existsSync(join(data, 'assay.db'))) return
  const database = await openDatabase({ dataDir: data })
  await settingsRevisionsIn(database).save({ savedMs: Date.now(), by: 'test', values, changed: Object.keys(values) })
  await database.close()
}

/** Starts it and waits until it is ready and both faces and all workers answer. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const data = options.data ?? newFolder()
  const ports = options.ports ?? (await newPorts())
  await saveFirst(data, { 'icap.port': ports.icap, ...options.saved })
  if (options.uid !== undefined) giveTo(data, options.uid)
  const id = randomUUID()
  const args = serveArgs(data, ports, ['--workers', String(options.workers ?? 2), ...(options.args ?? [])])
  const identity = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }
  const env = { ...CLEAN_ENV, ...options.env, ASSAY_E2E: id }
  const [, ...rest] = args
  const command = join(options.checkout ?? TOP, 'bin/assay.ts')
  const [program = '', ...before] = [...(options.under ?? []), process.execPath]
  const child = spawn(program, [...before, command, ...rest], {
    cwd: options.checkout ?? TOP,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...identity,
  })
  endWithUs(child)
  let log = ''
  let ready = false
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk).slice(-500_000)
  })
  child.stdout.on('data', (chunk: Buffer) => {
    ready ||= String(chunk).includes('ready\n')
  })
  const server = serverOf({ data, ports, child, mark: `ASSAY_E2E=${id}`, log: () => log })
  await waitFor('the line "ready"', () => ready || server.exited(), READY_MS).catch(() => child.kill('SIGKILL'))
  if (!ready) throw new Error(`the server did not become ready (${child.exitCode}):\n${log.slice(-4000)}`)
  // Workers report once a second: before that the status does not know them.
  await waitFor('all workers', async () => (await server.pids('worker')).length === (options.workers ?? 2), 20_000)
  return server
}

function giveTo(folder: string, uid: number): void {
  chownSync(folder, uid, uid)
  for (const name of readdirSync(folder)) chownSync(join(folder, name), uid, uid)
}

type Started = Pick<Server, 'data' | 'ports' | 'child' | 'mark' | 'log'>

function serverOf(started: Started): Server {
  const { data, ports, child, mark } = started
  const exited = () => child.exitCode !== null || child.signalCode !== null
  const api = (method: string, path: string, body?: unknown) => callApi(data, { method, path, body })
  const status = async () => (await api('GET', '/status')).json as Status
  return {
    ...started,
    pid: child.pid ?? 0,
    api,
    status,
    exited,
    async set(updates) {
      const answer = await api('PUT', '/settings', { updates })
      if (answer.status !== 200) throw new Error(`settings ${answer.status}: ${answer.text}`)
    },
    pids: async (role) => (await status()).processes.filter((one) => one.role === role).map(({ pid }) => pid),
    transactions: (contains) => allTransactions(api, contains),
    options: (service = 'response') => exchange(ports.icap, OPTIONS(service)),
    respond: (name, body) => exchange(ports.icap, respmod({ url: `http://www.example.com/${name}`, body })),
    async stop() {
      child.kill('SIGTERM')
      await waitFor('the server to end', exited, 60_000)
      return child.exitCode
    },
    async kill() {
      await waitFor('all processes to be killed', () => {
        const left = processesMarked(mark)
        for (const { pid } of left) process.kill(pid, 'SIGKILL')
        return left.length === 0 && exited()
      })
    },
  }
}

async function allTransactions(api: Server['api'], contains: string): Promise<TransactionView[]> {
  const records: TransactionView[] = []
  let cursor = ''
  for (;;) {
    const query = new URLSearchParams({ limit: '1000', contains, ...(cursor === '' ? {} : { cursor }) })
    const page = (await api('GET', `/transactions?${query}`)).json as TransactionsPage
    records.push(...page.records)
    if (page.next === null) return records
    cursor = page.next
  }
}

interface Call {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

/** A string or a stream goes as text, anything else as JSON. */
export function callApi(data: string, { method, path, body }: Call): Promise<ApiAnswer> {
  const isText = typeof body === 'string' || isReadable(body)
  const type = body === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath: join(data, 'assay.sock'), method, path: `/api/v1${path}`, headers: type },
      (response) => void readAnswer(response).then(resolve, reject),
    )
    outgoing.once('error', reject)
    if (isReadable(body)) body.pipe(outgoing)
    else outgoing.end(body === undefined || isText ? body : JSON.stringify(body))
  })
}

function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body
}

async function readAnswer(response: IncomingMessage): Promise<ApiAnswer> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  const json = /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(text) : undefined
  return { status: response.statusCode ?? 0, text, json }
}

/** Does it again and again until it is stopped; gives what went wrong. */
export function repeat(work: (n: number) => Promise<void>): { done(): number; stop(): Promise<readonly string[]> } {
  let going = true
  let count = 0
  const faults: string[] = []
  const running = (async () => {
    while (going) {
      await work(count).catch((error: unknown) => faults.push(String(error)))
      count++
      if (faults.length > 0) await sleep(20)
    }
  })()
  return {
    done: () => count,
    stop: async () => {
      going = false
      await running
      return faults
    },
  }
}
