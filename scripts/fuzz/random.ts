/** Numbers that come again for the same seed: xorshift128 (Marsaglia, 2003), seeded by splitmix32 of the words. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(...words: readonly number[]) {
    let state = 0x9e3779b9
    const next = (word: number): number => {
      state = Math.imul(state ^ word ^ (state >>> 16), 0x21f0aaad) >>> 0
      state = Math.imul(state ^ (state >>> 15), 0x735a2d97) >>> 0
      state = (state ^ (state >>> 15)) >>> 0
      return state
    }
    for (const word of words) next(word)
    this.#a = next(1)
    this.#b = next(2)
    this.#c = next(3)
    this.#d = next(4) | 1
  }

  /** 32 bits. */
  word(): number {
    const t = this.#a ^ (this.#a << 11)
    this.#a = this.#b
    this.#b = this.#c
    this.#c = this.#d
    this.#d = (this.#d ^ (this.#d >>> 19) ^ t ^ (t >>> 8)) >>> 0
    return this.#d
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return below <= 1 ? 0 : this.word() % below
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** Small numbers far more often than large ones. */
  small(most: number): number {
    return this.below(this.below(most) + 1)
  }
}

/** A number of a name (FNV-1a). */
export function numberOf(name: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
