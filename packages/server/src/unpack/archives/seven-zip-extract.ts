import type { Content } from '../../domain/sample.ts'
import { Unscanned } from '../../domain/verdict.ts'
import type { OpenRun } from '../opener.ts'
import type { ListedItem, Listing } from './seven-zip-listing.ts'
import { ItemMembers } from './seven-zip-members.ts'
import { ItemStream, type StreamEnd } from './seven-zip-stream.ts'
import {
  canBeNamed,
  findPassword,
  list,
  type SevenZipOptions,
  type ToolRun,
  unpackAll,
  unpackOne,
} from './seven-zip-tool.ts'
import { damageOf } from './seven-zip-words.ts'

export interface Extraction {
  /** 7-Zip's name of the format: `zip`, `7z`, `Rar5`. */
  readonly format: string
  /** Passwords to try, best first. */
  readonly candidates: readonly string[]
  /** Hands over only these (by their place in the directory, name, method); undefined: all. */
  select?(item: ListedItem): boolean
}

/** Where an archive lies in the content it was found in. */
export interface Place {
  readonly offset: number
  /** Undefined where 7-Zip does not say how long it is. */
  readonly size: number | undefined
}

/** Room for the log between the items: their names, and a complaint each. */
const LOG_BYTES_AN_ITEM = 1024
const LOG_BYTES = 1024 * 1024
/** Folders are no members of a budget, but take their time. */
const MAX_FOLDERS = 20_000
/** After the borders are lost each item is a run of its own. */
const MAX_SINGLE_RUNS = 200
const MAX_MISSING = 20
/** Stands for "none fits", so that what is not encrypted still comes. */
const NO_PASSWORD = 'none'

/**
 * Unpacks one layer with 7-Zip, confined, in constant memory: items come one after the other from its standard output. Every
 * complaint becomes an unscanned member or node, and what was listed is compared with what came. undefined: not of this format.
 * Throws Unscanned (engine-down, encrypted, malformed, bomb, timeout).
 */
export async function extractWithSevenZip(
  content: Content,
  run: OpenRun,
  { tool, ...more }: Extraction & SevenZipOptions,
): Promise<Place | undefined> {
  if (run.runTool === undefined)
    throw new Unscanned('engine-down', '7-Zip needs bubblewrap; assay doctor says how to mend')
  const { signal, runTool } = run
  const toolRun: ToolRun = { options: { tool, ...more }, runTool, content, signal, format: more.format }
  return await new Archive(toolRun, run, more).unpack()
}

class Archive {
  readonly #tool: ToolRun
  readonly #run: OpenRun
  readonly #extraction: Extraction
  #password: string | undefined

  constructor(tool: ToolRun, run: OpenRun, extraction: Extraction) {
    this.#tool = tool
    this.#run = run
    this.#extraction = extraction
  }

