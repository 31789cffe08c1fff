import type { Content } from '../../domain/sample.ts'
import type { ContentView } from '../content-view.ts'
import type { ByteSource } from './member-writer.ts'

const WINDOW_BYTES = 128 * 1024

/**
 * A view for many small reads one behind the other: an archive of 100,000 members would else be 300,000 system calls.
 * What it gives stays as it is; bytes in memory are given in place.
 */
export class ByteWindow implements ByteSource {
  readonly size: number
  readonly #view: ContentView
  readonly #isMemory: boolean
  #from = 0
  #window: Buffer = Buffer.alloc(0)

  constructor(view: ContentView, content: Content) {
    this.size = view.size
    this.#view = view
    this.#isMemory = content.kind === 'memory'
  }

  /** Fewer bytes outside and beyond 1 MiB, never an error. */
  read(offset: number, length: number): Buffer {
    if (this.#isMemory || length > WINDOW_BYTES) return this.#view.read(offset, length)
    const from = Math.max(0, offset)
    const missing = from < this.#from || from + length > this.#from + this.#window.length
    if (missing) {
      this.#from = from
      this.#window = this.#view.read(from, WINDOW_BYTES)
    }
    return this.#window.subarray(from - this.#from, from - this.#from + length)
  }
}
