import { spawn } from 'node:child_process'
import { chownSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { removeFolder } from './assay.ts'
import { findProgram } from './needs.ts'
import { processTree } from './process-table.ts'
import { CLEAN_ENV, endWithUs, freePorts, waitFor } from './programs.ts'

/** A PostgreSQL of the test's own, from the machine's package. */
export interface Postgres {
  /** For ASSAY_DATABASE_URL. */
  readonly url: string
  start(): Promise<void>
  /** To the postmaster and all its processes at once, as when the machine loses them. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  stop(): Promise<void>
}

export async function createPostgres(): Promise<Postgres> {
  const [port = 0] = await freePorts(1)
  const folder = mkdtempSync(join(tmpdir(), 'assay-pg-'))
  const user = postgresUser()
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const run = (name: string, args: readonly string[]) => {
    const child = spawn(findProgram(name) ?? name, args, {
      ...user,
      cwd: folder,
      env: CLEAN_ENV,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    endWithUs(child)
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4000)
    })
    return { child, ended: () => child.exitCode !== null || child.signalCode !== null, log: () => log }
  }
  const init = run('initdb', ['-D', data, '-U', 'assay', '--auth=trust', '--no-sync', '--encoding=UTF8'])
  await waitFor('initdb', init.ended, 60_000)
  if (init.child.exitCode !== 0) throw new Error(`initdb failed: ${init.log()}`)
  let server = init
  return {
    url: `postgresql://assay@127.0.0.1:${port}/postgres`,
    start: async () => {
      const options = ['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`]
      server = run('postgres', ['-D', data, '-p', String(port), ...options])
      // After a crash it recovers first, and says so; a port that answers is not yet a database that does.
      await waitFor('PostgreSQL to be ready', () => {
        if (server.ended()) throw new Error(`PostgreSQL ended: ${server.log()}`)
        return server.log().includes('ready to accept connections')
      })
    },
    signal: async (signal) => {
      for (const { pid } of processTree(server.child.pid ?? 0)) {
        try {
          process.kill(pid, signal)
        } catch {
          // A backend that has just ended by itself.
        }
      }
      if (signal === 'SIGKILL') await waitFor('PostgreSQL to end', server.ended)
    },
    stop: async () => {
      server.child.kill('SIGINT')
      await waitFor('PostgreSQL to stop', server.ended)
      removeFolder(folder)
    },
  }
}

/** PostgreSQL refuses to be root; its package made a user for it. */
function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [, , uid, gid] = /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? []
  if (uid === undefined || gid === undefined) throw new Error('no user postgres')
  return { uid: Number(uid), gid: Number(gid) }
}
