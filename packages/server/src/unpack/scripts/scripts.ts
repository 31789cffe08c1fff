import { Unscanned } from '../../domain/verdict.ts'
import { printable } from '../documents/printable.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { judgeScriptText } from './judge-script.ts'
import { type Payload, payloadsAmong, payloadsIn } from './payload.ts'
import { hasMarks, hasScriptMarks, WHOLE } from './script-marks.ts'
import { byteOffset, type TextPart, textParts } from './script-text.ts'
import { unfold } from './unfold.ts'

const ALWAYS = new Set(['vbs', 'vbe', 'ps1', 'bat', 'sh', 'py', 'perl', 'php', 'url', 'reg', 'inf', 'iqy'])
const EXTENSIONS: Readonly<Record<string, string>> = { perl: 'pl' }
const MAX_URLS = 200
const MAX_COMMANDS = 16
const URL_TEXT = /\bhttps?:\/\/[\w.:@-]{3,255}(?:\/[^\s"'`<>()\\^|]{0,1000})?/gi
const COMMAND = /\s[-/]e(?:nc?|c|nco\w{0,20})?\s{1,9}["']?([A-Za-z0-9+/=]{24,100000})/gi

/** Looks into scripts: constants are put together, encoded parts decoded and handed over, rules asked before and after. */
export function scriptOpener(): Opener {
  return {
    name: 'scripts',
    version: '1',
    wants(node) {
      if (ALWAYS.has(node.type)) return 'looks'
      return node.type === 'js' && hasScriptMarks(node.view) ? 'looks' : undefined
    },
    async open(node, run) {
      for (const part of textParts(node.view)) {
        if (run.signal.aborted) throw new Unscanned('timeout', 'the script was not read to its end')
        if (node.type === 'js' && node.size > WHOLE && !isMarked(part)) continue
        await lookAtScript({ part, type: node.type, fileName: node.fileName, isOurs: isUnfolded(node) }, run)
      }
    },
  }
}

/** Nobody has searched so long a script yet. The words of UTF-16 are not searched for. */
function isMarked({ text, width }: TextPart): boolean {
  return width === 2 || hasMarks(Buffer.from(text, 'latin1'))
}

export interface ScriptPart {
  readonly part: TextPart
  readonly type: string
  readonly fileName: string
  /** It is what unfolding made of its holder: already judged there. */
  readonly isOurs: boolean
}

/** A script within a script of its kind is made by this opener only. */
function isUnfolded(node: OpenerNode): boolean {
  const holder = node.within.at(-1)?.type
  return node.fileName.startsWith('unfolded.') && (holder === node.type || holder === 'vbe')
}

/** One part of a script: judged, unfolded, its payloads handed over. Used for scripts in pages too. */
export async function lookAtScript({ part, type, isOurs }: ScriptPart, run: OpenRun): Promise<void> {
  const source = part.text
  const { text, reveals, values } = unfold(source, type)
  const extension = type === 'vbe' ? languageOf(text) : (EXTENSIONS[type] ?? type)
  const offsetOf = (index: number) => byteOffset(part, index)
  if (!isOurs) for (const finding of judgeScriptText({ source, unfolded: text, type, offsetOf })) run.finding(finding)
  tellUrls(type === 'js' ? '' : source, text, run)
  if (isOurs) return
  if (reveals) await run.emit({ name: `unfolded.${extension}` }, Buffer.from(text, 'latin1'))
  await emitCommands(text, run)
  let count = 0
  for (const payload of [...payloadsIn(text, (bytes) => run.spend(bytes)), ...payloadsAmong(values)]) {
    if (payload.kind === 'media' || payload.kind === 'data') continue
    if (payload.kind === 'program') tellProgram(payload, type, run)
    await run.emit({ name: nameOf(payload, ++count) }, payload.bytes)
  }
}

/** An encoded script does not say which of the two it is. */
function languageOf(text: string): string {
  return /\bfunction\s{0,9}\w{0,60}\s{0,9}\([^)]{0,200}\)\s{0,9}\{|\bvar\s{1,9}\w|new\s{1,9}ActiveXObject|;\s{0,9}$/m.test(
    text,
  )
    ? 'js'
    : 'vbs'
}

/** Of a page's script only what unfolding showed: its plain URLs are the page's own. */
function tellUrls(source: string, text: string, run: OpenRun): void {
  const urls = new Set<string>()
  for (const [url] of (source === '' ? text : `${source}\n${text}`).matchAll(URL_TEXT)) {
    if (urls.size >= MAX_URLS) break
    urls.add(url)
  }
  for (const url of urls) run.url(url)
}

/** `powershell -enc`: UTF-16LE in base 64. Short ones are no payload by length. */
async function emitCommands(text: string, run: OpenRun): Promise<void> {
  let count = 0
  for (const [, encoded = ''] of text.matchAll(COMMAND)) {
    const bytes = Buffer.from(encoded, 'base64')
    if (bytes.length < 16 || bytes[1] !== 0) continue
    if (++count > MAX_COMMANDS) return
    const command = bytes.toString('utf16le', 0, bytes.length & ~1)
    await run.emit({ name: `command-${count}.ps1` }, Buffer.from(command))
  }
}

/** Tools in Python, PHP or PowerShell do carry a helper now and then; scripts of the script host do not. */
function tellProgram(payload: Payload, type: string, run: OpenRun): void {
  const detail = printable(`a program of ${payload.bytes.length} bytes is written out (${payload.how})`)
  const isTool = type === 'py' || type === 'php' || type === 'ps1' || type === 'sh' || type === 'perl'
  run.finding({ name: 'Script.WrittenProgram', risk: isTool ? 'medium' : 'high', attack: 'T1027.009', detail })
}

const NAMES: Readonly<Record<string, string>> = { program: '.bin', archive: '', document: '', script: '', text: '.txt' }

function nameOf(payload: Payload, count: number): string {
  return `decoded-${count}${NAMES[payload.kind] ?? ''}`
}
