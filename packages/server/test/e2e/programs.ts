import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Finished {
  /** null when a signal ended it. */
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Buffer
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

/** Without proxies: curl would go around Squid, or to one that is not ours. */
export const CLEAN_ENV: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(https?|all|no|ftp)_proxy$|^NODE_TEST_CONTEXT$/i.test(name)),
)

/** Runs a program to its end; the time limit kills it, which is a `code` of null. */
export async function runProgram(path: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { input, cwd, env = CLEAN_ENV, timeoutMs = 60_000 } = options
  const child = spawn(path, args, { cwd, env, stdio: 'pipe', timeout: timeoutMs, killSignal: 'SIGKILL' })
  endWithUs(child)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  // A program that does not read its input is no fault of ours.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
}

const children = new Set<ChildProcess>()
let watched = false

/** A test file that is stopped (its time limit, Ctrl-C) takes what it started with it. */
export function endWithUs(child: ChildProcess): void {
  if (!watched) {
    watched = true
    process.once('exit', () => {
      for (const each of children) each.kill('SIGKILL')
    })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1))
  }
  children.add(child)
  child.once('exit', () => children.delete(child))
}

/** Ports that nobody listens on now; all taken at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

export async function isListening(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Asks until the answer is truthy; throws what was waited for when the time is over. */
export async function waitFor<T>(what: string, ask: () => T | Promise<T>, timeoutMs = 20_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      const answer = await ask()
      if (answer) return answer
      last = answer
    } catch (error) {
      last = error
    }
    await sleep(50)
  }
  throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: last })
}
