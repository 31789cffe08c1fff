import { Unscanned } from '../../domain/verdict.ts'

/** What one walk may cost, all members of all levels together. */
export interface WalkLimits {
  /** Containers one in another. */
  readonly maxDepth: number
  readonly maxMembers: number
  /** Unpacked bytes. */
  readonly maxBytes: number
  /** Unpacked bytes for each byte of the sample. */
  readonly maxRatio: number
  /** The ratio counts only once so many bytes are unpacked. */
  readonly ratioFromBytes: number
}

/** The one budget of a walk. Once used up it stays so: everything that still comes is a bomb. */
export class Budget {
  readonly #limits: WalkLimits
  readonly #ratioBytes: number
  #members = 0
  #bytes = 0

  constructor(limits: WalkLimits, sampleBytes: number) {
    this.#limits = limits
    this.#ratioBytes = Math.max(limits.ratioFromBytes, sampleBytes * limits.maxRatio)
  }

  get left(): { readonly members: number; readonly bytes: number } {
    const most = Math.min(this.#limits.maxBytes, this.#ratioBytes)
    return {
      members: Math.max(0, this.#limits.maxMembers - this.#members),
      bytes: Math.max(0, most - this.#bytes),
    }
  }

  /** Throws Unscanned('bomb'). */
  member(): void {
    if (++this.#members > this.#limits.maxMembers)
      throw new Unscanned('bomb', `more than ${this.#limits.maxMembers} members`)
  }

  /** Throws Unscanned('bomb'). */
  spend(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#limits.maxBytes)
      throw new Unscanned('bomb', `unpacks to more than ${this.#limits.maxBytes} bytes`)
    if (this.#bytes > this.#ratioBytes)
      throw new Unscanned('bomb', `unpacks to more than ${this.#limits.maxRatio} times its size`)
  }
}
