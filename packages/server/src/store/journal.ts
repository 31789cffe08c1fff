import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeSync,
} from 'node:fs'
import type { TransactionRecord } from '../domain/transaction-record.ts'
import { messageOf, StoreError } from './errors.ts'
import { isInstanceName, journalBytes, journalBytesNow, journalPath } from './journal-files.ts'
import { MAX_LINE_BYTES, recordLine } from './record-line.ts'

export interface JournalOptions {
  readonly dir: string
  /** Unique for each start of a worker, `[A-Za-z0-9._-]{1,64}`: the reader tells writers apart by it. */
  readonly instance: string
  /** A file that has grown beyond this is finished and the next one begun. Default 8 MiB. */
  readonly maxFileBytes?: number
  /** What all journals of the folder may hold together before `isFull`. Default 1 GiB. */
  readonly capBytes?: number
  /** Told of a failed sync: power loss may then lose more than the last second. */
  readonly onSyncError?: (error: Error) => void
}

/**
 * A worker's own journal. A record is acknowledged (its reply may go out) once `commit` has returned: the kernel has it, so
 * no death of a process loses it; power loss may take the last second (fdatasync runs once a second).
 */
export interface Journal {
  /** True while the backlog of all workers is at its cap: answer `no-space` before scanning. Looked at about once a second. */
  readonly isFull: boolean
  /** Collects the record; nothing is written. Throws StoreError RECORD_TOO_LARGE. */
  append(record: TransactionRecord): void
  /**
   * Writes what was collected, in one write. Throws StoreError JOURNAL_FULL or JOURNAL_WRITE (disk full, I/O error): then
   * none of the collected records is acknowledged, and their replies must not go out as they are. The next commit tries anew.
   */
  commit(): void
  appendAndCommit(record: TransactionRecord): void
  /** Commits, syncs and closes; the file stays for the reader. */
  /** From now on. */
  setCapBytes(bytes: number): void
  close(): void
}

/** Opens a new journal file in the folder (made when missing). Throws the file system's error. */
export function openJournal(options: JournalOptions): Journal {
  return new FileJournal(options)
}

class FileJournal implements Journal {
  readonly #options: Required<Pick<JournalOptions, 'dir' | 'instance' | 'maxFileBytes'>>
  readonly #onSyncError: (error: Error) => void
  readonly #timer: NodeJS.Timeout
  #sequence: number
  #capBytes: number
  #fd: number | undefined
  #fileBytes = 0
  #pending = ''
  #dirty = false
  #syncing = false
  #isCounting = false
  #bytesWhileCounting = 0
  #folderBytes = 0

  constructor({
    dir,
    instance,
    maxFileBytes = 8 * 2 ** 20,
    capBytes = 2 ** 30,
    onSyncError = () => {},
  }: JournalOptions) {
    if (!isInstanceName(instance)) throw new TypeError(`not an instance name: ${JSON.stringify(instance)}`)
    this.#options = { dir, instance, maxFileBytes }
    this.#capBytes = capBytes
    this.#onSyncError = onSyncError
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    this.#sequence = lastSequence(dir, instance)
    this.#openNext()
    this.#timer = setInterval(() => this.#everySecond(), 1000)
    this.#timer.unref()
    this.#folderBytes = journalBytesNow(dir)
  }

  get isFull(): boolean {
    return this.#folderBytes >= this.#capBytes
  }

  setCapBytes(bytes: number): void {
    this.#capBytes = bytes
  }

  append(record: TransactionRecord): void {
    const line = recordLine(record)
    if (line.length > MAX_LINE_BYTES / 3) throw new StoreError('RECORD_TOO_LARGE', record.id) // 3 bytes a UTF-16 unit at most
    this.#pending += line
  }

  appendAndCommit(record: TransactionRecord): void {
    this.append(record)
    this.commit()
  }

  commit(): void {
    if (this.#pending === '') return
    const bytes = Buffer.from(this.#pending)
    this.#pending = ''
    if (this.isFull) throw new StoreError('JOURNAL_FULL')
    const fd = this.#fd ?? this.#openNext()
    writeWhole(fd, bytes, () => this.#abandonFile(fd))
    this.#fileBytes += bytes.length
    this.#folderBytes += bytes.length
    this.#bytesWhileCounting += bytes.length
    this.#dirty = true
    if (this.#fileBytes >= this.#options.maxFileBytes) this.#finishFile(fd)
  }

  close(): void {
    try {
      this.commit()
    } finally {
      clearInterval(this.#timer)
      const fd = this.#fd
      this.#fd = undefined
      this.#openNext = () => {
        throw new StoreError('JOURNAL_CLOSED')
      }
      if (fd !== undefined) {
        fdatasyncSync(fd)
        closeSync(fd)
      }
    }
  }

  #openNext = (): number => {
    const { dir, instance } = this.#options
    const path = journalPath(dir, instance, this.#sequence + 1)
    try {
      this.#fd = openSync(path, 'ax', 0o600)
    } catch (error) {
      throw new StoreError('JOURNAL_WRITE', messageOf(error), { cause: error })
    }
    this.#sequence++
    this.#fileBytes = 0
    return this.#fd
  }

  /**
   * Takes a failed write back and leaves the file. Never writes on behind it: the reader may have read whole lines of the
   * failed write already, and would then look for the next ones at the wrong place.
   */
  #abandonFile(fd: number): void {
    try {
      ftruncateSync(fd, this.#fileBytes)
    } catch {
      // The torn line stays the file's last one; the reader finds it when the next file stands.
    }
    this.#finishFile(fd)
  }

  // The next file is made at the next commit: an idle worker keeps no empty file behind.
  #finishFile(fd: number): void {
    this.#fd = undefined
    this.#dirty = false
    fdatasync(fd, (error) => {
      if (error) this.#onSyncError(error)
      close(fd)
    })
  }

  #everySecond(): void {
    this.#countFolder()
    const fd = this.#fd
    if (fd === undefined || !this.#dirty || this.#syncing) return
    this.#syncing = true
    this.#dirty = false
    fdatasync(fd, (error) => {
      this.#syncing = false
      // EBADF: the file was finished meanwhile, which syncs it as well.
      if (error && error.code !== 'EBADF') this.#onSyncError(error)
    })
  }

  #countFolder(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    this.#bytesWhileCounting = 0
    void journalBytes(this.#options.dir)
      .then((bytes) => {
        this.#folderBytes = bytes + this.#bytesWhileCounting // some of them twice, until the next count
      })
      .catch(this.#onSyncError)
      .finally(() => {
        this.#isCounting = false
      })
  }
}

function lastSequence(dir: string, instance: string): number {
  const own = readdirSync(dir).filter((name) => name.startsWith(`${instance}-`) && /-\d{8}\.jsonl$/.test(name))
  return Math.max(0, ...own.map((name) => Number(name.slice(-14, -6))))
}

/** One write; the rest of a short one is tried again, because only that tells why it was short. */
function writeWhole(fd: number, bytes: Buffer, takeBack: () => void): void {
  let written = 0
  try {
    while (written < bytes.length) written += writeSync(fd, bytes, written)
  } catch (error) {
    takeBack()
    throw new StoreError('JOURNAL_WRITE', messageOf(error), { cause: error })
  }
}
