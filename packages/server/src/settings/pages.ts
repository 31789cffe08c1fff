import { isRecord, quote, type Reading, refused, taken } from './reading.ts'

/** The seed: "Ensure that files are smaller than 5 MB". */
export const MAX_PAGE_BYTES = 5 * 1024 * 1024 - 1

/** What is sent as the body of the HTTP 403. `content` null is the built-in page; `enabled` false sends none. */
export interface NotificationPage {
  readonly enabled: boolean
  /** Plain text or HTML with tokens (`PAGE_TOKENS`). */
  readonly content: string | null
}

/** Replaced in a page by what they stand for, HTML-escaped; any other `%WORD%` stays as it is. */
export const PAGE_TOKENS = {
  '%URL%': 'the address that was asked for',
  '%THREAT%': "the threat's name, several joined by a comma",
  '%CLIENT%':
    'the address of the user behind the ICAP client, where it is known (X-Client-IP), else that of the ICAP client',
  '%USER%': 'the user, where the client names one; else empty',
  '%TIME%': 'when it was blocked (RFC 3339, UTC)',
  '%EVENT%': 'URL access, file upload or file download',
  '%TRANSACTION%': "the transaction's id, to be found by `assay transactions`",
  '%REASON%': 'why, in words: a detection, or what could not be scanned',
} as const

/** `{enabled, content}`, or only the text (an enabled page), or true / on, false / off (built-in page, none). */
export function readPage(value: unknown): Reading<NotificationPage> {
  // YAML reads `off` as text: nobody means a page of that one word.
  if (value === true || value === 'on') return taken({ enabled: true, content: null })
  if (value === false || value === 'off') return taken({ enabled: false, content: null })
  if (typeof value === 'string') return readContent(value, true)
  if (!isRecord(value)) return refused(`must be a page's text or {enabled, content}, got ${quote(value)}`)
  const unknown = Object.keys(value).filter((name) => name !== 'enabled' && name !== 'content')
  if (unknown.length > 0) return refused(`has the unknown part ${quote(unknown[0])}; it has enabled and content`)
  const { enabled = true, content = null } = value
  if (typeof enabled !== 'boolean') return refused(`enabled must be true or false, got ${quote(enabled)}`)
  if (content === null) return taken({ enabled, content })
  return typeof content === 'string'
    ? readContent(content, enabled)
    : refused(`content must be text, got ${quote(content)}`)
}

function readContent(content: string, enabled: boolean): Reading<NotificationPage> {
  if (content.trim() === '') return refused('is empty: use false for no page, null for the built-in one')
  const bytes = Buffer.byteLength(content)
  if (bytes > MAX_PAGE_BYTES) return refused(`has ${bytes} bytes; a page must be smaller than 5 MB`)
  if (content.includes('\0') || !content.isWellFormed()) return refused('is not text: it has a NUL or broken Unicode')
  // Only the command line and the settings file read files; anywhere else an unread name would become the page.
  if (/^@\S+$/.test(content.trim())) return refused(`names the file ${quote(content.trim())}, which nobody has read`)
  return taken({ enabled, content })
}
