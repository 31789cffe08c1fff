import { inflateRawSync } from 'node:zlib'
import { base64Text, percentText } from './decode-text.ts'
import type { Dialect, FoldValue, Suffix } from './fold.ts'

const SPACES = /[\s]{0,200}/y
const MAX_STRING = 4 * 1024 * 1024

function isNumbers(items: readonly FoldValue[]): items is readonly number[] {
  return items.length > 0 && items.every((item) => typeof item === 'number')
}

function chars(items: readonly FoldValue[]): string | undefined {
  const flat = items.length === 1 && typeof items[0] === 'object' ? items[0] : items
  return isNumbers(flat) ? flat.map((code) => String.fromCharCode(code & 0xffff)).join('') : undefined
}

function textArg(args: readonly FoldValue[], apply: (text: string) => string | undefined): string | undefined {
  return args.length >= 1 && typeof args[0] === 'string' ? apply(args[0]) : undefined
}

function reversed(text: string): string {
  return [...text].reverse().join('')
}

function joined(value: FoldValue, separator: FoldValue | undefined): string | undefined {
  if (typeof value !== 'object' || value.some((item) => typeof item === 'object')) return undefined
  return value.map(String).join(typeof separator === 'string' ? separator : '')
}

function replaced(value: FoldValue, [from, to = '']: readonly FoldValue[]): string | undefined {
  if (typeof value !== 'string' || typeof from !== 'string' || typeof to !== 'string' || from === '') return undefined
  const grown = value.length + Math.max(0, to.length - from.length) * (value.split(from).length - 1)
  return grown > MAX_STRING ? undefined : value.split(from).join(to)
}

interface StringLiteral {
  readonly value: string | undefined
  readonly end: number
}

/** Longer literals are payloads: they are found by themselves, and need not be copied by every expression that holds them. */
const MAX_LITERAL = 256 * 1024

// ---- JavaScript ----

function jsString(text: string, at: number): StringLiteral {
  const quote = text[at] as string
  const pieces: string[] = []
  const limit = Math.min(text.length, at + MAX_LITERAL)
  let from = at + 1
  for (let i = from; i < limit; i++) {
    const char = text[i]
    if (char === quote) {
      pieces.push(text.slice(from, i))
      return { value: pieces.join(''), end: i + 1 }
    }
    if ((char === '\n' || char === '\r') && quote !== '`') return { value: undefined, end: i }
    if (char === '$' && quote === '`' && text[i + 1] === '{') return { value: undefined, end: i }
    if (char !== '\\') continue
    pieces.push(text.slice(from, i))
    const { value, end } = jsEscape(text, i + 1)
    pieces.push(value)
    from = end
    i = end - 1
  }
  return { value: undefined, end: limit }
}

const JS_ESCAPE = /x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|([0-7]{1,3})|(\r\n|[\s\S])/iy
const JS_PLAIN: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  '\n': '',
  '\r': '',
  '\r\n': '',
}

function jsEscape(text: string, at: number): { value: string; end: number } {
  JS_ESCAPE.lastIndex = at
  const hit = JS_ESCAPE.exec(text)
  if (hit === null) return { value: '', end: text.length }
  const hex = hit[1] ?? hit[2] ?? hit[3]
  const end = JS_ESCAPE.lastIndex
  if (hex !== undefined) return { value: String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff)), end }
  if (hit[4] !== undefined) return { value: String.fromCharCode(Number.parseInt(hit[4], 8) & 0xff), end }
  const plain = hit[5] ?? ''
  return { value: JS_PLAIN[plain] ?? plain, end }
}

