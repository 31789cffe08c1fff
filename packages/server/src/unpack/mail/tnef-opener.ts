import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Damage, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { nameFindings, tellingName } from './attachment-names.ts'
import type { Range } from './byte-scanner.ts'
import { passDecoded } from './hand-over.ts'
import { RtfDecoder, rtfText } from './lzfu.ts'
import { MailText } from './mail-text.ts'
import { type MapiProperty, mapiProperties, PROPERTY, PROPERTY_TYPE } from './mapi-properties.ts'
import { decodeText } from './mime-words.ts'
import { identityDecoder } from './transfer-decoder.ts'

/** winmail.dat ([MS-OXTNEF]): attachments, embedded messages and bodies. No package reads it within limits. */
export function tnefOpener(): Opener {
  return { name: 'tnef', version: '1', wants: (node) => (node.type === 'tnef' ? 'members' : undefined), open: openTnef }
}

const HEADER_BYTES = 6
const ATTRIBUTE_BYTES = 9
const CHECKSUM_BYTES = 2
const MAX_ATTRIBUTES = 100_000
/** Numbers, dates and the like are shorter; whatever is longer is looked at. */
const LEAST_UNKNOWN = 256
const TEXT_BYTES = 256 * 1024

/** Section 2.1.3.4; the type is in the upper half. */
const ATTRIBUTE = {
  subject: 0x00018004,
  body: 0x0002800c,
  messageProperties: 0x00069003,
  attachTitle: 0x00018010,
  attachData: 0x0006800f,
  attachRendering: 0x00069002,
  attachProperties: 0x00069005,
} as const

interface Piece {
  readonly range: Range
  readonly kind: 'data' | 'object' | 'rtf' | 'text' | 'html' | 'other'
  readonly isCut: boolean
  readonly label: string
}

interface Item {
  readonly names: string[]
  declaredType: string
  readonly pieces: Piece[]
}

async function openTnef(node: OpenerNode, run: OpenRun): Promise<void> {
  const reader = new TnefReader(node.view, run)
  reader.read()
  const text = new MailText(run)
  if (reader.subject !== '') text.hint(reader.subject)
  for (const item of reader.items) for (const piece of item.pieces) readText(node.view, piece, text)
  for (const item of reader.items) await passItem(node.view, item, run)
}

class TnefReader {
  readonly items: Item[] = [newItem()]
  subject = ''
  readonly #view: ContentView
  readonly #run: OpenRun

  constructor(view: ContentView, run: OpenRun) {
    this.#view = view
    this.#run = run
  }

  read(): void {
    let at = HEADER_BYTES
    for (let count = 0; at < this.#view.size; count++) {
      if (count >= MAX_ATTRIBUTES) throw new Unscanned('bomb', 'a TNEF stream of too many attributes')
      const head = this.#view.read(at, ATTRIBUTE_BYTES)
      // Padding behind the last attribute is common.
      if (head.length < ATTRIBUTE_BYTES || head.every((byte) => byte === 0)) break
      const from = at + ATTRIBUTE_BYTES
      const end = from + head.readUInt32LE(5)
      const isCut = end > this.#view.size
      this.#attribute(head.readUInt32LE(1), { from, to: Math.min(end, this.#view.size) }, isCut)
      if (isCut) this.#run.unscanned({ reason: 'malformed', detail: 'a TNEF attribute is longer than the file' })
      at = end + CHECKSUM_BYTES
    }
  }

  #attribute(id: number, range: Range, isCut: boolean): void {
    const item = this.items.at(-1) as Item
    switch (id) {
      case ATTRIBUTE.attachRendering:
        this.items.push(newItem())
        return
      case ATTRIBUTE.attachTitle:
        item.names.push(this.#text(range))
        return
      case ATTRIBUTE.subject:
        this.subject = this.#text(range)
        return
      case ATTRIBUTE.body:
        item.pieces.push({ range, kind: 'text', isCut, label: 'body' })
        return
      case ATTRIBUTE.attachData:
        item.pieces.push({ range, kind: 'data', isCut, label: '' })
        return
      case ATTRIBUTE.messageProperties:
      case ATTRIBUTE.attachProperties:
        this.#properties(item, range)
        return
      default:
        if (range.to - range.from >= LEAST_UNKNOWN)
          item.pieces.push({ range, kind: 'other', isCut, label: `attribute-${id.toString(16)}` })
    }
  }

