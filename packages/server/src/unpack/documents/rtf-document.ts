import { Unscanned } from '../../domain/verdict.ts'
import type { OpenerNode, OpenRun } from '../opener.ts'
import { HexSink } from './rtf-object.ts'
import { hexDigit, RtfReader, type RtfToken } from './rtf-reader.ts'

/** One `\object`, with what its writer did to hide it. */
export interface RtfObject {
  readonly offset: number
  /** Groups that Word skips left out. */
  readonly data: Buffer
  /** Every digit, wherever it stood; undefined where that makes no difference. */
  readonly everything: Buffer | undefined
  readonly className: string
  /** `\objupdate`: loaded without a click. */
  readonly updates: boolean
  /** Control words, groups, `\bin` and `\'` among the digits: no writer of documents puts any there. */
  readonly interruptions: number
  readonly overflowed: boolean
}

/** What `readRtf` tells as it comes to it. */
export interface RtfEvents {
  object(object: RtfObject): Promise<void>
  /** Bytes of a picture or of another destination that holds hexadecimal digits. */
  blob(name: string, bytes: Buffer, offset: number): Promise<void>
  field(instruction: string): void
  template(target: string): void
  /** A control word that only exploits give this value. */
  exploit(what: string, offset: number): void
  /** Behind the document's last brace. */
  ended(offset: number): void
}

type Place = 'text' | 'objdata' | 'blob' | 'skipped' | 'objclass' | 'field' | 'template' | 'shape-name' | 'shape-value'

/** What is inherited from the group around. */
interface Group {
  place: Place
  /** The group in which the place began ends it. */
  owner: boolean
  /** Seen `\*` with no word behind it yet. */
  starred: boolean
}

const PLACES: Readonly<Record<string, Place>> = {
  objdata: 'objdata',
  objclass: 'objclass',
  fldinst: 'field',
  template: 'template',
  pict: 'blob',
  datastore: 'blob',
  themedata: 'blob',
  sn: 'shape-name',
  sv: 'shape-value',
  info: 'skipped',
  nonshppict: 'text',
  shppict: 'text',
  shpinst: 'text',
  objlink: 'text',
}

const MAX_DEPTH = 10_000
const MAX_OBJECT = 64 * 1024 * 1024
const MAX_EVERYTHING = 8 * 1024 * 1024
const MAX_TEXT = 8192
const TOKENS_PER_LOOK = 200_000
/** Word's font table overflows at 32,768 entries (CVE-2023-21716). */
const MAX_FONTS = 32_000

/** Goes through the whole document once. Throws Unscanned('timeout') and lets through what the events throw. */
export async function readRtf(node: OpenerNode, run: OpenRun, events: RtfEvents): Promise<void> {
  await new Document(node, run, events).read()
}

class Document {
  readonly #reader: RtfReader
  readonly #node: OpenerNode
  readonly #run: OpenRun
  readonly #events: RtfEvents
  readonly #groups: Group[] = [{ place: 'text', owner: false, starred: false }]
  #tooDeep = false
  /** Open groups beyond the deepest that is kept. */
  #unkept = 0
  #ended = false
  #hex: HexSink | undefined
  #everything: HexSink | undefined
  #dataAt = 0
  #blobName = ''
  #interruptions = 0
  #text = ''
  #className = ''
  #updates = false
  #shapeName = ''
  #skipChars = 0
  #fonts = 0

  constructor(node: OpenerNode, run: OpenRun, events: RtfEvents) {
    this.#reader = new RtfReader(node.view)
    this.#node = node
    this.#run = run
    this.#events = events
  }

  async read(): Promise<void> {
    for (let count = 1; ; count++) {
      const token = this.#reader.next()
      if (token.kind === 'end') break
      if (token.kind === 'close') await this.#close()
      else this.#take(token)
      if (count % TOKENS_PER_LOOK !== 0) continue
      await new Promise(setImmediate)
      if (this.#run.signal.aborted) throw new Unscanned('timeout', 'stopped inside an RTF document')
    }
    // A document that is cut still shows what came of it.
    this.#unkept = 0
    while (this.#groups.length > 1) await this.#close()
    if (this.#tooDeep) this.#run.unscanned({ reason: 'too-deep', detail: `groups more than ${MAX_DEPTH} deep` })
  }

  get #group(): Group {
    return this.#groups.at(-1) as Group
  }

  #take(token: RtfToken): void {
    switch (token.kind) {
      case 'open':
        this.#open()
        break
      case 'word':
        this.#word(token.text, token.value)
        break
      case 'symbol':
        this.#symbol(token.text)
        break
      case 'hex':
        this.#hexByte(token.byte)
        break
      case 'text':
        this.#textByte(token.byte)
        break
      case 'binary':
        this.#binary(token.offset, token.length)
        break
    }
  }

  #open(): void {
    if (this.#inData()) this.#interruptions++
    if (this.#groups.length > MAX_DEPTH) {
      this.#tooDeep = true
      this.#unkept++
    } else this.#groups.push({ place: this.#group.place, owner: false, starred: false })
  }

  async #close(): Promise<void> {
    if (this.#unkept > 0) {
      this.#unkept--
      return
    }
    const group = this.#groups.length > 1 ? this.#groups.pop() : undefined
    if (group?.owner) await this.#leave(group.place)
    if (this.#groups.length > 1 || this.#ended) return
    this.#ended = true
    this.#events.ended(this.#reader.position)
  }

  #inData(): boolean {
    return this.#hex !== undefined
  }

