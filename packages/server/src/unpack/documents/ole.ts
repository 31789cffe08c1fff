import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { type CompoundEntry, type CompoundFile, isCompoundFile, openCompoundFile, utf16Text } from './compound-file.ts'
import { openLegacyEncrypted } from './office-crypto-legacy.ts'
import { LockedParts, openEncryptedPackage } from './office-crypto-package.ts'
import { isDde, lookAtWord, reportDde } from './ole-fields.ts'
import { openOleObjects } from './ole-objects.ts'
import { openSlideObjects } from './ole-slides.ts'
import { vbaProjectsIn } from './vba-project.ts'
import { printable, studyProject } from './vba-rules.ts'
import { xlmFindings } from './xlm-rules.ts'
import { readXlmWorkbook } from './xlm-workbook.ts'

const MAX_STUDIED = 64 * 1024 * 1024
const MAX_REPORTED_FAULTS = 20

/**
 * Compound files: every stream is a member, and so is what only makes sense after reading it (VBA source, macro formulas, packaged
 * files, decrypted documents). A mail store's streams are the mail opener's; its objects and macros are looked at all the same, so that
 * a document dressed up as a mail does not get past both.
 */
export function oleOpener(): Opener {
  return {
    name: 'ole',
    version: '1',
    wants(node) {
      if (node.type !== 'ole') return undefined
      return looksLikeMail(node) ? 'looks' : 'members'
    },
    open: openOle,
  }
}

/** Outlook's class id or its stream names ([MS-OXMSG] 2.2) among the first entries of the directory. */
function looksLikeMail(node: OpenerNode): boolean {
  if (!isCompoundFile(node.view) || node.size < 512) return false
  const sectorBytes = node.view.head.readUInt16LE(0x1e) === 12 ? 4096 : 512
  const first = node.view.read((node.view.head.readUInt32LE(0x30) + 1) * sectorBytes, 512)
  return isMailText(utf16Text(first))
}

function isMailText(names: string): boolean {
  return /__(?:properties_version1\.0|substg1\.0_|nameid_version1\.0|recip_version1\.0|attach_version1\.0)/.test(names)
}

async function openOle(node: OpenerNode, run: OpenRun): Promise<void> {
  const file = openCompoundFile(node.view)
  for (const fault of file.faults.slice(0, MAX_REPORTED_FAULTS)) run.unscanned(fault)
  const locked = new LockedParts()
  await openEncryptedPackage({ file, node, run, locked })
  const plain = await openLegacyEncrypted({ file, node, run, locked })
  await openMacros(file, run)
  await openOleObjects(file, run)
  for (const entry of file.named('WORKBOOK', 'BOOK'))
    await lookAtWorkbook(entry, studied({ file, entry, plain }, run), run)
  for (const entry of file.named('WORDDOCUMENT')) {
    lookAtWord({ file, entry, document: studied({ file, entry, plain }, run) }, run)
  }
  await openSlideObjects(file, run)
  if (!looksLikeMail(node)) await emitStreams(file, run, { plain, hidden: locked.opened })
  if (locked.reason !== undefined) throw new Unscanned('encrypted', locked.reason)
}

async function openMacros(file: CompoundFile, run: OpenRun): Promise<void> {
  for (const project of vbaProjectsIn(file)) {
    for (const fault of project.faults) run.unscanned(fault)
    const folder = project.path === '' ? 'vba' : `${project.path}/vba`
    const study = studyProject(project)
    for (const finding of study.findings) run.finding(finding)
    if (study.cut) run.unscanned({ reason: 'too-large', detail: 'a VBA module is too long to study whole' })
    for (const module of project.modules) {
      if (run.signal.aborted) throw new Unscanned('timeout', 'stopped among VBA modules')
      if (module.source !== '') await run.emit({ name: `${folder}/${module.name}.bas` }, Buffer.from(module.source))
    }
    if (study.revealed.length > 0) {
      await run.emit({ name: `${folder}/(strings put together).txt` }, Buffer.from(study.revealed.join('\n')))
      for (const text of study.revealed) reportUrls(text, run)
    }
  }
}

function reportUrls(text: string, run: OpenRun): void {
  for (const [url] of text.matchAll(/https?:\/\/[^\s"'<>)]{4,2000}/gi)) run.url(url)
}

interface Studied {
  readonly file: CompoundFile
  readonly entry: CompoundEntry
  readonly plain: ReadonlyMap<number, Buffer>
}

/** A main stream as far as it is looked into, decrypted where it was. */
function studied({ file, entry, plain }: Studied, run: OpenRun): Buffer {
  const decrypted = plain.get(entry.id)
  if (decrypted !== undefined) return decrypted
  if (entry.size > MAX_STUDIED) {
    run.unscanned({ reason: 'too-large', detail: `only ${MAX_STUDIED} bytes are looked into` }, entry.path)
  }
  run.spend(Math.min(entry.size, MAX_STUDIED))
  return file.read(entry, MAX_STUDIED)
}

async function lookAtWorkbook(entry: CompoundEntry, stream: Buffer, run: OpenRun): Promise<void> {
  const workbook = readXlmWorkbook(stream)
  for (const fault of workbook.faults.slice(0, MAX_REPORTED_FAULTS)) run.unscanned(fault)
  for (const finding of xlmFindings(workbook)) run.finding(finding)
  for (const link of workbook.links) lookAtSupBook(link, run)
  if (workbook.macroSheets.length > 0) {
    await run.emit(
      { name: `${entry.path.slice(0, -entry.name.length)}xlm/formulas.txt` },
      Buffer.from(workbook.formulas.join('\n')),
    )
    for (const formula of workbook.formulas) reportUrls(formula, run)
  }
}

/** [MS-XLS] 2.5.277 VirtualPath: 0x03 stands between a DDE server and its topic. */
function lookAtSupBook(link: string, run: OpenRun): void {
  const [server = '', topic] = link.split('\u0003')
  if (topic !== undefined && !link.startsWith('\u0001')) reportDde(`DDE ${server} ${topic}`, run)
  else if (isDde(link)) reportDde(link, run)
  const url = /https?:\/\/[!-~]{4,2000}/i.exec(link)?.[0]
  if (url === undefined) return
  run.url(url)
  run.finding({ name: 'Document.ExternalLink', risk: 'low', attack: 'T1221', detail: printable(`links to ${url}`) })
}

interface Emission {
  readonly plain: ReadonlyMap<number, Buffer>
  readonly hidden: ReadonlySet<number>
}

async function emitStreams(file: CompoundFile, run: OpenRun, { plain, hidden }: Emission): Promise<void> {
  for (const entry of file.entries) {
    if (entry.kind !== 'stream' || entry.size === 0 || plain.has(entry.id) || hidden.has(entry.id)) continue
    await emitStream(file, entry, run)
  }
  for (const leftover of file.leftovers()) {
    const sink = run.member({ name: `(unused sectors at ${leftover.offset})` })
    for (const piece of file.leftoverPieces(leftover)) await sink.write(piece)
    await sink.end()
  }
}

async function emitStream(file: CompoundFile, entry: CompoundEntry, run: OpenRun): Promise<void> {
  const sink = run.member({ name: entry.path })
  let bytes = 0
  for (const piece of file.pieces(entry)) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped inside a stream')
    await sink.write(piece)
    bytes += piece.length
  }
  const damage = { reason: 'malformed', detail: `${bytes} of ${entry.size} bytes are there` } as const
  await sink.end(bytes < entry.size ? damage : undefined)
}
