import { xlmFunction } from './xlm-functions.ts'

const MAX_TOKENS = 4000
const MAX_TEXT = 16 * 1024
const MAX_STACK = 512

const BINARY = ['+', '-', '*', '/', '^', '&', '<', '<=', '=', '>=', '>', '<>', ' ', ',', ':']

/** How many bytes of operands stand behind tokens that only name a place (BIFF8). */
const PLACES: Readonly<Record<number, readonly [string, number]>> = {
  1: ['EXP', 4],
  2: ['TBL', 4],
  32: ['{array}', 7],
  38: ['', 6],
  39: ['#MEM', 6],
  40: ['#MEM', 6],
  41: ['', 2],
  42: ['#REF!', 4],
  43: ['#REF!', 8],
  45: ['AREA', 8],
  57: ['EXTERNAL', 6],
  59: ['AREA', 10],
  60: ['#REF!', 6],
  61: ['#REF!', 10],
}

/** The same where rows are 32 bits ([MS-XLSB] 2.5.97). */
const WIDE_PLACES: Readonly<Record<number, readonly [string, number]>> = {
  ...PLACES,
  32: ['{array}', 14],
  42: ['#REF!', 6],
  43: ['#REF!', 12],
  45: ['AREA', 12],
  59: ['AREA', 14],
  60: ['#REF!', 8],
  61: ['#REF!', 14],
}

export type FormulaFormat = 'biff8' | 'biff12'

/** A formula as text, so that people and rules can read it; `whole` is false where a token was not understood. */
export interface XlmFormula {
  readonly text: string
  readonly whole: boolean
}

/**
 * Parsed expressions of BIFF8 ([MS-XLS] 2.5.198) as Excel writes them, constants worked out (CHAR and & only, which is how they are hidden).
 * `names` are the workbook's defined names.
 */
export function readFormula(rgce: Buffer, names: readonly string[], format: FormulaFormat = 'biff8'): XlmFormula {
  return new FormulaReader(rgce, names, format === 'biff12').run()
}

class FormulaReader {
  readonly #bytes: Buffer
  readonly #names: readonly string[]
  readonly #wide: boolean
  readonly #stack: string[] = []
  #at = 0

  constructor(bytes: Buffer, names: readonly string[], wide: boolean) {
    this.#bytes = bytes
    this.#names = names
    this.#wide = wide
  }

  run(): XlmFormula {
    let whole = true
    for (let count = 0; this.#at < this.#bytes.length && whole; count++) {
      whole = count < MAX_TOKENS && this.#token(this.#take(1)[0] ?? 0)
    }
    return { text: `=${this.#stack.join(' ; ')}`.slice(0, MAX_TEXT), whole }
  }

