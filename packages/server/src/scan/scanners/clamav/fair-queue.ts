/** First come, first served, but the clients in turn: one with many bodies keeps nobody else waiting. */
export class FairQueue<T> {
  readonly #clients = new Map<string, T[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  push(client: string, item: T): void {
    const own = this.#clients.get(client)
    if (own === undefined) this.#clients.set(client, [item])
    else own.push(item)
    this.#size += 1
  }

  shift(): T | undefined {
    for (const [client, own] of this.#clients) {
      const item = own.shift()
      this.#clients.delete(client)
      if (own.length > 0) this.#clients.set(client, own)
      this.#size -= 1
      return item
    }
    return undefined
  }

  remove(client: string, item: T): void {
    const own = this.#clients.get(client)
    const at = own?.indexOf(item) ?? -1
    if (own === undefined || at === -1) return
    own.splice(at, 1)
    this.#size -= 1
    if (own.length === 0) this.#clients.delete(client)
  }
}
