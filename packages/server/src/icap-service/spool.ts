import { randomBytes } from 'node:crypto'
import { closeSync, constants, open as openFile, read, unlink, writev } from 'node:fs'
import { join } from 'node:path'
import type { Content } from '../domain/sample.ts'

/** O_TMPFILE without O_DIRECTORY: Node names neither it nor the pair (linux/fcntl.h; the same on x64 and arm64). */
const TMPFILE = 0o20000000

export interface SpoolOptions {
  readonly directory: string
  /** Most bytes in all spool files of this process together. */
  readonly maxBytes: number
  /** Most body bytes in memory of this process together; beyond it bodies go to disk early. */
  readonly maxMemoryBytes: number
  /** Told of bytes that have gone to disk: the memory they were read into is garbage now. */
  onWritten?(bytes: number): void
}

/** Unlinked files for bodies too large for memory, under one budget; nothing is left behind whatever ends the process. */
export interface Spool {
  /** An open file that has no name; the caller closes it. Rejects with the system's error. */
  open(): Promise<number>
  /** Takes bytes out of the disk budget; false: there are none left. */
  reserve(bytes: number): boolean
  release(bytes: number): void
  /** Counts bytes held in memory; true while the memory budget holds. */
  hold(bytes: number): boolean
  letGo(bytes: number): void
  /** Bytes that have gone to disk. */
  written(bytes: number): void
  /** For metrics and for tests that look for leaks. */
  readonly used: { readonly diskBytes: number; readonly memoryBytes: number; readonly files: number }
  close(fd: number, reservedBytes: number): void
}

export function createSpool(options: SpoolOptions): Spool {
  const used = { diskBytes: 0, memoryBytes: 0, files: 0 }
  return {
    used,
    async open() {
      const fd = await openUnlinked(options.directory)
      used.files++
      return fd
    },
    reserve(bytes) {
      if (used.diskBytes + bytes > options.maxBytes) return false
      used.diskBytes += bytes
      return true
    },
    release(bytes) {
      used.diskBytes -= bytes
    },
    hold(bytes) {
      used.memoryBytes += bytes
      return used.memoryBytes <= options.maxMemoryBytes
    },
    letGo(bytes) {
      used.memoryBytes -= bytes
    },
    written: (bytes) => options.onWritten?.(bytes),
    close(fd, reservedBytes) {
      used.diskBytes -= reservedBytes
      used.files--
      closeSync(fd)
    },
  }
}

/** O_TMPFILE: the file never has a name. Some file systems refuse it (EOPNOTSUPP, EISDIR, EINVAL): then a random name, unlinked at once. */
export async function openUnlinked(directory: string, tryTmpfile = true): Promise<number> {
  if (tryTmpfile && process.platform === 'linux') {
    try {
      return await opened(directory, constants.O_RDWR | TMPFILE | constants.O_DIRECTORY)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL'].includes(code)) throw error
    }
  }
  const path = join(directory, `.${randomBytes(16).toString('hex')}`)
  const fd = await opened(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW)
  await unlinked(path, fd)
  return fd
}

function opened(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    openFile(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd)))
  })
}

function unlinked(path: string, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    unlink(path, (error) => {
      if (error === null) return resolve()
      closeSync(fd) // a file that keeps its name must not hold a sample
      reject(error)
    })
  })
}

/** Writes all the pieces at `position`, however little the system takes at a time. */
export async function writeAll(fd: number, pieces: Buffer[], position: number): Promise<void> {
  let rest = pieces
  let at = position
  while (rest.length > 0) {
    const batch = rest.slice(0, 1024) // IOV_MAX
    const written = await writeOnce(fd, batch, at)
    at += written
    rest = [...without(batch, written), ...rest.slice(batch.length)]
  }
}

function writeOnce(fd: number, pieces: Buffer[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, pieces, position, (error, written) => (error ? reject(error) : resolve(written)))
  })
}

function without(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let skip = bytes
  const rest: Buffer[] = []
  for (const piece of pieces) {
    if (skip >= piece.length) skip -= piece.length
    else {
      rest.push(piece.subarray(skip))
      skip = 0
    }
  }
  return rest
}

/** Up to `length` bytes from `position`; fewer only at the end of the file. */
export function readAt(fd: number, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, length, position, (error, bytes) =>
      error ? reject(error) : resolve(buffer.subarray(0, bytes)),
    )
  })
}

const READ_BYTES = 256 * 1024

/** The content from `from` on, in pieces, read as they are asked for: back-pressure comes with the iteration. */
export async function* contentBytes(content: Content, from = 0): AsyncGenerator<Buffer> {
  if (content.kind === 'memory') {
    if (from < content.bytes.length) yield content.bytes.subarray(from)
    return
  }
  let position = from
  while (position < content.size) {
    const bytes = await readAt(content.fd, position, Math.min(READ_BYTES, content.size - position))
    if (bytes.length === 0) throw new Error('spool file is shorter than what was written') // cuts the connection: never half a body as a whole one
    position += bytes.length
    yield bytes
  }
}
