import { once } from 'node:events'
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { Status } from '../api/contract.ts'
import { type Finding, ok } from './finding.ts'

const MIN_NODE = 24
const LOW_SPACE_BYTES = 2 * 1024 ** 3
const NO_SPACE_BYTES = 128 * 1024 ** 2
const ENOUGH_FILES = 16_384
const TOO_FEW_FILES = 2048
/** When this was written: a clock before it is wrong. */
const EARLIEST_MS = Date.UTC(2025, 0, 1)
const CLOCK_SLACK_MS = 60_000

type Env = Readonly<Record<string, string | undefined>>

export function checkNode({ node, sqlite = 'none' }: NodeJS.ProcessVersions): Finding {
  const detail = `Node.js ${node}, SQLite ${sqlite}`
  if (Number(node.split('.')[0]) >= MIN_NODE) return ok('runtime', detail)
  return {
    check: 'runtime',
    state: 'bad',
    detail,
    mend: `Node.js ${MIN_NODE} or later is needed: npm start installs it on Linux x64 and arm64`,
  }
}

export function checkUser(uid: number | undefined): Finding {
  if (uid === 0) return ok('user', 'root: workers drop to a uid of their own')
  const mend = 'start as root where workers should run under another uid than the keys and the database'
  return { check: 'user', state: 'warn', detail: `uid ${uid ?? 'unknown'}: workers share it`, mend }
}

export function checkDataFolder(data: string): Finding {
  const existing = existsSync(data) ? data : dirname(data)
  try {
    if (!statSync(existing).isDirectory()) return badFolder(data, `${existing} is not a folder`)
    accessSync(existing, constants.W_OK | constants.X_OK)
    return checkSpace(data, existing)
  } catch (error) {
    return badFolder(data, error instanceof Error ? error.message : 'cannot be used')
  }
}

function badFolder(data: string, detail: string): Finding {
  return {
    check: 'data folder',
    state: 'bad',
    detail,
    mend: `make ${data} a folder that this user may write, or choose another with --data`,
  }
}

function checkSpace(data: string, existing: string): Finding {
  const { bavail, bsize } = statfsSync(existing)
  const free = bavail * bsize
  const detail = `${data}, ${(free / 1024 ** 3).toFixed(1)} GiB free${existing === data ? '' : ' (made at the first start)'}`
  if (free >= LOW_SPACE_BYTES) return ok('data folder', detail)
  const mend = 'free some space: without it bodies cannot be spooled and are unscanned (no-space)'
  return { check: 'data folder', state: free < NO_SPACE_BYTES ? 'bad' : 'warn', detail, mend }
}

export function checkOpenFiles(): Finding {
  const limit = openFileLimit()
  if (limit === undefined)
    return {
      check: 'open files',
      state: 'warn',
      detail: 'the limit is not known here',
      mend: `see that it is at least ${ENOUGH_FILES}`,
    }
  if (limit >= ENOUGH_FILES) return ok('open files', `limit ${limit}`)
  const mend = `raise it: ulimit -n ${ENOUGH_FILES}, or LimitNOFILE=${ENOUGH_FILES} in the systemd unit`
  return {
    check: 'open files',
    state: limit < TOO_FEW_FILES ? 'bad' : 'warn',
    detail: `limit ${limit}: each client takes one or two`,
    mend,
  }
}

function openFileLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/** Records sort by time: a clock that went back would hide new ones behind old ones. */
export function checkClock(data: string, nowMs = Date.now()): Finding {
  const newest = Math.max(EARLIEST_MS, modifiedMs(data), modifiedMs(join(data, 'assay.db')))
  const detail = new Date(nowMs).toISOString()
  if (nowMs >= newest - CLOCK_SLACK_MS) return ok('clock', detail)
  return {
    check: 'clock',
    state: 'bad',
    detail: `${detail} is before ${new Date(newest).toISOString()}`,
    mend: 'set the clock, and keep it by NTP',
  }
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** A running server tells its own listeners; without one, each port is tried. */
export async function checkPorts(status: Status | undefined, env: Env): Promise<Finding[]> {
  if (status) return status.listeners.filter(({ name }) => name !== 'api').map(checkListener)
  return [
    await tryPort({ name: 'icap', port: portOf(env.ASSAY_ICAP_PORT, 1344), flag: '--icap-port' }),
    await tryPort({
      name: 'console',
      port: portOf(env.ASSAY_CONSOLE_PORT, 8080),
      flag: '--console-port',
      address: '127.0.0.1',
    }),
  ]
}

function checkListener({ name, address, state, detail }: Status['listeners'][number]): Finding {
  if (state === 'listening') return ok(`port ${name}`, `${address}, ours`)
  if (state === 'closed') return ok(`port ${name}`, `${address}, closed`)
  return {
    check: `port ${name}`,
    state: 'bad',
    detail: `${address}: ${detail}`,
    mend: 'free the port, or choose another',
  }
}

function portOf(text: string | undefined, fallback: number): number {
  const port = Number(text || fallback)
  return Number.isInteger(port) && port >= 0 && port <= 65535 ? port : fallback
}

async function tryPort({
  name,
  port,
  flag,
  address,
}: {
  name: string
  port: number
  flag: string
  address?: string
}): Promise<Finding> {
  const server = createServer()
  try {
    server.listen({ port, ...(address !== undefined && { host: address }) })
    await once(server, 'listening')
    return ok(`port ${name}`, `${port} is free`)
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const mend =
      why === 'EACCES'
        ? `ports below 1024 need root, or choose another: ${flag}`
        : `end what uses it, or choose another: ${flag}`
    return { check: `port ${name}`, state: 'bad', detail: `${port} cannot be had (${why})`, mend }
  } finally {
    server.close()
  }
}
