import type { OpenRun } from '../opener.ts'
import type { CompoundEntry, CompoundFile } from './compound-file.ts'
import { utf16Text } from './compound-file.ts'
import { isRemote, isWeb } from './ole-embedded.ts'
import { printable } from './vba-rules.ts'

const MAX_FIELDS = 20_000

/** Programs that a DDE link names as its server to have them started. */
const SHELLS =
  /\b(?:cmd|powershell|pwsh|mshta|rundll32|regsvr32|wscript|cscript|certutil|bitsadmin|msexcel|wmic|explorer|system32)\b/i

/** What to say of a DDE field or link, its instruction as text: `DDEAUTO c:\\windows\\system32\\cmd.exe "/k calc"`. */
export function reportDde(instruction: string, run: OpenRun): void {
  const risk = SHELLS.test(instruction.replaceAll('"', '')) ? 'high' : 'medium'
  run.finding({ name: 'Document.Dde', risk, attack: 'T1559.002', detail: printable(instruction.trim()) })
}

/** True for the instruction of a field that starts another program. */
export function isDde(instruction: string): boolean {
  return /^\s{0,40}"?\s{0,40}DDE(?:AUTO)?(?:\s|"|$)/i.test(instruction)
}

export interface WordStream {
  readonly file: CompoundFile
  readonly entry: CompoundEntry
  /** Its bytes, decrypted. */
  readonly document: Buffer
}

/** Looks for fields and the template of a Word document ([MS-DOC] 2.8.25: 0x13 begins a field, 0x14 its result, 0x15 ends it). */
export function lookAtWord(word: WordStream, run: OpenRun): void {
  const { document } = word
  for (const text of [document.toString('latin1'), utf16Text(document)]) {
    for (const instruction of instructionsIn(text)) lookAtInstruction(instruction, run)
  }
  const template = templateOf(word)
  if (template !== undefined && isRemote(template)) reportTemplate(template, run)
}

function* instructionsIn(text: string): Generator<string, void, undefined> {
  let at = text.indexOf('\u0013')
  for (let count = 0; at >= 0 && count < MAX_FIELDS; count++) {
    const next = text.indexOf('\u0013', at + 1)
    const field = text.slice(at + 1, Math.min(at + 512, next < 0 ? text.length : next))
    yield field.split('\u0014', 1)[0]?.split('\u0015', 1)[0] ?? ''
    at = next
  }
}

/** What a field's instruction leads to: another program, or a place. */
export function lookAtInstruction(instruction: string, run: OpenRun): void {
  if (isDde(instruction)) reportDde(instruction, run)
  const link = /^\s{0,40}(?:HYPERLINK|INCLUDEPICTURE|INCLUDETEXT|LINK)\s[^"]{0,60}"([^"]{1,2048})"/i.exec(
    instruction,
  )?.[1]
  if (link !== undefined && /^https?:/i.test(link)) run.url(link)
}

/** A template from elsewhere brings its own macros, unseen by anybody who looks at the document. */
export function reportTemplate(target: string, run: OpenRun): void {
  if (/^(?:https?|ftp):/i.test(target)) run.url(target)
  run.finding({
    name: 'Document.RemoteTemplate',
    risk: isWeb(target) ? 'high' : 'medium',
    attack: 'T1221',
    detail: printable(`template from ${target}`),
  })
}

const FIRST_PAIR = 0x9a
const STTBF_ASSOC = FIRST_PAIR + 32 * 8

/** [MS-DOC] 2.5.6 fcSttbfAssoc, 2.9.279: the second string is the attached template. */
function templateOf({ document, file, entry }: WordStream): string | undefined {
  if (document.length < STTBF_ASSOC + 8) return undefined
  // FibBase bit 9 of the flags at 0x0A says which table stream is in use.
  const table = file.sibling(entry, (document.readUInt16LE(0x0a) & 0x200) !== 0 ? '1Table' : '0Table')
  if (table === undefined) return undefined
  const at = document.readUInt32LE(STTBF_ASSOC)
  const size = Math.min(document.readUInt32LE(STTBF_ASSOC + 4), 64 * 1024)
  const strings = file.read(table, Math.min(at + size, 64 * 1024 * 1024)).subarray(at)
  if (strings.length < 8 || strings.readUInt16LE(0) !== 0xffff) return undefined
  const skipped = strings.readUInt16LE(6) * 2
  const from = 6 + 2 + skipped
  if (from + 2 > strings.length) return undefined
  return utf16Text(strings, from + 2, from + 2 + strings.readUInt16LE(from) * 2)
}
