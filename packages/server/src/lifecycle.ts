import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Identity } from './supervisor/identity.ts'

/** The data folder's own places; everything that a worker may touch lies under `worker`. */
export interface DataFolder {
  readonly root: string
  readonly worker: string
  readonly journal: string
  readonly spool: string
  /** Parts of files that come in ranges, shared by the workers. */
  readonly ranges: string
  readonly snapshots: string
  readonly socket: string
  readonly pidFile: string
}

export class DataFolderBusy extends Error {
  override readonly name = 'DataFolderBusy'
}

/** Makes the folders with the rights of ARCHITECTURE.md "Who may touch what"; `owner` is the worker's identity, where there is one. */
export function openDataFolder(root: string, owner: Identity | undefined): DataFolder {
  const worker = join(root, 'worker')
  const folder: DataFolder = {
    root,
    worker,
    journal: join(worker, 'journal'),
    spool: join(worker, 'spool'),
    ranges: join(worker, 'ranges'),
    snapshots: join(worker, 'snapshots'),
    socket: join(root, 'assay.sock'),
    pidFile: join(root, 'assay.pid'),
  }
  mkdirSync(root, { recursive: true, mode: 0o711 })
  chmodSync(root, 0o711)
  // What a worker may change is its own; what it only reads is root's, so that a worker which was taken over cannot
  // hand the next one other rules or lists.
  ownedBy({ mode: 0o750, gid: owner?.gid }, [worker, folder.snapshots])
  ownedBy({ mode: 0o700, uid: owner?.uid, gid: owner?.gid }, [folder.journal, folder.spool, folder.ranges])
  return folder
}

interface Ownership {
  readonly mode: number
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

function ownedBy({ mode, uid = process.getuid?.() ?? -1, gid }: Ownership, paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(path, { recursive: true, mode })
    // Root would give away what a link points to.
    if (!lstatSync(path).isDirectory()) throw new Error(`${path} is not a folder`)
    chmodSync(path, mode)
    if (gid !== undefined) chownSync(path, uid, gid)
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A pid alone may have been given to somebody else since: the start time tells (field 22 of /proc/PID/stat). */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // One that is dead and not yet collected by its parent runs no more.
    return fields[0] === 'Z' ? '' : (fields[19] ?? '')
  } catch {
    return ''
  }
}

function isRunning(pid: number, started: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid || !isAlive(pid)) return false
  const now = startTime(pid)
  return now !== '' && (started === '' || now === started)
}

/** Writes DATA/assay.pid; throws DataFolderBusy where a living server has the folder. Returns its removal. */
export function takePidFile(path: string): () => void {
  const own = `${process.pid} ${startTime(process.pid)}\n`
  exclusively(`${path}.lock`, () => {
    const [pid, started = ''] = textOf(path).trim().split(' ')
    if (isRunning(Number(pid), started))
      throw new DataFolderBusy(
        `a server (pid ${pid}) is running with this data folder: stop it, or choose another with --data`,
      )
    writeFileSync(path, own, { mode: 0o644 })
  })
  return () => {
    if (textOf(path) === own) rmSync(path, { force: true })
  }
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

const LOCK_MS = 3000

/** For two that are started in the same moment: between a look at the pid file and its writing the other one must not look. */
function exclusively(lock: string, work: () => void): void {
  const deadline = Date.now() + LOCK_MS
  // The work takes no time: a lock that stays was left by one that was killed in it.
  while (!isMade(lock) && Date.now() < deadline) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  try {
    work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function isMade(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Tells setup/setup.mjs that modules of this checkout are in use; the folder is absent in an installed package. */
export function markRunning(checkout: string): () => void {
  const modules = join(checkout, 'node_modules')
  if (!existsSync(modules)) return () => {}
  const folder = join(modules, '.assay-running')
  const mark = join(folder, String(process.pid))
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(mark, '')
  } catch {
    // A read-only checkout cannot be replaced under us either.
    return () => {}
  }
  return () => rmSync(mark, { force: true })
}
