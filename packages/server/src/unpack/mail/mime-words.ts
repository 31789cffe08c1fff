/** Text of header fields: charsets, encoded words (RFC 2047) and parameters (RFC 2045 5.1, RFC 2231). */

const MAX_LABEL = 40

/** Bytes in a charset that a hostile sender names; UTF-8 where valid, else Latin-1, where the name is unknown. */
export function decodeText(bytes: Buffer, charset = ''): string {
  const label = charset.trim().slice(0, MAX_LABEL)
  if (label !== '' && !/^(?:us-ascii|ascii|utf-?8)$/i.test(label)) {
    try {
      return new TextDecoder(label).decode(bytes)
    } catch {
      // No such charset: as if none were named.
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

/** Blanks between two encoded words belong to neither (RFC 2047 6.2). Every repetition is bounded. */
const WORD = /=\?([^?\s]{1,60})\?([bq])\?([^?]{0,20000})\?=(?:[ \t]{0,80}(?==\?[^?\s]{1,60}\?[bq]\?))?/gi

/** A field's raw text (one char a byte) as people see it. */
export function decodeWords(raw: string): string {
  const plain = (text: string) =>
    /[\x80-\xff]/.test(text) && !/[^\0-\xff]/.test(text) ? decodeText(Buffer.from(text, 'latin1')) : text
  if (!raw.includes('=?')) return plain(raw)
  const pieces: string[] = []
  let at = 0
  for (const match of raw.matchAll(WORD)) {
    const [whole, charset = '', encoding = '', text = ''] = match
    pieces.push(plain(raw.slice(at, match.index)), decodeWord(charset, encoding, text))
    at = match.index + whole.length
  }
  return pieces.join('') + plain(raw.slice(at))
}

function decodeWord(charset: string, encoding: string, text: string): string {
  // RFC 2231 5: a language may stand behind the charset.
  const label = charset.split('*', 1)[0] ?? ''
  if (encoding.toLowerCase() === 'b') return decodeText(Buffer.from(text, 'base64'), label)
  const bytes = text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return decodeText(Buffer.from(bytes, 'latin1'), label)
}

export interface Parameter {
  /** Lower case, without `*`. */
  readonly name: string
  readonly value: string
}

export interface FieldValue {
  /** In front of the first `;`, lower case, without comments and blanks. */
  readonly word: string
  /** Every one, in order; duplicates stay: readers differ in which of them they take. */
  readonly parameters: readonly Parameter[]
}

const MAX_VALUE = 64 * 1024
const MAX_PARAMETERS = 200
const MAX_SECTIONS = 200

/** `attachment; filename="a.exe"; filename*0*=utf-8''b; ...` */
export function parseFieldValue(raw: string): FieldValue {
  const [first = '', ...rest] = cutAtSemicolons(raw.slice(0, MAX_VALUE))
  const plain: Parameter[] = []
  const continued = new Map<string, { section: number; text: string; encoded: boolean }[]>()
  for (const piece of rest.slice(0, MAX_PARAMETERS)) {
    const equals = piece.indexOf('=')
    if (equals < 0) continue
    const name = piece.slice(0, equals).trim().toLowerCase()
    const match = /^([^*]{1,60})\*(?:(\d{1,3})(\*)?)?$/.exec(name)
    if (match?.[1] === undefined) {
      plain.push({ name, value: unquote(piece.slice(equals + 1)) })
      continue
    }
    const sections = continued.get(match[1]) ?? []
    const encoded = match[2] === undefined || match[3] !== undefined
    sections.push({ section: Number(match[2] ?? 0), text: unquote(piece.slice(equals + 1)), encoded })
    continued.set(match[1], sections.slice(0, MAX_SECTIONS))
  }
  const joined = [...continued].map(([name, sections]) => ({ name, value: joinSections(sections) }))
  return { word: withoutComments(first).trim().toLowerCase(), parameters: [...joined, ...plain] }
}

/** RFC 2231 3 and 4: sections by number, the charset in front of the first. */
function joinSections(sections: { section: number; text: string; encoded: boolean }[]): string {
  sections.sort((a, b) => a.section - b.section)
  let charset = ''
  const bytes = sections.map(({ text, encoded }, index) => {
    if (!encoded) return text
    const start = index === 0 ? /^([^']{0,60})'[^']{0,60}'/.exec(text) : null
    charset ||= start?.[1] ?? ''
    return unpercent(text.slice(start?.[0].length ?? 0))
  })
  return decodeText(Buffer.from(bytes.join(''), 'latin1'), charset)
}

export function unpercent(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
}

/** A quoted text may hold semicolons; a quote that nobody closes is no quote. */
function cutAtSemicolons(raw: string): string[] {
  const pieces: string[] = []
  let from = 0
  let quotes = true
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] === '"' && quotes) {
      const end = closingQuote(raw, at)
      quotes = end >= 0
      at = Math.max(at, end)
    } else if (raw[at] === ';') {
      pieces.push(raw.slice(from, at))
      from = at + 1
      if (pieces.length > MAX_PARAMETERS) break
    }
  }
  return [...pieces, raw.slice(from)]
}

/** -1 where there is none: then no quote behind it has one either, so that nobody looks again. */
function closingQuote(raw: string, open: number): number {
  for (let at = open + 1; at < raw.length; at++) {
    if (raw[at] === '\\') at++
    else if (raw[at] === '"') return at
  }
  return -1
}

function unquote(raw: string): string {
  const text = raw.trim()
  if (!text.startsWith('"')) return text
  const end = closingQuote(text, 0)
  // Browsers send paths with bare backslashes: only a quote and a backslash are escaped by one.
  return text.slice(1, end < 0 ? undefined : end).replace(/\\(["\\])/g, '$1')
}

export function withoutComments(raw: string): string {
  let depth = 0
  let text = ''
  for (const char of raw.slice(0, 1000)) {
    if (char === '(') depth++
    else if (char === ')' && depth > 0) depth--
    else if (depth === 0) text += char
  }
  return depth > 0 ? (raw.split('(', 1)[0] ?? '') : text
}
