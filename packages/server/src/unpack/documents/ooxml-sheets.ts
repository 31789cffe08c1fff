import type { OpenRun } from '../opener.ts'
import type { XmlToken } from './ooxml-xml.ts'
import { revealStrings } from './vba-fold.ts'
import { readFormula } from './xlm-formula.ts'
import { xlmFindings } from './xlm-rules.ts'

const MAX_FORMULAS = 20_000
const MAX_FORMULA = 16 * 1024

/** A macro sheet of an OOXML workbook, read from its XML. Whether it is hidden stands in another part: a sheet of its own is enough. */
export async function openMacroSheet(name: string, tokens: Iterable<XmlToken>, run: OpenRun): Promise<void> {
  const formulas: string[] = []
  let cell = ''
  let inside = ''
  for (const token of tokens) {
    if (token.kind === 'open') {
      if (token.name === 'c') cell = token.attributes.get('r') ?? ''
      inside = token.closed ? '' : token.name
    } else if (token.kind === 'close') inside = ''
    else if ((inside === 'f' || inside === 'v') && formulas.length < MAX_FORMULAS) {
      formulas.push(`${name}!${cell}: ${inside === 'f' ? '=' : 'last value '}${token.text.slice(0, MAX_FORMULA)}`)
    }
  }
  await reportSheet(name, formulas, run)
}

async function reportSheet(name: string, formulas: string[], run: OpenRun): Promise<void> {
  const revealed = formulas.flatMap((formula) => revealStrings(formula.replace(/\b(?:UNI)?CHAR\(/gi, 'Chr(')))
  const all = [...formulas, ...revealed]
  const macroSheets = [{ name, state: 'hidden' as const }]
  for (const finding of xlmFindings({ macroSheets, autoNames: [], formulas: all })) run.finding(finding)
  for (const text of all) for (const [url] of text.matchAll(/https?:\/\/[^\s"'<>)]{4,2000}/gi)) run.url(url)
  await run.emit({ name: 'xlm/formulas.txt' }, Buffer.from(all.join('\n')))
}

/** [MS-XLSB] 2.1.4: a record's number and size are written in 7-bit groups. Sheets begin with BrtBeginSheet. */
export function isBinarySheet(head: Buffer): boolean {
  return head.length > 3 && head[0] === 0x81 && head[1] === 1 && head[2] === 0
}

const FORMULA_VALUES: Readonly<Record<number, number>> = { 9: 8, 10: 1, 11: 1 }
const FORMULA_STRING = 8
const ROW = 0
const MAX_RECORDS = 4_000_000
/** What only macro sheets hold. */
const MACRO_ONLY =
  /\b(?:EXEC|CALL|REGISTER|REGISTER\.ID|FORMULA|FORMULA\.FILL|FOPEN|FWRITE|FWRITELN|RUN|HALT|GOTO|SET\.VALUE|FILE\.DELETE)\(/

/** A sheet of a binary workbook (.xlsb): a macro sheet by what its formulas call. */
export async function openBinarySheet(name: string, part: Buffer, run: OpenRun): Promise<void> {
  const formulas: string[] = []
  let at = 0
  let row = 0
  for (let count = 0; at < part.length && count < MAX_RECORDS; count++) {
    const id = number7(part, at, 2)
    const size = number7(part, id.end, 4)
    const data = part.subarray(size.end, size.end + size.value)
    if (id.value === ROW && data.length >= 4) row = data.readUInt32LE(0)
    const rgce = formulaOf(id.value, data)
    if (rgce !== undefined && formulas.length < MAX_FORMULAS) {
      const column = data.readUInt32LE(0)
      formulas.push(`${name}!R${row + 1}C${column + 1}: ${readFormula(rgce, [], 'biff12').text}`)
    }
    at = size.end + size.value
  }
  if (formulas.some((formula) => MACRO_ONLY.test(formula))) await reportSheet(name, formulas, run)
}

function number7(bytes: Buffer, at: number, most: number): { value: number; end: number } {
  let value = 0
  for (let index = 0; index < most; index++) {
    const byte = bytes[at + index] ?? 0
    value |= (byte & 0x7f) << (7 * index)
    if ((byte & 0x80) === 0) return { value, end: at + index + 1 }
  }
  return { value, end: at + most }
}

/** [MS-XLSB] 2.4.308-311 BrtFmla*: cell (8 bytes), value, flags (2), length, expression. */
function formulaOf(id: number, data: Buffer): Buffer | undefined {
  let at = 8
  if (id === FORMULA_STRING && data.length >= 12) at += 4 + data.readUInt32LE(8) * 2
  else if (FORMULA_VALUES[id] !== undefined) at += FORMULA_VALUES[id]
  else return undefined
  if (at + 6 > data.length) return undefined
  return data.subarray(at + 6, at + 6 + data.readUInt32LE(at + 2))
}
