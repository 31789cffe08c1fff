import type { PdfDocument, PdfObject } from './pdf-document.ts'
import { PdfDict, PdfName, PdfRef, PdfString, type PdfValue, pdfText } from './pdf-values.ts'

export interface PdfScript {
  /** A string, or a reference to one or to a stream. */
  readonly source: PdfValue
  readonly object: PdfObject
}

export interface PdfAction {
  readonly kind: string
  /** The file, URL or command line that it names. */
  readonly target: string
  readonly object: PdfObject
}

export interface PdfAttachment {
  readonly ref: PdfRef
  readonly name: string
}

/** No document has more of each; the counts tell that there were more. */
const MAX_SIGNS = 5000
const MAX_VALUES = 2_000_000

/** What a document can do, gathered from all its objects before anything is judged. */
export class PdfSigns {
  readonly scripts: PdfScript[] = []
  readonly actions: PdfAction[] = []
  readonly attachments: PdfAttachment[] = []
  readonly forms: PdfValue[] = []
  /** Names with a meaning that were written with escapes. */
  readonly hiddenNames = new Set<string>()
  readonly media = new Set<string>()
  /** Where something runs without a click: OpenAction, an AA of a page or the document, the names' scripts. */
  readonly autoRuns: { readonly how: string; readonly value: PdfValue; readonly object: PdfObject }[] = []
  readonly objectStreams: number[] = []
  readonly streams: number[] = []
  /** Of XRef streams. */
  readonly xrefs: PdfObject[] = []
  /** There was more of something than is looked at. */
  overflow = false

  add<T>(list: T[], item: T): void {
    if (list.length < MAX_SIGNS) list.push(item)
    else this.overflow = true
  }
}

const MEANING = new Set([
  'AA', 'Action', 'EF', 'EmbeddedFile', 'Encrypt', 'F', 'FlateDecode', 'GoToE', 'GoToR', 'JBIG2Decode', 'JS', 'JavaScript',
  'Launch', 'ObjStm', 'OpenAction', 'RichMedia', 'S', 'SubmitForm', 'Type', 'URI', 'XFA',
]) // biome-ignore format: a list of words
const TARGETED = new Set(['Launch', 'GoToR', 'GoToE', 'SubmitForm', 'ImportData', 'URI', 'Thread'])
/** Events of an additional-actions dictionary that come without the user's doing (ISO 32000-1 tables 194-197). */
const AUTOMATIC = ['O', 'PO', 'PV', 'WC', 'WS', 'WP', 'DS', 'DP']
const MEDIA = new Set(['RichMedia', 'Flash', '3D', 'Movie', 'Screen', 'Sound'])

/** Adds what this object shows. Every dictionary in it counts, wherever it stands. */
export function gatherSigns(object: PdfObject, signs: PdfSigns, doc: PdfDocument): void {
  const stack: PdfValue[] = [object.value]
  for (let seen = 0; stack.length > 0 && seen < MAX_VALUES; seen++) {
    const value = stack.pop() as PdfValue
    if (value instanceof PdfName && value.hidden) noteHidden(value, signs)
    else if (Array.isArray(value)) stack.push(...chunked(value))
    else if (value instanceof PdfDict) {
      lookAtDict(value, object, { signs, doc })
      for (const [key, inner] of value.entries) {
        if (key.hidden) noteHidden(key, signs)
        if (inner !== null && typeof inner === 'object') stack.push(inner)
      }
    }
  }
  if (stack.length > 0) signs.overflow = true
}

/** Only what may hold more; a spread of hundreds of thousands would overflow the stack. */
function chunked(items: readonly PdfValue[]): PdfValue[] {
  const holders = items.filter((item) => item !== null && typeof item === 'object' && !(item instanceof PdfRef))
  return holders.length > 50_000 ? [holders.slice(0, 50_000), holders.slice(50_000)] : holders
}

function noteHidden(name: PdfName, signs: PdfSigns): void {
  if (MEANING.has(name.text)) signs.hiddenNames.add(name.text)
}

interface Gathering {
  readonly signs: PdfSigns
  readonly doc: PdfDocument
}

function lookAtDict(dict: PdfDict, object: PdfObject, { signs, doc }: Gathering): void {
  let kind = ''
  for (const [key, value] of dict.entries) {
    const name = value instanceof PdfName ? value.text : ''
    switch (key.text) {
      case 'JS':
        if (value !== null) signs.add(signs.scripts, { source: value, object })
        break
      case 'S':
        kind = name || kind
        break
      case 'OpenAction':
        signs.add(signs.autoRuns, { how: 'OpenAction', value, object })
        break
      case 'AA':
        noteAdditional(value, object, { signs, doc })
        break
      case 'JavaScript': // the names' tree of scripts that run when the document opens (7.7.4)
        if (name === '') signs.add(signs.autoRuns, { how: 'Names', value, object })
        break
      case 'EF':
        noteAttachment(dict, doc.resolve(value), { signs, doc })
        break
      case 'XFA':
        signs.add(signs.forms, value)
        break
      case 'Subtype':
        if (MEDIA.has(name)) signs.media.add(name)
        break
    }
  }
  if (TARGETED.has(kind)) signs.add(signs.actions, { kind, target: targetOf(dict, doc), object })
  if (dict.name('Type') === 'EmbeddedFile' && dict === object.value)
    signs.add(signs.attachments, { ref: new PdfRef(object.num), name: '' })
}

function noteAdditional(value: PdfValue, object: PdfObject, { signs, doc }: Gathering): void {
  const events = doc.resolve(value)
  if (!(events instanceof PdfDict)) return
  for (const [key, action] of events.entries) {
    if (AUTOMATIC.includes(key.text)) signs.add(signs.autoRuns, { how: `AA/${key.text}`, value: action, object })
  }
}

function noteAttachment(spec: PdfDict, files: PdfValue | undefined, { signs, doc }: Gathering): void {
  if (!(files instanceof PdfDict)) return
  const name = [spec.get('UF'), spec.get('F'), spec.get('Desc')]
    .map((value) => textOf(doc.resolve(value)))
    .find(Boolean)
  for (const [, ref] of files.entries) {
    if (ref instanceof PdfRef) signs.add(signs.attachments, { ref, name: name ?? '' })
  }
}

/** What the action opens: /F (a name or a file specification), /URI, or /Win with its parameters. */
function targetOf(dict: PdfDict, doc: PdfDocument): string {
  const win = doc.resolve(dict.get('Win'))
  const parts = [fileOf(doc.resolve(dict.get('F')), doc), textOf(doc.resolve(dict.get('URI')))]
  if (win instanceof PdfDict) parts.push(textOf(win.get('F')), textOf(win.get('P')))
  return parts.filter(Boolean).join(' ')
}

function fileOf(value: PdfValue | undefined, doc: PdfDocument): string {
  if (!(value instanceof PdfDict)) return textOf(value)
  const names = ['UF', 'F', 'Unix', 'DOS', 'Mac'].map((key) => textOf(doc.resolve(value.get(key))))
  return names.find(Boolean) ?? ''
}

export function textOf(value: PdfValue | undefined): string {
  return value instanceof PdfString ? pdfText(value.bytes) : ''
}
