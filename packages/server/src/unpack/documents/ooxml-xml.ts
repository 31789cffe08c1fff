/**
 * XML of document parts, as a stream of tags and text. fast-xml-parser is not taken: it builds the whole tree of a part of any size,
 * refuses what Office takes (undeclared prefixes, odd encodings), and expands entities unless told not to. Here nothing is ever expanded
 * but the five of XML itself and character references; declarations are skipped.
 */
export type XmlToken =
  | { readonly kind: 'open'; readonly name: string; readonly closed: boolean; readonly attributes: XmlAttributes }
  | { readonly kind: 'close'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string }

/** By local name, decoded. The first of several that share one wins. */
export interface XmlAttributes {
  get(name: string): string | undefined
}

const MAX_TAG = 256 * 1024
const MAX_ATTRIBUTES = 500

/** Names come without their prefix: prefixes are free. Never throws; what is no XML ends it or is taken as text. */
export function* xmlTokens(xml: string): Generator<XmlToken, void, undefined> {
  let at = 0
  while (at < xml.length) {
    const tag = xml.indexOf('<', at)
    if (tag !== at) yield { kind: 'text', text: decodeEntities(xml.slice(at, tag < 0 ? xml.length : tag)) }
    if (tag < 0) return
    const skipped = skipMarkup(xml, tag)
    if (skipped !== undefined) {
      if (skipped.text !== undefined) yield { kind: 'text', text: skipped.text }
      at = skipped.end
      continue
    }
    const end = tagEnd(xml, tag)
    yield* tagToken(xml.slice(tag + 1, Math.min(end, tag + MAX_TAG)))
    at = end + 1
  }
}

/** Comments, instructions and declarations are passed over; CDATA is text. */
function skipMarkup(xml: string, at: number): { end: number; text?: string } | undefined {
  const next = xml[at + 1]
  if (next !== '!' && next !== '?') return undefined
  if (xml.startsWith('<!--', at)) return { end: endOf(xml, '-->', at + 4) }
  if (next === '?') return { end: endOf(xml, '?>', at + 2) }
  if (xml.startsWith('<![CDATA[', at)) {
    const end = endOf(xml, ']]>', at + 9)
    return { end, text: xml.slice(at + 9, Math.max(at + 9, end - 3)) }
  }
  const subset = xml.indexOf('[', at)
  const close = xml.indexOf('>', at)
  const hasSubset = subset >= 0 && subset < close
  return { end: hasSubset ? endOf(xml, ']>', subset) : close < 0 ? xml.length : close + 1 }
}

function endOf(xml: string, mark: string, from: number): number {
  const at = xml.indexOf(mark, from)
  return at < 0 ? xml.length : at + mark.length
}

/** The `>` that is not inside quotes. */
function tagEnd(xml: string, from: number): number {
  let quote = ''
  for (let at = from + 1; at < xml.length; at++) {
    const char = xml[at] as string
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '>') return at
  }
  return xml.length
}

const NAME = /^[^\s/>]{1,200}/

function* tagToken(tag: string): Generator<XmlToken, void, undefined> {
  if (tag.startsWith('/')) {
    yield { kind: 'close', name: localName(NAME.exec(tag.slice(1))?.[0] ?? '') }
    return
  }
  const name = NAME.exec(tag)?.[0] ?? ''
  const closed = tag.endsWith('/')
  yield { kind: 'open', name: localName(name), closed, attributes: lazyAttributes(tag.slice(name.length)) }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/** Most tags' attributes are never asked for. */
function lazyAttributes(text: string): XmlAttributes {
  let map: Map<string, string> | undefined
  return {
    get(name) {
      map ??= parseAttributes(text)
      return map.get(name)
    },
  }
}

function parseAttributes(text: string): Map<string, string> {
  const map = new Map<string, string>()
  const pattern = /([^\s=/"'<>]{1,200})\s{0,100}=\s{0,100}(?:"([^"]*)"|'([^']*)')/y
  let at = 0
  while (at < text.length && map.size < MAX_ATTRIBUTES) {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found === null) {
      // Once past what is none, so that each character is looked at a few times at most.
      while (at < text.length && !/\s/.test(text[at] as string)) at++
      at++
      continue
    }
    const name = localName(found[1] ?? '')
    if (!map.has(name)) map.set(name, decodeEntities(found[2] ?? found[3] ?? ''))
    at = pattern.lastIndex
  }
  return map
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g, (all, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name] ?? all
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
  })
}

/** Text of an XML part: byte order mark, zero bytes of UTF-16, or what the declaration says; UTF-8 otherwise. */
export function decodeXml(bytes: Buffer): string {
  const label = encodingOf(bytes)
  try {
    return new TextDecoder(label).decode(bytes)
  } catch {
    // A label that nobody knows: the markup at least is ASCII.
    return bytes.toString('latin1')
  }
}

function encodingOf(bytes: Buffer): string {
  const [a = 0, b = 0] = bytes
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return 'utf-16le'
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return 'utf-16be'
  return (
    /^<\?xml[^>]{1,200}?encoding\s?=\s?["']([\w.:-]{1,40})["']/.exec(bytes.toString('latin1', 0, 300))?.[1] ?? 'utf-8'
  )
}

/** The first element's local name, looked for in a part's first bytes. '' = no XML. */
export function rootOf(head: Buffer): string {
  const text = decodeXml(head).replace(/^[\ufeff\s]{1,1000}/, '')
  if (!text.startsWith('<')) return ''
  for (const token of xmlTokens(text)) if (token.kind === 'open') return token.name
  return ''
}
