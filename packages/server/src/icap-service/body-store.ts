import type { Content } from '../domain/sample.ts'
import type { UnscannedReason } from '../domain/verdict.ts'
import { readAt, type Spool, writeAll } from './spool.ts'

/** Bytes that go to disk in one write; twice as many waiting hold the peer back. */
const WRITE_BYTES = 128 * 1024
/** Chunks below this are copied together: a million 1-byte chunks must not become a million buffers (row C9). */
const SMALL_CHUNK = 8 * 1024
const MAX_BLOCK = 64 * 1024

/** Why a body is not kept. */
export interface Full {
  readonly reason: Extract<UnscannedReason, 'no-space' | 'too-large'>
  readonly detail: string
}

/**
 * Keeps the bytes of one body: in memory up to `memoryBytes`, then in an unlinked spool file. When the spool is full it lets
 * everything go and drops what still comes: `full` says so. Never throws.
 */
export class BodyStore {
  readonly #spool: Spool
  readonly #memoryBytes: number
  readonly #maxBytes: number
  #pieces: Buffer[] = []
  #pieceBytes = 0
  #block: Buffer | undefined
  #blockUsed = 0
  #size = 0
  #held = 0
  #fd: number | undefined
  #reserved = 0
  #written = 0
  #spooling = false
  #finishing = false
  #flushing: Promise<void> | undefined
  #state: 'taking' | 'full' | 'discarded' = 'taking'
  #full: Full | undefined

  constructor(spool: Spool, { memoryBytes, maxBytes }: { readonly memoryBytes: number; readonly maxBytes: number }) {
    this.#spool = spool
    this.#memoryBytes = memoryBytes
    this.#maxBytes = maxBytes
  }

  /** Bytes taken, those dropped for want of space included. */
  get size(): number {
    return this.#size
  }

  /** Why bytes were dropped; undefined while everything is kept. */
  get full(): Full | undefined {
    return this.#state === 'full' ? this.#full : undefined
  }

  /** How many leading bytes `readAt` can give now. */
  get readableBytes(): number {
    if (this.#state !== 'taking') return 0
    return this.#spooling ? this.#written : this.#size
  }

  /** A promise where the disk is behind: whoever sends must wait for it. */
  write(chunk: Buffer): void | Promise<void> {
    this.#size += chunk.length
    if (this.#state !== 'taking' || chunk.length === 0) return
    if (this.#size > this.#maxBytes) {
      this.#fail({ reason: 'too-large', detail: `more than ${this.#maxBytes} bytes` })
      return
    }
    const roomInMemory = this.#spool.hold(chunk.length)
    this.#held += chunk.length
    this.#append(chunk)
    if (!this.#spooling && roomInMemory && this.#size <= this.#memoryBytes) return
    this.#spooling = true
    if (this.#pieceBytes < WRITE_BYTES) return
    if (this.#flushing !== undefined) return this.#flushing
    this.#flushing = this.#flush()
  }

  /** The whole body; undefined when it was not kept (`full`). The content stays this store's: `discard` frees it. */
  finish(): Content | undefined | Promise<Content | undefined> {
    if (this.#state !== 'taking') return undefined
    if (!this.#spooling) return { kind: 'memory', bytes: this.#joined() }
    return this.#finishFile()
  }

  /** Up to `length` bytes at `position`, of those that are readable now. */
  async readAt(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.readableBytes)
    if (end <= position) return Buffer.alloc(0)
    if (this.#fd !== undefined) return await readAt(this.#fd, position, end - position)
    return this.#joined().subarray(position, end)
  }

  /** The bytes that no write has taken to disk yet; all of them until the first 128 KiB have come. */
  bytesInMemory(): Buffer {
    return this.#joined()
  }

  /** Frees memory, file and budget; may be called at any time, also twice. */
  discard(): void {
    this.#state = this.#state === 'full' ? 'full' : 'discarded'
    this.#pieces = []
    this.#pieceBytes = 0
    this.#block = undefined
    this.#spool.letGo(this.#held)
    this.#held = 0
    // A write under way still uses the descriptor: whoever runs it closes it.
    if (this.#flushing === undefined) this.#closeFile()
  }

  #append(chunk: Buffer): void {
    this.#pieceBytes += chunk.length
    if (chunk.length >= SMALL_CHUNK || (this.#pieces.length === 0 && this.#block === undefined)) {
      this.#sealBlock()
      this.#pieces.push(chunk)
    } else this.#copy(chunk)
  }

  #copy(chunk: Buffer): void {
    if (this.#block === undefined || this.#block.length - this.#blockUsed < chunk.length) {
      this.#sealBlock()
      const wanted = Math.min(MAX_BLOCK, Math.max(4096, this.#size))
      this.#block = Buffer.allocUnsafeSlow(Math.max(wanted, chunk.length))
    }
    this.#blockUsed += chunk.copy(this.#block, this.#blockUsed)
  }

  #sealBlock(): void {
    if (this.#block !== undefined) this.#pieces.push(this.#block.subarray(0, this.#blockUsed))
    this.#block = undefined
    this.#blockUsed = 0
  }

  #joined(): Buffer {
    this.#sealBlock()
    const [only] = this.#pieces
    if (this.#pieces.length === 1 && only !== undefined) return only
    const bytes = Buffer.concat(this.#pieces, this.#pieceBytes)
    this.#pieces = [bytes]
    return bytes
  }

  async #finishFile(): Promise<Content | undefined> {
    this.#finishing = true
    while (this.#state === 'taking' && (this.#flushing !== undefined || this.#pieceBytes > 0)) {
      this.#flushing ??= this.#flush()
      await this.#flushing
    }
    if (this.#state !== 'taking' || this.#fd === undefined) return undefined
    return { kind: 'file', fd: this.#fd, size: this.#size }
  }

  async #flush(): Promise<void> {
    try {
      await undefined // so that #flushing is set before anything can fail
      while (this.#state === 'taking' && this.#pieceBytes >= (this.#finishing ? 1 : WRITE_BYTES))
        await this.#writePending()
    } catch (error) {
      this.#fail({ reason: 'no-space', detail: (error as NodeJS.ErrnoException).code ?? 'write failed' })
    } finally {
      this.#flushing = undefined
      if (this.#state !== 'taking') this.#closeFile()
    }
  }

  async #writePending(): Promise<void> {
    this.#sealBlock()
    const pieces = this.#pieces
    const bytes = this.#pieceBytes
    this.#pieces = []
    this.#pieceBytes = 0
    if (!this.#spool.reserve(bytes)) return this.#fail({ reason: 'no-space', detail: 'spool budget is used up' })
    this.#reserved += bytes
    this.#fd ??= await this.#spool.open()
    await writeAll(this.#fd, pieces, this.#written)
    this.#written += bytes
    this.#spool.written(bytes)
    if (this.#state !== 'taking') return
    this.#spool.letGo(bytes)
    this.#held -= bytes
  }

  #fail(full: Full): void {
    if (this.#state !== 'taking') return
    this.#state = 'full'
    this.#full = full
    this.discard()
  }

  #closeFile(): void {
    if (this.#fd !== undefined) this.#spool.close(this.#fd, this.#reserved)
    else this.#spool.release(this.#reserved)
    this.#fd = undefined
    this.#reserved = 0
  }
}
