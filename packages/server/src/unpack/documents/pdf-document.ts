import { Unscanned } from '../../domain/verdict.ts'
import type { OpenerNode, OpenRun } from '../opener.ts'
import type { PdfCipher } from './pdf-crypt.ts'
import { type Decoded, decodeChain, filterChain } from './pdf-filters.ts'
import { firstFrom, indexPdf, type PdfIndex } from './pdf-index.ts'
import { isPdfSpace, PdfParser } from './pdf-parser.ts'
import { PdfDict, PdfRef, type PdfValue, PdfWord } from './pdf-values.ts'

/** One `N G obj`, also one that a later update replaced or that no table names. */
export interface PdfObject {
  readonly num: number
  readonly gen: number
  readonly value: PdfValue
  /** In the file; for an object of an object stream, that stream's. */
  readonly offset: number
  /** The object stream that it lies in. */
  readonly inStream: number | undefined
  /** Where the stream's bytes begin, if it is one. */
  readonly streamAt: number | undefined
}

const FIRST_READ = 4096
const MAX_OBJECT_BYTES = 16 * 1024 * 1024
/** A stream that is packed into more is left, and told. */
const MAX_STREAM_BYTES = 64 * 1024 * 1024
const MAX_DECODED_BYTES = 256 * 1024 * 1024
const MAX_KEPT_STREAM_BYTES = 64 * 1024 * 1024
const SPARE_READS = 64 * 1024 * 1024
const SPARE_PARSING = 512 * 1024
const MAX_REFERENCES = 32
const MAX_PACKED_OBJECTS = 1_000_000
const CACHED_OBJECTS = 1000

interface Place {
  readonly offset: number
  readonly packed?: { readonly stream: number; readonly bytes: Buffer; readonly at: number }
}

/**
 * A document by its objects, wherever they stand. Why not pdfjs-dist: it renders what the tables reach, follows the last update
 * only and gives up on what is damaged; here everything that any reader may come to counts, and nothing may take memory unbounded.
 */
export class PdfDocument {
  readonly node: OpenerNode
  readonly run: OpenRun
  readonly index: PdfIndex
  #cipher: PdfCipher | undefined
  /** The object that holds the encryption dictionary: its strings are plain. */
  #plainObject = -1
  readonly #places = new Map<number, Place>()
  readonly #cache = new Map<number, PdfObject>()
  #keptBytes = 0
  #packedObjects = 0
  /** Objects that never end would each be read to the end of the file. */
  #readsLeft: number
  #parsingLeft: number

  constructor(node: OpenerNode, run: OpenRun) {
    this.node = node
    this.run = run
    this.index = indexPdf(node.view, run.signal)
    this.#readsLeft = node.size * 8 + SPARE_READS
    this.#parsingLeft = node.size * 6 + SPARE_PARSING
    for (const offset of this.index.objects) this.#learn(offset)
  }

