import type { ObjectType } from '../domain/suspicious-object.ts'

/** An equality of a pattern that convicts by itself. */
export interface PatternObject {
  readonly type: ObjectType
  readonly value: string
}

export type PatternResult =
  /** `left`: comparisons that cannot be used: they do not stand alone, are no equality, or are about something else. */
  | { readonly ok: true; readonly objects: readonly PatternObject[]; readonly left: number }
  | { readonly ok: false; readonly fault: string }

const MAX_PATTERN = 65_536
const MAX_DEPTH = 32
const MAX_COMPARISONS = 1000

/**
 * Reads a STIX 2 pattern (STIX 2.1, section 9) as far as a list can hold it: `=`, `IN` and `ISSUBSET` on file hashes, domains,
 * URLs and addresses that stand alone or between ORs. What is bound to something else (AND, FOLLOWEDBY, REPEATS, START, NOT)
 * says less than the list entry would, and is left out; a file's hash stays one beside other facts of a file.
 */
export function readPattern(pattern: string): PatternResult {
  if (pattern.length > MAX_PATTERN) return { ok: false, fault: `the pattern is longer than ${MAX_PATTERN} characters` }
  try {
    const parser = new PatternParser(tokensOf(pattern))
    const { objects, left } = parser.whole()
    return { ok: true, objects, left }
  } catch (error) {
    if (error instanceof BadPattern) return { ok: false, fault: error.message }
    throw error
  }
}

class BadPattern extends Error {}

type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'sign'; readonly text: string }

/** Sticky and bounded: every branch takes at least one character, none can go back over another. */
const TOKEN =
  /\s+|\/\*[^*]{0,2000}\*\/|\/\/[^\n]{0,2000}|([bht]?)'((?:[^'\\]|\\.){0,8192})'|([A-Za-z_][\w-]{0,249})|(-?\d[\d.]{0,30})|(!=|<>|==|<=|>=|[[\]():,.=<>*])/sy

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < pattern.length) {
    const at = TOKEN.lastIndex
    const found = TOKEN.exec(pattern)
    if (found === null) throw new BadPattern(`the pattern is not understood at character ${at + 1}`)
    const [, prefix, quoted, word, number, sign] = found
    if (quoted !== undefined)
      tokens.push({ kind: 'string', text: prefix ? `${prefix}'` : quoted.replace(/\\(.)/gs, '$1') })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
    else if (number !== undefined) tokens.push({ kind: 'word', text: number })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
  }
  return tokens
}

/** What an expression convicts by itself, and what kind of facts it is made of. */
interface Part {
  readonly objects: readonly PatternObject[]
  readonly left: number
  readonly about: 'hash' | 'file' | 'other'
}

class PatternParser {
  readonly #tokens: readonly Token[]
  #at = 0
  #comparisons = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Part {
    const part = this.#observations(0)
    if (this.#at < this.#tokens.length) throw new BadPattern('the pattern goes on after its end')
    return part
  }

  #observations(depth: number): Part {
    let part = this.#observation(depth)
    for (;;) {
      if (this.#takeWord('OR')) part = either(part, this.#observation(depth))
      else if (this.#takeWord('AND') || this.#takeWord('FOLLOWEDBY')) part = notAlone(part, this.#observation(depth))
      else return part
    }
  }

  #observation(depth: number): Part {
    if (depth > MAX_DEPTH) throw new BadPattern(`the pattern nests deeper than ${MAX_DEPTH}`)
    const close = this.#takeSign('[') ? ']' : ')'
    if (close === ')') this.#expectSign('(')
    const part = close === ']' ? this.#comparisonsOr(depth + 1) : this.#observations(depth + 1)
    this.#expectSign(close)
    return this.#qualified(part)
  }

