import { DEFAULT_PAGES } from './default-pages.ts'

export type PageEvent = 'urlAccess' | 'fileUpload' | 'fileDownload'

/** A page's setting: `content` null is the built-in page; `enabled` false sends none. */
export interface PageSource {
  readonly enabled: boolean
  readonly content: string | null
}

/** What the tokens of a page stand for: hostile text, escaped where it is put in. */
export interface PageFacts {
  readonly url: string
  readonly threat: string
  readonly client: string
  readonly user: string
  readonly timeMs: number
  readonly event: PageEvent
  readonly transaction: string
  readonly reason: string
}

export interface Page {
  /** The `Content-Type` and the headers that go with it. */
  readonly headerLines: string
  render(facts: PageFacts): Buffer
}

export type NotificationPages = { readonly [E in PageEvent]: Page | undefined }

/** Called when the settings change: the transaction only fills in. */
export function compilePages(sources: { readonly [E in PageEvent]: PageSource }): NotificationPages {
  return {
    urlAccess: compiled(sources.urlAccess, DEFAULT_PAGES.urlAccess),
    fileUpload: compiled(sources.fileUpload, DEFAULT_PAGES.fileUpload),
    fileDownload: compiled(sources.fileDownload, DEFAULT_PAGES.fileDownload),
  }
}

function compiled(source: PageSource, builtIn: string): Page | undefined {
  return source.enabled ? compilePage(source.content ?? builtIn) : undefined
}

const EVENT_TEXTS: { readonly [E in PageEvent]: string } = {
  urlAccess: 'URL access',
  fileUpload: 'File upload',
  fileDownload: 'File download',
}

const TOKENS: Readonly<Record<string, (facts: PageFacts) => string>> = {
  '%URL%': (facts) => facts.url,
  '%THREAT%': (facts) => facts.threat,
  '%CLIENT%': (facts) => facts.client,
  '%USER%': (facts) => facts.user,
  '%TIME%': (facts) => new Date(facts.timeMs).toISOString(),
  '%EVENT%': (facts) => EVENT_TEXTS[facts.event],
  '%TRANSACTION%': (facts) => facts.transaction,
  '%REASON%': (facts) => facts.reason,
}

/** A value in a page is no longer than this: a page must not grow with a hostile URL. */
const MAX_VALUE_CHARS = 2048
/** However often a page names its tokens, this much is filled in. */
const MAX_TOKENS = 200

/** Cuts a page at its tokens once, so that a block costs a few joins. Any other `%WORD%` stays as it is. */
export function compilePage(source: string): Page {
  const html = isHtml(source)
  const clean = html ? escapeHtml : stripControls
  const parts = source.split(/(%[A-Z]+%)/, 2 * MAX_TOKENS + 1)
  const rest = source.slice(parts.reduce((length, part) => length + part.length, 0))
  return {
    headerLines: headerLines(html),
    render: (facts) => Buffer.from(parts.map((part) => filled(part, facts, clean)).join('') + rest),
  }
}

function filled(part: string, facts: PageFacts, clean: (text: string) => string): string {
  const token = part.charCodeAt(0) === 0x25 && Object.hasOwn(TOKENS, part) ? TOKENS[part] : undefined
  return token === undefined ? part : clean(token(facts).slice(0, MAX_VALUE_CHARS))
}

/** HTML where it begins as HTML does (after blanks, a byte order mark or a comment); anything else is shown as text. */
export function isHtml(source: string): boolean {
  return (
    /^[\s\ufeff]*<(?:!doctype\s+html|html|head|body|!--|meta|title|style|div|h[1-6]|p|center|table)\b/i.test(source) ||
    /^[\s\ufeff]*<!--/.test(source)
  )
}

/** The page shows text of an attacker's choice: no script, no loading, no sniffing, no caching (row R10). */
function headerLines(html: boolean): string {
  return [
    `Content-Type: text/${html ? 'html' : 'plain'}; charset=utf-8`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
    '',
  ].join('\r\n')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

export function escapeHtml(text: string): string {
  return stripControls(text).replaceAll(/[&<>"'`]/g, (char) => ESCAPES[char] ?? '')
}

function stripControls(text: string): string {
  let out = ''
  for (const char of text.toWellFormed()) {
    const code = char.codePointAt(0) ?? 0
    // C0, DEL, C1 and the bidirectional overrides, which turn a file name's reading order round.
    const hidden =
      code < 0x20 ||
      (code >= 0x7f && code <= 0x9f) ||
      (code >= 0x202a && code <= 0x202e) ||
      (code >= 0x2066 && code <= 0x2069)
    if (!hidden) out += char
  }
  return out
}
