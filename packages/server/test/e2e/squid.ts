import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'
import { removeFolder } from './assay.ts'
import { type SQUIDS, TOP } from './needs.ts'
import { CLEAN_ENV, endWithUs, freePorts, isListening, runProgram, waitFor } from './programs.ts'

export interface SquidOptions {
  /** Which of scripts/squid.sh's; 6.13 where nothing is said. */
  readonly release?: keyof typeof SQUIDS
  readonly icapPort: number
  /** The CA's PEM file makes it icaps://. */
  readonly caFile?: string
  /** Paths on the ICAP server. */
  readonly reqmod?: string
  readonly respmod?: string
  /** More lines of squid.conf. */
  readonly more?: readonly string[]
}

/** Squid 6.13 as an ICAP client, REQMOD and RESPMOD, without bypass: what Assay refuses is an error for the user. */
export interface Squid {
  readonly port: number
  readonly proxy: string
  /** The end of cache.log and access.log, for the message of a failed test. */
  log(): string
  /** Squid re-reads its configuration (`-k reconfigure`), with these changes. */
  reconfigure(change: Partial<SquidOptions>): Promise<void>
  stop(): Promise<void>
}

export async function startSquid(options: SquidOptions): Promise<Squid> {
  const [port = 0] = await freePorts(1)
  const folder = makeFolder()
  const conf = join(folder, 'squid.conf')
  writeFileSync(conf, squidConf(options, { port, folder }))
  const name = basename(folder).replace(/\W/g, '')
  const squid = join(TOP, 'scripts/squid.sh')
  const child = spawn(squid, ['run', cacheOf(options), conf, name], {
    env: CLEAN_ENV,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-3000)
  })
  endWithUs(child)
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null
  const log = (): string => `${complaints}\n${tail(join(folder, 'cache.log'))}\n${tail(join(folder, 'access.log'))}`
  const stop = async (): Promise<void> => {
    // SIGTERM waits for clients; nothing of Squid is under test here.
    child.kill('SIGKILL')
    await waitFor('Squid to end', ended)
    removeFolder(folder)
  }
  await waitFor('Squid to listen or end', async () => ended() || (await isListening(port)))
  if (ended()) {
    const why = log()
    await stop()
    throw new Error(`Squid ended (${child.exitCode}):\n${why}`)
  }
  let current = options
  return {
    port,
    proxy: `http://127.0.0.1:${port}`,
    log,
    reconfigure: async (change) => {
      current = { ...current, ...change }
      writeFileSync(conf, squidConf(current, { port, folder }))
      child.kill('SIGHUP')
    },
    stop,
  }
}

function cacheOf({ release = 'squid' }: SquidOptions): string {
  return join(TOP, '.cache', release)
}

/** As root, Squid becomes `proxy` (every Debian has it), which must be able to write there. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-squid-'))
  chmodSync(folder, 0o755)
  if (process.getuid?.() === 0) {
    const [, , uid, gid] = /^proxy:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
    if (uid === undefined || gid === undefined) throw new Error('no user proxy for Squid')
    chownSync(folder, Number(uid), Number(gid))
  }
  return folder
}

function squidConf(options: SquidOptions, { port, folder }: { port: number; folder: string }): string {
  const { icapPort, reqmod = 'request', respmod = 'response', more = [] } = options
  const root = join(cacheOf(options), 'root')
  // Squid reads it as its own user, who may not enter the test's folder.
  const caFile = options.caFile === undefined ? undefined : copyReadable(options.caFile, folder)
  // Squid 6 compares an address with the certificate's DNS names only, so the name is said.
  const [scheme, tls] = caFile === undefined ? ['icap', ''] : ['icaps', ` tls-cafile=${caFile} tls-domain=localhost`]
  const service = (path: string): string => `${scheme}://127.0.0.1:${icapPort}/${path} bypass=off${tls}`
  return [
    `http_port 127.0.0.1:${port}`,
    'http_access allow all',
    'icap_enable on',
    `icap_service assay_req reqmod_precache ${service(reqmod)}`,
    `icap_service assay_resp respmod_precache ${service(respmod)}`,
    'adaptation_access assay_req allow all',
    'adaptation_access assay_resp allow all',
    'icap_preview_enable on',
    'icap_persistent_connections on',
    'icap_io_timeout 30 seconds',
    // A failure must be seen by the request that had it, and by no other.
    'icap_service_failure_limit -1',
    'icap_service_revival_delay 1',
    'adaptation_send_client_ip on',
    'cache deny all',
    'cache_mem 8 MB',
    'via off',
    'netdb_filename none',
    'pinger_enable off',
    'shutdown_lifetime 1 second',
    'visible_hostname squid.test',
    `pid_filename ${folder}/squid.pid`,
    `coredump_dir ${folder}`,
    `cache_log ${folder}/cache.log`,
    `access_log stdio:${folder}/access.log`,
    `mime_table ${root}/usr/share/squid/mime.conf`,
    `error_directory ${root}/usr/share/squid-langpack/templates`,
    `icon_directory ${root}/usr/share/squid/icons`,
    `unlinkd_program ${root}/usr/lib/squid/unlinkd`,
    ...(process.getuid?.() === 0 ? ['cache_effective_user proxy'] : []),
    ...more,
    '',
  ].join('\n')
}

function copyReadable(file: string, folder: string): string {
  const copy = join(folder, basename(file))
  writeFileSync(copy, readFileSync(file), { mode: 0o644 })
  return copy
}

function tail(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-3000)
  } catch {
    return `(no ${basename(path)})`
  }
}

export interface Fetched {
  readonly status: number
  /** The final head: names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

let fetches = 0
const scratch = mkdtempSync(join(tmpdir(), 'assay-curl-'))
process.once('exit', () => removeFolder(scratch))

/** One curl through the proxy. A curl that fails (no answer, cut body) throws. */
export async function curl(proxy: string, url: string, args: readonly string[] = [], input?: Buffer): Promise<Fetched> {
  mkdirSync(scratch, { recursive: true })
  const out = join(scratch, String(++fetches))
  const fixed = [
    '--silent',
    '--show-error',
    '--noproxy',
    '',
    '--proxy',
    proxy,
    '--max-time',
    '60',
    '-o',
    out,
    '-D',
    `${out}.head`,
  ]
  const { code, stdout, stderr } = await runProgram('curl', [...fixed, '-w', '%{http_code}', ...args, url], {
    ...(input === undefined ? {} : { input }),
    env: { ...CLEAN_ENV, HOME: scratch },
  })
  if (code !== 0) throw new Error(`curl ${url} ended with ${code}: ${stderr.trim()}`)
  const head = readFileSync(`${out}.head`, 'latin1').trimEnd().split('\r\n\r\n').at(-1) ?? ''
  const headers = new Map(
    head
      .split('\r\n')
      .map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(stdout.toString()), headers, body: readOptional(out) }
}

function readOptional(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}
