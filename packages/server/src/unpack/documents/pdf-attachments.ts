import type { PdfDocument, PdfObject } from './pdf-document.ts'
import { type PdfSigns, textOf } from './pdf-signs.ts'
import { PdfDict, PdfRef, type PdfValue } from './pdf-values.ts'
import { printable } from './printable.ts'

/** Endings that Windows or a shell runs at a double click. */
const RUNS =
  /\.(?:exe|scr|com|pif|cpl|dll|msi|bat|cmd|ps1|vbs|vbe|js|jse|wsf|wsh|hta|lnk|jar|iso|img|vhdx?|url|reg|inf|settingcontent-ms|chm)\s{0,99}$/i

/** Files that the document carries, each a member with the name of its file specification. */
export async function emitAttachments(doc: PdfDocument, signs: PdfSigns, done: Set<number>): Promise<void> {
  const names = new Map<number, string>()
  for (const { ref, name } of signs.attachments) names.set(ref.num, names.get(ref.num) || name)
  for (const [num, name] of names) {
    const object = doc.object(num)
    if (object?.streamAt === undefined || done.has(num)) continue
    done.add(num)
    const bytes = await emitStream(doc, object, name || `attachment-${num}`)
    if (runs(bytes, name)) reportRunnable(doc, object, name)
  }
}

/** Hands over one decoded stream; gives its bytes. */
export async function emitStream(doc: PdfDocument, object: PdfObject, name: string): Promise<Buffer> {
  const { bytes, damage } = await doc.decoded(object)
  const sink = doc.run.member({ name })
  await sink.write(bytes)
  await sink.end(damage === undefined ? undefined : { reason: 'malformed', detail: damage })
  return bytes
}

export function startsProgram(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 8)
  return (
    (start.startsWith('MZ') && bytes.length > 64) ||
    start.startsWith('\x7fELF') ||
    start.startsWith('L\0\0\0\x01\x14\x02\0')
  )
}

function runs(bytes: Buffer, name: string): boolean {
  return startsProgram(bytes) || RUNS.test(name)
}

export function reportRunnable(doc: PdfDocument, object: PdfObject, name: string): void {
  const detail = printable(`object ${object.num} carries a program: ${name || '(no name)'}`)
  doc.run.finding({ name: 'Pdf.EmbeddedProgram', risk: 'high', attack: 'T1027.009', detail, offset: object.offset })
}

const MAX_FORM_PARTS = 1000

/** XFA: one stream, or pairs of a name and a stream (ISO 32000-1 12.7.8). The packets joined are one XML text. */
export async function emitForms(doc: PdfDocument, signs: PdfSigns, done: Set<number>): Promise<void> {
  const parts = signs.forms.flatMap((form) => partsOf(form, doc)).slice(0, MAX_FORM_PARTS)
  const packets: Buffer[] = []
  for (const { num } of parts) {
    const object = doc.object(num)
    if (object?.streamAt === undefined || done.has(num)) continue
    done.add(num)
    const { bytes, damage } = await doc.decoded(object)
    if (damage !== undefined) doc.run.unscanned({ reason: 'malformed', detail: `XFA, object ${num}: ${damage}` })
    doc.run.spend(bytes.length)
    packets.push(bytes)
  }
  for (const form of signs.forms) if (textOf(form) !== '') packets.push(Buffer.from(textOf(form)))
  if (packets.length === 0) return
  const xml = Buffer.concat(packets)
  if (xml.includes('<script') || xml.includes(':script'))
    doc.run.finding({ name: 'Pdf.FormScript', risk: 'low', attack: 'T1059.007', detail: 'scripts in an XFA form' })
  await doc.run.emit({ name: 'xfa.xml' }, xml)
}

function partsOf(form: PdfValue, doc: PdfDocument): PdfRef[] {
  const value = doc.resolve(form)
  if (Array.isArray(value)) return value.filter((item) => item instanceof PdfRef)
  return form instanceof PdfRef && value instanceof PdfDict ? [form] : []
}
