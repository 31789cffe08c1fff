import type { Damage, MemberSink, OpenRun } from '../opener.ts'
import type { ListedItem } from './seven-zip-listing.ts'
import type { ItemTarget } from './seven-zip-stream.ts'

export interface MemberChoice {
  readonly password: string | undefined
  /** Undefined: all of them. */
  readonly select: ((item: ListedItem) => boolean) | undefined
}

/** Hands items over as members; what is not handed over is counted all the same. */
export class ItemMembers implements ItemTarget {
  readonly #run: OpenRun
  readonly #choice: MemberChoice
  #item: ListedItem | undefined
  #sink: MemberSink | undefined
  /** Complaints about items were passed on. */
  hasDamage = false

  constructor(run: OpenRun, choice: MemberChoice) {
    this.#run = run
    this.#choice = choice
  }

  begin(item: ListedItem): void {
    this.#item = item
    this.#sink = undefined
  }

  write(bytes: Buffer): void | Promise<void> {
    if (bytes.length === 0) return
    if (!this.#isWanted) return this.#run.spend(bytes.length)
    this.#sink ??= this.#open()
    return this.#sink.write(bytes)
  }

  /** A folder or a link without contents is nothing to look at; a file without contents is an empty file. */
  async end(damage?: Damage): Promise<void> {
    const item = this.#item
    this.#item = undefined
    if (item === undefined || this.#choice.select?.(item) === false) return
    if (damage !== undefined) this.hasDamage = true
    if (this.#isLocked(item)) return this.#refuse(item)
    if (this.#sink !== undefined) return await this.#sink.end(damage)
    if (damage !== undefined) return this.#run.unscanned(damage, item.name)
    if (item.isFolder || item.isLink) return
    await this.#run.member({ name: item.name }).end()
  }

  get #isWanted(): boolean {
    const item = this.#item
    return item !== undefined && !this.#isLocked(item) && this.#choice.select?.(item) !== false
  }

  #isLocked({ isEncrypted }: ListedItem): boolean {
    return isEncrypted && this.#choice.password === undefined
  }

  #refuse({ name }: ListedItem): void {
    this.hasDamage = true
    this.#run.unscanned({ reason: 'encrypted', detail: 'no password fits' }, name)
  }

  #open(): MemberSink {
    const { name, isEncrypted } = this.#item as ListedItem
    const { password } = this.#choice
    return this.#run.member({ name, ...(isEncrypted && password !== undefined ? { password } : {}) })
  }
}
