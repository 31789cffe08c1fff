import type { Finding } from '../opener.ts'
import { printable } from './vba-rules.ts'

/** What a workbook's macro sheets hold, read from BIFF8 or from OOXML parts. */
export interface XlmSheets {
  /** Sheet name and how deep it is hidden. */
  readonly macroSheets: readonly { readonly name: string; readonly state: 'visible' | 'hidden' | 'very hidden' }[]
  /** Defined names that Excel runs by itself: `Auto_Open`. */
  readonly autoNames: readonly string[]
  /** `SHEET!A1: =EXEC("calc")` */
  readonly formulas: readonly string[]
}

const STARTS = /\b(?:EXEC|CALL|REGISTER(?:\.ID)?|EXECUTE|INITIATE)\(/
const WRITES = /\b(?:FORMULA(?:\.FILL|\.ARRAY)?|FOPEN|FWRITE(?:LN)?|SET\.VALUE|FILE\.DELETE|WORKBOOK\.HIDE)\(/
const DOWNLOADS = /URLDownloadToFile|https?:\/\/|urlmon|wininet/i
const PROBES = /\bGET\.(?:WORKSPACE|WINDOW|DOCUMENT|CELL)\(/
/** Name of what Excel itself runs ([MS-XLS] 2.5.66: built-in names). Malware writes more behind it: `Auto_OpenX` runs as well. */
export const AUTO_NAME = /^(?:_xlnm\.)?auto_?(?:open|close|activate|deactivate)/i

/** Excel 4 macros are out of use since 1993: what starts programs or calls DLLs in a sheet that runs by itself or is hidden is no accident. */
export function xlmFindings(sheets: XlmSheets): Finding[] {
  if (sheets.macroSheets.length === 0) return []
  const findings: Finding[] = []
  const hidden = sheets.macroSheets.filter((sheet) => sheet.state !== 'visible')
  const where = sheets.macroSheets
    .map((sheet) => `${sheet.name} (${sheet.state})`)
    .slice(0, 4)
    .join(', ')
  findings.push(make('Macro.Xlm', hidden.length > 0 ? 'medium' : 'low', `Excel 4 macro sheet ${where}`))
  const starts = sheets.formulas.find((formula) => STARTS.test(formula))
  const loads = sheets.formulas.find((formula) => DOWNLOADS.test(formula))
  const writes = sheets.formulas.find((formula) => WRITES.test(formula))
  const probes = sheets.formulas.find((formula) => PROBES.test(formula))
  const runs = sheets.autoNames.length > 0 || hidden.length > 0
  const auto = sheets.autoNames[0] ?? 'hidden'
  if (starts !== undefined) findings.push(make('Macro.XlmStarts', runs ? 'high' : 'medium', `${auto}: ${starts}`))
  if (loads !== undefined && loads !== starts)
    findings.push(make('Macro.XlmDownload', runs ? 'high' : 'medium', `${auto}: ${loads}`))
  if (writes !== undefined) findings.push(make('Macro.XlmWrites', runs ? 'medium' : 'low', `${auto}: ${writes}`))
  if (probes !== undefined && runs) findings.push(make('Macro.XlmProbes', 'medium', probes, 'T1497'))
  if (sheets.autoNames.length > 0)
    findings.push(make('Macro.XlmAutoRun', 'medium', `runs by itself: ${auto}`, 'T1204.002'))
  return findings
}

function make(name: string, risk: Finding['risk'], detail: string, attack = 'T1059'): Finding {
  return { name, risk, attack, detail: printable(detail) }
}