  #properties(item: Item, range: Range): void {
    const properties = mapiProperties(this.#view, range)
    let step = properties.next()
    for (; step.done !== true; step = properties.next()) this.#property(item, step.value)
    if (!step.value)
      this.#run.unscanned({ reason: 'malformed', detail: 'a TNEF property list was not read to its end' })
  }

  #property(item: Item, { id, type, range, isCut }: MapiProperty): void {
    if (id === PROPERTY.attachLongName) item.names.unshift(this.#text(range, type))
    else if (id === PROPERTY.attachName || (id === PROPERTY.displayName && type !== PROPERTY_TYPE.binary))
      item.names.push(this.#text(range, type))
    else if (id === PROPERTY.attachMime) item.declaredType = this.#text(range, type).toLowerCase()
    else if (id === PROPERTY.subject) this.subject = this.#text(range, type)
    else {
      const kind = kindOf(id, type)
      const isSmall = range.to - range.from < LEAST_UNKNOWN
      if (kind !== 'other' || !isSmall) item.pieces.push({ range, kind, isCut, label: labelOf(kind, id) })
    }
  }

  #text({ from, to }: Range, type: number = PROPERTY_TYPE.string8): string {
    const bytes = this.#view.read(from, Math.min(to - from, 2048))
    const text = type === PROPERTY_TYPE.unicode ? bytes.toString('utf16le', 0, bytes.length & ~1) : decodeText(bytes)
    return text.split('\0', 1)[0]?.trim() ?? ''
  }
}

function newItem(): Item {
  return { names: [], declaredType: '', pieces: [] }
}

function kindOf(id: number, type: number): Piece['kind'] {
  if (id === PROPERTY.attachData) return type === PROPERTY_TYPE.object ? 'object' : 'data'
  if (id === PROPERTY.rtf) return 'rtf'
  if (id === PROPERTY.html) return 'html'
  return id === PROPERTY.body ? 'text' : 'other'
}

function labelOf(kind: Piece['kind'], id: number): string {
  if (kind === 'data' || kind === 'object') return ''
  if (kind === 'other') return `property-${id.toString(16).padStart(4, '0')}`
  return { rtf: 'body.rtf', html: 'body.html', text: 'body' }[kind]
}

function readText(view: ContentView, { kind, range }: Piece, text: MailText): void {
  const bytes = () => view.read(range.from, Math.min(TEXT_BYTES, range.to - range.from))
  if (kind === 'text' || kind === 'html') text.read(bodyText(bytes()), kind === 'html')
  if (kind === 'rtf') text.read(rtfText(new RtfDecoder().push(bytes()).toString('latin1', 0, TEXT_BYTES)), false)
}

/** PR_BODY is 8-bit or UTF-16; every second byte NUL tells. */
export function bodyText(bytes: Buffer): string {
  const isWide = bytes.length > 1 && bytes[1] === 0
  return isWide ? bytes.toString('utf16le', 0, bytes.length & ~1) : decodeText(bytes)
}

const IID_BYTES = 16
const CUT: Damage = { reason: 'malformed', detail: 'the container ends inside it' }

async function passItem(view: ContentView, item: Item, run: OpenRun): Promise<void> {
  const names = item.names.filter((name) => name !== '')
  for (const finding of nameFindings(names)) run.finding(finding)
  for (const piece of item.pieces) {
    const name = piece.label || tellingName(names)
    if (piece.isCut) run.unscanned(CUT, name)
    const info = { name, ...(piece.label === '' && item.declaredType ? { declaredType: item.declaredType } : {}) }
    const decoder = piece.kind === 'rtf' ? new RtfDecoder() : identityDecoder
    await passDecoded(run, info, { view, range: contentOf(view, piece), decoder })
  }
}

/** An object's value begins with the interface that it is of: behind it lies a TNEF stream or a compound file. */
function contentOf(view: ContentView, { kind, range }: Piece): Range {
  if (kind !== 'object' || range.to - range.from <= IID_BYTES) return range
  const isBare = view.read(range.from, 4).equals(Buffer.from([0x78, 0x9f, 0x3e, 0x22]))
  return isBare ? range : { from: range.from + IID_BYTES, to: range.to }
}
