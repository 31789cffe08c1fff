import { Buffer } from 'node:buffer'

/** A BIFF8 record ([MS-XLS] 2.1.4). */
export function biff(id: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(id, 0)
  head.writeUInt16LE(data.length, 2)
  return Buffer.concat([head, data])
}

export interface Sheet {
  readonly name: string
  readonly macro: boolean
  /** 0 visible, 1 hidden, 2 very hidden. */
  readonly state: 0 | 1 | 2
  /** Parsed expressions, one a row in column A. */
  readonly formulas: readonly Buffer[]
}

export interface Workbook {
  readonly sheets: readonly Sheet[]
  /** Built-in names that begin at the first sheet: 1 = Auto_Open. */
  readonly builtIn?: readonly number[]
  readonly names?: readonly string[]
  readonly supBooks?: readonly string[]
  /** Goes right behind BOF. */
  readonly filePass?: Buffer
}

function bof(kind: number): Buffer {
  const data = Buffer.alloc(16)
  data.writeUInt16LE(0x600, 0)
  data.writeUInt16LE(kind, 2)
  data.writeUInt16LE(0x0dbb, 4)
  data.writeUInt16LE(0x07cc, 6)
  return biff(0x809, data)
}

/** The stream `Workbook`. */
export function makeWorkbook({ sheets, builtIn = [], names = [], supBooks = [], filePass }: Workbook): Buffer {
  const globals = (starts: readonly number[]) =>
    Buffer.concat([
      bof(5),
      ...(filePass === undefined ? [] : [biff(0x2f, filePass)]),
      ...sheets.map((sheet, at) => boundSheet(sheet, starts[at] ?? 0)),
      ...builtIn.map((id) => lbl(String.fromCharCode(id), true)),
      ...names.map((name) => lbl(name, false)),
      ...supBooks.map(supBook),
      biff(0x0a, Buffer.alloc(0)),
    ])
  const bodies = sheets.map((sheet) =>
    Buffer.concat([bof(sheet.macro ? 0x40 : 0x10), ...sheet.formulas.map(formula), biff(0x0a, Buffer.alloc(0))]),
  )
  let at = globals([]).length
  const starts = bodies.map((body) => {
    const start = at
    at += body.length
    return start
  })
  return Buffer.concat([globals(starts), ...bodies])
}

function boundSheet({ name, macro, state }: Sheet, start: number): Buffer {
  const data = Buffer.alloc(8)
  data.writeUInt32LE(start, 0)
  data[4] = state
  data[5] = macro ? 1 : 0
  data[6] = name.length
  return biff(0x85, Buffer.concat([data, Buffer.from(name, 'latin1')]))
}

function lbl(name: string, builtIn: boolean): Buffer {
  const data = Buffer.alloc(15)
  data.writeUInt16LE(builtIn ? 0x20 : 0, 0)
  data[3] = name.length
  const rgce = Buffer.from([0x3a, 0, 0, 0, 0, 0, 0])
  data.writeUInt16LE(rgce.length, 4)
  return biff(0x18, Buffer.concat([data, Buffer.from(name, 'latin1'), rgce]))
}

function supBook(path: string): Buffer {
  const data = Buffer.alloc(5)
  data.writeUInt16LE(1, 0)
  data.writeUInt16LE(path.length, 2)
  return biff(0x1ae, Buffer.concat([data, Buffer.from(path, 'latin1')]))
}

function formula(rgce: Buffer, row: number): Buffer {
  const data = Buffer.alloc(22)
  data.writeUInt16LE(row, 0)
  data.writeUInt16LE(rgce.length, 20)
  return biff(6, Buffer.concat([data, rgce]))
}

/** Tokens of parsed expressions. */
export const ptg = {
  string: (text: string) => Buffer.concat([Buffer.from([0x17, text.length, 0]), Buffer.from(text, 'latin1')]),
  int: (value: number) => Buffer.from([0x1e, value & 0xff, value >> 8]),
  join: Buffer.from([0x08]),
  func: (id: number) => Buffer.from([0x41, id & 0xff, id >> 8]),
  call: (id: number, count: number) => Buffer.from([0x42, count, id & 0xff, id >> 8]),
}

/** `EXEC("calc")`, each letter of it a CHAR(). */
export function hiddenExec(command: string): Buffer {
  const letters = [...command].map((letter) => Buffer.concat([ptg.int(letter.charCodeAt(0)), ptg.func(111)]))
  const joined = letters.flatMap((letter, at) => (at === 0 ? [letter] : [letter, ptg.join]))
  return Buffer.concat([...joined, ptg.call(110, 1)])
}
