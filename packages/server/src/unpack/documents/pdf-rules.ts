import type { Finding } from '../opener.ts'
import type { PdfDocument, PdfObject } from './pdf-document.ts'
import type { PdfAction, PdfSigns } from './pdf-signs.ts'
import { PdfDict, PdfRef, type PdfValue } from './pdf-values.ts'
import { printable } from './printable.ts'

const MANY_UPDATES = 20
/** A share on another machine, or one that the web client opens with the user's name: Windows sends a hash of his password. */
const SHARE = /^(?:\\\\|\/\/|file:(?:\/\/|\\\\)[^/\\])[\w.@-]{1,255}[\\/]?/i

/** Findings that follow from names and structure alone: they stand for encrypted documents too. */
export function judgeStructure(signs: PdfSigns, doc: PdfDocument): Finding[] {
  return [...actionFindings(signs), ...hidingFindings(signs), ...mediaFindings(signs), ...updateFindings(signs, doc)]
}

function* actionFindings(signs: PdfSigns): Generator<Finding> {
  for (const action of signs.actions.slice(0, 100)) {
    if (action.kind === 'Launch') yield launched(action)
    else if (SHARE.test(action.target.trim()) && !/^file:\/\/\/|^file:\/\/localhost\//i.test(action.target.trim()))
      yield sharing(action)
  }
}

function launched({ target, object }: PdfAction): Finding {
  // A launch of another document beside it is how old writers made links.
  const isDocument = /^[^\\/:%|&]{1,200}\.(?:pdf|html?|txt|docx?|xlsx?|pptx?|png|jpe?g|mp4|avi)$/i.test(target)
  return {
    name: 'Pdf.Launch',
    risk: isDocument ? 'low' : 'high',
    attack: 'T1204.002',
    detail: printable(`object ${object.num} launches ${target || '(not named)'}`),
    offset: object.offset,
  }
}

function sharing({ kind, target, object }: PdfAction): Finding {
  const detail = printable(`object ${object.num}: ${kind} to ${target}`)
  return { name: 'Pdf.RemoteShare', risk: 'medium', attack: 'T1187', detail, offset: object.offset }
}

function* hidingFindings({ hiddenNames }: PdfSigns): Generator<Finding> {
  if (hiddenNames.size === 0) return
  const detail = printable(`names written with escapes: ${[...hiddenNames].sort().join(', ')}`)
  yield { name: 'Pdf.HiddenNames', risk: 'medium', attack: 'T1027', detail }
}

function* mediaFindings({ media }: PdfSigns): Generator<Finding> {
  if (media.has('Flash')) yield { name: 'Pdf.Flash', risk: 'medium', attack: 'T1203', detail: 'Flash content' }
  else if (media.has('RichMedia'))
    yield { name: 'Pdf.RichMedia', risk: 'low', attack: 'T1203', detail: 'rich media annotations' }
}

function* updateFindings(signs: PdfSigns, doc: PdfDocument): Generator<Finding> {
  const { ends } = doc.index
  if (ends < MANY_UPDATES || signs.scripts.length === 0) return
  yield { name: 'Pdf.ManyUpdates', risk: 'low', attack: 'T1027', detail: `${ends} updates, with scripts` }
}

/** Numbers of objects from which something runs without a click; -1 - offset where the action stands inside a larger object. */
export function automaticObjects(signs: PdfSigns, doc: PdfDocument): ReadonlySet<number> {
  const numbers = new Set<number>()
  for (const { value, object } of signs.autoRuns) {
    if (!(value instanceof PdfRef)) numbers.add(object.num)
    reach(value, doc, numbers)
  }
  return numbers
}

const MAX_REACHED = 2000

/** Follows /Next of actions and /Kids and /Names of name trees. */
function reach(start: PdfValue, doc: PdfDocument, numbers: Set<number>): void {
  const stack: PdfValue[] = [start]
  for (let seen = 0; stack.length > 0 && seen < MAX_REACHED; seen++) {
    const value = stack.pop() as PdfValue
    if (value instanceof PdfRef) {
      if (numbers.has(value.num)) continue
      numbers.add(value.num)
      const target = doc.object(value.num)?.value
      if (target instanceof PdfDict && !isPage(target)) stack.push(target)
      else if (Array.isArray(target)) stack.push(...target.slice(0, MAX_REACHED))
    } else if (Array.isArray(value)) stack.push(...value.slice(0, MAX_REACHED))
    else if (value instanceof PdfDict)
      for (const key of ['Next', 'Kids', 'Names', 'JS']) {
        const inner = value.get(key)
        if (inner !== undefined) stack.push(inner)
      }
  }
}

/** An OpenAction may be a place to go to: the page is not an action. */
function isPage(dict: PdfDict): boolean {
  return dict.name('Type').startsWith('Page')
}

export interface ScriptCounts {
  readonly total: number
  readonly automatic: number
  readonly everyday: number
  readonly packed: number
  readonly first: PdfObject | undefined
  readonly wasEncrypted: boolean
}

/** What the scripts of a document say together. */
export function judgeScripts(counts: ScriptCounts): Finding[] {
  const { total, automatic, everyday, packed, first, wasEncrypted } = counts
  if (total === 0 || first === undefined) return []
  const place = { offset: first.offset }
  const found: Finding[] = []
  if (automatic > 0)
    found.push({ ...place, name: 'Pdf.AutoScript', risk: 'medium', attack: 'T1059.007', detail: `${automatic} scripts run when it opens` })
  else if (total > everyday)
    found.push({ ...place, name: 'Pdf.Script', risk: 'low', attack: 'T1059.007', detail: `${total} scripts, first in object ${first.num}` })
  if (packed > 0 && total > everyday)
    found.push({ ...place, name: 'Pdf.PackedScript', risk: 'low', attack: 'T1027', detail: `${packed} scripts in object streams` })
  if (wasEncrypted && total > everyday)
    found.push({ ...place, name: 'Pdf.EncryptedScript', risk: 'medium', attack: 'T1027.013', detail: 'scripts under an empty password' })
  return found
} // biome-ignore format: one finding a line
