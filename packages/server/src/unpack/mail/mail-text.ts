import type { ContentView } from '../content-view.ts'
import type { OpenRun } from '../opener.ts'
import { decoderFor } from './hand-over.ts'
import type { Leaf } from './mime-tree.ts'
import { decodeText } from './mime-words.ts'

/** What people write of passwords and links stands at a mail's beginning. */
const TEXT_BYTES = 256 * 1024
const MAX_HINTS_CHARS = 256 * 1024
const MAX_URLS = 300
const URL = /\b(?:https?|ftp):\/\/[^\s"'<>\\^`{|}\u201c\u201d]{1,2000}/gi

/** Reads subject and texts of a mail before its attachments are opened: a password for them may stand there. */
export class MailText {
  readonly #run: OpenRun
  #hintsLeft = MAX_HINTS_CHARS
  readonly #urls = new Set<string>()

  constructor(run: OpenRun) {
    this.#run = run
  }

  hint(text: string): void {
    const kept = text.trim().slice(0, this.#hintsLeft)
    if (kept === '') return
    this.#hintsLeft -= kept.length
    this.#run.hint(kept)
  }

  /** Text and HTML as people see it, and the addresses in it. */
  read(text: string, isHtml: boolean): void {
    for (const [url] of text.matchAll(URL)) this.#url(isHtml ? url.replaceAll('&amp;', '&') : url)
    this.hint(isHtml ? visibleText(text) : text)
  }

  leaf(view: ContentView, leaf: Leaf): void {
    if (leaf.head?.subject) this.hint(leaf.head.subject)
    if (!isText(leaf)) return
    const { from, to } = leaf.range
    for (const encoding of leaf.head?.encodings ?? ['identity' as const]) {
      const decoder = decoderFor(encoding)
      const bytes = Buffer.concat([decoder.push(view.read(from, Math.min(TEXT_BYTES, to - from))), decoder.end()])
      const text = decodeText(bytes, leaf.head?.charset)
      this.read(text, leaf.head?.types.includes('text/html') ?? false)
    }
  }

  #url(raw: string): void {
    const url = raw.replace(/[.,;:!?)\]]{1,8}$/, '')
    if (this.#urls.size >= MAX_URLS || this.#urls.has(url)) return
    this.#urls.add(url)
    this.#run.url(url)
  }
}

function isText({ kind, head }: Leaf): boolean {
  if (head === undefined) return kind === 'preamble' || kind === 'epilogue'
  return kind === 'part' && (head.types.length === 0 || head.types.some((type) => type.startsWith('text/')))
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** Enough for a password in a sentence: tags away, the usual entities decoded. In one pass, whatever stands there. */
export function visibleText(html: string): string {
  const pieces: string[] = []
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at)
    pieces.push(html.slice(at, open < 0 ? undefined : open))
    const close = open < 0 ? -1 : html.indexOf('>', open)
    if (close < 0) break
    // An inline tag may stand inside a word; the others part words.
    if (!/^<\/?(?:b|i|u|em|font|span|strong)\b/i.test(html.slice(open, open + 10))) pieces.push(' ')
    at = close + 1
  }
  const text = pieces.join('').replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi, entity)
  return text.replace(/[ \t]{2,200}/g, ' ')
}

function entity(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole
}
