/** A key that a peer chose must not hold much memory. */
const MAX_KEY_CHARS = 2048

/** The last so many values by key; very long keys are not kept. Values age where `set` is told until when. */
export class Recent<V> {
  readonly #entries = new Map<string, { readonly value: V; readonly untilMs: number }>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get(key: string, nowMs = 0): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.untilMs > nowMs) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /** First in, first out: moving an entry at each look would cost more than a second computation now and then. */
  set(key: string, value: V, untilMs = Number.POSITIVE_INFINITY): void {
    if (this.#max < 1 || key.length > MAX_KEY_CHARS) return
    this.#entries.delete(key)
    if (this.#entries.size >= this.#max) this.#entries.delete(this.#entries.keys().next().value ?? '')
    this.#entries.set(copied(key), { value, untilMs })
  }

  clear(): void {
    this.#entries.clear()
  }
}

/** A string of its own: a part of another keeps that one in memory, and a host is a part of a URL, a URL of a head of 64 KiB. */
export function copied(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