  /** Later ones replace earlier ones, as updates do. */
  #learn(offset: number): void {
    const num = Number.parseInt(this.node.view.read(offset, 12).toString('latin1'), 10)
    this.#places.set(num, { offset })
  }

  /** From here on strings and streams come decrypted, but those of object `plainObject`. */
  unlock(cipher: PdfCipher, plainObject: number): void {
    this.#cipher = cipher
    this.#plainObject = plainObject
    this.#cache.clear()
  }

  /** The object at this offset; undefined where none stands. */
  objectAt(offset: number): PdfObject | undefined {
    if (this.run.signal.aborted) throw new Unscanned('timeout', 'not all objects were read')
    const next = firstFrom(this.index.objects, offset + 1) ?? this.node.size
    let bytes = Math.min(FIRST_READ, next - offset)
    for (;;) {
      const { object, ranOut } = this.#parse(this.#readRange(offset, bytes), offset)
      if (!ranOut || object === undefined || offset + bytes >= this.node.size) return object
      if (bytes >= MAX_OBJECT_BYTES) {
        this.run.unscanned({ reason: 'too-large', detail: `object ${object.num} is read to 16 MiB only` })
        return object
      }
      bytes = Math.min(MAX_OBJECT_BYTES, Math.max(FIRST_READ, bytes * 8))
    }
  }

  #parse(window: Buffer, offset: number): { object: PdfObject | undefined; ranOut: boolean } {
    this.#parsed(window.length)
    const head = new PdfParser(window)
    const num = head.value()
    const gen = head.value()
    const word = head.value()
    const opens = word instanceof PdfWord && word.text.startsWith('obj')
    if (typeof num !== 'number' || typeof gen !== 'number' || !opens) return { object: undefined, ranOut: false }
    const parser = new PdfParser(window, head.at - word.text.length + 3, this.#decryptStrings(num, gen))
    const value = parser.value() ?? null
    const streamAt = value instanceof PdfDict ? this.#streamStart(window, parser) : undefined
    const object = { num, gen, value, offset, inStream: undefined, streamAt: streamAt && offset + streamAt }
    // `stream` may still follow: more must be read to know.
    const cutShort = streamAt === undefined && parser.at + 6 > window.length
    return { object, ranOut: parser.ranOut || cutShort }
  }

  #parsed(bytes: number): void {
    this.#parsingLeft -= bytes
    if (this.#parsingLeft < 0) throw new Unscanned('malformed', 'objects that do not end or overlap')
  }

  #decryptStrings(num: number, gen: number): ((bytes: Buffer) => Buffer) | undefined {
    const cipher = this.#cipher
    return cipher === undefined || num === this.#plainObject ? undefined : (bytes) => cipher.string(bytes, num, gen)
  }

  #streamStart(window: Buffer, parser: PdfParser): number | undefined {
    parser.skipSpace()
    if (window.toString('latin1', parser.at, parser.at + 6) !== 'stream') return undefined
    let at = parser.at + 6
    while (window[at] === 0x20) at++
    if (window[at] === 13) at++
    return window[at] === 10 ? at + 1 : at
  }

  /** The newest object of that number; undefined where there is none. */
  object(num: number): PdfObject | undefined {
    const cached = this.#cache.get(num)
    if (cached !== undefined) return cached
    const place = this.#places.get(num)
    if (place === undefined) return undefined
    const object = place.packed === undefined ? this.objectAt(place.offset) : this.#packedAt(num, place)
    if (object !== undefined) this.#remember(object)
    return object
  }

  #remember(object: PdfObject): void {
    if (this.#cache.size >= CACHED_OBJECTS) this.#cache.clear()
    this.#cache.set(object.num, object)
  }

  /** Follows references, as many as a document has in a row; undefined in a circle. */
  resolve = (value: PdfValue | undefined): PdfValue | undefined => {
    let now = value
    for (let i = 0; i < MAX_REFERENCES && now instanceof PdfRef; i++) now = this.object(now.num)?.value
    return now instanceof PdfRef ? undefined : now
  }

  /** Packed bytes of a stream, decrypted. */
  raw(object: PdfObject): Buffer {
    if (object.streamAt === undefined || !(object.value instanceof PdfDict)) return Buffer.alloc(0)
    const from = object.streamAt
    const length = this.#streamLength(object.value, from)
    if (length > MAX_STREAM_BYTES) this.run.unscanned({ reason: 'too-large', detail: `stream of object ${object.num}` })
    const bytes = this.#readRange(from, Math.min(length, MAX_STREAM_BYTES))
    const open = this.#cipher === undefined || this.#isPlain(object.value)
    if (open) return bytes
    const isFile = object.value.name('Type') === 'EmbeddedFile'
    return this.#cipher?.stream(bytes, { num: object.num, gen: object.gen, isFile }) ?? bytes
  }

  /** ISO 32000-1 7.5.8.2, 7.6.5, table 20: these are never encrypted. */
  #isPlain(dict: PdfDict): boolean {
    if (dict.name('Type') === 'XRef') return true
    if (dict.name('Type') === 'Metadata' && this.#cipher?.encryptsMetadata === false) return true
    const [first] = filterChain(dict, this.resolve)
    return first?.filter === 'Crypt' && (first.parms?.name('Name') ?? 'Identity') === 'Identity'
  }

  /** What /Length says where `endstream` stands there, else up to the next `endstream`. */
  #streamLength(dict: PdfDict, from: number): number {
    const said = this.resolve(dict.get('Length'))
    if (typeof said === 'number' && said >= 0 && from + said <= this.node.size) {
      const after = this.node.view.read(from + said, 16)
      const at = after.indexOf('endstream')
      if (at >= 0 && after.subarray(0, at).every((byte) => isPdfSpace(byte))) return Math.floor(said)
    }
    const end = firstFrom(this.index.streamEnds, from) ?? this.node.size
    const tail = this.node.view.read(Math.max(from, end - 2), Math.min(2, end - from))
    const eol = tail[1] === 10 ? (tail[0] === 13 ? 2 : 1) : tail[1] === 13 ? 1 : 0
    return Math.max(0, end - from - eol)
  }

  #readRange(from: number, length: number): Buffer {
    this.#readsLeft -= length
    if (this.#readsLeft < 0) throw new Unscanned('malformed', 'streams that do not end or overlap')
    const first = this.node.view.read(from, length)
    if (first.length >= length || first.length === 0) return first
    const pieces = [first]
    for (let at = from + first.length; at < from + length; ) {
      const piece = this.node.view.read(at, from + length - at)
      if (piece.length === 0) break
      pieces.push(piece)
      at += piece.length
    }
    return Buffer.concat(pieces)
  }

  /** A stream's bytes as far as filters can be undone. Throws Unscanned('bomb'). */
  decoded(object: PdfObject): Promise<Decoded> {
    const dict = object.value instanceof PdfDict ? object.value : new PdfDict()
    const maxBytes = Math.min(MAX_DECODED_BYTES, this.run.left.bytes)
    return decodeChain(this.raw(object), filterChain(dict, this.resolve), {
      maxBytes,
      spend: (bytes) => this.run.spend(bytes),
    })
  }

  /** The objects of an object stream (7.5.7); they are kept for references as long as there is room. */
  async *packed(stream: PdfObject): AsyncGenerator<PdfObject> {
    if (!(stream.value instanceof PdfDict)) return
    const { bytes, damage, left } = await this.decoded(stream)
    this.run.spend(bytes.length)
    if (damage !== undefined || left !== undefined)
      this.run.unscanned({ reason: 'malformed', detail: `object stream ${stream.num}: ${damage ?? left}` })
    const keeps = this.#keptBytes + bytes.length <= MAX_KEPT_STREAM_BYTES
    this.#parsingLeft += bytes.length * 4
    if (keeps) this.#keptBytes += bytes.length
    else this.run.unscanned({ reason: 'too-large', detail: 'references into object streams are not followed any more' })
    for (const [num, at] of packedPlaces(stream.value, this.resolve, bytes)) {
      if (++this.#packedObjects > MAX_PACKED_OBJECTS) throw new Unscanned('bomb', 'too many objects in object streams')
      const place = { offset: stream.offset, packed: { stream: stream.num, bytes, at } }
      const old = this.#places.get(num)
      if (keeps && (old === undefined || old.offset < stream.offset)) this.#places.set(num, place)
      const object = this.#packedAt(num, place)
      if (object !== undefined) yield object
    }
  }

  #packedAt(num: number, { offset, packed }: Place): PdfObject | undefined {
    if (packed === undefined) return undefined
    const parser = new PdfParser(packed.bytes, packed.at)
    const value = parser.value() ?? null
    this.#parsed(parser.at - packed.at)
    return { num, gen: 0, value, offset, inStream: packed.stream, streamAt: undefined }
  }
}

function* packedPlaces(
  dict: PdfDict,
  resolve: (value: PdfValue | undefined) => PdfValue | undefined,
  bytes: Buffer,
): Generator<readonly [num: number, at: number]> {
  const first = resolve(dict.get('First'))
  const count = resolve(dict.get('N'))
  if (typeof first !== 'number' || typeof count !== 'number') return
  const parser = new PdfParser(bytes)
  const seen = new Set<number>()
  for (let i = 0; i < count; i++) {
    const num = parser.value()
    const at = parser.value()
    if (typeof num !== 'number' || typeof at !== 'number') return
    // Two at one place would be one object parsed again and again.
    if (at >= 0 && first + at < bytes.length && !seen.has(at)) yield [num, first + at]
    seen.add(at)
  }
}
