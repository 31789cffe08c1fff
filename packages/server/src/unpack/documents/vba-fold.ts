import { readString } from './vba-text.ts'

/**
 * Works out the strings that macros build to hide them: constants joined by & or +, Chr, StrReverse, Replace, Mid, Left, Right,
 * LCase, UCase, Trim, Space, String, Array of character codes, and variables that were given such a value before. Nothing is run: what is not constant
 * ends the expression. Linear in the source: each token starts at most one expression that is kept.
 */

const MAX_TOKENS = 400_000
const MAX_VALUE = 64 * 1024
const MAX_REVEALED_BYTES = 1024 * 1024
const MAX_REVEALED = 4000
const MAX_DEPTH = 24
/** Characters that may be handled in all: a variable that grows line by line must not make it quadratic. */
const MAX_WORK = 64 * 1024 * 1024
const MAX_VARIABLES = 5000
const MIN_SHOWN = 4

type Token =
  | { readonly kind: 'string' | 'name' | 'mark' | 'line'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number; readonly text: string }

/** A constant; `built` counts what was done to get it. */
interface Value {
  readonly text: string
  readonly number: number | undefined
  readonly built: number
}

/** Each string that was built from parts, in the order of the source, without duplicates. */
export function revealStrings(source: string): string[] {
  return new Folder(tokenize(source)).run()
}

