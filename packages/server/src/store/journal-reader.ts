import { isUtf8 } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { DamagedLines } from './damaged-lines.ts'
import { isDataError } from './database-errors.ts'
import { type JournalFile, listJournalFiles, sizeOf } from './journal-files.ts'
import { MAX_LINE_BYTES, parseRecordHead } from './record-line.ts'
import type { RecordLine } from './transaction-records.ts'

export interface JournalReaderOptions {
  readonly dir: string
  readonly damaged: DamagedLines
  /** Stores all or none of them, idempotently by id. */
  insert(lines: readonly RecordLine[]): Promise<unknown>
  /** Records of one insert. Default 2000. */
  readonly batchRecords?: number
}

/** Which writers may still write. `all`: not told yet, so only files with a successor are finished. */
export type LiveInstances = ReadonlySet<string> | 'all'

export interface JournalReader {
  /**
   * Takes in every whole line that stands in the folder, then deletes the files that are finished: those with a successor, and
   * all of an instance that does not live. May be killed at any point: what is read again is known by its id. Rejects with the
   * insert's error (database away); the next call goes on from the last batch that was stored. Gives the number of lines stored.
   */
  takeIn(live: LiveInstances): Promise<number>
  /** What stands in the folder and is not stored; records by the mean length of those that were. */
  backlog(): Promise<{ readonly bytes: number; readonly records: number }>
}

const READ_BYTES = 1024 * 1024
const NEWLINE = 0x0a
const USUAL_LINE_BYTES = 400

export function createJournalReader(options: JournalReaderOptions): JournalReader {
  return new FolderReader(options)
}

/** A line, where it stood, and where the next one begins. */
interface PendingLine extends RecordLine {
  readonly file: JournalFile
  readonly offset: number
}

class FolderReader implements JournalReader {
  readonly #options: JournalReaderOptions
  readonly #batchRecords: number
  /** Up to where each file is stored. Kept in memory only: after a restart files are read again from their start. */
  readonly #stored = new Map<string, number>()
  #batch: PendingLine[] = []
  /** File ends of the batch: applied once it is stored. */
  #reached = new Map<string, number>()
  /** Damage that is kept already: a batch that could not be stored is read again. */
  readonly #setAsideAt = new Set<string>()
  #storedBytes = 0
  #storedLines = 0

  constructor(options: JournalReaderOptions) {
    this.#options = options
    this.#batchRecords = options.batchRecords ?? 2000
  }

