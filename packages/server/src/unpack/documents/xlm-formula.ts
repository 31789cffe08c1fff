import { utf16Text } from './compound-file.ts'
import { xlmFunction } from './xlm-functions.ts'

const MAX_TOKENS = 4000
const MAX_TEXT = 16 * 1024
const MAX_STACK = 512

const BINARY = ['+', '-', '*', '/', '^', '&', '<', '<=', '=', '>=', '>', '<>', ' ', ',', ':']

/** Excel 5 and 95, Excel 97-2003 ([MS-XLS] 2.5.198), binary workbooks of today ([MS-XLSB] 2.5.97). */
export type FormulaFormat = 'biff5' | 'biff8' | 'biff12'

/** Tokens that only name a place: what is shown of them; '' = nothing. */
const PLACES: Readonly<Record<number, string>> = {
  1: 'EXP',
  2: 'TBL',
  32: '{array}',
  38: '',
  39: '#MEM',
  40: '#MEM',
  41: '',
  42: '#REF!',
  43: '#REF!',
  45: 'AREA',
  57: 'EXTERNAL',
  59: 'AREA',
  60: '#REF!',
  61: '#REF!',
}

/** How many bytes stand behind each of them. */
const PLACE_BYTES: Readonly<Record<FormulaFormat, Readonly<Record<number, number>>>> = {
  biff5: { 1: 4, 2: 4, 32: 7, 38: 6, 39: 6, 40: 6, 41: 2, 42: 3, 43: 6, 45: 6, 57: 24, 59: 20, 60: 17, 61: 20 },
  biff8: { 1: 4, 2: 4, 32: 7, 38: 6, 39: 6, 40: 6, 41: 2, 42: 4, 43: 8, 45: 8, 57: 6, 59: 10, 60: 6, 61: 10 },
  biff12: { 1: 4, 2: 4, 32: 14, 38: 6, 39: 6, 40: 6, 41: 2, 42: 6, 43: 12, 45: 12, 57: 6, 59: 14, 60: 8, 61: 14 },
}

/** A formula as text, so that people and rules can read it; `whole` is false where a token was not understood. */
export interface XlmFormula {
  readonly text: string
  readonly whole: boolean
}

/**
 * Parsed expressions as Excel writes them; constants that CHAR and & put together, which is how they are hidden, are worked out.
 * `names` are the workbook's defined names.
 */
export function readFormula(rgce: Buffer, names: readonly string[], format: FormulaFormat = 'biff8'): XlmFormula {
  return new FormulaReader(rgce, names, format).run()
}

/** Literals stay apart until they are shown, so that joining many costs no more than one. */
type Item = string | { readonly literal: string }

class FormulaReader {
  readonly #bytes: Buffer
  readonly #names: readonly string[]
  readonly #format: FormulaFormat
  readonly #stack: Item[] = []
  #at = 0

  constructor(bytes: Buffer, names: readonly string[], format: FormulaFormat) {
    this.#bytes = bytes
    this.#names = names
    this.#format = format
  }

  run(): XlmFormula {
    let whole = true
    for (let count = 0; this.#at < this.#bytes.length && whole; count++) {
      whole = count < MAX_TOKENS && this.#token(this.#take(1)[0] ?? 0)
    }
    return { text: `=${this.#stack.map(shown).join(' ; ')}`.slice(0, MAX_TEXT), whole }
  }

  #take(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    this.#bytes.subarray(this.#at, this.#at + count).copy(bytes)
    this.#at += count
    return bytes
  }

  #push(item: Item): boolean {
    const size = typeof item === 'string' ? item.length : item.literal.length
    if (this.#stack.length >= MAX_STACK || size > MAX_TEXT) return false
    this.#stack.push(item)
    return true
  }

  #pop(): string {
    return shown(this.#stack.pop() ?? '?')
  }

  /** The class of an operand (reference, value, array) is no matter here (2.5.198.27). */
  #token(raw: number): boolean {
    const id = raw >= 0x40 ? 0x20 | (raw & 0x1f) : raw
    if (id >= 3 && id <= 0x11) return this.#binary(BINARY[id - 3] ?? '?')
    const place = PLACES[id]
    if (place === undefined) return this.#operand(id)
    this.#take(PLACE_BYTES[this.#format][id] ?? 0)
    return place === '' || this.#push(place)
  }

  #binary(operator: string): boolean {
    const right = this.#stack.pop() ?? '?'
    const left = this.#stack.pop() ?? '?'
    if (operator === '&' && typeof left !== 'string' && typeof right !== 'string') {
      return this.#push({ literal: left.literal + right.literal })
    }
    return this.#push(`${shown(left)}${operator}${shown(right)}`)
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
        return this.#push({ literal: this.#string() })
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
      case 0x23: {
        const token = this.#take(this.#format === 'biff5' ? 14 : 4)
        return this.#push(this.#names[token.readUInt16LE(0) - 1] ?? 'NAME')
      }
      case 0x24:
      case 0x2c:
        return this.#push(this.#cell())
      case 0x25:
        return this.#area()
      case 0x3a:
        this.#take(this.#format === 'biff5' ? 14 : 2)
        return this.#push(`!${this.#cell()}`)
      default:
        return false
    }
  }

  #row(): number {
    return this.#format === 'biff12' ? this.#take(4).readUInt32LE(0) : this.#take(2).readUInt16LE(0)
  }

  #column(): number {
    return this.#format === 'biff5' ? (this.#take(1)[0] ?? 0) : this.#take(2).readUInt16LE(0)
  }

  #cell(): string {
    const row = this.#row()
    return cellName(row, this.#column())
  }

  #area(): boolean {
    const [top, bottom] = [this.#row(), this.#row()]
    const [left, right] = [this.#column(), this.#column()]
    return this.#push(`${cellName(top, left)}:${cellName(bottom, right)}`)
  }

  /** A count; then in Excel 97 a flag byte whose lowest bit says UTF-16, which later is the rule and before did not exist. */
  #string(): string {
    const count = this.#format === 'biff12' ? this.#take(2).readUInt16LE(0) : (this.#take(1)[0] ?? 0)
    const flags = this.#format === 'biff8' ? (this.#take(1)[0] ?? 0) : 0
    const wide = this.#format === 'biff12' || (flags & 1) === 1
    return wide ? utf16Text(this.#take(count * 2)) : this.#take(count).toString('latin1')
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
    const args = this.#stack.splice(this.#stack.length - count, count).map(shown)
    // 255: the function's own name is the first argument (a function of an add-in or a defined name).
    if (number === 255) return this.#push(`${args[0] ?? '?'}(${args.slice(1).join(',')})`)
    const code = Number(args[0])
    if (name === 'CHAR' && code > 0 && code < 256) return this.#push({ literal: String.fromCharCode(code) })
    return this.#push(`${name}(${args.join(',')})`)
  }
}

function shown(item: Item): string {
  return typeof item === 'string' ? item : `"${item.literal.replaceAll('"', '""')}"`
}

/** `R1C1` as `A1`; the two top bits of a row or column say that it is relative. */
export function cellName(row: number, column: number): string {
  const index = column & 0x3fff
  const letters = index < 26 ? '' : String.fromCharCode(64 + Math.floor(index / 26))
  return `${letters}${String.fromCharCode(65 + (index % 26))}${row + 1}`
}
