import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { attachedFileFinding, EQUATION_CLASS, equationOverruns, findMonikers, isRemote } from './ole-embedded.ts'
import { lookAtInstruction, reportTemplate } from './ole-fields.ts'
import { openPackage, reportLink } from './ole-objects.ts'
import { type RtfEvents, type RtfObject, readRtf } from './rtf-document.ts'
import { compoundIn, readOle1 } from './rtf-object.ts'
import { printable } from './vba-rules.ts'

const PIECE = 64 * 1024

/** RTF documents: objects behind whatever hides them, remote templates, DDE fields, words of known exploits. */
export function rtfOpener(): Opener {
  return {
    name: 'rtf',
    version: '1',
    wants: (node) => (node.type === 'rtf' ? 'members' : undefined),
    open: openRtf,
  }
}

async function openRtf(node: OpenerNode, run: OpenRun): Promise<void> {
  let count = 0
  let end = node.size
  const events: RtfEvents = {
    object: (object) => openObject(object, `object-${++count}`, run),
    blob: (name, bytes) => run.emit({ name: `${name}-${++count}` }, bytes),
    field: (instruction) => lookAtInstruction(instruction, run),
    template: (target) => lookAtTemplate(target, run),
    exploit: (what, offset) =>
      run.finding({ name: 'Exploit.Rtf', risk: 'high', attack: 'T1203', detail: what, offset }),
    ended: (offset) => {
      end = offset
    },
  }
  await readRtf(node, run, events)
  await emitAppended(node, end, run)
}

function lookAtTemplate(target: string, run: OpenRun): void {
  if (isRemote(target)) reportTemplate(target, run)
}

async function openObject(object: RtfObject, name: string, run: OpenRun): Promise<void> {
  if (object.overflowed) run.unscanned({ reason: 'too-large', detail: 'object is too large' }, name)
  judgeHiding(object, name, run)
  const known = await openData(object.data, { object, name }, run)
  // Word and its imitators differ in what they skip: where one way leads to nothing, the other does.
  if (object.everything !== undefined) {
    const other = { object, name: `${name} (all digits)` }
    if (!known || compoundIn(object.everything) !== undefined) await openData(object.everything, other, run)
    else await run.emit({ name: other.name }, object.everything)
  }
}

/** Writers put digits and line ends there, nothing else. */
function judgeHiding(object: RtfObject, name: string, run: OpenRun): void {
  const { interruptions, updates, offset } = object
  if (interruptions > 0) {
    const risk = updates || interruptions > 20 ? 'high' : 'medium'
    const detail = `${name}: ${interruptions} control words or groups among its digits`
    run.finding({ name: 'Document.HiddenObject', risk, attack: 'T1027', detail, offset })
  }
  if (updates) {
    const detail = `${name} is loaded without a click`
    run.finding({ name: 'Document.ObjectUpdate', risk: 'low', attack: 'T1204.002', detail, offset })
  }
}

interface Named {
  readonly object: RtfObject
  readonly name: string
}

/** True where it was understood. What it holds is handed over; a compound file goes to its own opener from there. */
async function openData(bytes: Buffer, { object, name }: Named, run: OpenRun): Promise<boolean> {
  const parsed = readOle1(bytes)
  if (parsed === undefined) {
    const compound = compoundIn(bytes)
    if (compound !== undefined) reportBroken(name, object, run)
    judgeClass(object.className, { bytes, name, object }, run)
    await run.emit({ name: `${name}.bin` }, compound ?? bytes)
    return compound !== undefined
  }
  const { className, topic, native, linked, cut } = parsed
  if (linked) reportLink(topic, run)
  judgeClass(className, { bytes: native, name, object }, run)
  for (const target of linksIn(className, native)) reportLink(target, run)
  if (/^package$/i.test(className)) await openPackage(native, name, run)
  const sink = run.member({ name: `${name} ${printable(className).slice(0, 60)}`.trim() })
  await sink.write(native)
  await sink.end(cut ? { reason: 'malformed', detail: 'the object is cut short' } : undefined)
  return true
}

/** Only objects that are links: elsewhere the same bytes are the addresses of hyperlinks. */
function linksIn(className: string, native: Buffer): string[] {
  return /link|^htmlfile|^script/i.test(className) ? findMonikers(native) : []
}

function reportBroken(name: string, object: RtfObject, run: OpenRun): void {
  const detail = `${name}: OLE header is broken, a compound file stands behind it`
  run.finding({ name: 'Document.BrokenObject', risk: 'medium', attack: 'T1027', detail, offset: object.offset })
}

const EQUATION_BYTES = Buffer.from('02ce020000000000c000000000000046', 'hex')

interface Judged extends Named {
  readonly bytes: Buffer
}

/** Equation Editor is gone since 2018; a compound file with an honest equation is judged by its own opener. */
function judgeClass(className: string, { bytes, name, object }: Judged, run: OpenRun): void {
  const isEquation = /^equation\.[23]/i.test(className) || bytes.includes(EQUATION_BYTES)
  if (isEquation) {
    const honest = compoundIn(bytes) !== undefined && object.interruptions === 0 && !object.updates
    const overruns = compoundIn(bytes) === undefined && equationOverruns(bytes)
    const detail = printable(
      `${name}: Equation Editor object ${EQUATION_CLASS}${overruns ? ', a font name overruns' : ''}`,
    )
    run.finding({
      name: 'Document.Equation',
      risk: honest ? 'low' : 'high',
      attack: 'T1203',
      detail,
      offset: object.offset,
    })
  }
  if (/^(?:htmlfile|scriptbridge\.|scriptlet|shell\.explorer|forms\.html|otkloadr)/i.test(className)) {
    const detail = printable(`${name}: object of class ${className}`)
    run.finding({ name: 'Document.RiskyObject', risk: 'medium', attack: 'T1203', detail, offset: object.offset })
  }
  const program = attachedFileFinding('', bytes, name)
  if (program !== undefined) run.finding({ ...program, offset: object.offset })
}

/** Behind the last brace Word reads nothing: a place to keep a program in. */
async function emitAppended(node: OpenerNode, from: number, run: OpenRun): Promise<void> {
  const start = node.view.read(from, PIECE)
  if (!start.some((byte) => byte > 0x20)) return
  const sink = run.member({ name: '(appended data)' })
  for (let at = from; at < node.size; at += PIECE) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped in data behind a document')
    await sink.write(node.view.read(at, PIECE))
  }
  await sink.end()
}
