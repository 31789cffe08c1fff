import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import type { Content } from '../domain/sample.ts'
import { Unscanned } from '../domain/verdict.ts'
import { seccompFilter } from './seccomp-filter.ts'
import { confinedArguments, FILTER_FD, STATUS_FD } from './tool-confinement.ts'
import { openToolInput, type ToolIdentity } from './tool-input.ts'

export type { ToolIdentity } from './tool-input.ts'

/**
 * Where the sample stands for the tool: a link to an open file without a name, for reading. No digit at its end: a tool that looks
 * for the next volume of an archive must not come upon its own files.
 */
export const INPUT_PATH = '/sample'

/** One run of a native tool behind bubblewrap. It writes nothing but its two pipes: there is no place to write to. */
export interface ToolJob {
  /** Absolute path outside, one of those that the confinement was made with. */
  readonly program: string
  /** Never a password: `stdin` carries that. The sample stands at `INPUT_PATH`. */
  readonly args: readonly string[]
  /**
   * A fixed sh script of ours around the program: "$@" is the program with its arguments. It can open nothing for writing.
   * Default: `exec "$@"`.
   */
  readonly script?: string
  readonly input: Content
  readonly stdin?: string
  /** Taken as it comes; back-pressure by its promise. What it throws ends the tool and is thrown on. */
  onStdout(chunk: Buffer): void | Promise<void>
  readonly maxStdoutBytes: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface ToolEnd {
  /** The exit code (128 + N: it died of signal N), or why there is none. */
  readonly end: { readonly code: number } | { readonly stopped: 'timeout' | 'output-limit' | 'killed' }
  /** At most 4 KiB. */
  readonly stderr: string
}

/** Never rejects on what the tool does; rejects with Unscanned('engine-down') where it could not be started. */
export type RunTool = (job: ToolJob) => Promise<ToolEnd>

export interface ToolHostOptions {
  /** Absolute paths of all programs that jobs name. They are opened here and now: before rights are dropped. */
  readonly programs: readonly string[]
  /** A folder of this process's user: samples that lie in memory pass through nameless files there. */
  readonly scratch: string
  /** Who tools are while this process is root; they never run as root. */
  readonly identity?: ToolIdentity | undefined
  /** For tests; '' = not installed. */
  readonly bwrap?: string
  readonly prlimit?: string
}

/** Runs tools confined, or says in one line why none can be run. */
export type ToolHost = { readonly runTool: RunTool } | { readonly unavailable: string }

interface Host {
  readonly bwrap: string
  readonly prlimit: string
  readonly filter: Buffer
  readonly scratch: string
  readonly identity: ToolIdentity | undefined
  /** Path -> open file. */
  readonly programs: ReadonlyMap<string, number>
}

const PROBE_CODE = 7
const PROBE_TIMEOUT_MS = 10_000
const MAX_STDERR_BYTES = 4096
const MAX_STATUS_BYTES = 4096
const SYSTEM_PLACES = ['/usr/bin', '/bin', '/usr/local/bin']

/**
 * Looks once whether this host can confine a tool, by doing it. There is no way to run one unconfined.
 * Works on any thread; a tool dies with the thread that started it (PR_SET_PDEATHSIG). Only where that thread ends within the
 * first milliseconds, bubblewrap's child stays behind, waiting for its parent, with nothing of the tool in it yet.
 */
export async function createRunTool(options: ToolHostOptions): Promise<ToolHost> {
  try {
    const host = findHost(options)
    await probe(host)
    return { runTool: (job) => run(host, job) }
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) }
  }
}

function findHost({ programs, scratch, identity, bwrap, prlimit }: ToolHostOptions): Host {
  const filter = seccompFilter()
  if (process.platform !== 'linux' || filter === undefined)
    throw new Error(`tools are confined on Linux x64 and arm64 only, not on ${process.platform} ${process.arch}`)
  return {
    bwrap: bwrap ?? findProgram('bwrap'),
    prlimit: prlimit ?? findProgram('prlimit'),
    filter,
    scratch,
    identity,
    programs: new Map(programs.map((path) => [path, openSync(path, 'r')])),
  }
}

