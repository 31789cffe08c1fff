import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  openSync,
  readSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Content } from '../domain/sample.ts'

/** Who a tool is run as. */
export interface ToolIdentity {
  readonly uid: number
  readonly gid: number
}

/** O_TMPFILE without O_DIRECTORY: Node names neither it nor the pair (linux/fcntl.h; the same on x64 and arm64). */
const TMPFILE = 0o20000000
const COPY_BYTES = 1024 * 1024

/**
 * The content as a file without a name that this identity may read; the caller closes it. A spool file is taken as it is;
 * bytes in memory, and files that the identity must not read, are copied into `scratch`. Throws the system's error.
 */
export function openToolInput(content: Content, scratch: string, identity: ToolIdentity): number {
  const source = content.kind === 'file' ? content.fd : written(content.bytes, scratch)
  const own = content.kind === 'file' ? undefined : source
  try {
    return readableBy(source, scratch, identity)
  } finally {
    if (own !== undefined) closeSync(own)
  }
}

function readableBy(fd: number, scratch: string, identity: ToolIdentity): number {
  const stats = fstatSync(fd)
  if (mayRead(stats, identity)) return reopened(fd)
  // Only root meets files of somebody else. One that has no name is nobody's but ours.
  if (stats.nlink === 0 && process.getuid?.() === 0) {
    fchownSync(fd, identity.uid, identity.gid)
    return reopened(fd)
  }
  const copy = copied(fd, stats.size, scratch)
  try {
    return readableBy(copy, scratch, identity)
  } finally {
    closeSync(copy)
  }
}

function mayRead({ uid, gid, mode }: Stats, identity: ToolIdentity): boolean {
  if (uid === identity.uid) return (mode & 0o400) !== 0
  return (mode & (gid === identity.gid ? 0o040 : 0o004)) !== 0
}

/** A description of its own, for reading only: the one that the spool writes by never reaches a tool. */
function reopened(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY)
}

function written(bytes: Buffer, scratch: string): number {
  const fd = openNameless(scratch)
  writeWhole(fd, bytes)
  return fd
}

function copied(from: number, size: number, scratch: string): number {
  const fd = openNameless(scratch)
  const buffer = Buffer.allocUnsafe(COPY_BYTES)
  for (let at = 0; at < size; ) {
    const bytes = readSync(from, buffer, 0, buffer.length, at)
    if (bytes === 0) break
    writeWhole(fd, buffer.subarray(0, bytes))
    at += bytes
  }
  return fd
}

function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

/** O_TMPFILE, or a random name that is gone at once where the file system refuses it. */
function openNameless(folder: string): number {
  try {
    return openSync(folder, constants.O_RDWR | TMPFILE | constants.O_DIRECTORY, 0o600)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (!['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL'].includes(code)) throw error
  }
  const path = join(folder, `.${randomBytes(16).toString('hex')}`)
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  unlinkSync(path)
  return fd
}
