import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Content, Sample } from '../../../src/domain/sample.ts'
import { Unscanned } from '../../../src/domain/verdict.ts'
import type { ClamavEngine } from '../../../src/scan/scanners/clamav/clamav-engine.ts'
import { findProgram } from '../../e2e/needs.ts'

/** In two parts, so that no scanner of the developer's machine takes this file away. */
export const EICAR = Buffer.from(`X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!'}$H+H*`)
export const MARKER = Buffer.from('assay-clamav-test-marker')

const hex = (text: string) => Buffer.from(text).toString('hex')

/** Signatures of our own: those of ClamAV cannot be had here. */
const SIGNATURES: Readonly<Record<string, string>> = {
  'own.hdb': '44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n',
  'own.ndb': [
    `Assay.Marker:0:*:${MARKER.toString('hex')}`,
    `PUA.Assay.Tool:0:*:${hex('assay-possibly-unwanted')}`,
    `Heuristics.Phishing.Email.Assay:0:*:${hex('assay-phishing-guess')}`,
    '',
  ].join('\n'),
  'own.yara': 'rule AssayYara { strings: $a = "assay-yara-marker" condition: $a }\n',
}

export interface Clamd {
  /** `unix:/path` */
  readonly unix: string
  /** `tcp:127.0.0.1:port` */
  readonly tcp: string
  readonly process: ChildProcess
  signal(name: NodeJS.Signals): void
  /** Gives it signatures of a new number and the command to load them. */
  publish(number: number): Promise<void>
  command(text: string): Promise<string>
  /** Again at the same addresses. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A clamd of one's own on a socket and a port of its own; as root or not. `conf` are lines of clamd.conf(5). */
export async function startClamd(...conf: readonly string[]): Promise<Clamd> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-clamd-'))
  const [db, tmp, path, port] = [join(folder, 'db'), join(folder, 'tmp'), join(folder, 's'), await freePort()]
  await Promise.all([mkdir(db), mkdir(tmp)])
  for (const [name, text] of Object.entries(SIGNATURES)) await writeFile(join(db, name), text)
  const lines = [
    `DatabaseDirectory ${db}`,
    `TemporaryDirectory ${tmp}`,
    `LocalSocket ${path}`,
    `TCPSocket ${port}`,
    'TCPAddr 127.0.0.1',
    'FixStaleSocket yes',
    'MaxThreads 4',
    ...conf,
  ]
  await writeFile(join(folder, 'clamd.conf'), `${lines.join('\n')}\n`)
  let child = await spawnClamd(folder, path)
  return {
    unix: `unix:${path}`,
    tcp: `tcp:127.0.0.1:${port}`,
    get process() {
      return child
    },
    signal: (name) => void child.kill(name),
    command: (text) => ask(path, text),
    async publish(number) {
      await buildDaily(folder, number)
      await ask(path, 'RELOAD')
    },
    async restart() {
      await end(child)
      child = await spawnClamd(folder, path)
    },
    async stop() {
      await end(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function spawnClamd(folder: string, path: string): Promise<ChildProcess> {
  const clamd = findProgram('clamd') ?? 'clamd'
  const log = openSync(join(folder, 'log'), 'a')
  const child = spawn(clamd, ['--foreground', '-c', join(folder, 'clamd.conf')], { stdio: ['ignore', log, log] })
  closeSync(log)
  for (let tries = 0; tries < 300; tries++) {
    if ((await ask(path, 'PING').catch(() => '')) === 'PONG\0') return child
    if (child.exitCode !== null) break
    await sleep(50)
  }
  child.kill('SIGKILL')
  throw new Error(`clamd did not start: ${await readFile(join(folder, 'log'), 'utf8')}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function ask(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let answer = ''
    socket.on('data', (bytes) => {
      answer += bytes
    })
    socket.on('error', reject).on('close', () => resolve(answer))
    socket.write(`z${command}\0`)
  })
}

/** Only daily.* has the number that VERSION tells. */
async function buildDaily(folder: string, number: number): Promise<void> {
  const cwd = await mkdtemp(join(folder, 'build-'))
  await writeFile(join(cwd, 'COPYING'), '')
  await writeFile(join(cwd, 'daily.ndb'), `Assay.Daily:0:*:${hex(`assay-daily-${number}`)}\n`)
  const sigtool = findProgram('sigtool') ?? 'sigtool'
  const options = ['--build=daily.cud', '--unsigned', `--cvd-version=${number}`, '--datadir=.']
  execFileSync(sigtool, options, { cwd, env: { ...process.env, SIGNDUSER: 'assay' }, input: 'assay\n', stdio: 'pipe' })
  await writeFile(join(folder, 'db', 'daily.cud'), await readFile(join(cwd, 'daily.cud')))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

export function sampleOf(content: Content | Buffer | string): Sample {
  const given = typeof content === 'string' ? Buffer.from(content) : content
  const whole: Content = Buffer.isBuffer(given) ? { kind: 'memory', bytes: given } : given
  const size = whole.kind === 'memory' ? whole.bytes.length : whole.size
  return { content: whole, size, sha256: '', declaredType: '', fileName: '', partial: false, decoded: [] }
}

/** A file of that many zeros with some bytes at a place, by its descriptor. */
export function fileOf(
  path: string,
  size: number,
  put: { bytes: Buffer; at: number },
): Extract<Content, { kind: 'file' }> {
  const fd = openSync(path, 'w+')
  writeSync(fd, Buffer.alloc(1), 0, 1, size - 1)
  writeSync(fd, put.bytes, 0, put.bytes.length, put.at)
  return { kind: 'file', fd, size }
}

/** `clean`, `NAME RISK`, or `unscanned REASON`. Anything else that is thrown is thrown on. */
export async function outcome(engine: ClamavEngine, sample: Sample, ms = 10_000): Promise<string> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), ms)
  try {
    const found = await engine.scan(sample, deadline.signal, { client: '192.0.2.1' })
    return found.map(({ name, risk }) => `${name} ${risk}`).join(', ') || 'clean'
  } catch (error) {
    if (!(error instanceof Unscanned)) throw error
    return `unscanned ${error.reason}`
  } finally {
    clearTimeout(timer)
  }
}