  async takeIn(live: LiveInstances): Promise<number> {
    this.#batch = []
    this.#reached = new Map()
    const files = await listJournalFiles(this.#options.dir)
    this.#forgetOthers(files)
    const last = new Map(files.map((file) => [file.instance, file.sequence]))
    let taken = 0
    const finished: JournalFile[] = []
    for (const file of files) {
      const isFinished = file.sequence !== last.get(file.instance) || (live !== 'all' && !live.has(file.instance))
      taken += await this.#readFile(file, isFinished)
      if (isFinished) finished.push(file)
    }
    taken += await this.#store()
    for (const file of finished) this.#removeWhole(file)
    return taken
  }

  #forgetOthers(files: readonly JournalFile[]): void {
    const paths = new Set(files.map((file) => file.path))
    for (const path of this.#stored.keys()) if (!paths.has(path)) this.#stored.delete(path)
    for (const place of this.#setAsideAt) {
      if (!paths.has(place.slice(0, place.lastIndexOf(':')))) this.#setAsideAt.delete(place)
    }
  }

  async backlog() {
    let bytes = 0
    for (const { path } of await listJournalFiles(this.#options.dir)) {
      bytes += Math.max(0, (await sizeOf(path)) - (this.#stored.get(path) ?? 0))
    }
    const meanBytes = this.#storedLines === 0 ? USUAL_LINE_BYTES : this.#storedBytes / this.#storedLines
    return { bytes, records: Math.ceil(bytes / meanBytes) }
  }

  async #readFile(file: JournalFile, isFinished: boolean): Promise<number> {
    const fd = openJournalFile(file.path)
    if (fd === undefined) return 0
    let taken = 0
    try {
      let offset = this.#stored.get(file.path) ?? 0
      for (;;) {
        const bytes = readLines(fd, offset, isFinished)
        if (bytes.length === 0) break
        this.#collect(file, offset, bytes)
        offset += bytes.length
        this.#reached.set(file.path, offset)
        if (this.#batch.length >= this.#batchRecords) taken += await this.#store()
      }
    } finally {
      closeSync(fd)
    }
    return taken
  }

  #collect(file: JournalFile, offset: number, bytes: Buffer): void {
    let start = 0
    const isText = isUtf8(bytes)
    while (start < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, start)
      const end = newline < 0 ? bytes.length : newline
      const part = bytes.subarray(start, end)
      const line = isText || isUtf8(part) ? part.toString('utf8') : undefined
      const head = line === undefined ? undefined : parseRecordHead(line)
      if (head === undefined || line === undefined) this.#setAside(file, offset + start, part)
      else this.#batch.push({ head, line, file, offset: offset + start })
      start = end + 1
    }
  }

  #setAside(file: JournalFile, offset: number, bytes: Buffer): void {
    const place = `${file.path}:${offset}`
    if (bytes.length === 0 || this.#setAsideAt.has(place)) return
    this.#options.damaged.keep({ file: file.path, offset, bytes })
    this.#setAsideAt.add(place)
  }

  async #store(): Promise<number> {
    const batch = this.#batch
    const reached = this.#reached
    this.#batch = []
    this.#reached = new Map()
    for (let at = 0; at < batch.length; at += this.#batchRecords) {
      await this.#insert(batch.slice(at, at + this.#batchRecords))
      await setImmediate() // SQLite is synchronous: without this nobody else's question would be heard
    }
    for (const [path, offset] of reached) {
      this.#storedBytes += offset - (this.#stored.get(path) ?? 0)
      this.#stored.set(path, offset)
    }
    this.#storedLines += batch.length
    return batch.length
  }

  /** A row that the database refuses must not stop the others: the batch is halved until it stands alone. */
  async #insert(lines: readonly PendingLine[]): Promise<void> {
    try {
      await this.#options.insert(lines)
    } catch (error) {
      if (!isDataError(error)) throw error
      const [first] = lines
      if (lines.length === 1 && first !== undefined) {
        this.#setAside(first.file, first.offset, Buffer.from(first.line))
        return
      }
      await this.#insert(lines.slice(0, lines.length >> 1))
      await this.#insert(lines.slice(lines.length >> 1))
    }
  }

  #removeWhole(file: JournalFile): void {
    const fd = openJournalFile(file.path)
    if (fd === undefined) return
    try {
      // Longer than what was stored: its writer was not dead after all, so the rest is for the next call.
      if (fstatSync(fd).size > (this.#stored.get(file.path) ?? 0)) return
      this.#options.damaged.sync()
      unlinkSync(file.path)
      this.#stored.delete(file.path)
    } finally {
      closeSync(fd)
    }
  }
}

/**
 * The folder belongs to the workers' uid, and a worker meets hostile bytes: whatever is no plain file with one name
 * (a link to a secret, a pipe that never ends) is left alone.
 */
function openJournalFile(path: string): number | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ELOOP') return undefined
    throw error
  }
  const stat = fstatSync(fd)
  if (stat.isFile() && stat.nlink === 1) return fd
  closeSync(fd)
  return undefined
}

/**
 * The whole lines from the offset on, about READ_BYTES of them; of a finished file the torn last one too. A line over
 * MAX_LINE_BYTES comes in pieces, none of which parses.
 */
function readLines(fd: number, offset: number, isFinished: boolean): Buffer {
  for (let size = READ_BYTES; ; size *= 4) {
    const bytes = Buffer.allocUnsafe(size)
    const length = readSync(fd, bytes, 0, size, offset)
    const end = bytes.subarray(0, length).lastIndexOf(NEWLINE) + 1
    if (end > 0) return bytes.subarray(0, end)
    if (length < size) return isFinished ? bytes.subarray(0, length) : Buffer.alloc(0)
    if (size >= MAX_LINE_BYTES) return bytes
  }
}