  #word(text: string, value: number | undefined): void {
    const group = this.#group
    const starred = group.starred
    group.starred = false
    this.#watch(text, value)
    const place = Object.hasOwn(PLACES, text) ? PLACES[text] : undefined
    if (place !== undefined && place !== 'text') this.#enter(group, place, text)
    else if (this.#inData()) {
      this.#interruptions++
      // `{\*\unknown ...}` is skipped with all that is in it; any other word changes nothing.
      if (starred && place === undefined && !group.owner) group.place = 'skipped'
    }
    if (text === 'u' && value !== undefined) this.#unicode(value)
  }

  /** Words that matter wherever they stand. */
  #watch(text: string, value: number | undefined): void {
    if (text === 'objupdate' || text === 'objautlink') this.#updates = true
    if (text === 'object') {
      this.#updates = false
      this.#className = ''
    }
    if (text === 'listoverridecount' && value !== undefined && ![0, 1, 9].includes(value)) {
      this.#events.exploit(`listoverridecount ${value} (CVE-2014-1761)`, this.#reader.position)
    }
    if (text === 'fcharset' && ++this.#fonts === MAX_FONTS) {
      this.#events.exploit(`more than ${MAX_FONTS} fonts (CVE-2023-21716)`, this.#reader.position)
    }
  }

  #enter(group: Group, place: Place, name: string): void {
    if (this.#inData()) {
      this.#interruptions++
      if (place === 'objdata') return
      // A destination inside the digits has text of its own.
      group.place = 'skipped'
      return
    }
    group.place = place
    group.owner = true
    if (place === 'objdata' || place === 'blob') this.#startData(place, name)
    else this.#text = ''
  }

  #startData(place: Place, name: string): void {
    this.#hex = new HexSink(Math.min(MAX_OBJECT, Math.max(1, this.#run.left.bytes)))
    this.#everything = place === 'objdata' ? new HexSink(MAX_EVERYTHING) : undefined
    this.#dataAt = this.#reader.position
    this.#blobName = name === 'pict' ? 'picture' : name
    this.#interruptions = 0
  }

  async #leave(place: Place): Promise<void> {
    if (place === 'objdata') await this.#leaveObject()
    else if (place === 'blob') await this.#leaveBlob()
    else this.#leaveText(place)
  }

  #leaveText(place: Place): void {
    const text = this.#text.trim()
    this.#text = ''
    if (place === 'field') this.#events.field(text)
    else if (place === 'template') this.#events.template(text)
    else if (place === 'objclass') this.#className = text
    else if (place === 'shape-name') this.#shapeName = text
    else if (place === 'shape-value' && /^pfragments$/i.test(this.#shapeName) && text.length > 40) {
      this.#events.exploit('pFragments (CVE-2010-3333)', this.#reader.position)
    }
  }

  async #leaveObject(): Promise<void> {
    const [hex, everything] = [this.#hex, this.#everything]
    this.#hex = undefined
    this.#everything = undefined
    if (hex === undefined || everything === undefined) return
    const data = hex.take()
    const all = everything.length === data.length ? undefined : everything.take()
    if (data.length === 0 && all === undefined) return
    await this.#events.object({
      offset: this.#dataAt,
      data,
      everything: all,
      className: this.#className,
      updates: this.#updates,
      interruptions: this.#interruptions,
      overflowed: hex.overflowed,
    })
  }

  async #leaveBlob(): Promise<void> {
    const hex = this.#hex
    this.#hex = undefined
    if (hex === undefined || hex.length === 0) return
    await this.#events.blob(this.#blobName, hex.take(), this.#dataAt)
  }

  #symbol(text: string): void {
    const group = this.#group
    if (text === '*') group.starred = true
    else if (!this.#inData()) this.#addSymbol(text)
    else if (text !== '\n' && text !== '\r') this.#interruptions++
  }

  #addSymbol(text: string): void {
    if ('\\{}'.includes(text)) this.#addText(text.charCodeAt(0))
    else if (text === '~') this.#addText(0x20)
  }

  #hexByte(byte: number): void {
    if (!this.#inData()) {
      this.#addText(byte)
      return
    }
    this.#interruptions++
    this.#everything?.digit(byte >> 4)
    this.#everything?.digit(byte & 15)
  }

  #textByte(byte: number): void {
    if (!this.#inData()) {
      this.#addText(byte)
      return
    }
    const digit = hexDigit(byte)
    if (digit < 0) return
    if (this.#group.place !== 'skipped') this.#hex?.digit(digit)
    this.#everything?.digit(digit)
  }

  #addText(byte: number): void {
    if (this.#skipChars > 0) {
      this.#skipChars--
      return
    }
    if (this.#group.place === 'text' || byte === 0x0a || byte === 0x0d) return
    if (this.#text.length < MAX_TEXT) this.#text += String.fromCharCode(byte)
  }

  /** `\u-10187?`: a UTF-16 unit, then what old readers show instead of it. */
  #unicode(value: number): void {
    if (this.#group.place === 'text' || this.#inData() || this.#text.length >= MAX_TEXT) return
    this.#text += String.fromCharCode(value & 0xffff)
    this.#skipChars = 1
  }

  #binary(offset: number, length: number): void {
    if (this.#group.place === 'skipped' || this.#hex === undefined) return
    this.#interruptions++
    for (let at = 0; at < length; at += 64 * 1024) {
      const piece = this.#node.view.read(offset + at, Math.min(64 * 1024, length - at))
      this.#hex.bytes(piece)
      this.#everything?.bytes(piece)
    }
  }
}
