import type { Finding } from '../opener.ts'
import type { PageFacts } from './html-reader.ts'
import { printable } from './printable.ts'

const SHELL_OBJECT =
  /(?:activexobject|createobject|getobject)\s{0,4}\(\s{0,4}["'](?:wscript\.shell|shell\.application|adodb\.stream|winmgmts:|new:)/i
const RUNS = /\.(?:run|exec|shellexecute|create)\b/i
const COMMAND =
  /(?:powershell|pwsh|mshta|msiexec|cmd(?:\.exe)?\s{1,4}\/[ckr]|certutil|bitsadmin|rundll32|regsvr32|curl(?:\.exe)?\s[^\r\n]{0,200}\|\s{0,4}(?:ba|z)?sh)[^\r\n]{0,20}/i
const FETCHES =
  /https?:|\\\\|\biex\b|\biwr\b|\birm\b|-e(?:nc?|ncodedcommand)?\s{1,4}[A-Za-z0-9+/=]{20}|frombase64string/i
const COPIES =
  /clipboard\s{0,4}\.\s{0,4}write(?:Text)?\s{0,4}\(|execCommand\s{0,4}\(\s{0,4}["']copy["']|clipboardData\s{0,4}\.\s{0,4}setData/i
/** What a lure asks for: the Run dialog, then pasting. */
const LURE =
  /(?:win(?:dows)?(?:\s{0,4}(?:key|button|logo))?|⊞|\u229e)\s{0,4}(?:<\/\w{1,8}>\s{0,4})?(?:\+|and)\s{0,4}(?:<\w{1,8}>\s{0,4})?["'(]?r\b|run\s{1,4}dialog|ctrl\s{0,4}\+\s{0,4}v\b|not a robot|verify (?:that )?you are (?:a )?human|verification (?:steps|id|code)|i'?m human/i
const HIDDEN_RUN =
  /-w(?:in?|indowstyle)?\s{1,4}(?:h|1)|mshta\s{1,4}["']?https?:|-e(?:nc?|ncodedcommand)?\s{1,4}[A-Za-z0-9+/=]{40}/i
const CODED_WRITE = /document\.write(?:ln)?\s{0,4}\(\s{0,4}(?:window\.)?(?:atob|unescape|decodeURIComponent)\s{0,4}\(/i
const HANDLERS = /(?:search-ms|ms-msdt|ms-officecmd|ms-word|ms-excel|ms-appinstaller):[^\s"'<>]{3,400}/i

export interface PageView {
  readonly type: string
  readonly source: string
  readonly facts: PageFacts
  /** All scripts of the page, unfolded. */
  readonly code: string
  readonly offsetOf: (index: number) => number
}

/** Findings by what the page does, its smuggled files apart. */
export function judgePage(view: PageView): Finding[] {
  return [
    objects(view),
    clickFix(view),
    refresh(view),
    handler(view),
    credentials(view),
    codedPage(view),
    svgScript(view),
  ].filter((finding) => finding !== undefined)
}

function objects({ type, code, source, offsetOf }: PageView): Finding | undefined {
  const hit = SHELL_OBJECT.exec(code)
  if (hit === null) return undefined
  const runs = RUNS.test(code)
  const detail = printable(`${hit[0]}${runs ? ', and runs' : ''}`)
  const risk = type === 'hta' && !runs ? 'medium' : 'high'
  const attack = type === 'hta' ? 'T1218.005' : 'T1059.005'
  return {
    name: type === 'hta' ? 'Hta.RunsShell' : 'Html.RunsShell',
    risk,
    attack,
    detail,
    ...offset(source, hit[0], offsetOf),
  }
}

/** A command on the clipboard, and a text that asks to paste it ("ClickFix", "fake CAPTCHA"). */
function clickFix({ code, source, facts, offsetOf }: PageView): Finding | undefined {
  if (!COPIES.test(code)) return undefined
  const command = COMMAND.exec(code)
  const near = command === null ? '' : code.slice(command.index, command.index + 2000)
  if (command === null || !FETCHES.test(near)) return undefined
  const lures = LURE.test(facts.text) || LURE.test(code)
  if (!lures && !HIDDEN_RUN.test(near)) return undefined
  const detail = printable(`copies a command${lures ? ' and asks to paste it' : ''}: ${near.slice(0, 120)}`)
  return {
    name: 'Html.PastedCommand',
    risk: lures ? 'high' : 'medium',
    attack: 'T1204.004',
    detail,
    ...offset(source, command[0], offsetOf),
  }
}

function refresh({ facts, offsetOf }: PageView): Finding | undefined {
  const found = facts.refreshes.find(({ value }) =>
    /url\s{0,4}=\s{0,4}["']?\s{0,4}(?:data|javascript|vbscript):/i.test(value),
  )
  if (found === undefined) return undefined
  const detail = printable(`goes to ${found.value.slice(0, 80)}`)
  return { name: 'Html.DataRedirect', risk: 'medium', attack: 'T1027.006', detail, offset: offsetOf(found.at) }
}

/** Addresses that start programs of Windows: search-ms on a share, ms-msdt (CVE-2022-30190). */
function handler({ code, source, facts, offsetOf }: PageView): Finding | undefined {
  const hit =
    HANDLERS.exec(code) ??
    facts.targets.map(({ value }) => HANDLERS.exec(value)).find((found) => found !== null) ??
    null
  if (hit === null) return undefined
  const isMsdt = /^ms-msdt:/i.test(hit[0]) && /\/|IT_/.test(hit[0])
  const isRemote = /^search-ms:/i.test(hit[0]) && /crumb=location:(?:\\\\|%5c%5c)/i.test(hit[0])
  if (!isMsdt && !isRemote) return undefined
  const attack = isMsdt ? 'T1203' : 'T1204.002'
  return {
    name: 'Html.ProgramAddress',
    risk: 'high',
    attack,
    detail: printable(hit[0]),
    ...offset(source, hit[0], offsetOf),
  }
}

/** A form for passwords whose page sends what is typed to a chat, or that was written in code. */
function credentials({ code, facts, source, offsetOf }: PageView): Finding | undefined {
  const chat = /api\.telegram\.org\/bot|discord(?:app)?\.com\/api\/webhooks\//i.exec(`${code}\n${source}`)
  if (!facts.hasPassword || chat === null) return undefined
  return {
    name: 'Html.PasswordsToChat',
    risk: 'high',
    attack: 'T1056.003',
    detail: printable(`a password form that sends to ${chat[0]}`),
    ...offset(source, chat[0], offsetOf),
  }
}

/** The page is written by its script out of encoded text, and asks for a password. */
function codedPage({ code, source, facts, offsetOf }: PageView): Finding | undefined {
  const hit = CODED_WRITE.exec(source)
  if (hit === null) return undefined
  const asks = !facts.hasPassword && /type\s{0,4}=\s{0,4}\\?["']?password/i.test(code)
  return asks
    ? {
        name: 'Html.HiddenForm',
        risk: 'medium',
        attack: 'T1027',
        detail: 'a password form written out of encoded text',
        offset: offsetOf(hit.index),
      }
    : undefined
}

function svgScript({ type, facts, code, offsetOf }: PageView): Finding | undefined {
  const first = facts.scripts[0]
  if (type !== 'svg' || first === undefined) return undefined
  const leaves =
    /location\s{0,4}(?:\.\s{0,4}(?:href|replace|assign))?\s{0,4}[=(]|window\s{0,4}\.\s{0,4}open\s{0,4}\(|\batob\s{0,4}\(|\beval\s{0,4}\(|document\.write|createElement\s{0,4}\(\s{0,4}["']script/i.test(
      code,
    )
  const detail = leaves ? 'a picture whose script leads away or writes code' : 'a picture with a script'
  return {
    name: leaves ? 'Svg.LeadsAway' : 'Svg.Script',
    risk: leaves ? 'medium' : 'low',
    attack: 'T1027.017',
    detail,
    offset: offsetOf(first.at),
  }
}

function offset(source: string, seen: string, offsetOf: (index: number) => number): { offset?: number } {
  const at = source.indexOf(seen)
  return at < 0 ? {} : { offset: offsetOf(at) }
}
