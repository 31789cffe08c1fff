/** A logical line of VBA: what it does and what it says, apart. */
export interface VbaLine {
  /** Without comment; each string is `""`. */
  readonly code: string
  readonly strings: readonly string[]
  /** As it was, comment included. */
  readonly text: string
}

const MAX_LINE = 64 * 1024

/** Lines with their continuations joined; `Attribute` lines, which every module has, are left out. */
export function* vbaLines(source: string): Generator<VbaLine, void, undefined> {
  const text = source.replace(/[ \t]_[ \t]{0,8}(?:\r\n|\r|\n)/g, ' ')
  let from = 0
  while (from < text.length) {
    let end = from
    while (end < text.length && end - from < MAX_LINE && text[end] !== '\n' && text[end] !== '\r') end++
    const line = text.slice(from, end)
    if (line.trim() !== '' && !/^\s{0,40}Attribute\s/i.test(line)) yield splitLine(line)
    from = Math.max(end, from + 1)
    while (text[from] === '\n' || text[from] === '\r') from++
  }
}

function splitLine(text: string): VbaLine {
  const strings: string[] = []
  let code = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === "'") break
    if (char !== '"') {
      code += char
      continue
    }
    const { value, end } = readString(text, at)
    strings.push(value)
    code += '""'
    at = end - 1
  }
  if (/^\s{0,40}Rem\s/i.test(code)) return { code: '', strings: [], text }
  return { code, strings, text }
}

/** A string literal from its opening quote on; `""` inside is one quote. `end` is behind the closing one. */
export function readString(text: string, start: number): { readonly value: string; readonly end: number } {
  const pieces: string[] = []
  let from = start + 1
  for (;;) {
    const quote = text.indexOf('"', from)
    if (quote < 0) return { value: pieces.join('') + text.slice(from), end: text.length }
    pieces.push(text.slice(from, quote))
    if (text[quote + 1] !== '"') return { value: pieces.join(''), end: quote + 1 }
    pieces.push('"')
    from = quote + 2
  }
}
