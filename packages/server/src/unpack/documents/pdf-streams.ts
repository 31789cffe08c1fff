import { Unscanned } from '../../domain/verdict.ts'
import type { MemberSink } from '../opener.ts'
import { reportRunnable, startsProgram } from './pdf-attachments.ts'
import type { PdfDocument, PdfObject } from './pdf-document.ts'
import type { PdfSigns } from './pdf-signs.ts'
import { PdfDict } from './pdf-values.ts'
import { printable } from './printable.ts'

const LINE = Buffer.from('\n')
/** So that the whole is a text or data by its first bytes, whatever the first stream is. */
const TITLE = Buffer.from('% all other streams, decoded\n')
/** First bytes of what a rule set would look at as a file of its own. */
const FILES = [
  'PK\x03\x04',
  '%PDF-',
  '{\\rt',
  '\xd0\xcf\x11\xe0',
  'Rar!',
  '7z\xbc\xaf',
  'CWS',
  'FWS',
  'ZWS',
  '<html',
  '<HTML',
  '<!DOC',
  '<scrip',
  '#!/',
  'MSCF',
  '\x1f\x8b',
]

/**
 * All streams that are neither scripts nor attachments nor pictures, joined into one member: page contents, fonts, metadata and
 * what is called so. A stream that is a file by its first bytes is a member of its own.
 */
export async function emitStreams(doc: PdfDocument, signs: PdfSigns, done: ReadonlySet<number>): Promise<void> {
  const files: PdfObject[] = []
  let sink: MemberSink | undefined
  let damaged = 0
  const unknown = new Set<string>()
  for (const offset of signs.streams) {
    if (doc.run.signal.aborted) throw new Unscanned('timeout', 'not all streams were decoded')
    const object = doc.objectAt(offset)
    if (object === undefined || isDone(object, doc, done) || isPicture(object, doc)) continue
    const { bytes, left, damage } = await doc.decoded(object)
    if (damage !== undefined && damaged++ === 0)
      doc.run.unscanned({ reason: 'malformed', detail: `stream of object ${object.num}: ${damage}` })
    if (left !== undefined && PICTURE_FILTERS.has(left)) continue
    if (left !== undefined) noteUnknown(left, unknown, doc)
    if (isFile(bytes)) files.push(object)
    sink ??= await openSink(doc)
    await sink.write(bytes)
    await sink.write(LINE)
  }
  await sink?.end()
  for (const object of files) await emitFile(doc, object)
}

const MAX_UNKNOWN = 20

/** Once a filter. */
function noteUnknown(filter: string, known: Set<string>, doc: PdfDocument): void {
  if (known.has(filter) || known.size >= MAX_UNKNOWN) return
  known.add(filter)
  doc.run.unscanned({ reason: 'not-unpacked', detail: `filter ${printable(filter, 40)}` })
}

async function openSink(doc: PdfDocument): Promise<MemberSink> {
  const sink = doc.run.member({ name: 'streams' })
  await sink.write(TITLE)
  return sink
}

/** An older object of the same number is not done with. */
function isDone(object: PdfObject, doc: PdfDocument, done: ReadonlySet<number>): boolean {
  return done.has(object.num) && doc.object(object.num)?.offset === object.offset
}

const PICTURE_FILTERS = new Set(['DCTDecode', 'JPXDecode', 'CCITTFaxDecode', 'JBIG2Decode'])
const MAX_SNIFFED = 4096

/** Decoded pixels say nothing; but only a small one may be anything else that calls itself a picture. */
function isPicture({ value }: PdfObject, doc: PdfDocument): boolean {
  if (!(value instanceof PdfDict) || value.name('Subtype') !== 'Image') return false
  const length = doc.resolve(value.get('Length'))
  const width = doc.resolve(value.get('Width'))
  const height = doc.resolve(value.get('Height'))
  const isReal = typeof width === 'number' && typeof height === 'number' && width * height > 64
  return isReal && typeof length === 'number' && length > MAX_SNIFFED
}

function isFile(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 8)
  return startsProgram(bytes) || FILES.some((magic) => start.startsWith(magic))
}

async function emitFile(doc: PdfDocument, object: PdfObject): Promise<void> {
  const { bytes } = await doc.decoded(object)
  if (startsProgram(bytes)) reportRunnable(doc, object, '')
  await doc.run.emit({ name: `stream-${object.num}` }, bytes)
}
