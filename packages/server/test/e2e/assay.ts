import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Status, TransactionView } from '../../src/api/contract.ts'
import { TOP } from './needs.ts'
import { processesMarked } from './process-table.ts'
import { CLEAN_ENV, endWithUs, type Finished, freePorts, type RunOptions, runProgram, waitFor } from './programs.ts'

const COMMAND = new URL('../../../../bin/assay.ts', import.meta.url).pathname
const READY_MS = 60_000
const STOP_MS = 60_000

export interface Ports {
  readonly icap: number
  readonly icaps: number
  readonly console: number
}

export interface AssayOptions {
  /** A folder to go on with; a new one when absent. */
  readonly data?: string
  /** Absent: free ones. */
  readonly ports?: Ports
  readonly workers?: number
  readonly env?: NodeJS.ProcessEnv
  /** In place of `--icap-port` and so on: a port that comes from a flag cannot be changed by `settings set`. */
  readonly flags?: (ports: Ports) => readonly string[]
}

/** A running server, started from this checkout as a person would start it. */
export interface Assay {
  readonly data: string
  readonly ports: Ports
  readonly pid: number
  /** Everything it wrote to stderr so far. */
  log(): string
  /** Runs `assay ARGS --data DIR`; throws unless it exits 0. */
  cli(args: readonly string[], options?: RunOptions): Promise<string>
  tryCli(args: readonly string[], options?: RunOptions): Promise<Finished>
  /** One save. */
  set(pairs: Readonly<Record<string, string>>, options?: RunOptions): Promise<void>
  status(): Promise<Status>
  /** All records whose URL (or file name) holds this text, newest first. */
  transactions(contains: string): Promise<TransactionView[]>
  /** SIGTERM; asserts exit code 0 and that no process is left. */
  stop(): Promise<void>
  /** SIGKILL of all its processes: a machine that lost them. */
  kill(): Promise<void>
  exited(): boolean
}

export function newDataFolder(): string {
  return mkdtempSync(join(tmpdir(), 'assay-e2e-'))
}

export function removeFolder(path: string): void {
  rmSync(path, { recursive: true, force: true })
}

export async function startAssay(options: AssayOptions = {}): Promise<Assay> {
  const data = options.data ?? newDataFolder()
  const ports = options.ports ?? (await choosePorts())
  const marker = `ASSAY_E2E=${randomUUID()}`
  const env = { ...CLEAN_ENV, ...options.env, ASSAY_E2E: marker.slice('ASSAY_E2E='.length) }
  const flags = (options.flags ?? portFlags)(ports)
  const args = [COMMAND, 'serve', '--data', data, ...flags, '--workers', String(options.workers ?? 2)]
  const child = spawn(process.execPath, args, { cwd: TOP, env, stdio: ['ignore', 'pipe', 'pipe'] })
  endWithUs(child)
  const log = collectLog(child)
  await untilReady(child, log)
  return runningAssay({ child, data, ports, marker, log })
}

/**
 * A server whose ICAP ports are settings: a port that a flag names cannot be saved. It starts on the default ports, on loopback only
 * (they must be free), and moves to free ones at once.
 */
export async function startMovableAssay(options: Omit<AssayOptions, 'ports' | 'flags'> = {}): Promise<Assay> {
  const free = await choosePorts()
  const assay = await startAssay({
    ...options,
    ports: { icap: 1344, icaps: 11_344, console: free.console },
    flags: (ports) => ['--icap-listen', '127.0.0.1', '--console-port', String(ports.console)],
  })
  await assay.set({ 'icap.port': String(free.icap), 'icaps.port': String(free.icaps) })
  return { ...assay, ports: free }
}

export async function choosePorts(): Promise<Ports> {
  const [icap = 0, icaps = 0, console = 0] = await freePorts(3)
  return { icap, icaps, console }
}

function portFlags({ icap, icaps, console }: Ports): string[] {
  return ['--icap-port', icap, '--icaps-port', icaps, '--console-port', console].map(String)
}

function collectLog(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-200_000)
  })
  return () => text
}

async function untilReady(child: ChildProcess, log: () => string): Promise<void> {
  if (child.stdout === null) throw new Error('no stdout')
  const lines = createInterface({ input: child.stdout })
  let ready = false
  lines.on('line', (line) => {
    ready ||= line.trim() === 'ready'
  })
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  await waitFor('the line "ready"', () => ready || ended(), READY_MS).catch((error: unknown) => {
    child.kill('SIGKILL')
    throw new Error(`Assay did not become ready:\n${log().slice(-4000)}`, { cause: error })
  })
  if (!ready)
    throw new Error(`Assay ended (${child.exitCode ?? child.signalCode}) before it was ready:\n${log().slice(-4000)}`)
}

interface Running {
  readonly child: ChildProcess
  readonly data: string
  readonly ports: Ports
  readonly marker: string
  readonly log: () => string
}

function runningAssay({ child, data, ports, marker, log }: Running): Assay {
  const exited = (): boolean => child.exitCode !== null || child.signalCode !== null
  const tryCli = (args: readonly string[], options: RunOptions = {}): Promise<Finished> =>
    runProgram(process.execPath, [COMMAND, ...args, '--data', data], { cwd: TOP, ...options })
  const cli = async (args: readonly string[], options: RunOptions = {}): Promise<string> => {
    const { code, stdout, stderr } = await tryCli(args, options)
    assert.equal(code, 0, `assay ${args.join(' ')}: ${stderr}\n${stdout.toString().slice(-2000)}`)
    return stdout.toString()
  }
  return {
    data,
    ports,
    pid: child.pid ?? 0,
    log,
    cli,
    tryCli,
    exited,
    set: async (pairs, options) => {
      await cli(['settings', 'set', ...Object.entries(pairs).flat()], options)
    },
    status: async () => JSON.parse(await cli(['status', '--json'])) as Status,
    transactions: async (contains) =>
      recordsIn(await cli(['transactions', '--json', '--limit', '1000000', '--contains', contains])),
    stop: async () => {
      child.kill('SIGTERM')
      await waitFor('the server to end', exited, STOP_MS)
      assert.equal(child.exitCode, 0, `SIGTERM ends with ${child.exitCode ?? child.signalCode}:\n${log().slice(-4000)}`)
      await waitFor('no process to be left', () => processesMarked(marker).length === 0, 5000)
    },
    kill: async () => {
      await waitFor('all processes to be killed', () => {
        const left = processesMarked(marker)
        for (const { pid } of left) process.kill(pid, 'SIGKILL')
        return left.length === 0 && exited()
      })
    },
  }
}

/** `transactions --json` prints one record a line. */
export function recordsIn(text: string): TransactionView[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as TransactionView)
}
