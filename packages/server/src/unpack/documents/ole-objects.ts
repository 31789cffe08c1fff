import { Unscanned } from '../../domain/verdict.ts'
import type { OpenRun } from '../opener.ts'
import type { CompoundEntry, CompoundFile } from './compound-file.ts'
import {
  attachedFileFinding,
  CLASSES,
  EQUATION_CLASS,
  equationOverruns,
  findMonikers,
  isRemote,
  isWeb,
  readPackage,
} from './ole-embedded.ts'
import { printable } from './vba-rules.ts'

const MAX_NATIVE = 64 * 1024 * 1024
const MAX_LINK = 64 * 1024
const MAX_PATH_SHOWN = 120

/** Objects inside a document: what the Packager put there, equations, links to elsewhere, controls that are used to break in. */
export async function openOleObjects(file: CompoundFile, run: OpenRun): Promise<void> {
  for (const entry of file.entries) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped among the objects of a document')
    if (entry.kind !== 'stream') lookAtClass(file, entry, run)
    else if (entry.name.toUpperCase() === '\u0001OLE10NATIVE') await openNative(file, entry, run)
    else if (entry.name.toUpperCase() === 'EQUATION NATIVE') lookAtEquation(file, entry, run)
    else if (entry.name.toUpperCase() === '\u0001OLE') lookAtLink(file, entry, run)
  }
}

function lookAtClass(file: CompoundFile, entry: CompoundEntry, run: OpenRun): void {
  const known = CLASSES[entry.classId]
  if (known !== undefined) {
    const detail = shown(entry, `object of class ${known.what}`)
    run.finding({ name: 'Document.RiskyObject', risk: known.risk, attack: 'T1203', detail })
  }
  if (entry.classId !== EQUATION_CLASS) return
  // Equation Editor itself writes `Equation Native`; only exploits bring its class with other data, or with nothing.
  const honest = file.children(entry).some((child) => child.name === 'Equation Native')
  const detail = shown(entry, honest ? 'Equation Editor object' : 'Equation Editor object with foreign data')
  run.finding({ name: 'Document.Equation', risk: honest ? 'low' : 'high', attack: 'T1203', detail })
}

function lookAtEquation(file: CompoundFile, entry: CompoundEntry, run: OpenRun): void {
  if (!equationOverruns(file.read(entry, 4096))) return
  const detail = shown(entry, 'a font name overruns Equation Editor (CVE-2017-11882)')
  run.finding({ name: 'Exploit.EquationEditor', risk: 'high', attack: 'T1203', detail })
}

function lookAtLink(file: CompoundFile, entry: CompoundEntry, run: OpenRun): void {
  run.spend(Math.min(MAX_LINK, entry.size))
  for (const target of findMonikers(file.read(entry, MAX_LINK))) reportLink(target, run)
}

/** A linked object is fetched, and with the wrong server's type run, when the document is opened (CVE-2017-0199). */
export function reportLink(target: string, run: OpenRun): void {
  if (/^(?:https?|ftp):/i.test(target)) run.url(target)
  if (!isRemote(target)) return
  const detail = printable(`linked object from ${target}`)
  run.finding({ name: 'Document.RemoteObject', risk: isWeb(target) ? 'high' : 'medium', attack: 'T1221', detail })
}

async function openNative(file: CompoundFile, entry: CompoundEntry, run: OpenRun): Promise<void> {
  const limit = Math.min(MAX_NATIVE, run.left.bytes)
  // Chains of many entries may cross: each reading counts.
  run.spend(Math.min(limit, entry.size))
  const stream = file.read(entry, limit)
  if (entry.size > limit) run.unscanned({ reason: 'too-large', detail: 'packaged file is too large' }, entry.path)
  await openPackage(stream.subarray(4), shown(entry, 'object'), run)
}

/** Hands over the file in Packager data (without the size in front), by its own name. */
export async function openPackage(native: Buffer, what: string, run: OpenRun): Promise<void> {
  const packaged = readPackage(native)
  if (packaged === undefined) return
  const finding = attachedFileFinding(packaged.name, packaged.bytes, what)
  if (finding !== undefined) run.finding(finding)
  const sink = run.member({ name: packaged.name === '' ? 'packaged file' : packaged.name })
  await sink.write(packaged.bytes)
  await sink.end(packaged.cut ? { reason: 'malformed', detail: 'the packaged file is cut short' } : undefined)
}

function shown(entry: CompoundEntry, what: string): string {
  return printable(entry.path === '' ? what : `${what} in ${entry.path.slice(0, MAX_PATH_SHOWN)}`)
}
