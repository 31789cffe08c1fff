import type { Finding } from '../opener.ts'

/** Opened by a double click, Windows runs these. A mail or a form has no harmless `invoice.pdf.exe`. */
const RUNS = /\.(?:exe|scr|pif|com|bat|cmd|vbs|vbe|jse|wsf|wsh|hta|lnk|cpl|msi|ps1|url|reg|chm|appx|msix)$/i
/** Run too, but programmers give such names to harmless files (`index.html.js`). */
const MAY_RUN = /\.(?:js|jar|py|sh|ps1xml|psm1|html?|svg|iso|img|vhdx?)$/i
const LOOKS_HARMLESS =
  /\.(?:pdf|docx?|docm|xlsx?|xlsm|pptx?|rtf|txt|csv|jpe?g|png|gif|bmp|tiff?|mp[34]|avi|mov|wav|zip|rar|7z|html?|eml|msg|xml)$/i
/** Windows drops dots and blanks at a name's end; many blanks in between push the last extension out of sight. */
const BLANKS_AT_END = /[\s.\u00a0\u2000-\u200f_]{1,1024}$/
const RIGHT_TO_LEFT_OVERRIDE = '\u202e'

/** What a file's name alone tells. `names`: all that its container gives it. */
export function nameFindings(names: readonly string[]): Finding[] {
  return [...names.flatMap(doubleExtension), ...names.flatMap(turnedName), ...contradiction(names)]
}

function doubleExtension(name: string): Finding[] {
  const whole = trimEnd(name.slice(-1024))
  const last = RUNS.exec(whole) ?? MAY_RUN.exec(whole)
  if (last === null || !LOOKS_HARMLESS.test(trimEnd(whole.slice(0, last.index)))) return []
  const risk = RUNS.test(whole) ? 'high' : 'low'
  const detail = `the name ${show(name)} hides its last extension behind another`
  return [{ name: 'Attachment.DoubleExtension', risk, attack: 'T1036.007', detail }]
}

function trimEnd(name: string): string {
  return name.replace(BLANKS_AT_END, '')
}

function turnedName(name: string): Finding[] {
  if (!name.includes(RIGHT_TO_LEFT_OVERRIDE)) return []
  const detail = `the name ${show(name)} is written from right to left to hide its extension`
  return [{ name: 'Attachment.RightToLeftName', risk: 'high', attack: 'T1036.002', detail }]
}

/** A reader that takes the other name runs what a gateway took for a document. */
function contradiction(names: readonly string[]): Finding[] {
  const runs = names.find((name) => RUNS.test(trimEnd(name)))
  const harmless = names.find((name) => LOOKS_HARMLESS.test(trimEnd(name)))
  if (runs === undefined || harmless === undefined) return []
  const detail = `one attachment is called both ${show(harmless)} and ${show(runs)}`
  return [{ name: 'Attachment.TwoNames', risk: 'medium', attack: 'T1036', detail }]
}

/** The name that decides most: one that runs, else the first. */
export function tellingName(names: readonly string[]): string {
  return names.find((name) => RUNS.test(trimEnd(name))) ?? names[0] ?? ''
}

function show(name: string): string {
  const printable = name.replace(/[^\x20-\x7e\u00a1-\u1fff\u2070-\ud7ff]/g, '?')
  return JSON.stringify(printable.length > 120 ? `...${printable.slice(-117)}` : printable)
}
