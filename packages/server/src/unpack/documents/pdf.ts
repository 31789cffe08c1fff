import { Unscanned } from '../../domain/verdict.ts'
import type { Finding, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { unlockPdf } from './pdf-access.ts'
import { emitAttachments, emitForms } from './pdf-attachments.ts'
import { PdfDocument } from './pdf-document.ts'
import { judgeStructure } from './pdf-rules.ts'
import { emitScripts } from './pdf-scripts.ts'
import { gatherSigns, PdfSigns } from './pdf-signs.ts'
import { emitStreams } from './pdf-streams.ts'
import { offsetsInTables, offsetsInXrefStream } from './pdf-tables.ts'
import { PdfDict } from './pdf-values.ts'

const HEADER = Buffer.from('%PDF-')
const HEADER_WITHIN = 1024
const MAX_URLS = 2000

/** Opens PDF documents: scripts, attachments, forms and all other streams that are no pictures. */
export function pdfOpener(): Opener {
  return {
    name: 'pdf',
    version: '1',
    wants(node) {
      if (node.type === 'pdf') return 'members'
      // Browsers read one without a header.
      if (isCalledPdf(node)) return 'looks'
      // What is a picture or an archive too is still a document to a reader.
      const at = node.view.head.subarray(0, HEADER_WITHIN).indexOf(HEADER)
      return at >= 0 && (node.view.head[at + 6] ?? 0) === 0x2e ? 'looks' : undefined
    },
    open: openPdf,
  }
}

function isCalledPdf({ fileName, declaredType, packed, size }: OpenerNode): boolean {
  return !packed && size > 0 && (declaredType === 'application/pdf' || /\.pdf$/i.test(fileName))
}

async function openPdf(node: OpenerNode, run: OpenRun): Promise<void> {
  const doc = new PdfDocument(node, run)
  if (doc.index.objects.length === 0) {
    if (node.type === 'pdf') throw new Unscanned('malformed', 'a PDF without objects')
    return
  }
  const plain = survey(doc)
  const access = unlockPdf(doc, plain)
  if (access === 'locked') {
    tell(judgeStructure(plain, doc), run)
    throw new Unscanned('encrypted', 'no password opens the document')
  }
  const signs = access === 'open' ? plain : survey(doc)
  await unpackObjectStreams(doc, signs)
  if (signs.overflow) run.unscanned({ reason: 'bomb', detail: 'more actions than a document has' })
  tell(judgeStructure(signs, doc), run)
  for (const { kind, target } of signs.actions.slice(0, MAX_URLS))
    if (/^(?:https?|ftp):/i.test(target) || kind === 'SubmitForm') run.url(target)
  const done = await emitScripts(doc, signs, access === 'empty')
  await emitAttachments(doc, signs, done)
  await emitForms(doc, signs, done)
  await emitStreams(doc, signs, done)
}

function tell(findings: readonly Finding[], run: OpenRun): void {
  for (const finding of findings) run.finding(finding)
}

/** Every object that is not in an object stream, those that only a table names included. */
function survey(doc: PdfDocument): PdfSigns {
  const signs = new PdfSigns()
  for (const offset of doc.index.objects) visit(doc, signs, offset)
  const known = new Set(doc.index.objects)
  for (const offset of offsetsInTables(doc.node.view, doc.index.tables)) {
    for (const place of [offset, offset + doc.index.header]) {
      if (known.has(place)) continue
      known.add(place)
      visit(doc, signs, place)
    }
  }
  return signs
}

function visit(doc: PdfDocument, signs: PdfSigns, offset: number): void {
  const object = doc.objectAt(offset)
  if (object === undefined) return
  gatherSigns(object, signs, doc)
  if (object.streamAt === undefined || !(object.value instanceof PdfDict)) return
  const type = object.value.name('Type')
  if (type === 'XRef') signs.add(signs.xrefs, object)
  else if (type === 'ObjStm') signs.objectStreams.push(offset)
  else signs.streams.push(offset)
}

async function unpackObjectStreams(doc: PdfDocument, signs: PdfSigns): Promise<void> {
  for (const offset of signs.objectStreams) {
    const stream = doc.objectAt(offset)
    if (stream === undefined) continue
    for await (const object of doc.packed(stream)) gatherSigns(object, signs, doc)
  }
  await visitHiddenPlaces(doc, signs)
}

/** What XRef streams name and no scan found: `1 0 % a comment \n obj`. */
async function visitHiddenPlaces(doc: PdfDocument, signs: PdfSigns): Promise<void> {
  const known = new Set(doc.index.objects)
  for (const xref of signs.xrefs.slice(0, 200)) {
    const widths = xref.value instanceof PdfDict ? doc.resolve(xref.value.get('W')) : undefined
    if (!Array.isArray(widths) || !widths.every((width) => Number.isInteger(width))) continue
    const { bytes } = await doc.decoded(xref)
    doc.run.spend(bytes.length)
    for (const offset of offsetsInXrefStream(bytes, widths as number[])) {
      if (known.has(offset) || offset >= doc.node.size) continue
      known.add(offset)
      visit(doc, signs, offset)
    }
  }
}
