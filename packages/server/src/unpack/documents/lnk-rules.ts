import type { Finding } from '../opener.ts'
import type { Shortcut } from './lnk-parser.ts'
import { printable } from './vba-rules.ts'

/** Programs that run what they are told in their arguments, and the technique. */
const RUNNERS: readonly (readonly [RegExp, string])[] = [
  [/^cmd$/, 'T1059.003'],
  [/^(?:powershell|powershell_ise|pwsh)$/, 'T1059.001'],
  [/^mshta$/, 'T1218.005'],
  [/^[cw]script$/, 'T1059.005'],
  [/^rundll32$/, 'T1218.011'],
  [/^regsvr32$/, 'T1218.010'],
  [/^msiexec$/, 'T1218.007'],
  [/^(?:hh|cmstp|installutil|msbuild|odbcconf|mavinject|control|regasm|regsvcs|verclsid|xwizard)$/, 'T1218'],
  [/^(?:forfiles|pcalua|conhost|scriptrunner|explorer|syncappvpublishingserver|winrs|wsl|bash|ssh|at)$/, 'T1202'],
  [/^(?:certutil|bitsadmin|curl|ftp|tftp|finger|desktopimgdownldr)$/, 'T1105'],
  [/^(?:wmic|schtasks|reg|net|sc)$/, 'T1047'],
  [/^(?:python|pythonw|py|node|java|javaw|autoit3|php)$/, 'T1059'],
]

/** What arguments of honest shortcuts do not hold. */
const TELLING: readonly (readonly [RegExp, string])[] = [
  [/https?:\/\/|ftp:\/\/|\\\\[\w.-]{3,80}(?:@\w{1,8})?\\/i, 'an address'],
  [/(?:^|\s)[-/]e(?:c|nc?|nco[a-z]{0,12})?\s{1,20}[A-Za-z0-9+/=]{20}/i, 'an encoded command'],
  [/[-/]w(?:i|indowstyle)?[a-z]{0,10}\s{0,10}(?:h|1\b)|\bhidden\b/i, 'a hidden window'],
  [
    /\b(?:iex|invoke-\w{2,30}|downloadstring|downloadfile|frombase64string|start-process|new-object)\b/i,
    'commands of a loader',
  ],
  [
    /\b(?:mshta|rundll32|regsvr32|certutil|bitsadmin|wscript|cscript|curl|powershell|msiexec)\b/i,
    'another system tool',
  ],
  [/javascript:|vbscript:|\beval\b|activexobject/i, 'script'],
  [/%(?:temp|tmp|appdata|localappdata|public|comspec|programdata)%|\$env:/i, 'a folder for droppings'],
  [/\^[a-z]\^?[a-z]|%[a-z_]{2,20}:~|\bset\s\w{1,10}=|\bfor\s\/[fr]\b|\bfindstr\b/i, 'a command in disguise'],
  [/\.(?:js|jse|vbs|vbe|hta|wsf|ps1|bat|cmd|scr|pif|dll|cpl|msi)\b/i, 'a script or library'],
]

const PADDING = /[\t\n\v\f\r ]{50}/
const LONG_ARGUMENTS = 1000
const DOUBLE = /\.(?:pdf|docx?|xlsx?|pptx?|rtf|txt|jpe?g|png|gif|mp[34]|zip|csv|html?|eml)\s{0,40}\.lnk$/i
const DOCUMENT_ICON =
  /\.(?:pdf|docx?|xlsx?|pptx?|rtf|txt|jpe?g|png|zip)\b|acrord32|acrobat|winword|excel|powerpnt|wordpad|notepad|msedge|chrome|firefox|imageres|shell32|wmploc|foxit/i
const MIN_APPENDED = 1024

export interface ShortcutSight {
  readonly shortcut: Shortcut
  readonly fileName: string
  readonly appendedBytes: number
}

/** What a shortcut is made for, as far as it shows. */
export function shortcutFindings(sight: ShortcutSight): Finding[] {
  return [...commandFindings(sight), ...disguiseFindings(sight)]
}

