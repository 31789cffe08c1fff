import { standardHandler, unlock } from './pdf-crypt.ts'
import type { PdfDocument } from './pdf-document.ts'
import { PdfParser } from './pdf-parser.ts'
import type { PdfSigns } from './pdf-signs.ts'
import { PdfDict, PdfRef, PdfString, type PdfValue } from './pdf-values.ts'

const TRAILER_BYTES = 4096
const MAX_PASSWORDS = 1000

/** `open`: not encrypted; `empty`: by the empty password; `password`: by one of the list; `locked`: by none. */
export type Access = 'open' | 'empty' | 'password' | 'locked'

/** Finds the encryption dictionary and tries the empty password, then the candidates. From then on `doc` gives plain text. */
export function unlockPdf(doc: PdfDocument, signs: PdfSigns): Access {
  const trailer = trailersOf(doc, signs).findLast((dict) => dict.get('Encrypt') !== undefined)
  const encrypt = trailer?.get('Encrypt')
  const dict = withValues(doc.resolve(encrypt), doc)
  if (trailer === undefined || dict === undefined) return 'open'
  const handler = standardHandler(dict, firstId(doc.resolve(trailer.get('ID'))))
  if (handler === undefined) return 'locked'
  const passwords = ['', ...doc.run.passwords.candidates(doc.node).slice(0, MAX_PASSWORDS)]
  for (const password of passwords) {
    if (doc.run.signal.aborted) break
    const cipher = unlock(handler, password)
    if (cipher === undefined) continue
    doc.unlock(cipher, encrypt instanceof PdfRef ? encrypt.num : -1)
    if (password !== '') doc.run.passwords.succeeded(password)
    return password === '' ? 'empty' : 'password'
  }
  return 'locked'
}

function trailersOf(doc: PdfDocument, signs: PdfSigns): PdfDict[] {
  const classic = doc.index.trailers.map((at) => new PdfParser(doc.node.view.read(at, TRAILER_BYTES)).value())
  return [...classic, ...signs.xrefs.map(({ value }) => value)].filter((value) => value instanceof PdfDict)
}

/** The handler reads values, not references. */
function withValues(value: PdfValue | undefined, doc: PdfDocument): PdfDict | undefined {
  if (!(value instanceof PdfDict)) return undefined
  const dict = new PdfDict()
  for (const [key, inner] of value.entries) dict.entries.push([key, doc.resolve(inner) ?? null])
  return dict
}

function firstId(value: PdfValue | undefined): Buffer {
  const first = Array.isArray(value) ? value[0] : undefined
  return first instanceof PdfString ? first.bytes : Buffer.alloc(0)
}
