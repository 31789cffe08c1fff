/** One entry of an archive, as 7-Zip lists it. Names are the archive's own; only line ends in them are shown as `_`. */
export interface ListedItem {
  readonly index: number
  readonly name: string
  /** The name's bytes as 7-Zip prints them, a character each: its log is searched for them. */
  readonly printed: string
  /** Undefined where only unpacking tells (solid installers, streams without a length) or where it is a link. */
  readonly size: number | undefined
  readonly isFolder: boolean
  readonly isLink: boolean
  readonly isEncrypted: boolean
  readonly method: string
}

export interface Listing {
  readonly items: readonly ListedItem[]
  /** There were more items, or longer lines, than were wanted. */
  readonly isCut: boolean
  /** Where the archive begins and how long it is, where 7-Zip says so. */
  readonly offset: number
  readonly physicalSize: number | undefined
  readonly isVolume: boolean
  /** What 7-Zip complains of: its ERROR and WARNING lines, at most 32. */
  readonly complaints: readonly string[]
  readonly asksPassword: boolean
}

const MAX_LINE = 200_000
const MAX_COMPLAINTS = 32
const BEGIN = '----------'
const PROMPT = 'Enter password:'

/**
 * Reads what `7zz l -slt` prints, as it comes. A comment in the archive may forge lines: the first value of a key counts,
 * and an item that is only forged is missed when the contents come (seven-zip-stream.ts), never believed.
 */
export class ListingReader {
  readonly #maxItems: number
  readonly #items: ListedItem[] = []
  readonly #archive = new Map<string, string>()
  readonly #complaints: string[] = []
  #item: Map<string, string> | undefined
  #rest = ''
  #isCut = false
  #asksPassword = false
  #isComplaint = false

  constructor(maxItems: number) {
    this.#maxItems = maxItems
  }

  write(chunk: Buffer): void {
    if (this.#isCut) return
    const lines = (this.#rest + chunk.toString('latin1')).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > MAX_LINE) this.#isCut = true
    for (const line of lines) this.#line(line)
  }

  end(): Listing {
    if (this.#rest !== '') this.#line(this.#rest)
    this.#endItem()
    return {
      items: this.#items,
      isCut: this.#isCut,
      offset: numberOf(this.#archive.get('Offset')) ?? 0,
      physicalSize: numberOf(this.#archive.get('Physical Size')),
      isVolume: isVolume(this.#archive),
      complaints: this.#complaints,
      asksPassword: this.#asksPassword,
    }
  }

  #line(line: string): void {
    if (line === PROMPT) this.#asksPassword = true
    if (line === BEGIN && this.#item === undefined) this.#item = new Map()
    else if (this.#item === undefined) this.#ofArchive(line)
    else if (line === '') this.#endItem()
    else if (ERROR_LINE.test(line)) this.#complain(line)
    else keep(this.#item, line)
  }

  #ofArchive(line: string): void {
    if (ERROR_LINE.test(line)) this.#complain(line)
    if (BLOCK_OF_COMPLAINTS.test(line)) this.#isComplaint = true
    else if (line === '' || line.includes(' = ')) {
      this.#isComplaint = false
      keep(this.#archive, line)
    } else if (this.#isComplaint) this.#complain(line)
  }

  #complain(line: string): void {
    if (this.#complaints.length < MAX_COMPLAINTS) this.#complaints.push(line.slice(0, 300))
  }

  #endItem(): void {
    const item = this.#item
    if (item === undefined || item.size === 0) return
    this.#item = new Map()
    if (!item.has('Path') && !item.has('Size')) return
    if (this.#items.length >= this.#maxItems) this.#isCut = true
    else this.#items.push(listedItem(this.#items.length, item))
  }
}

const BLOCK_OF_COMPLAINTS = /^(?:ERRORS|WARNINGS):$/
const ERROR_LINE =
  /^(?:ERROR: |ERROR = |WARNING = |Open ERROR: |Open WARNING: |WARNING: |Is not archive$|Unexpected end of archive$|Headers Error$)/

function keep(values: Map<string, string>, line: string): void {
  const at = line.indexOf(' = ')
  if (at < 1 || at > 40) return
  const key = line.slice(0, at)
  if (KEYS.has(key) && !values.has(key)) values.set(key, line.slice(at + 3))
}

const KEYS = new Set([
  ...['Path', 'Size', 'Folder', 'Attributes', 'Encrypted', 'Method', 'Symbolic Link', 'Hard Link', 'Copy Link', 'Mode'],
  ...['Offset', 'Physical Size', 'Multivolume', 'Volume Index', 'Volumes', 'Total Volumes'],
])

function listedItem(index: number, values: ReadonlyMap<string, string>): ListedItem {
  const attributes = values.get('Attributes') ?? ''
  const mode = values.get('Mode') ?? ''
  const isLink =
    LINKS.some((key) => (values.get(key) ?? '') !== '') || / l[-r][-w]/.test(attributes) || mode.startsWith('l')
  const printed = values.get('Path') ?? ''
  return {
    index,
    name: Buffer.from(printed, 'latin1').toString(),
    printed,
    size: isLink ? undefined : numberOf(values.get('Size')),
    isFolder: values.get('Folder') === '+' || attributes.startsWith('D') || mode.startsWith('d'),
    isLink,
    isEncrypted: values.get('Encrypted') === '+',
    method: values.get('Method') ?? '',
  }
}

const LINKS = ['Symbolic Link', 'Hard Link', 'Copy Link']

function isVolume(values: ReadonlyMap<string, string>): boolean {
  return values.get('Multivolume') === '+' || Number(values.get('Volume Index') ?? 0) > 0
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