/** Last segment of a path, lower case, without `.exe`. */
export function programOf(target: string): string {
  return (target.split(/[\\/]/).at(-1) ?? '')
    .trim()
    .toLowerCase()
    .replace(/\.(?:exe|com)"?$/, '')
}

function runnerOf(shortcut: Shortcut): { program: string; attack: string } | undefined {
  for (const target of shortcut.targets) {
    const program = programOf(target)
    const attack = RUNNERS.find(([pattern]) => pattern.test(program))?.[1]
    if (attack !== undefined) return { program, attack }
  }
  return undefined
}

function commandFindings({ shortcut }: ShortcutSight): Finding[] {
  const args = shortcut.arguments.trim()
  const runner = runnerOf(shortcut)
  const findings: Finding[] = []
  const told = TELLING.filter(([pattern]) => pattern.test(args.slice(0, 32_768))).map(([, what]) => what)
  if (runner !== undefined && args !== '') {
    const risk = told.length > 0 ? 'high' : 'medium'
    const what = told.length > 0 ? ` (${told.join(', ')})` : ''
    findings.push(make('Shortcut.Command', risk, runner.attack, `${runner.program} ${args.slice(0, 160)}${what}`))
  }
  if (PADDING.test(shortcut.arguments)) {
    // Explorer's dialogue shows 260 characters: what is behind the spaces is not seen (ZDI-CAN-25373).
    const tail = args.replace(/\s{2,70000}/g, ' ').slice(0, 160)
    findings.push(make('Shortcut.HiddenArguments', 'high', 'T1027', `arguments behind spaces: ${tail}`))
  } else if (args.length > LONG_ARGUMENTS) {
    findings.push(make('Shortcut.LongArguments', 'medium', 'T1027', `${args.length} characters of arguments`))
  }
  for (const target of shortcut.targets) {
    if (/^\\\\[^\\?.]/.test(target)) findings.push(remoteTarget(target))
  }
  return findings
}

function remoteTarget(target: string): Finding {
  const web = /@(?:ssl|\d{1,5})\b|davwwwroot/i.test(target)
  return make('Shortcut.RemoteTarget', web ? 'high' : 'low', 'T1204.002', `starts ${target}`)
}

function disguiseFindings({ shortcut, fileName, appendedBytes }: ShortcutSight): Finding[] {
  const findings: Finding[] = []
  const runner = runnerOf(shortcut)
  if (DOUBLE.test(fileName.trimEnd())) {
    findings.push(
      make('Shortcut.DoubleExtension', runner === undefined ? 'medium' : 'high', 'T1036.007', `called ${fileName}`),
    )
  }
  // Command shells have icons of their own; that of a document is put there to be clicked.
  if (runner !== undefined && shortcut.arguments.trim() !== '' && DOCUMENT_ICON.test(shortcut.icon)) {
    findings.push(make('Shortcut.FalseIcon', 'medium', 'T1036', `${runner.program} with the icon of ${shortcut.icon}`))
  }
  if (/^(?:\\\\[^\\?.]|https?:)/i.test(shortcut.icon)) {
    findings.push(make('Shortcut.RemoteIcon', 'medium', 'T1187', `icon from ${shortcut.icon}`))
  }
  const environment = programOf(shortcut.environmentTarget)
  const others = shortcut.targets.filter((target) => target !== shortcut.environmentTarget).map(programOf)
  if (environment !== '' && others.length > 0 && !others.includes(environment)) {
    findings.push(make('Shortcut.FalseTarget', 'medium', 'T1036', `shows ${others[0]}, starts ${environment}`))
  }
  if (appendedBytes >= MIN_APPENDED) {
    findings.push(make('Shortcut.AppendedData', 'medium', 'T1027.009', `${appendedBytes} bytes behind the shortcut`))
  }
  return findings
}

function make(name: string, risk: Finding['risk'], attack: string, detail: string): Finding {
  return { name, risk, attack, detail: printable(detail) }
}
