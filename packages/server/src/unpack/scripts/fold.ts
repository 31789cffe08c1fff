/** What a constant expression comes to. */
export type FoldValue = string | number | readonly FoldValue[]

/** How one language writes constants; see `dialects.ts`. Patterns are sticky and every repetition in them is bounded. */
export interface Dialect {
  /** Characters that open a string. */
  readonly quotes: string
  /** The value of a string literal that opens at `at`, and where it ends; no value where it does not end, `end` being how far was looked. */
  string(text: string, at: number): { readonly value: string | undefined; readonly end: number }
  readonly number: RegExp
  readonly operator: RegExp
  readonly spaces: RegExp
  /** A name that may be a variable; group 1 is it. */
  readonly name: RegExp
  /** `name = `; group 1 is the variable. Global. */
  readonly assignment: RegExp
  readonly ignoresCase: boolean
  readonly arrays: Readonly<Record<string, string>>
  /** Functions whose value depends on their arguments alone: `Chr(`, `[char]`. The pattern ends before the argument list. */
  readonly calls: readonly (readonly [pattern: RegExp, apply: (args: readonly FoldValue[]) => FoldValue | undefined])[]
  /** What follows a value: `.replace(`, `-join `. `args`: `list` in brackets, `bare` without, `none`. */
  readonly suffixes: readonly Suffix[]
  quote(value: string): string
}

export interface Suffix {
  readonly pattern: RegExp
  readonly args: 'list' | 'bare' | 'none'
  apply(value: FoldValue, args: readonly FoldValue[]): FoldValue | undefined
}

export interface Folded {
  readonly text: string
  /** Expressions that were more than one literal. */
  readonly folds: number
  /** Long values that came out: they may be files. */
  readonly values: readonly FoldedValue[]
}

export interface FoldedValue {
  readonly value: string
  /** Where its expression began in the text. */
  readonly index: number
}

/** Shorter values are words. */
const MIN_VALUE = 64
const MAX_VALUES = 64

interface Term {
  readonly value: FoldValue
  readonly end: number
  /** Literals and calls that went into it. */
  readonly parts: number
}

const MAX_DEPTH = 12
const MAX_ITEMS = 200_000
const MAX_VALUE = 4 * 1024 * 1024
const MAX_VARIABLES = 4000
const MAX_OUTPUT = 16 * 1024 * 1024
/**
 * What expressions cost is bounded together: failing ones are tried again from their second part on. A step takes about a
 * microsecond: a hostile text of 256 KiB costs no more than a second, however many rounds it gets.
 */
const STEPS_A_CHARACTER = 4
const MAX_STEPS = 2_000_000

/** What all rounds over one text may still cost together. */
export interface FoldBudget {
  steps: number
}

export function foldBudget(text: string): FoldBudget {
  return { steps: Math.min(MAX_STEPS, text.length * STEPS_A_CHARACTER + 10_000) }
}

/** Replaces constant expressions by their values, once through the text. What is not constant stays as it is. */
export function foldConstants(text: string, dialect: Dialect, budget: FoldBudget = foldBudget(text)): Folded {
  const folder = new Folder(text, dialect, budget)
  const before = folder.steps
  const folded = folder.fold()
  budget.steps -= before - folder.steps
  return folded
}

class Folder {
  readonly #text: string
  readonly #dialect: Dialect
  readonly #variables = new Map<string, FoldValue>()
  #steps: number
  #produced = 0

  constructor(text: string, dialect: Dialect, { steps }: FoldBudget) {
    this.#text = text
    this.#dialect = dialect
    this.#steps = steps
  }