const JS_SUFFIXES: readonly Suffix[] = [
  { pattern: /\s{0,9}\.\s{0,9}join\s{0,9}\(/y, args: 'list', apply: (value, args) => joined(value, args[0] ?? ',') },
  { pattern: /\s{0,9}\.\s{0,9}reverse\s{0,9}\(/y, args: 'list', apply: (value) => (typeof value === 'object' ? [...value].reverse() : undefined) },
  { pattern: /\s{0,9}\.\s{0,9}split\s{0,9}\(/y, args: 'list', apply: split },
  { pattern: /\s{0,9}\.\s{0,9}concat\s{0,9}\(/y, args: 'list', apply: (value, args) => (typeof value === 'string' ? value + args.map(String).join('') : undefined) },
  { pattern: /\s{0,9}\.\s{0,9}replace(?:All)?\s{0,9}\(/y, args: 'list', apply: replaced },
  { pattern: /\s{0,9}\.\s{0,9}toString\s{0,9}\(/y, args: 'list', apply: (value, args) => (args.length === 0 && typeof value === 'string' ? value : undefined) },
] // biome-ignore format: a table

function split(value: FoldValue, [separator]: readonly FoldValue[]): FoldValue | undefined {
  if (typeof value !== 'string' || typeof separator !== 'string' || value.length > 200_000) return undefined
  return value.split(separator)
}

export const JS: Dialect = {
  quotes: '"\'`',
  string: jsString,
  number: /0x[0-9a-f]{1,8}|\d{1,15}(?:\.\d{1,15})?(?![\w.])/iy,
  operator: /\s{0,40}[+^*-](?![+=-])\s{0,40}/y,
  spaces: SPACES,
  name: /([a-z_$][\w$]{0,60})(?![\w$(=])/iy,
  assignment: /(?:^|[;,{}\s])(?:var|let|const)?\s{0,9}([a-z_$][\w$]{0,60})\s{0,9}\+?=(?!=)\s{0,9}/gi,
  ignoresCase: false,
  arrays: { '[': ']' },
  calls: [
    [/String\s{0,9}\.\s{0,9}from(?:CharCode|CodePoint)\s{0,9}\(/y, chars],
    [/String\s{0,9}\[\s{0,9}["']fromCharCode["']\s{0,9}\]\s{0,9}\(/y, chars],
    [/(?:window\.)?(?:unescape|decodeURI(?:Component)?)\s{0,9}\(/y, (args) => textArg(args, percentText)],
    [/(?:window\.)?atob\s{0,9}\(/y, (args) => textArg(args, base64Text)],
    [/(?:parseInt|Number)\s{0,9}\(/y, ([text]) => (typeof text === 'string' ? Number.parseInt(text, 10) : undefined)],
  ],
  suffixes: JS_SUFFIXES,
  quote: (value) => `"${value.replace(/["\\]/g, '\\$&')}"`,
}

// ---- VBScript and VBA ----

/** A doubled quote is one quote. */
function vbString(text: string, at: number): StringLiteral {
  const limit = Math.min(text.length, at + MAX_LITERAL)
  for (let i = at + 1, from = i, value = ''; i < limit; i++) {
    if (text[i] === '\n') return { value: undefined, end: i }
    if (text[i] !== '"') continue
    value += text.slice(from, i)
    if (text[i + 1] !== '"') return { value, end: i + 1 }
    value += '"'
    from = i + 2
    i++
  }
  return { value: undefined, end: limit }
}

export const VBS: Dialect = {
  quotes: '"',
  string: vbString,
  number: /&h[0-9a-f]{1,8}&?|\d{1,15}(?:\.\d{1,15})?(?![\w.])/iy,
  operator:
    /[ \t]{0,40}(?:_[ \t]{0,9}\r?\n[ \t]{0,40})?(?:[&+*/-]|\bxor\b)(?:[ \t]{0,9}_[ \t]{0,9}\r?\n)?[ \t]{0,40}/iy,
  spaces: /[ \t]{0,200}/y,
  name: /([a-z]\w{0,60})(?![\w(=])/iy,
  assignment: /(?:^|[:\n])[ \t]{0,40}(?:const[ \t]{1,9})?([a-z]\w{0,60})[ \t]{0,9}=[ \t]{0,9}/gi,
  ignoresCase: true,
  arrays: {},
  calls: [
    [/chr[wb]?\$?[ \t]{0,9}\(/iy, chars],
    [/strreverse[ \t]{0,9}\(/iy, (args) => textArg(args, reversed)],
    [/replace[ \t]{0,9}\(/iy, ([value = 0, ...args]) => replaced(value, args)],
    [/(?:array|split)[ \t]{0,9}\(/iy, (args) => (isNumbers(args) ? args : undefined)],
    [/unescape[ \t]{0,9}\(/iy, (args) => textArg(args, percentText)],
    [/(?:lcase|ucase|cstr|trim)[ \t]{0,9}\(/iy, (args) => textArg(args, (text) => text)],
    [/(?:cint|clng|cdbl)[ \t]{0,9}\(/iy, ([value]) => (typeof value === 'object' ? undefined : Number(value))],
  ],
  suffixes: [],
  quote: (value) => `"${value.replaceAll('"', '""')}"`,
}

// ---- PowerShell ----

/** Single quotes are doubled, double ones may be; a backtick escapes in the latter. `$x` inside stays as it is written. */
function psString(text: string, at: number): StringLiteral {
  const quote = text[at] as string
  const limit = Math.min(text.length, at + MAX_LITERAL)
  let value = ''
  for (let i = at + 1, from = i; i < limit; i++) {
    if (text[i] === '`' && quote === '"') {
      value += text.slice(from, i)
      from = ++i
    } else if (text[i] === quote) {
      value += text.slice(from, i)
      if (text[i + 1] !== quote) return { value, end: i + 1 }
      from = ++i
    }
  }
  return { value: undefined, end: limit }
}

const FORMAT_ITEM = /\{(\d{1,4})(?:[,:][^{}]{0,40})?\}/g

function formatted(value: FoldValue, args: readonly FoldValue[]): string | undefined {
  if (typeof value !== 'string') return undefined
  const items = args.flatMap((arg) => (typeof arg === 'object' ? arg : [arg]))
  let length = 0
  return value.replace(FORMAT_ITEM, (whole, index: string) => {
    const item = String(items[Number(index)] ?? whole)
    length += item.length
    return length > MAX_STRING ? '' : item
  })
}

/** Code that was packed and written in base 64: what Compress-Archive lovers and stagers do. */
function inflated(args: readonly FoldValue[]): string | undefined {
  return textArg(args, (text) => {
    try {
      return inflateRawSync(Buffer.from(text, 'latin1'), { maxOutputLength: MAX_STRING }).toString('latin1')
    } catch {
      return undefined // not deflate: the expression stays as it is
    }
  })
}

const PS_SUFFIXES: readonly Suffix[] = [
  { pattern: /\s{0,9}\.\s{0,9}["']?replace["']?\s{0,9}\(/iy, args: 'list', apply: replaced },
  { pattern: /\s{0,9}-c?i?replace\s{0,9}/iy, args: 'bare', apply: replaced },
  { pattern: /\s{0,9}-f\s{0,9}/iy, args: 'bare', apply: formatted },
  { pattern: /\s{0,9}-join\s{0,9}/iy, args: 'bare', apply: (value, args) => joined(value, args[0]) },
  { pattern: /\s{0,9}-i?split\s{0,9}/iy, args: 'bare', apply: split },
  { pattern: /\s{0,9}\.\s{0,9}split\s{0,9}\(/iy, args: 'list', apply: split },
  { pattern: /\s{0,9}\.\s{0,9}(?:tostring|trim|invoke)\s{0,9}\(\s{0,9}\)/iy, args: 'none', apply: (value) => (typeof value === 'string' ? value : undefined) },
  { pattern: /\[\s{0,9}-\s{0,9}1\s{0,9}\.\.\s{0,9}-\s{0,9}\(?[^\]]{1,80}\]/y, args: 'none', apply: (value) => (typeof value === 'string' && value.length < 200_000 ? [...value].reverse() : undefined) },
] // biome-ignore format: a table

export const POWERSHELL: Dialect = {
  quotes: '"\'',
  string: psString,
  number: /0x[0-9a-f]{1,8}|\d{1,15}(?![\w.])/iy,
  operator: /\s{0,40}(?:\+(?!=)|-bxor\b)\s{0,40}/iy,
  spaces: SPACES,
  name: /(\$\w{1,60})(?![\w=])/iy,
  assignment: /(\$\w{1,60})\s{0,9}=\s{0,9}/g,
  ignoresCase: true,
  arrays: {},
  calls: [
    [/\[char\[\]\]\s{0,9}/iy, (args) => chars(args)?.split('')],
    [/\[char\]\s{0,9}/iy, chars],
    [/\[(?:string|int|byte\[\])\]\s{0,9}(?=["'(\d$[])/iy, ([value]) => value],
    [/-join\s{0,9}/iy, ([value = 0]) => joined(value, '')],
    [/\$\(/y, ([value]) => value],
    [/@\(/y, (args) => args],
    [
      /\[(?:system\.)?text\.encoding\]::(?:unicode|utf8|ascii|default)\.getstring\s{0,9}\(/iy,
      (args) => textArg(args, wide),
    ],
    [/\[(?:system\.)?convert\]::frombase64string\s{0,9}\(/iy, (args) => textArg(args, (text) => base64Bytes(text))],
    [/\[(?:system\.)?uri\]::unescapedatastring\s{0,9}\(/iy, (args) => textArg(args, percentText)],
    [
      /(?:\[char\]\s{0,9})?\[convert\]::toint(?:16|32)\s{0,9}\(/iy,
      ([text, base]) => (typeof text === 'string' ? Number.parseInt(text, Number(base ?? 10)) : undefined),
    ],
    [/new-object\s{1,9}(?:system\.)?io\.compression\.(?:deflate|gzip)stream\s{0,9}\(/iy, inflated],
  ],
  suffixes: PS_SUFFIXES,
  quote: (value) => `'${value.replaceAll("'", "''")}'`,
}

function base64Bytes(text: string): string | undefined {
  return /^[\w+/=\s-]*$/.test(text) ? Buffer.from(text, 'base64').toString('latin1') : undefined
}

/** UTF-16 shows itself by its zeros. */
function wide(text: string): string {
  return text[1] === '\0' ? Buffer.from(text, 'latin1').toString('utf16le') : text
}
