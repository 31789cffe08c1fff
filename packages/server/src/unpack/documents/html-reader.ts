import { Tokenizer } from 'htmlparser2'

/** What a page holds that can act. Offsets are indexes in its text. */
export interface PageFacts {
  readonly scripts: PageScript[]
  /** Values of attributes with `data:`, decoded from entities. */
  readonly dataUris: PageAttribute[]
  /** Targets that a page goes to, frames or sends to. */
  readonly targets: PageAttribute[]
  readonly refreshes: PageAttribute[]
  readonly tags: Map<string, number>
  /** Values of `download` attributes. */
  readonly downloads: string[]
  readonly classIds: PageAttribute[]
  hasPassword: boolean
  /** The first characters that a reader sees. */
  text: string
  /** There was more than is looked at. */
  overflow: boolean
}

export interface PageScript {
  readonly text: string
  readonly at: number
  /** `type` and `language`, lower case. */
  readonly language: string
  /** An element's text, an event handler's or a `javascript:` address. */
  readonly place: 'element' | 'handler' | 'address'
}

export interface PageAttribute {
  readonly tag: string
  readonly name: string
  readonly value: string
  readonly at: number
}

const MAX_ITEMS = 2000
const MAX_TEXT = 64 * 1024
const MAX_VALUE = 16 * 1024 * 1024
const TARGETS: Readonly<Record<string, readonly string[]>> = {
  script: ['src'],
  iframe: ['src'],
  frame: ['src'],
  form: ['action'],
  embed: ['src'],
  object: ['data', 'codebase'],
  base: ['href'],
  applet: ['code', 'archive', 'codebase'],
}

/**
 * Reads a page's elements with htmlparser2's tokenizer, not its parser: the parser keeps a stack of open elements and searches it
 * for every closing tag, which costs the square of a page of unclosed elements.
 */
export function readPage(source: string, isXml = false): PageFacts {
  const facts: PageFacts = {
    scripts: [], dataUris: [], targets: [], refreshes: [], tags: new Map(), downloads: [], classIds: [],
    hasPassword: false, text: '', overflow: false,
  } // biome-ignore format: a record
  const reader = new PageReader(source, facts, isXml)
  const tokenizer = new Tokenizer({ xmlMode: isXml, decodeEntities: true }, reader)
  tokenizer.write(source)
  tokenizer.end()
  reader.finish()
  return facts
}

class PageReader {
  readonly #source: string
  readonly #facts: PageFacts
  #tag = ''
  #attributes = new Map<string, { value: string; at: number }>()
  #name = ''
  #value: string[] = []
  #valueAt = -1
  #scriptAt = -1
  #scriptLanguage = ''
  #inStyle = false
  readonly #isXml: boolean

  constructor(source: string, facts: PageFacts, isXml: boolean) {
    this.#isXml = isXml
    this.#source = source
    this.#facts = facts
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#source.slice(start, Math.min(end, start + 100)).toLowerCase()
    this.#attributes = new Map()
  }

  onattribname(start: number, end: number): void {
    this.#name = this.#source.slice(start, Math.min(end, start + 100)).toLowerCase()
    this.#value = []
    this.#valueAt = -1
  }

