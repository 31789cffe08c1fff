import type { Finding } from '../opener.ts'
import { utf16Text } from './compound-file.ts'
import { revealStrings } from './vba-fold.ts'
import type { VbaModule, VbaProject } from './vba-project.ts'
import { vbaLines } from './vba-text.ts'

/** What a macro can do that matters, each by words that only this needs. */
const POWERS = ['run', 'download', 'inject', 'drop', 'evade'] as const
type Power = (typeof POWERS)[number]

interface Clue {
  readonly power: Power
  readonly what: string
}

/** In code, outside strings and comments. */
const CODE_CLUES: readonly (readonly [RegExp, Power, string])[] = [
  [/(?:^|[^.\w])Shell\s{0,8}[ (]\s{0,8}["\w(]/i, 'run', 'Shell'],
  [/\bVBA(?:\.Interaction)?\.Shell\b/i, 'run', 'Shell'],
  [/\bExecuteExcel4Macro\b/i, 'run', 'ExecuteExcel4Macro'],
  [/\b(?:ShellExecute[AW]?|WinExec|CreateProcess[AW]?)\b/i, 'run', 'process API'],
  [/\bMacScript\b|\bAppleScriptTask\b/i, 'run', 'MacScript'],
  [/\bURLDownloadToFile[AW]?\b/i, 'download', 'URLDownloadToFile'],
  [/\bInternet(?:Open(?:Url)?|ReadFile)[AW]?\b/i, 'download', 'WinINet'],
  [
    /\b(?:VirtualAlloc(?:Ex)?|VirtualProtect(?:Ex)?|WriteProcessMemory|CreateRemoteThread|NtWriteVirtualMemory)\b/i,
    'inject',
    'memory API',
  ],
  [
    /\b(?:CreateThread|CreateTimerQueueTimer|EnumSystemLocales[AW]?|EnumDateFormats[AW]?|CallWindowProc[AW]?)\b/i,
    'inject',
    'callback API',
  ],
  [/\bOpen\b[^:]{1,200}\bFor\s{1,8}Binary\b/i, 'drop', 'Open For Binary'],
  [/\.(?:SaveToFile|CreateTextFile)\b/i, 'drop', 'SaveToFile'],
  [/\bCallByName\b/i, 'evade', 'CallByName'],
  [/\bEnviron\$?\s{0,8}\(/i, 'evade', 'Environ'],
  [/\b(?:Create|Get)Object\s{0,8}\(\s{0,8}[A-Za-z]/i, 'evade', 'object by a hidden name'],
  [/\bDeclare\s.{1,200}\bLib\b/i, 'evade', 'system function'],
  [/\.(?:VBProject|VBComponents|CodeModule)\b/i, 'evade', 'changes macros'],
  [/\.(?:DisableAutoMacros|AutomationSecurity)\b/i, 'evade', 'AutomationSecurity'],
]

/** In strings, as written or as put together. */
const STRING_CLUES: readonly (readonly [RegExp, Power, string])[] = [
  [/wscript\.shell|shell\.application|scriptcontrol|outlook\.createobject/i, 'run', 'script host object'],
  [/com\.sun\.star\.system\.SystemShellExecute|com\.sun\.star\.bridge\.oleautomation/i, 'run', 'shell service'],
  [/winmgmts:|win32_process\b|schedule\.service/i, 'run', 'WMI or task object'],
  [
    /\bpowershell\b|\bpwsh\b|\bmshta\b|\bregsvr32\b|\brundll32\b|\bcertutil\b|\bbitsadmin\b|\bwmic\b|\bmsiexec\b|\bcmstp\b/i,
    'run',
    'system tool',
  ],
  [/\bcmd(?:\.exe)?\s{1,8}\/[ckr]\b|%comspec%|\b[cw]script(?:\.exe)?\s/i, 'run', 'command line'],
  [/new:\{?(?:72C24DD5|13709620|C08AFD90|9BA05972|F935DC22)/i, 'run', 'object by class id'],
  [
    /(?:msxml2|microsoft)\.(?:server)?xmlhttp|winhttp\.winhttprequest|internetexplorer\.application/i,
    'download',
    'HTTP object',
  ],
  [
    /\bdownload(?:file|string|data)\b|\binvoke-webrequest\b|\bnet\.webclient\b|\bstart-bitstransfer\b/i,
    'download',
    'download command',
  ],
  [/urldownloadtofile/i, 'download', 'URLDownloadToFile'],
  [/adodb\.stream/i, 'drop', 'ADODB.Stream'],
  [/AccessVBOM|VBAWarnings|\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\b/i, 'evade', 'registry key'],
]

/** Names that Office runs by itself ([MS-OVBA] has none of it: Office VBA reference, "Auto macros", document and workbook events). */
const AUTO_NAMES =
  /\b(?:Sub|Function)\s{1,8}(auto_?(?:open|exec|close|exit|new|activate|deactivate)|document_?(?:open|close|new|beforeclose|beforesave|contentcontrolonenter|change)|(?:workbook|app)_(?:open|activate|beforeclose|deactivate|workbookopen|sheetactivate|windowactivate|beforesave|beforeprint)|worksheet_(?:activate|calculate)|(?!userform)\w{1,40}_(?:layout|painted|mousemove|gotfocus|mousehover|beforenavigate2|navigatecomplete2|progresschange|documentcomplete|onconnecting))\s{0,8}\(/i

const ATTACKS: Readonly<Record<Power, string>> = {
  run: 'T1059.005',
  download: 'T1105',
  inject: 'T1055',
  drop: 'T1105',
  evade: 'T1564',
}

/** Chr() joined ten times or more that are not line ends, tabs or quotes; a single harmless one is everywhere. */
const CHR_CHAIN = 10
const MANY_JOINS = 40
const MAX_ANALYSED = 4 * 1024 * 1024

export interface VbaStudy {
  readonly findings: readonly Finding[]
  /** Strings that were put together, one a line, for a member of its own. */
  readonly revealed: readonly string[]
  /** True where a module was longer than what is looked at. */
  readonly cut: boolean
}

interface Sight {
  readonly module: string
  readonly auto: Set<string>
  readonly clues: Map<string, Clue>
  /** Only in what was put together: hidden on purpose. */
  readonly hidden: Map<string, Clue>
  readonly tricks: Set<string>
  readonly revealed: string[]
  codeLines: number
}

/** What a project's source shows; the whole project counts together, since modules call each other. `autoRuns`: what runs it that no source shows. */
export function studyProject(project: VbaProject, autoRuns: readonly string[] = []): VbaStudy {
  const sights = project.modules.map(studyModule)
  const findings = [...gradeProject(sights, autoRuns), ...stompedFindings(project, sights)]
  const cut = project.modules.some((module) => module.source.length > MAX_ANALYSED)
  return { findings, revealed: sights.flatMap((sight) => sight.revealed), cut }
}

function studyModule(module: VbaModule): Sight {
  const sight: Sight = {
    module: module.name,
    auto: new Set(),
    clues: new Map(),
    hidden: new Map(),
    tricks: new Set(),
    revealed: [],
    codeLines: 0,
  }
  const source = module.source.slice(0, MAX_ANALYSED)
  for (const { code, strings } of vbaLines(source)) {
    if (code.trim() === '') continue
    sight.codeLines++
    const auto = AUTO_NAMES.exec(code)?.[1]
    if (auto !== undefined) sight.auto.add(auto)
    match(code, CODE_CLUES, sight.clues)
    for (const text of strings) match(text, STRING_CLUES, sight.clues)
    noteTricks(code, sight)
  }
  sight.revealed.push(...revealStrings(source).flatMap(withDecoded))
  for (const text of sight.revealed) match(text, STRING_CLUES, sight.hidden)
  for (const what of sight.clues.keys()) sight.hidden.delete(what)
  return sight
}

function match(text: string, clues: readonly (readonly [RegExp, Power, string])[], into: Map<string, Clue>): void {
  for (const [pattern, power, what] of clues) if (!into.has(what) && pattern.test(text)) into.set(what, { power, what })
}

function noteTricks(code: string, sight: Sight): void {
  const characters = code.match(/\bChr[WB]?\$?\s?\(\s?(?!(?:9|1[03]|3[24]|39)\s?\))/gi)?.length ?? 0
  if (characters >= CHR_CHAIN) sight.tricks.add('chain of Chr()')
  if (/\bStrReverse\b/i.test(code)) sight.tricks.add('StrReverse')
  const joins = code.match(/""\s?[&+]\s?""/g)?.length ?? 0
  if (joins >= MANY_JOINS) sight.tricks.add('string in many pieces')
}

/** Base64 and hexadecimal texts are shown decoded beside what they are. */
function withDecoded(text: string): string[] {
  if (text.length < 40) return [text]
  const base64 = /[A-Za-z0-9+/]{40,}={0,2}/.exec(text)?.[0]
  const bytes = /^(?:[0-9A-Fa-f]{2}){20,}$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(base64 ?? '', 'base64')
  // PowerShell's -EncodedCommand is UTF-16.
  const decoded = bytes[1] === 0 && bytes[3] === 0 ? utf16Text(bytes) : bytes.toString('latin1')
  return decoded.length > 0 && /^[\t\r\n -~]{1,65536}$/.test(decoded) ? [text, decoded] : [text]
}

function gradeProject(sights: readonly Sight[], autoRuns: readonly string[]): Finding[] {
  const auto = [...new Set([...autoRuns, ...sights.flatMap((sight) => [...sight.auto])])]
  const clues = sights.flatMap((sight) => [...sight.clues.values()])
  const hidden = sights.flatMap((sight) => [...sight.hidden.values()])
  const tricks = [...new Set(sights.flatMap((sight) => [...sight.tricks]))]
  const findings: Finding[] = []
  if (auto.length > 0) findings.push(finding('Macro.AutoRun', 'low', 'T1204.002', `runs by itself: ${list(auto)}`))
  for (const power of POWERS) {
    const words = [...new Set([...clues, ...hidden].filter((clue) => clue.power === power).map((clue) => clue.what))]
    if (words.length > 0) findings.push(gradePower(power, words, { auto, clues: [...clues, ...hidden] }))
  }
  if (hidden.length > 0) {
    const dangerous = hidden.some((clue) => clue.power !== 'evade')
    const risk = auto.length > 0 && dangerous ? 'high' : 'medium'
    findings.push(
      finding('Macro.HiddenStrings', risk, 'T1027', `puts together: ${list(hidden.map((clue) => clue.what))}`),
    )
  }
  if (tricks.length > 0) {
    // One call of StrReverse is not yet hiding.
    const risk = tricks.every((trick) => trick === 'StrReverse') && auto.length === 0 ? 'low' : 'medium'
    findings.push(finding('Macro.Obfuscated', risk, 'T1027', list(tricks)))
  }
  return findings
}

const NAMES: Readonly<Record<Power, string>> = {
  run: 'Shell',
  download: 'Download',
  inject: 'Inject',
  drop: 'Drop',
  evade: 'Evade',
}

/** Alone each of these has honest uses; what runs by itself and starts programs, downloads or writes to memory has hardly any. */
function gradePower(
  power: Power,
  words: readonly string[],
  { auto, clues }: { readonly auto: readonly string[]; readonly clues: readonly Clue[] },
): Finding {
  const detail = auto.length > 0 ? `${list(auto)} with ${list(words)}` : list(words)
  if (power === 'evade') return finding('Macro.Evade', 'low', ATTACKS.evade, detail)
  const drops = power === 'drop' && !clues.some((clue) => clue.power === 'run' || clue.power === 'download')
  if (auto.length > 0) return finding(`Macro.AutoRun${NAMES[power]}`, drops ? 'medium' : 'high', ATTACKS[power], detail)
  const both = clues.some((clue) => clue.power === 'run') && clues.some((clue) => clue.power === 'download')
  return finding(`Macro.${NAMES[power]}`, both || power === 'inject' ? 'medium' : 'low', ATTACKS[power], detail)
}

const CACHE_WORDS =
  /powershell|cmd\.exe|cmd \/c|wscript\.shell|shell\.application|urldownloadtofile|xmlhttp|adodb\.stream|mshta|winmgmts|https?:\/\//gi
const CACHE_NAMES = /auto_?open|auto_?exec|auto_?close|document_?open|document_?close|workbook_?open/i
const CACHE_CALLS = /shell|createobject|urldownloadtofile|callbyname|virtualalloc/i
const MAX_CACHE = 1024 * 1024

/**
 * "VBA stomping": Office of the same version runs the compiled code and never looks at the source. String literals of compiled code
 * stand in the module's stream, names in `_VBA_PROJECT`: what is there and in no source was taken out of it.
 */
function stompedFindings(project: VbaProject, sights: readonly Sight[]): Finding[] {
  const sources = project.modules.map((module) => module.source.toLowerCase()).join('\n')
  const missing = new Set<string>()
  for (const module of project.modules) {
    const cache = module.cache.subarray(0, MAX_CACHE).toString('latin1')
    for (const word of cache.match(CACHE_WORDS) ?? []) if (!sources.includes(word.toLowerCase())) missing.add(word)
  }
  const empty = sights.every((sight) => sight.codeLines === 0)
  const names = project.identifiers.subarray(0, MAX_CACHE).toString('latin1')
  const compiled = empty && CACHE_NAMES.test(names) && CACHE_CALLS.test(names)
  if (missing.size === 0 && !compiled) return []
  const detail =
    missing.size > 0 ? `compiled code says ${list([...missing])}, the source does not` : 'compiled code, no source'
  return [finding('Macro.Stomped', empty ? 'high' : 'medium', 'T1564.007', detail)]
}

function list(words: readonly string[]): string {
  return [...new Set(words)].slice(0, 8).join(', ')
}

function finding(name: string, risk: Finding['risk'], attack: string, detail: string): Finding {
  return { name, risk, attack, detail: printable(detail) }
}

/** One line of at most 300 characters, anything odd as a dot. */
export function printable(text: string): string {
  return text.slice(0, 300).replace(/[^ -~]/g, '.')
}
