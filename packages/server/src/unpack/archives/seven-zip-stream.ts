import type { Damage } from '../opener.ts'
import type { ListedItem } from './seven-zip-listing.ts'
import { itemDamage } from './seven-zip-words.ts'

/** Takes the items' bytes, one after the other. */
export interface ItemTarget {
  begin(item: ListedItem): void
  write(bytes: Buffer): void | Promise<void>
  end(damage?: Damage): Promise<void>
}

export interface StreamEnd {
  /** The first item that was not handed over for sure; all before it were. */
  readonly next: number
  /** The borders between items got lost behind an item that did not come as it was listed. */
  readonly isLost: boolean
  readonly complaints: readonly string[]
}

const LINE_FEED = 0x0a
const MAX_LINE_BYTES = 200_000
/** What 7-Zip says after the last item: never longer. */
const TAIL_BYTES = 64 * 1024
const MAX_COMPLAINTS = 32
const OK = 'Everything is Ok'
/** How the summary begins where something is wrong. */
const ENDS = ['Sub items Errors: ', 'Archives with ', 'Open Errors: ']
const PROMPT = 'Enter password:'
/** RAR asks only behind the first locked item's line. */
const PROMPT_BYTES = Buffer.from(`\n${PROMPT}\n`)

/**
 * Takes apart what `7zz x -so -bso2 -bb1 ... 2>&1` writes: log lines, and behind each line `- NAME` that item's bytes. Where
 * the size is listed the item is that long, whatever stands in it. Where it is not, it ends at the next item's line; data that
 * forges such a line is found out, because the true one is then left over inside the item (`isLost`).
 */
export class ItemStream {
  readonly #items: readonly ListedItem[]
  readonly #target: ItemTarget
  readonly #complaints: string[] = []
  #next = 0
  #current: ListedItem | undefined
  #left = 0
  /** Bytes in hand that belong to nobody yet. */
  #held: Buffer = Buffer.alloc(0)
  #damage: Damage | undefined
  /** The first item whose end is not certain. */
  #doubtful: number | undefined
  #isLost = false
  /** The summary was reached: nothing of an item comes any more. */
  #isDone = false
  /** The password was not asked for yet. */
  #awaitsPrompt = true

  constructor(items: readonly ListedItem[], target: ItemTarget) {
    this.#items = items
    this.#target = target
  }

