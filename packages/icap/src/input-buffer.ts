const EMPTY = Buffer.alloc(0)

/**
 * Bytes read and not yet understood. One read is adopted without a copy; a second one behind it is appended to a buffer of our own
 * that doubles, so that a peer sending byte by byte costs linear time. Slices given out stay valid: nothing is ever moved in place.
 */
export class InputBuffer {
  bytes: Buffer = EMPTY
  start = 0
  end = 0
  /** Whether `bytes` has room of ours behind `end`. */
  #owned = false

  get length(): number {
    return this.end - this.start
  }

  append(chunk: Buffer): void {
    if (this.start === this.end) this.#adopt(chunk)
    else this.#copyIn(chunk)
  }

  consume(count: number): void {
    this.start += count
    if (this.start === this.end) this.clear()
  }

  /** Puts unread bytes back in front of what came since. */
  putBack(chunk: Buffer): void {
    const behind = this.length === 0 ? undefined : this.bytes.subarray(this.start, this.end)
    this.#adopt(chunk)
    if (behind !== undefined) this.append(behind)
  }

  /** Lets the memory go: an idle connection holds none. */
  clear(): void {
    this.#adopt(EMPTY)
  }

  #adopt(chunk: Buffer): void {
    this.bytes = chunk
    this.start = 0
    this.end = chunk.length
    this.#owned = false
  }

  #copyIn(chunk: Buffer): void {
    const length = this.length
    if (!this.#owned || this.end + chunk.length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(2 * (length + chunk.length))
      this.bytes.copy(grown, 0, this.start, this.end)
      this.#adopt(grown)
      this.end = length
      this.#owned = true
    }
    chunk.copy(this.bytes, this.end)
    this.end += chunk.length
  }
}