const TOKEN =
  /[A-Za-z_][A-Za-z0-9_.]{0,254}[$%&!#@]?|&H[0-9A-Fa-f]{1,8}&?|\d{1,15}(?:\.\d{1,15})?[%&!#@]?|[()&+\-*^/,=:]/gy

function tokenize(source: string): Token[] {
  const text = source.replace(/[ \t]_[ \t]{0,8}(?:\r\n|\r|\n)/g, ' ')
  const tokens: Token[] = []
  for (let at = 0; at < text.length && tokens.length < MAX_TOKENS; ) {
    const char = text[at] as string
    if (char === '"') {
      const { value, end } = readString(text, at)
      tokens.push({ kind: 'string', text: value })
      at = end
    } else if (char === "'") {
      while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at++
    } else if (char === '\n' || char === '\r' || char === ':') {
      tokens.push({ kind: 'line', text: '\n' })
      at++
    } else {
      TOKEN.lastIndex = at
      const word = TOKEN.exec(text)?.[0]
      if (word !== undefined) tokens.push(tokenOf(word))
      at += word?.length ?? 1
    }
  }
  return tokens
}

function tokenOf(word: string): Token {
  if (/^&H/i.test(word)) return { kind: 'number', value: Number.parseInt(word.slice(2), 16), text: word }
  if (/^\d/.test(word)) return { kind: 'number', value: Number.parseFloat(word), text: word }
  if (/^\w/.test(word)) return { kind: 'name', text: word.toLowerCase().replace(/[$%&!#@]$/, '') }
  return { kind: 'mark', text: word }
}

class Folder {
  readonly #tokens: readonly Token[]
  readonly #variables = new Map<string, Value>()
  readonly #revealed = new Set<string>()
  #bytes = 0
  #work = 0
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  run(): string[] {
    while (
      this.#at < this.#tokens.length &&
      this.#work < MAX_WORK &&
      this.#revealed.size < MAX_REVEALED &&
      this.#bytes < MAX_REVEALED_BYTES
    ) {
      const start = this.#at
      if (this.#assignment()) continue
      this.#at = start
      const value = this.#expression(0)
      if (value !== undefined && this.#at > start) this.#show(value)
      else this.#at = start + 1
    }
    return [...this.#revealed]
  }

  /** `name = constant` at the start of a line (also `Const name = ...`): later expressions may use it. */
  #assignment(): boolean {
    if (this.#at > 0 && this.#tokens[this.#at - 1]?.kind !== 'line' && !this.#isName(this.#at - 1, 'const'))
      return false
    const name = this.#tokens[this.#at]
    if (name?.kind !== 'name' || !this.#isMark(this.#at + 1, '=')) return false
    this.#at += 2
    const value = this.#expression(0)
    const next = this.#tokens[this.#at]
    if (value === undefined || (next !== undefined && next.kind !== 'line')) {
      this.#variables.delete(name.text)
      return false
    }
    if (this.#variables.size < MAX_VARIABLES) this.#variables.set(name.text, value)
    this.#show(value)
    return true
  }

  #show({ text, built }: Value): void {
    this.#work += text.length
    if (built === 0 || text.length < MIN_SHOWN || this.#revealed.has(text)) return
    this.#revealed.add(text)
    this.#bytes += text.length
  }

  #isMark(at: number, text: string): boolean {
    const token = this.#tokens[at]
    return token?.kind === 'mark' && token.text === text
  }

  #isName(at: number, text: string): boolean {
    const token = this.#tokens[at]
    return token?.kind === 'name' && token.text === text
  }

  #expression(depth: number): Value | undefined {
    let value = this.#term(depth)
    while (value !== undefined) {
      const operator = this.#tokens[this.#at]
      if (operator?.kind !== 'mark' || !'&+-*^/'.includes(operator.text)) return value
      const before = this.#at++
      const right = this.#term(depth)
      const joined = right && combine(value, operator.text, right)
      if (joined === undefined) {
        // The rest is not constant: what stands so far is kept.
        this.#at = before
        return value
      }
      value = joined
    }
    return value
  }

  #term(depth: number): Value | undefined {
    const token = this.#tokens[this.#at]
    if (token === undefined || depth > MAX_DEPTH) return undefined
    if (token.kind === 'string') return this.#step({ text: token.text, number: undefined, built: 0 })
    if (token.kind === 'number') return this.#step({ text: token.text, number: token.value, built: 0 })
    if (this.#isMark(this.#at, '(')) {
      this.#at++
      const inner = this.#expression(depth + 1)
      return inner !== undefined && this.#isMark(this.#at, ')') ? this.#step(inner) : undefined
    }
    if (token.kind !== 'name') return undefined
    const name = token.text.replace(/^(?:vba\.)?(?:strings\.)?/, '')
    if (this.#isMark(this.#at + 1, '(') && isFunction(name)) return this.#call(name, depth)
    const variable = NAMED.get(name) ?? this.#variables.get(name)
    return variable === undefined ? undefined : this.#step(variable)
  }

  #step(value: Value): Value {
    this.#at++
    return value
  }

  #call(name: string, depth: number): Value | undefined {
    this.#at += 2
    const args: Value[] = []
    while (args.length < 20_000) {
      const arg = this.#expression(depth + 1)
      if (arg === undefined) return undefined
      args.push(arg)
      if (this.#isMark(this.#at, ')')) break
      if (!this.#isMark(this.#at, ',')) return undefined
      this.#at++
    }
    this.#at++
    for (const arg of args) this.#work += arg.text.length * 8
    const text = applyFunction(name, args)
    const built = args.reduce((sum, arg) => sum + arg.built, 1)
    return text === undefined || text.length > MAX_VALUE ? undefined : { text, number: undefined, built }
  }
}

/** A map: a variable may be called `constructor`. */
const NAMED: ReadonlyMap<string, Value> = new Map(
  Object.entries({ vbcrlf: '\r\n', vbnewline: '\r\n', vbcr: '\r', vblf: '\n', vbtab: '\t', vbnullstring: '' }).map(
    ([name, text]) => [name, { text, number: undefined, built: 0 }],
  ),
)

function combine(left: Value, operator: string, right: Value): Value | undefined {
  if (left.number !== undefined && right.number !== undefined && operator !== '&') {
    const number = calculate(left.number, operator, right.number)
    return { text: String(number), number, built: 0 }
  }
  if ((operator !== '&' && operator !== '+') || left.text.length + right.text.length > MAX_VALUE) return undefined
  return { text: left.text + right.text, number: undefined, built: left.built + right.built + 1 }
}

function calculate(left: number, operator: string, right: number): number {
  if (operator === '+') return left + right
  if (operator === '-') return left - right
  if (operator === '*') return left * right
  if (operator === '/') return left / right
  return left ** right
}

type Text = (args: readonly string[], numbers: readonly number[]) => string | undefined

const char: Text = (_, [code = 0]) => (code >= 0 && code < 65_536 ? String.fromCharCode(code) : undefined)
const FUNCTIONS: Readonly<Record<string, Text>> = {
  chr: char,
  chrw: char,
  chrb: char,
  strreverse: ([text = '']) => [...text].reverse().join(''),
  replace: ([text = '', from = '', to = '']) => replaced(text, from, to),
  lcase: ([text = '']) => text.toLowerCase(),
  ucase: ([text = '']) => text.toUpperCase(),
  trim: ([text = '']) => text.trim(),
  cstr: ([text = '']) => text,
  mid: ([text = ''], [, start = 1, length = text.length]) => text.slice(start - 1, start - 1 + Math.max(0, length)),
  left: ([text = ''], [, length = 0]) => text.slice(0, Math.max(0, length)),
  right: ([text = ''], [, length = 0]) => (length > 0 ? text.slice(-length) : ''),
  space: (_, [count = 0]) => (count >= 0 && count <= MAX_VALUE ? ' '.repeat(count) : undefined),
  array: (_, codes) => (codes.length >= MIN_SHOWN && codes.every(isCode) ? String.fromCharCode(...codes) : undefined),
}

function isFunction(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name)
}

function applyFunction(name: string, args: readonly Value[]): string | undefined {
  const numbers = args.map((arg) => Math.trunc(arg.number ?? (Number.parseInt(arg.text, 10) || 0)))
  return FUNCTIONS[name]?.(
    args.map((arg) => arg.text),
    numbers,
  )
}

function isCode(code: number): boolean {
  return code >= 9 && code < 127
}

function replaced(text: string, from: string, to: string): string | undefined {
  if (from === '') return text
  const pieces = text.split(from)
  return text.length + (pieces.length - 1) * to.length > MAX_VALUE ? undefined : pieces.join(to)
}
