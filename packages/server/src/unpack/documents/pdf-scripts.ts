import type { PdfDocument, PdfObject } from './pdf-document.ts'
import { automaticObjects, judgeScripts } from './pdf-rules.ts'
import { isEveryday, judgeScript } from './pdf-script-rules.ts'
import type { PdfScript, PdfSigns } from './pdf-signs.ts'
import { PdfRef, PdfString, pdfText } from './pdf-values.ts'

/** Findings a document gives by its scripts' texts: one says as much as a hundred. */
const MAX_TOLD = 20

/** Hands over each script as a member and judges them. Gives the numbers of the stream objects that are done with. */
export async function emitScripts(doc: PdfDocument, signs: PdfSigns, wasEncrypted: boolean): Promise<Set<number>> {
  const done = new Set<number>()
  const automatic = automaticObjects(signs, doc)
  const counts = { total: 0, automatic: 0, everyday: 0, packed: 0, first: undefined as PdfObject | undefined }
  let told = 0
  for (const script of signs.scripts) {
    const holder = holderOf(script, doc)
    if (holder.streamAt !== undefined && done.has(holder.num)) continue
    const text = await sourceOf(script, holder, doc)
    if (text === undefined) continue
    if (holder.streamAt !== undefined) done.add(holder.num)
    const isAutomatic = automatic.has(script.object.num) || automatic.has(holder.num)
    const everyday = isEveryday(text)
    counts.total++
    counts.first ??= script.object
    if (everyday) counts.everyday++
    else if (isAutomatic) counts.automatic++
    if (script.object.inStream !== undefined) counts.packed++
    const where = `script of object ${script.object.num}`
    for (const finding of judgeScript({ text, where, offset: script.object.offset, isAutomatic }))
      if (told++ < MAX_TOLD) doc.run.finding(finding)
    await doc.run.emit({ name: `javascript/obj${holder.num}-${counts.total}.js` }, Buffer.from(text))
  }
  for (const finding of judgeScripts({ ...counts, wasEncrypted })) doc.run.finding(finding)
  return done
}

function holderOf({ source, object }: PdfScript, doc: PdfDocument): PdfObject {
  return source instanceof PdfRef ? (doc.object(source.num) ?? object) : object
}

async function sourceOf({ source }: PdfScript, holder: PdfObject, doc: PdfDocument): Promise<string | undefined> {
  if (source instanceof PdfString) return pdfText(source.bytes)
  if (holder.streamAt !== undefined && source instanceof PdfRef) {
    const { bytes, damage, left } = await doc.decoded(holder)
    if (damage !== undefined || left !== undefined)
      doc.run.unscanned({ reason: 'malformed', detail: `script of object ${holder.num}: ${damage ?? left}` })
    return pdfText(bytes)
  }
  const value = doc.resolve(source)
  return value instanceof PdfString ? pdfText(value.bytes) : undefined
}
