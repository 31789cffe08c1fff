import { closeSync, constants, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { basename } from 'node:path'

export interface DamagedLine {
  /** The journal file it stood in. */
  readonly file: string
  readonly offset: number
  readonly bytes: Buffer
}

/** Where lines go that cannot be taken in: nothing disappears without a trace. */
export interface DamagedLines {
  /** Lines kept or, over the file's cap, only counted. */
  readonly count: number
  keep(line: DamagedLine): void
  /** Returns once what was kept is on disk; before a journal file is deleted. */
  sync(): void
  close(): void
}

const MAX_FILE_BYTES = 64 * 1024 * 1024

/**
 * Appends to one file (made at the first line): JSON `{"file","offset","atMs","base64"}` a line. The same line may stand
 * twice after a crash, with the same file and offset. It must not lie in a folder that workers can write.
 */
export function damagedLinesIn(path: string, now: () => number = Date.now): DamagedLines {
  return new DamagedFile(path, now)
}

class DamagedFile implements DamagedLines {
  readonly #path: string
  readonly #now: () => number
  #fd: number | undefined
  #isDirty = false
  count = 0

  constructor(path: string, now: () => number) {
    this.#path = path
    this.#now = now
  }

  keep({ file, offset, bytes }: DamagedLine): void {
    this.count++
    this.#fd ??= openSync(
      this.#path,
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
      0o600,
    )
    if (fstatSync(this.#fd).size > MAX_FILE_BYTES) return
    const line = { file: basename(file), offset, atMs: this.#now(), base64: bytes.toString('base64') }
    writeSync(this.#fd, `${JSON.stringify(line)}\n`)
    this.#isDirty = true
  }

  sync(): void {
    if (this.#fd !== undefined && this.#isDirty) fsyncSync(this.#fd)
    this.#isDirty = false
  }

  close(): void {
    this.sync()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}