  get isLost(): boolean {
    return this.#isLost
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#isLost) return
    if (this.#isDone) return this.#takeSummary(chunk)
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    while (!this.#isLost && !this.#isDone && (await this.#step()));
    // The chunk's memory is the reader's again.
    if (this.#held.length > 0) this.#held = Buffer.from(this.#held)
    if (this.#isDone) this.#takeSummary(Buffer.alloc(0))
  }

  async end(): Promise<StreamEnd> {
    if (!this.#isLost && !this.#isDone) await this.#finish()
    return { next: this.#next, isLost: this.#isLost, complaints: this.#complaints }
  }

  /** False when it needs more bytes. */
  async #step(): Promise<boolean> {
    if (this.#awaitsPrompt && this.#current?.isEncrypted) return this.#skipPrompt()
    if (this.#left > 0) return await this.#takeKnown()
    if (this.#current !== undefined && sizeIsUnknown(this.#current)) return await this.#takeUnknown()
    return await this.#takeLine()
  }

  #skipPrompt(): boolean {
    const start = this.#held.subarray(0, PROMPT_BYTES.length)
    const isPrompt = start.equals(PROMPT_BYTES.subarray(0, start.length))
    if (isPrompt && start.length < PROMPT_BYTES.length) return false
    this.#awaitsPrompt = false
    if (isPrompt) this.#held = this.#held.subarray(PROMPT_BYTES.length)
    return true
  }

  async #takeKnown(): Promise<boolean> {
    if (this.#held.length === 0) return false
    const bytes = this.#held.subarray(0, this.#left)
    this.#held = this.#held.subarray(bytes.length)
    this.#left -= bytes.length
    await this.#target.write(bytes)
    return true
  }

  async #takeLine(): Promise<boolean> {
    const end = this.#held.indexOf(LINE_FEED)
    if (end < 0 || end > MAX_LINE_BYTES) {
      if (this.#held.length > MAX_LINE_BYTES) this.#lose()
      return false
    }
    const line = this.#held.toString('latin1', 0, end)
    const isOurs = await this.#line(line)
    if (!isOurs && this.#current !== undefined) {
      // Right behind an item's bytes nothing but the log can stand.
      await this.#endCurrent({ reason: 'malformed', detail: '7-Zip: it is not as long as the archive says' })
      this.#lose()
      return false
    }
    this.#held = this.#held.subarray(end + 1)
    return true
  }

  /** False: not a line of the log. */
  async #line(line: string): Promise<boolean> {
    if (line.startsWith('- ')) return await this.#nameLine(line.slice(2))
    if (line.startsWith('ERROR: ')) return await this.#errorLine(line)
    if (line === PROMPT) this.#awaitsPrompt = false
    if (line === OK || ENDS.some((start) => line.startsWith(start))) return await this.#summary()
    return line === '' || line === PROMPT
  }

  /** An item that fails at once has no line of its name. */
  async #errorLine(line: string): Promise<boolean> {
    const item = this.#items[this.#next]
    const isNext = item !== undefined && line.endsWith(` : ${item.printed}`)
    const isCurrent = this.#current !== undefined && line.endsWith(` : ${this.#current.printed}`)
    if (isNext && !(isCurrent && this.#damage === undefined)) await this.#nameLine(logName(item))
    if (isNext) this.#left = 0
    this.#complain(line)
    return true
  }

  async #summary(): Promise<boolean> {
    // Before the first item it can only stand in a comment.
    if (this.#current === undefined) return true
    await this.#endCurrent()
    this.#isDone = true
    return true
  }

  /** Behind the true summary nothing comes: whatever else does was taken for an item's end, and forged it. */
  #takeSummary(chunk: Buffer): void {
    if (chunk.length > 0) this.#held = Buffer.concat([this.#held, chunk])
    if (this.#held.length <= SUMMARY_BYTES && isSummary(this.#held.toString('latin1'))) return
    this.#complaints.push('more came out than is listed')
    this.#lose()
  }

  async #nameLine(name: string): Promise<boolean> {
    const item = this.#items[this.#next]
    if (item === undefined || logName(item) !== name) return false
    this.#doubt()
    await this.#endCurrent()
    this.#next = item.index + 1
    this.#current = item
    this.#left = item.isFolder ? 0 : (item.size ?? 0)
    this.#target.begin(item)
    return true
  }

  /** A border that was searched for may be forged, and whatever comes behind it. */
  #doubt(): void {
    if (this.#current !== undefined && sizeIsUnknown(this.#current)) this.#doubtful ??= this.#current.index
  }

  #complain(line: string): void {
    const item = this.#current
    if (item === undefined || !line.endsWith(` : ${item.printed}`)) {
      if (this.#complaints.length < MAX_COMPLAINTS) this.#complaints.push(line.slice(0, 300))
    } else this.#damage ??= itemDamage(line, item.printed)
  }

  async #endCurrent(damage?: Damage): Promise<void> {
    if (this.#current === undefined) return
    const found = this.#damage ?? damage
    this.#current = undefined
    this.#damage = undefined
    this.#left = 0
    await this.#target.end(found)
  }

  async #takeUnknown(): Promise<boolean> {
    const item = this.#current as ListedItem
    const following = this.#items[item.index + 1]
    const mark = following === undefined ? undefined : markOf(following)
    const end = mark === undefined ? -1 : this.#held.indexOf(mark)
    // The line before the next item's may be a complaint about this one.
    const keep = mark === undefined ? TAIL_BYTES : mark.length + complaintRoom(item)
    const upTo = end >= 0 ? end : Math.max(0, this.#held.length - keep)
    if (await this.#isForged(this.#held.subarray(0, upTo + markOf(item).length))) return false
    const bytes = this.#held.subarray(0, upTo)
    this.#held = this.#held.subarray(upTo)
    await this.#target.write(end >= 0 ? this.#withoutComplaint(bytes) : bytes)
    if (end < 0) return false
    this.#held = this.#held.subarray((mark as Buffer).length)
    return await this.#nameLine(logName(following as ListedItem))
  }

  /** An item that holds the line of its own name got it from the one before, who forged the border between them. */
  async #isForged(bytes: Buffer): Promise<boolean> {
    if (this.#doubtful === undefined || !bytes.includes(markOf(this.#current as ListedItem))) return false
    await this.#endCurrent({ reason: 'malformed', detail: 'the one before it forges the border between them' })
    this.#lose()
    return true
  }

  /** Cuts off log lines behind an item's bytes. */
  #withoutComplaint(bytes: Buffer): Buffer {
    const item = this.#current as ListedItem
    const tail = bytes.subarray(-complaintRoom(item)).toString('latin1')
    const at = tail.lastIndexOf('ERROR: ')
    const line = at < 0 ? '' : tail.slice(at).trimEnd()
    if (!line.endsWith(` : ${item.printed}`)) return bytes
    this.#complain(line)
    return bytes.subarray(0, bytes.length - (tail.length - at))
  }

  async #finish(): Promise<void> {
    if (this.#left > 0)
      return await this.#endCurrent({ reason: 'malformed', detail: '7-Zip: it is not as long as the archive says' })
    if (this.#current === undefined || !sizeIsUnknown(this.#current)) return await this.#endCurrent()
    if (await this.#isForged(this.#held)) return
    const places = [`${OK}\n`, ...ENDS.map((start) => `\n${start}`)].map((words) => this.#held.lastIndexOf(words))
    const end = places.find((place) => place >= 0) ?? -1
    await this.#target.write(this.#withoutComplaint(end < 0 ? this.#held : this.#held.subarray(0, end)))
    await this.#endCurrent()
  }

  #lose(): void {
    this.#isLost = true
    this.#next = this.#doubtful ?? this.#next
    this.#held = Buffer.alloc(0)
  }
}

const SUMMARY_BYTES = 4096
const SUMMARY_LINE =
  /^(?:(?:Folders|Files|Alternate Streams|Alternate Streams Size|Size|Compressed|Archives|Volumes|Warnings|Errors|Open Errors|Sub items Errors|Archives with Errors|Archives with Warnings|Archives with Open Errors|OK archives|Can't open as archive): *\d*|ERRORS:|WARNINGS:)?$/

function isSummary(text: string): boolean {
  const lines = text.split('\n')
  // The last one may be on its way.
  lines.pop()
  return lines.every((line) => SUMMARY_LINE.test(line))
}

function sizeIsUnknown({ isFolder, size }: ListedItem): boolean {
  return !isFolder && size === undefined
}

function logName({ printed, isFolder }: ListedItem): string {
  return isFolder && !printed.endsWith('/') ? `${printed}/` : printed
}

function markOf(item: ListedItem): Buffer {
  return Buffer.from(`- ${logName(item)}\n`, 'latin1')
}

function complaintRoom({ printed }: ListedItem): number {
  return printed.length + 200
}
