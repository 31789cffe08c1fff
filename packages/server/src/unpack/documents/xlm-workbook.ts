import type { Damage } from '../opener.ts'
import { utf16Text } from './compound-file.ts'
import { cellName, type FormulaFormat, readFormula } from './xlm-formula.ts'
import { AUTO_NAME, type XlmSheets } from './xlm-rules.ts'

const MAX_RECORDS = 4_000_000
const MAX_FORMULAS = 20_000
const MAX_TEXT = 16 * 1024 * 1024
const MAX_NAMES = 4096
const MAX_SHEETS = 1024

const BOF = 0x809
const NAME = 0x18
const FORMULA = 6
const STRING = 0x207
const BOUND_SHEET = 0x85
const SUP_BOOK = 0x1ae

export interface XlmWorkbook extends XlmSheets {
  readonly faults: readonly Damage[]
  /** Paths of other workbooks, DDE topics and files that it refers to (SupBook). */
  readonly links: readonly string[]
}

interface State {
  readonly macroSheets: { name: string; state: 'visible' | 'hidden' | 'very hidden' }[]
  readonly autoNames: string[]
  readonly formulas: string[]
  readonly names: string[]
  readonly links: string[]
  readonly faults: Damage[]
  readonly sheetAt: Map<number, { readonly name: string; readonly isMacro: boolean }>
  /** Inside a macro sheet's substream: its name. */
  sheet: string | undefined
  lastCell: string
  format: FormulaFormat
  /** Bytes of text that formulas came to. */
  spent: number
}

/** Whatever of Excel 4 macros a BIFF8 workbook stream holds ([MS-XLS] 2.1): macro sheets, names that run, their formulas as text. */
export function readXlmWorkbook(stream: Buffer): XlmWorkbook {
  const state: State = {
    macroSheets: [],
    autoNames: [],
    formulas: [],
    names: [],
    links: [],
    faults: [],
    sheetAt: new Map(),
    sheet: undefined,
    lastCell: '',
    format: 'biff8',
    spent: 0,
  }
  let at = 0
  for (let count = 0; at + 4 <= stream.length && count < MAX_RECORDS; count++) {
    const id = stream.readUInt16LE(at)
    const size = stream.readUInt16LE(at + 2)
    const data = stream.subarray(at + 4, at + 4 + size)
    if (data.length < size) state.faults.push({ reason: 'malformed', detail: 'the workbook ends inside a record' })
    readRecord(state, id, data, at)
    at += 4 + size
  }
  return state
}

function readRecord(state: State, id: number, data: Buffer, at: number): void {
  if (id === BOF && data.length >= 4) {
    // dt 0x40 = macro sheet (2.4.21). The directory of sheets may lie: the substream itself says what it is.
    const isMacro = data.readUInt16LE(2) === 0x40
    state.format = data.readUInt16LE(0) === 0x500 ? 'biff5' : 'biff8'
    const listed = state.sheetAt.get(at)
    state.sheet = isMacro ? (listed?.name ?? 'unlisted') : undefined
    if (isMacro && listed?.isMacro !== true) state.macroSheets.push({ name: state.sheet ?? '', state: 'very hidden' })
  } else if (id === BOUND_SHEET && data.length >= 8) readBoundSheet(state, data)
  else if (id === NAME && data.length >= 15) readName(state, data)
  else if (id === FORMULA && data.length >= 22) readCell(state, data)
  else if (id === STRING && state.sheet !== undefined && data.length >= 3) readResult(state, data)
  else if (id === SUP_BOOK && data.length > 4) readSupBook(state, data)
}

/** 2.4.28: where the sheet begins, hidden state, kind (1 = macro sheet), name. */
function readBoundSheet(state: State, data: Buffer): void {
  if (state.sheetAt.size >= MAX_SHEETS) return
  const name = shortString(state, data, 6)
  const depth = (data[4] ?? 0) & 3
  const isMacro = data[5] === 1
  state.sheetAt.set(data.readUInt32LE(0), { name, isMacro })
  if (!isMacro) return
  state.macroSheets.push({ name, state: depth === 0 ? 'visible' : depth === 1 ? 'hidden' : 'very hidden' })
}

/** Before Excel 97 there was no flag byte. */
function shortString(state: State, data: Buffer, at: number): string {
  const old = state.format === 'biff5'
  return characters(data, at + (old ? 1 : 2), data[at] ?? 0, old ? 0 : (data[at + 1] ?? 0))
}

function characters(data: Buffer, at: number, count: number, flags: number): string {
  const wide = (flags & 1) === 1
  return wide ? utf16Text(data, at, at + count * 2) : data.toString('latin1', at, at + count)
}

const BUILT_IN: Readonly<Record<number, string>> = {
  1: 'Auto_Open',
  2: 'Auto_Close',
  10: 'Auto_Activate',
  11: 'Auto_Deactivate',
}

/** 2.4.150 Lbl: bit 5 of the flags = a built-in name, one character long. */
function readName(state: State, data: Buffer): void {
  if (state.names.length >= MAX_NAMES) return
  const builtIn = (data.readUInt16LE(0) & 0x20) !== 0
  const count = data[3] ?? 0
  const old = state.format === 'biff5'
  const flags = old ? 0 : (data[14] ?? 0)
  const at = old ? 14 : 15
  const raw = characters(data, at, count, flags)
  const name = builtIn && raw.length > 0 ? (BUILT_IN[raw.charCodeAt(0)] ?? '_xlnm') : raw
  state.names.push(name)
  if (!AUTO_NAME.test(name)) return
  state.autoNames.push(name)
  const rgce = data.subarray(at + ((flags & 1) === 1 ? count * 2 : count)).subarray(0, data.readUInt16LE(4))
  state.formulas.push(`${name}: ${readFormula(rgce, state.names, state.format).text}`)
}

/** 2.4.127: row, column, then the parsed expression. */
function readCell(state: State, data: Buffer): void {
  if (state.sheet === undefined) return
  state.lastCell = `${state.sheet}!${cellName(data.readUInt16LE(0), data.readUInt16LE(2))}`
  if (state.formulas.length >= MAX_FORMULAS || state.spent > MAX_TEXT) {
    if (state.spent >= 0) state.faults.push({ reason: 'too-large', detail: 'more macro formulas than are read' })
    state.spent = -1
    return
  }
  if (state.spent < 0) return
  const rgce = data.subarray(22, 22 + data.readUInt16LE(20))
  const { text, whole } = readFormula(rgce, state.names, state.format)
  state.spent += text.length
  state.formulas.push(`${state.lastCell}: ${text}${whole ? '' : ' ...'}`)
}

/** The text that a formula last came to: what was put together stands here ready. */
function readResult(state: State, data: Buffer): void {
  if (state.formulas.length >= MAX_FORMULAS) return
  const text = characters(data, 3, data.readUInt16LE(0), data[2] ?? 0)
  state.formulas.push(`${state.lastCell}: last value ${JSON.stringify(text)}`)
}

/** 2.4.271: virtual path of an external workbook, or a DDE or OLE source. */
function readSupBook(state: State, data: Buffer): void {
  const count = data.readUInt16LE(2)
  // 0x0401 and 0x3A01 stand for the workbook itself and add-ins.
  if (count === 0x0401 || count === 0x3a01 || count > 255) return
  state.links.push(characters(data, 5, count, data[4] ?? 0))
}