  onattribdata(start: number, end: number): void {
    if (this.#valueAt < 0) this.#valueAt = start
    if (end - start <= MAX_VALUE) this.#value.push(this.#source.slice(start, end))
    else this.#facts.overflow = true
  }

  onattribentity(codepoint: number): void {
    this.#value.push(codepoint <= 0x10ffff ? String.fromCodePoint(codepoint) : '')
  }

  onattribend(_quote: unknown, end: number): void {
    const at = this.#valueAt < 0 ? end : this.#valueAt
    // The first of a name counts for browsers.
    if (!this.#attributes.has(this.#name)) this.#attributes.set(this.#name, { value: this.#value.join(''), at })
  }

  onopentagend(end: number): void {
    this.#element()
    const name = localName(this.#tag)
    if (name === 'script') {
      this.#scriptAt = end + 1
      this.#scriptLanguage = `${this.#get('type')} ${this.#get('language')}`.toLowerCase()
    }
    this.#inStyle = name === 'style'
  }

  onselfclosingtag(): void {
    this.#element()
  }

  onclosetag(start: number, end: number): void {
    const name = localName(this.#source.slice(start, Math.min(end, start + 100)).toLowerCase())
    if (name === 'script') this.#endScript(Math.max(this.#scriptAt, start - 2))
    if (name === 'style') this.#inStyle = false
  }

  ontext(start: number, end: number): void {
    const { text } = this.#facts
    if (this.#scriptAt >= 0 || this.#inStyle || text.length >= MAX_TEXT) return
    this.#facts.text = text + this.#source.slice(start, Math.min(end, start + MAX_TEXT))
  }

  ontextentity(codepoint: number): void {
    if (this.#facts.text.length < MAX_TEXT)
      this.#facts.text += codepoint <= 0x10ffff ? String.fromCodePoint(codepoint) : ''
  }

  oncomment(): void {}
  oncdata(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  /** A script that is never closed runs to the page's end; browsers do not run it, others may. */
  finish(): void {
    if (this.#scriptAt >= 0) this.#endScript(this.#source.length)
  }

  #endScript(end: number): void {
    if (this.#scriptAt < 0) return
    const raw = this.#source.slice(this.#scriptAt, end)
    const text = this.#isXml ? xmlText(raw) : raw
    if (text.trim() !== '')
      this.#add(this.#facts.scripts, { text, at: this.#scriptAt, language: this.#scriptLanguage, place: 'element' })
    this.#scriptAt = -1
  }

  #get(name: string): string {
    return this.#attributes.get(name)?.value ?? ''
  }

  #add<T>(list: T[], item: T): void {
    if (list.length < MAX_ITEMS) list.push(item)
    else this.#facts.overflow = true
  }

  #element(): void {
    const { tags } = this.#facts
    const tag = localName(this.#tag)
    if (tags.size < MAX_ITEMS || tags.has(tag)) tags.set(tag, (tags.get(tag) ?? 0) + 1)
    if (tag === 'meta' && this.#get('http-equiv').toLowerCase() === 'refresh')
      this.#attribute('refreshes', tag, 'content')
    if (tag === 'input' && this.#get('type').toLowerCase() === 'password') this.#facts.hasPassword = true
    if (this.#attributes.has('download')) this.#add(this.#facts.downloads, this.#get('download'))
    for (const name of ['classid', 'clsid']) if (this.#attributes.has(name)) this.#attribute('classIds', tag, name)
    for (const name of TARGETS[tag] ?? []) if (this.#get(name) !== '') this.#attribute('targets', tag, name)
    for (const [name, { value, at }] of this.#attributes) this.#attributeValue({ tag, name, value, at })
  }

  #attribute(list: 'refreshes' | 'targets' | 'classIds', tag: string, name: string): void {
    const found = this.#attributes.get(name)
    if (found !== undefined) this.#add(this.#facts[list], { tag, name, value: found.value, at: found.at })
  }

  #attributeValue(attribute: PageAttribute): void {
    const { name, value, at } = attribute
    if (value.length < 8) return
    if (name.startsWith('on')) this.#add(this.#facts.scripts, { text: value, at, language: '', place: 'handler' })
    const start = value
      .slice(0, 200)
      .replace(/[^\x21-\x7e]{1,200}/g, '')
      .toLowerCase()
    if (start.startsWith('javascript:'))
      this.#add(this.#facts.scripts, { text: value, at, language: '', place: 'address' })
    if (value.includes('data:') || start.includes('data:')) this.#add(this.#facts.dataUris, attribute)
  }
}

/** A script's text in XML may be CDATA, and entities are undone in it. */
function xmlText(raw: string): string {
  return raw
    .replace(/<!\[CDATA\[|\]\]>/g, '')
    .replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (whole, hex?: string, decimal?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    })
    .replace(/&(quot|apos|lt|gt|amp);/g, (_, name: string) => NAMED[name] ?? '')
}

const NAMED: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }

/** `svg:script` is a script too. */
function localName(tag: string): string {
  return tag.slice(tag.lastIndexOf(':') + 1)
}