  /** REPEATS, START and STOP ask for more than one sight of the object; WITHIN of a single one asks nothing. */
  #qualified(part: Part): Part {
    if (this.#takeWord('WITHIN')) {
      this.#skip(2)
      return this.#qualified(part)
    }
    if (this.#takeWord('REPEATS')) {
      this.#skip(2)
      return this.#qualified(leftOut(part))
    }
    if (this.#takeWord('START')) {
      this.#skip(3)
      return this.#qualified(leftOut(part))
    }
    return part
  }

  /** AND binds closer than OR (STIX 2.1, 9.5). */
  #comparisonsOr(depth: number): Part {
    let part = this.#comparisonsAnd(depth)
    while (this.#takeWord('OR')) part = either(part, this.#comparisonsAnd(depth))
    return part
  }

  #comparisonsAnd(depth: number): Part {
    let part = this.#comparison(depth)
    while (this.#takeWord('AND')) part = both(part, this.#comparison(depth))
    return part
  }

  #comparison(depth: number): Part {
    if (depth > MAX_DEPTH) throw new BadPattern(`the pattern nests deeper than ${MAX_DEPTH}`)
    if (this.#takeSign('(')) {
      const part = this.#comparisonsOr(depth + 1)
      this.#expectSign(')')
      return part
    }
    if (++this.#comparisons > MAX_COMPARISONS)
      throw new BadPattern(`the pattern has more than ${MAX_COMPARISONS} comparisons`)
    if (this.#takeWord('EXISTS')) return this.#exists()
    const path = this.#path()
    const isNegated = this.#takeWord('NOT')
    const operator = this.#next().text.toUpperCase()
    const values = operator === 'IN' ? this.#set() : [this.#literal()]
    return partOf({ path, operator: isNegated ? `NOT ${operator}` : operator, values })
  }

  #exists(): Part {
    this.#path()
    return { objects: [], left: 1, about: 'other' }
  }

  /** `file:hashes.'SHA-256'`, `network-traffic:dst_ref.value`, `x:y[*].z`. */
  #path(): string {
    let path = this.#next().text
    this.#expectSign(':')
    path += `:${this.#next().text}`
    for (;;) {
      if (this.#takeSign('.')) path += `.${this.#next().text}`
      else if (this.#takeSign('[')) {
        this.#next()
        this.#expectSign(']')
        path += '[]'
      } else return path
    }
  }

  #set(): string[] {
    this.#expectSign('(')
    const values = [this.#literal()]
    while (this.#takeSign(',')) {
      values.push(this.#literal())
      if (values.length > MAX_COMPARISONS) throw new BadPattern(`a set has more than ${MAX_COMPARISONS} values`)
    }
    this.#expectSign(')')
    return values
  }

  #literal(): string {
    const token = this.#next()
    if (token.kind === 'sign') throw new BadPattern(`a value is missing before ${token.text}`)
    return token.text
  }

  #next(): Token {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new BadPattern('the pattern ends early')
    return token
  }

  #skip(count: number): void {
    for (let i = 0; i < count; i++) this.#next()
  }

  #takeWord(word: string): boolean {
    return this.#take('word', word)
  }

  #takeSign(sign: string): boolean {
    return this.#take('sign', sign)
  }

  #take(kind: Token['kind'], text: string): boolean {
    const token = this.#tokens[this.#at]
    const isIt = token?.kind === kind && token.text.toUpperCase() === text
    if (isIt) this.#at++
    return isIt
  }

  #expectSign(sign: string): void {
    if (!this.#takeSign(sign)) throw new BadPattern(`${sign} is missing`)
  }
}

function either(a: Part, b: Part): Part {
  const about = a.about === b.about ? a.about : 'other'
  return { objects: [...a.objects, ...b.objects], left: a.left + b.left, about }
}

function leftOut({ objects, left }: Part): Part {
  return { objects: [], left: left + objects.length, about: 'other' }
}

function notAlone(a: Part, b: Part): Part {
  return leftOut({ objects: [...a.objects, ...b.objects], left: a.left + b.left, about: 'other' })
}

/** A file's hash names that file whatever else is said of it: its size, its name, another hash. */
function both(a: Part, b: Part): Part {
  if (a.about === 'other' || b.about === 'other') return notAlone(a, b)
  const about = a.about === 'hash' || b.about === 'hash' ? 'hash' : 'file'
  return { objects: [...a.objects, ...b.objects], left: a.left + b.left, about }
}

interface Comparison {
  readonly path: string
  readonly operator: string
  readonly values: readonly string[]
}

const PATHS: Readonly<Record<string, ObjectType>> = {
  'file:hashes.sha-256': 'sha256',
  'file:hashes.sha256': 'sha256',
  'file:hashes.sha-1': 'sha1',
  'file:hashes.sha1': 'sha1',
  'domain-name:value': 'domain',
  'url:value': 'url',
  'ipv4-addr:value': 'ip',
  'ipv6-addr:value': 'ip',
}

function partOf({ path, operator, values }: Comparison): Part {
  const key = path.toLowerCase()
  const type = PATHS[key]
  const isEqual = operator === '=' || operator === '==' || operator === 'IN'
  if (type !== undefined && (isEqual || (type === 'ip' && operator === 'ISSUBSET')))
    return {
      objects: values.map((value) => ({ type, value })),
      left: 0,
      about: key.startsWith('file:') ? 'hash' : 'other',
    }
  const isHash = key.startsWith('file:hashes.') && isEqual
  return {
    objects: [],
    left: values.length,
    about: isHash ? 'hash' : key.startsWith('file:') && isEqual ? 'file' : 'other',
  }
}