/** Not by PATH: what confines is the system's own. */
function findProgram(name: string): string {
  const path = SYSTEM_PLACES.map((place) => `${place}/${name}`).find((candidate) => existsSync(candidate))
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

async function probe(host: Host): Promise<void> {
  const { end, stderr } = await run(host, {
    program: '',
    args: [],
    script: `exit ${PROBE_CODE}`,
    input: { kind: 'memory', bytes: Buffer.from('probe') },
    onStdout: () => {},
    maxStdoutBytes: 0,
    timeoutMs: PROBE_TIMEOUT_MS,
    signal: new AbortController().signal,
  })
  if (!('code' in end && end.code === PROBE_CODE))
    throw new Error(`bubblewrap cannot confine: ${stderr.trim() || JSON.stringify(end)}`)
}

async function run(host: Host, job: ToolJob): Promise<ToolEnd> {
  const child = start(host, job)
  // Node's types end at the fifth.
  const stdio: readonly unknown[] = child.stdio
  const stderr = collect(stdio[2] as Readable, MAX_STDERR_BYTES)
  const status = collect(stdio[STATUS_FD] as Readable, MAX_STATUS_BYTES)
  feed(stdio[0] as Writable, job.stdin ?? '')
  feed(stdio[FILTER_FD] as Writable, host.filter)
  const watch = new Watch(child, job)
  const closed = ended(child)
  try {
    await watch.pass(stdio[1] as Readable)
  } finally {
    // Whoever still holds the pipe open is of no more use; after a good end there is nobody to kill.
    if (watch.stopped !== undefined) killGroup(child)
    await closed
    watch.end()
  }
  return conclude(watch.stopped, await status, await stderr)
}

function start(host: Host, job: ToolJob): ChildProcess {
  const identity = identityFor(host)
  const fds: number[] = []
  try {
    fds.push(openToolInput(job.input, host.scratch, identity), openProgram(host, job.program))
    const args = confinedArguments({
      prlimit: host.prlimit,
      inputPath: INPUT_PATH,
      script: job.script ?? 'exec "$@"',
      args: job.args,
      cpuSeconds: Math.ceil(job.timeoutMs / 1000) + 1,
    })
    return spawn(host.bwrap, args, {
      ...(process.getuid?.() === 0 ? identity : {}),
      cwd: '/',
      env: {},
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', ...fds, 'pipe', 'pipe'],
    })
  } catch (error) {
    throw new Unscanned('engine-down', `a tool could not be started: ${messageOf(error)}`, { cause: error })
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

/** Where this process is root, tools are somebody else. */
function identityFor({ identity }: Host): ToolIdentity {
  const uid = process.getuid?.() ?? -1
  const gid = process.getgid?.() ?? -1
  if (uid !== 0) return { uid, gid }
  if (identity === undefined || identity.uid === 0) throw new Error('no tool runs as root')
  return identity
}

/** A description of its own each time: bubblewrap reads it from where it stands. */
function openProgram({ programs }: Host, path: string): number {
  if (path === '') return openSync('/dev/null', 'r')
  const fd = programs.get(path)
  if (fd === undefined) throw new Error(`${path} is none of the confinement's programs`)
  return openSync(`/proc/self/fd/${fd}`, 'r')
}

/** What can end a run before the tool does. */
class Watch {
  stopped: 'timeout' | 'output-limit' | undefined
  readonly #child: ChildProcess
  readonly #job: ToolJob
  readonly #timer: NodeJS.Timeout
  readonly #expire = () => this.#stop('timeout')

  constructor(child: ChildProcess, job: ToolJob) {
    this.#child = child
    this.#job = job
    this.#timer = setTimeout(this.#expire, job.timeoutMs)
    job.signal.addEventListener('abort', this.#expire, { once: true })
    if (job.signal.aborted) this.#expire()
  }

  async pass(stdout: Readable): Promise<void> {
    let left = this.#job.maxStdoutBytes
    try {
      for await (const chunk of stdout as AsyncIterable<Buffer>) {
        if (this.stopped !== undefined) break
        if (chunk.length > left) this.#stop('output-limit')
        const taken = chunk.length > left ? chunk.subarray(0, left) : chunk
        left -= taken.length
        if (taken.length > 0) await this.#job.onStdout(taken)
      }
    } catch (error) {
      this.#stop('output-limit')
      throw error
    }
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#job.signal.removeEventListener('abort', this.#expire)
  }

  #stop(why: 'timeout' | 'output-limit'): void {
    this.stopped ??= why
    killGroup(this.#child)
  }
}

/** bubblewrap's own group; what runs inside dies with it (--die-with-parent, then the end of the pid namespace). */
function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve())
    // Not started at all: there will be no status either.
    child.once('error', () => resolve())
  })
}

async function collect(stream: Readable, most: number): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (bytes < most) pieces.push(chunk.subarray(0, most - bytes))
      bytes += chunk.length
    }
  } catch {
    // A pipe that breaks has said what it had to say.
  }
  return Buffer.concat(pieces).toString()
}

function feed(stream: Writable, bytes: string | Buffer): void {
  // A tool that does not read is no fault.
  stream.on('error', () => {})
  stream.end(bytes)
}

/** bubblewrap tells the exit code only of what it has started (bwrap(1), --json-status-fd). */
function conclude(stopped: Watch['stopped'], status: string, stderr: string): ToolEnd {
  if (stopped !== undefined) return { end: { stopped }, stderr }
  const code = /"exit-code": (\d{1,3})/.exec(status)?.[1]
  if (code !== undefined) return { end: { code: Number(code) }, stderr }
  if (status.includes('"child-pid"') && stderr === '') return { end: { stopped: 'killed' }, stderr }
  throw new Unscanned('engine-down', `a tool could not be confined: ${stderr.trim() || 'bubblewrap did not start'}`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
