import { readSync } from 'node:fs'
import type { Content } from '../domain/sample.ts'

const HEAD_BYTES = 16 * 1024
/** No look at a file's structure reads more than this at once. */
const MAX_READ_BYTES = 1024 * 1024

/** Bytes of a sample by position, wherever they lie. Reads outside give fewer bytes, never an error. */
export class ContentView {
  readonly size: number
  /** At least the first 16 KiB of it; the whole where it lies in memory. */
  readonly head: Buffer
  readonly #content: Content

  /** Throws what the system throws when the file cannot be read. */
  constructor(content: Content) {
    this.#content = content
    this.size = content.kind === 'memory' ? content.bytes.length : content.size
    this.head = content.kind === 'memory' ? content.bytes : this.read(0, HEAD_BYTES)
  }

  /** At most 1 MiB from `offset` on. */
  read(offset: number, length: number): Buffer {
    const from = Math.max(0, offset)
    const bytes = Math.min(length, MAX_READ_BYTES, Math.max(0, this.size - from))
    if (this.#content.kind === 'memory') return this.#content.bytes.subarray(from, from + bytes)
    const buffer = Buffer.allocUnsafe(bytes)
    return buffer.subarray(0, readSync(this.#content.fd, buffer, 0, bytes, from))
  }

  tail(length: number): Buffer {
    return this.read(this.size - length, length)
  }
}