  /** What is left of the steps that it was given. */
  get steps(): number {
    return Math.max(0, this.#steps)
  }

  fold(): Folded {
    this.#learnVariables()
    const out: string[] = []
    const values: FoldedValue[] = []
    let folds = 0
    let copied = 0
    for (let at = 0; at < this.#text.length && this.#steps > 0 && this.#produced < MAX_OUTPUT; ) {
      const term = this.#mayStart(at) ? this.#expression(at, 0) : undefined
      if (term === undefined) {
        at = this.#past(at)
        continue
      }
      if (term.parts > 1 && typeof term.value !== 'object') {
        const value = String(term.value)
        if (value.length >= MIN_VALUE && values.length < MAX_VALUES) values.push({ value, index: at })
        out.push(this.#text.slice(copied, at), this.#dialect.quote(value))
        this.#produced += value.length
        copied = term.end
        folds++
      }
      at = Math.max(term.end, at + 1)
    }
    out.push(this.#text.slice(copied))
    return { text: out.join(''), folds, values }
  }

  /** Past a name or one character. */
  #past(at: number): number {
    return this.#match(WORD, at)?.end ?? at + 1
  }

  #mayStart(at: number): boolean {
    const char = this.#text[at] as string
    // A bracket behind a word is a call's: taken off it would be another program.
    if (char === '(' || char in this.#dialect.arrays) return !CALLED.test(this.#text[at - 1] ?? ' ')
    if (this.#dialect.quotes.includes(char)) return true
    // Names, [casts], &Hxx and $variables begin only where no other word goes on.
    return START.test(char) && !WORD_BEFORE.test(this.#text[at - 1] ?? ' ')
  }

  /** Only variables that are set once in the whole text are constants. */
  #learnVariables(): void {
    const { assignment, ignoresCase } = this.#dialect
    const seen = new Set<string>()
    assignment.lastIndex = 0
    for (let hit = assignment.exec(this.#text); hit !== null; hit = assignment.exec(this.#text)) {
      const name = ignoresCase ? (hit[1] ?? '').toLowerCase() : (hit[1] ?? '')
      const known = seen.has(name)
      seen.add(name)
      if (known) this.#variables.delete(name)
      else if (this.#variables.size < MAX_VARIABLES) {
        const term = this.#expression(assignment.lastIndex, 0)
        if (term !== undefined && this.#isWhole(term.end)) this.#variables.set(name, term.value)
      }
      if (this.#steps <= 0) return
    }
  }

  /** A constant that something unknown is joined to is not the variable's value. */
  #isWhole(end: number): boolean {
    const after = this.#match(this.#dialect.spaces, end)?.end ?? end
    return after >= this.#text.length || ENDS.test(this.#text[after] as string)
  }

  #expression(at: number, depth: number): Term | undefined {
    let left = this.#term(at, depth)
    while (left !== undefined) {
      const operator = this.#match(this.#dialect.operator, left.end)
      if (operator === undefined) return left
      const right = this.#term(operator.end, depth)
      const value = right && combine(left.value, operator.text.trim(), right.value)
      if (right === undefined || value === undefined) return left
      left = { value, end: right.end, parts: left.parts + right.parts }
    }
    return undefined
  }

  #term(start: number, depth: number): Term | undefined {
    if (depth > MAX_DEPTH || this.#steps-- <= 0) return undefined
    const at = this.#match(this.#dialect.spaces, start)?.end ?? start
    const char = this.#text[at]
    if (char === undefined) return undefined
    let term = this.#simple(at, char, depth)
    while (term !== undefined) {
      const next = this.#suffix(term, depth)
      if (next === undefined) return term
      term = next
    }
    return undefined
  }

  #simple(at: number, char: string, depth: number): Term | undefined {
    if (this.#dialect.quotes.includes(char)) return this.#literal(at)
    const close = this.#dialect.arrays[char]
    if (close !== undefined && !this.#isCast(at)) return this.#array(at + 1, close, depth)
    if (char === '(') {
      const inner = this.#list(at + 1, ')', depth)
      const only = inner?.items.length === 1 ? inner.items[0] : inner?.items
      return inner && only !== undefined ? { value: only, end: inner.end, parts: inner.parts } : undefined
    }
    // No call and no name begins with a digit: most arguments need one look instead of a dozen.
    if (char >= '0' && char <= '9') return this.#number(at)
    return this.#call(at, depth) ?? this.#number(at) ?? this.#variable(at)
  }

  #isCast(at: number): boolean {
    return this.#dialect.calls.some(([pattern]) => this.#match(pattern, at) !== undefined)
  }

  #literal(at: number): Term | undefined {
    const found = this.#dialect.string(this.#text, at)
    this.#steps -= (found.end - at) >> 4
    if (found.value === undefined) return undefined
    return { value: found.value, end: found.end, parts: 1 }
  }

  #number(at: number): Term | undefined {
    const hit = this.#match(this.#dialect.number, at)
    if (hit === undefined) return undefined
    const value = Number(hit.text.replace(/^&h/i, '0x').replace(/&$/, ''))
    return Number.isFinite(value) ? { value, end: hit.end, parts: 1 } : undefined
  }

  #variable(at: number): Term | undefined {
    const hit = this.#match(this.#dialect.name, at)
    if (hit === undefined) return undefined
    const value = this.#variables.get(this.#dialect.ignoresCase ? hit.text.toLowerCase() : hit.text)
    return value === undefined || WORD_BEFORE.test(this.#text[at - 1] ?? ' ')
      ? undefined
      : { value, end: hit.end, parts: 1 }
  }

  #array(at: number, close: string, depth: number): Term | undefined {
    const list = this.#list(at, close, depth)
    return list && { value: list.items, end: list.end, parts: list.parts }
  }

  #call(at: number, depth: number): Term | undefined {
    for (const [pattern, apply] of this.#dialect.calls) {
      const head = this.#match(pattern, at)
      if (head === undefined) continue
      const list = head.text.endsWith('(') ? this.#list(head.end, ')', depth) : this.#single(head.end, depth)
      const value = list && bounded(apply(list.items))
      if (list !== undefined && value !== undefined) return { value, end: list.end, parts: list.parts + 1 }
    }
    return undefined
  }