  #take(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    this.#bytes.copy(bytes, 0, this.#at, this.#at + count)
    this.#at += count
    return bytes
  }

  #push(text: string): boolean {
    if (this.#stack.length >= MAX_STACK) return false
    this.#stack.push(text.slice(0, MAX_TEXT))
    return true
  }

  #pop(): string {
    return this.#stack.pop() ?? '?'
  }

  /** The class of an operand (reference, value, array) is no matter here (2.5.198.27). */
  #token(raw: number): boolean {
    const id = raw >= 0x40 ? 0x20 | (raw & 0x1f) : raw
    if (id >= 3 && id <= 0x11) return this.#binary(BINARY[id - 3] ?? '?')
    const place = (this.#wide ? WIDE_PLACES : PLACES)[id]
    if (place !== undefined) {
      this.#take(place[1])
      return place[0] === '' || this.#push(place[0])
    }
    return this.#operand(id)
  }

  #binary(operator: string): boolean {
    const right = this.#pop()
    const left = this.#pop()
    const joins = operator === '&' && left.endsWith('"') && right.startsWith('"') && isString(left) && isString(right)
    return this.#push(joins ? left.slice(0, -1) + right.slice(1) : `${left}${operator}${right}`)
  }

  #operand(id: number): boolean {
    switch (id) {
      case 0x12:
        return true
      case 0x13:
        return this.#push(`-${this.#pop()}`)
      case 0x14:
        return this.#push(`${this.#pop()}%`)
      case 0x15:
        return this.#push(`(${this.#pop()})`)
      case 0x16:
        return this.#push('')
      case 0x17:
        return this.#string()
      case 0x18:
        this.#take(5)
        return true
      case 0x19:
        return this.#attribute()
      case 0x1c:
        return this.#push(`#ERR${this.#take(1)[0]}`)
      case 0x1d:
        return this.#push(this.#take(1)[0] ? 'TRUE' : 'FALSE')
      case 0x1e:
        return this.#push(String(this.#take(2).readUInt16LE(0)))
      case 0x1f:
        return this.#push(String(this.#take(8).readDoubleLE(0)))
      default:
        return this.#reference(id)
    }
  }

  #reference(id: number): boolean {
    switch (id) {
      case 0x21:
        return this.#call(this.#take(2).readUInt16LE(0), undefined)
      case 0x22: {
        const token = this.#take(3)
        return this.#call(token.readUInt16LE(1), (token[0] ?? 0) & 0x7f)
      }
      case 0x23:
        return this.#push(this.#names[this.#take(4).readUInt16LE(0) - 1] ?? 'NAME')
      case 0x24:
      case 0x2c:
        return this.#push(this.#cell())
      case 0x25:
        return this.#area()
      case 0x3a:
        this.#take(2)
        return this.#push(`!${this.#cell()}`)
      default:
        return false
    }
  }

  #row(): number {
    return this.#wide ? this.#take(4).readUInt32LE(0) : this.#take(2).readUInt16LE(0)
  }

  #cell(): string {
    const row = this.#row()
    return cellName(row, this.#take(2).readUInt16LE(0))
  }

  #area(): boolean {
    const [top, bottom] = [this.#row(), this.#row()]
    const columns = this.#take(4)
    return this.#push(`${cellName(top, columns.readUInt16LE(0))}:${cellName(bottom, columns.readUInt16LE(2))}`)
  }

  /** ShortXLUnicodeString: count, a flag byte whose lowest bit says UTF-16. */
  #string(): boolean {
    // XLWideString in BIFF12: a count of 16 bits, always UTF-16.
    const head = this.#take(2)
    const count = this.#wide ? head.readUInt16LE(0) : (head[0] ?? 0)
    const wide = this.#wide || ((head[1] ?? 0) & 1) === 1
    const text = this.#take(wide ? count * 2 : count).toString(wide ? 'utf16le' : 'latin1')
    return this.#push(`"${text.replaceAll('"', '""')}"`)
  }

  /** PtgAttr (2.5.198.33 on): only CHOOSE has a table behind it. */
  #attribute(): boolean {
    const token = this.#take(3)
    if ((token[0] ?? 0) & 0x04) this.#at += (token.readUInt16LE(1) + 1) * 2
    if ((token[0] ?? 0) & 0x10) return this.#push(`SUM(${this.#pop()})`)
    return true
  }

  #call(number: number, given: number | undefined): boolean {
    const { name, arguments: fixed } = xlmFunction(number)
    const count = Math.min(given ?? fixed ?? 1, this.#stack.length)
    const args = this.#stack.splice(this.#stack.length - count, count)
    // 255: the function's own name is the first argument (a function of an add-in or a defined name).
    if (number === 255) return this.#push(`${args[0] ?? '?'}(${args.slice(1).join(',')})`)
    const code = Number(args[0])
    if (name === 'CHAR' && code > 0 && code < 256)
      return this.#push(`"${code === 34 ? '""' : String.fromCharCode(code)}"`)
    return this.#push(`${name}(${args.join(',')})`)
  }
}

function isString(text: string): boolean {
  return text.length < MAX_TEXT && /^"(?:[^"]|"")*"$/.test(text)
}

/** `R1C1` as `A1`; the two top bits of a column say that it is relative. */
export function cellName(row: number, column: number): string {
  const index = column & 0x3fff
  const letters = index < 26 ? '' : String.fromCharCode(64 + Math.floor(index / 26))
  return `${letters}${String.fromCharCode(65 + (index % 26))}${row + 1}`
}