  async unpack(): Promise<Place | undefined> {
    const listing = await this.#list()
    if (listing === undefined) return undefined
    for (const complaint of listing.complaints) if (!isAboutTail(complaint)) this.#run.unscanned(damageOf(complaint))
    const locked = smallest(listing.items.filter(({ isEncrypted }) => isEncrypted))
    if (locked !== undefined && this.#password === undefined) this.#password = await this.#find(locked)
    await this.#extract(listing)
    if (listing.isVolume) this.#run.unscanned({ reason: 'not-unpacked', detail: 'one volume of several' })
    if (listing.isCut) throw new Unscanned('bomb', `more than ${listing.items.length} items`)
    return { offset: listing.offset, size: listing.physicalSize }
  }

  async #list(): Promise<Listing | undefined> {
    const maxItems = this.#run.left.members + MAX_FOLDERS
    const first = await list(this.#tool, '', maxItems)
    if (!isClosed(first.listing, first.code)) return opened(first.listing, first.code)
    if (!first.listing.asksPassword) return undefined
    this.#password = await this.#find(undefined)
    if (this.#password === undefined) throw new Unscanned('encrypted', 'no password fits its directory')
    const second = await list(this.#tool, this.#password, maxItems)
    return opened(second.listing, second.code)
  }

  async #find(item: ListedItem | undefined): Promise<string | undefined> {
    const password = await findPassword(this.#tool, item, this.#extraction.candidates)
    if (password !== undefined) this.#run.passwords.succeeded(password)
    return password
  }

  async #extract({ items, complaints }: Listing): Promise<void> {
    if (items.every((item) => item.isFolder || this.#isLocked(item))) return this.#refuse(items)
    const members = new ItemMembers(this.#run, { password: this.#password, select: this.#extraction.select })
    const stream = new ItemStream(
      items.map((item) => (this.#isLocked(item) ? { ...item, size: undefined } : item)),
      members,
    )
    const { code } = await unpackAll(this.#tool, {
      password: this.#password ?? NO_PASSWORD,
      onStdout: (chunk) => stream.write(chunk),
      maxStdoutBytes: this.#run.left.bytes + LOG_BYTES + items.length * LOG_BYTES_AN_ITEM,
    })
    const end = await stream.end()
    for (const complaint of end.complaints)
      if (!complaints.includes(complaint)) this.#run.unscanned(damageOf(complaint))
    if (code === undefined && !end.isLost) throw new Unscanned('bomb', 'it unpacks to more than what is left')
    await this.#rest(items, end)
    if (code !== 0 && !members.hasDamage && end.complaints.length + complaints.length === 0)
      this.#run.unscanned({ reason: 'malformed', detail: `7-Zip ended with ${code ?? 'too much output'}` })
  }

  /** What did not come in one piece with the others. */
  async #rest(items: readonly ListedItem[], { next, isLost }: StreamEnd): Promise<void> {
    const notCome = items.slice(next).filter(({ isFolder }) => !isFolder)
    const missing = notCome.filter((item) => !this.#isLocked(item))
    this.#refuse(notCome)
    const tried = isLost ? missing.slice(0, MAX_SINGLE_RUNS).filter(canBeNamed) : []
    for (const item of new Map(tried.map((one) => [one.name, one])).values()) await this.#single(item)
    const lost = missing.filter((item) => !tried.includes(item) && this.#extraction.select?.(item) !== false)
    for (const { name } of lost.slice(0, MAX_MISSING))
      this.#run.unscanned({ reason: 'malformed', detail: 'it is listed, and did not come out' }, name)
    if (lost.length > MAX_MISSING)
      this.#run.unscanned({ reason: 'malformed', detail: `${lost.length} items are listed, and did not come out` })
  }

  #isLocked({ isEncrypted }: ListedItem): boolean {
    return isEncrypted && this.#password === undefined
  }

  #refuse(items: readonly ListedItem[]): void {
    const locked = items.filter((item) => this.#isLocked(item) && this.#extraction.select?.(item) !== false)
    for (const { name } of locked.slice(0, MAX_MISSING)) this.#run.unscanned(NO_PASSWORD_FITS, name)
    if (locked.length > MAX_MISSING)
      this.#run.unscanned({ ...NO_PASSWORD_FITS, detail: `${locked.length} items: no password fits` })
  }

  async #single(item: ListedItem): Promise<void> {
    const members = new ItemMembers(this.#run, { password: this.#password, select: this.#extraction.select })
    members.begin(item)
    let bytes = 0
    const { code, stderr } = await unpackOne(this.#tool, item, {
      password: this.#password ?? NO_PASSWORD,
      onStdout(chunk) {
        bytes += chunk.length
        return members.write(chunk)
      },
      maxStdoutBytes: this.#run.left.bytes + 1,
    })
    const complaint = /^ERROR: .*$/m.exec(stderr)?.[0]
    const isWhole = code === 0 && (item.size === undefined || bytes === item.size)
    const damage = complaint === undefined ? DAMAGED : damageOf(complaint)
    await members.end(isWhole ? undefined : damage)
  }
}

const NO_PASSWORD_FITS = { reason: 'encrypted', detail: 'no password fits' } as const
const DAMAGED = { reason: 'malformed', detail: '7-Zip: it is not as long as the archive says' } as const

/** 7-Zip's words where the format was not recognised, or its directory is behind a password. */
function isClosed({ items, complaints }: Listing, code: number): boolean {
  return code !== 0 && items.length === 0 && complaints.some((line) => line.includes('Cannot open'))
}

function opened(listing: Listing, code: number): Listing {
  if (code !== 0 && listing.items.length === 0 && !listing.isCut) {
    const complaint = listing.complaints.at(-1) ?? `7-Zip ended with ${code}`
    throw new Unscanned('malformed', `7-Zip: ${complaint}`)
  }
  return listing
}

/** What stands behind an archive is handed over, so it is no loss. */
function isAboutTail(complaint: string): boolean {
  return complaint.includes('data after the end of archive')
}

function smallest(items: readonly ListedItem[]): ListedItem | undefined {
  let best: ListedItem | undefined
  for (const item of items)
    if (item.size !== 0 && (item.size ?? Number.POSITIVE_INFINITY) < (best?.size ?? Number.POSITIVE_INFINITY))
      best = item
  return best ?? items[0]
}