  #suffix(term: Term, depth: number): Term | undefined {
    for (const { pattern, args, apply } of this.#dialect.suffixes) {
      const head = this.#match(pattern, term.end)
      if (head === undefined) continue
      const list = this.#arguments(head.end, args, depth)
      const value = list && bounded(apply(term.value, list.items))
      if (list !== undefined && value !== undefined) return { value, end: list.end, parts: term.parts + list.parts + 1 }
    }
    return undefined
  }

  #arguments(at: number, args: Suffix['args'], depth: number): List | undefined {
    if (args === 'none') return { items: [], end: at, parts: 0 }
    return args === 'list' ? this.#list(at, ')', depth) : this.#bare(at, depth)
  }

  #single(at: number, depth: number): List | undefined {
    const term = this.#term(at, depth + 1)
    return term && { items: [term.value], end: term.end, parts: term.parts }
  }

  /** Arguments without brackets, parted by commas. */
  #bare(start: number, depth: number): List | undefined {
    const items: FoldValue[] = []
    let parts = 0
    let end = start
    for (let at = start; items.length < MAX_ITEMS; ) {
      const term = this.#term(at, depth + 1)
      if (term === undefined) break
      items.push(term.value)
      parts += term.parts
      end = term.end
      const comma = this.#match(COMMA, end)
      if (comma === undefined) break
      at = comma.end
    }
    return items.length === 0 ? undefined : { items, end, parts }
  }

  #list(start: number, close: string, depth: number): List | undefined {
    const items: FoldValue[] = []
    let parts = 0
    for (let at = start; items.length < MAX_ITEMS; ) {
      const here = this.#match(this.#dialect.spaces, at)?.end ?? at
      if (this.#text[here] === close) return { items, end: here + 1, parts }
      const term = this.#expression(here, depth + 1)
      if (term === undefined) return undefined
      items.push(term.value)
      parts += term.parts
      const comma = this.#match(COMMA, term.end)
      const after = this.#match(this.#dialect.spaces, term.end)?.end ?? term.end
      if (comma === undefined && this.#text[after] !== close) return undefined
      at = comma?.end ?? after
    }
    return undefined
  }

  #match(pattern: RegExp, at: number): { readonly text: string; readonly end: number } | undefined {
    pattern.lastIndex = at
    const hit = pattern.exec(this.#text)
    return hit === null ? undefined : { text: hit[1] ?? hit[0], end: pattern.lastIndex }
  }
}

interface List {
  readonly items: readonly FoldValue[]
  readonly end: number
  readonly parts: number
}

const COMMA = /\s{0,40},\s{0,40}/y
const WORD = /[\w$]{1,200}/y
/** Numbers alone hide nothing: they begin no expression that is worth its time. */
const START = /[a-z_$[&@-]/i
const CALLED = /[\w$)\]]/
const WORD_BEFORE = /[\w$.]/
const ENDS = /[;,)\r\n:}]/

function bounded(value: FoldValue | undefined): FoldValue | undefined {
  return typeof value === 'string' && value.length > MAX_VALUE ? undefined : value
}

function combine(left: FoldValue, operator: string, right: FoldValue): FoldValue | undefined {
  if (typeof left === 'object' || typeof right === 'object') return undefined
  if (typeof left === 'number' && typeof right === 'number') return arithmetic(left, operator, right)
  const joined = operator === '+' || operator === '&' || operator === '.'
  return joined && String(left).length + String(right).length <= MAX_VALUE ? `${left}${right}` : undefined
}

function arithmetic(left: number, operator: string, right: number): number | undefined {
  switch (operator.toLowerCase()) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return right === 0 ? undefined : left / right
    case '^':
    case 'xor':
    case '-bxor':
      return left ^ right
    default:
      return undefined
  }
}
