import { type ClientConclusion, conclusions } from './icap-conclusions.ts'
import type { ExchangeResult } from './icap-exchange.ts'

/** The status of the HTTP response that came back; undefined for a request or none. */
function httpStatusOf({ reply }: ExchangeResult): number | undefined {
  if (reply.section !== 'res-hdr') return undefined
  const [, status] = /^HTTP\/\d\.\d (\d{3})/.exec(reply.head?.toString('latin1') ?? '') ?? []
  return status === undefined ? undefined : Number(status)
}

const isBlocked = (result: ExchangeResult): boolean => result.reply.status < 300 && httpStatusOf(result) === 403

/** 0 answered and not blocked, 1 blocked, 2 an ICAP error. */
export function exitCodeOf(result: ExchangeResult): 0 | 1 | 2 {
  if (result.reply.status >= 300) return 2
  return isBlocked(result) ? 1 : 0
}

/** The result as one plain object; header names in lower case, each with all its values. */
export function jsonOf(result: ExchangeResult): Record<string, unknown> {
  const { reply } = result
  const names = [...reply.headers.entries()].map(([name]) => name)
  return {
    status: reply.status,
    reason: reply.reason,
    headers: Object.fromEntries(names.map((name) => [name.toLowerCase(), reply.headers.all(name)])),
    blocked: isBlocked(result),
    section: reply.section ?? null,
    httpStatus: httpStatusOf(result) ?? null,
    httpHead: reply.head?.toString('latin1') ?? null,
    bodyBytes: result.bodyBytes,
    sha256: result.sha256 ?? null,
    continued: reply.continued,
    ieof: reply.ieof,
    ms: result.ms,
    ...(result.icapMethod === 'options' ? {} : { conclusions: concluded(result) }),
  }
}

function concluded({ reply }: ExchangeResult): readonly ClientConclusion[] {
  return conclusions({
    status: reply.status,
    header: (name) => reply.headers.get(name),
    httpHead: reply.head?.toString('latin1') ?? '',
    section: reply.section === 'req-hdr' || reply.section === 'res-hdr' ? reply.section : undefined,
    hasBody: reply.hasBody,
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach the terminal
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

/** The result for a reader's eyes: heads as they came, escape sequences of a hostile server made harmless. */
export function textOf(result: ExchangeResult): string {
  const { reply } = result
  const lines = [`ICAP ${reply.status} ${reply.reason} (${result.ms} ms)`]
  for (const [name, value] of reply.headers.entries()) lines.push(`${name}: ${value}`)
  const notes = [reply.continued && 'the rest was asked for with 100 Continue', reply.ieof && 'the preview held it all']
  for (const note of notes) if (note) lines.push(`(${note})`)
  if (reply.head !== undefined) lines.push('', ...reply.head.toString('latin1').trimEnd().split('\r\n'))
  if (reply.hasBody) lines.push('', `(body: ${result.bodyBytes} bytes, SHA-256 ${result.sha256})`)
  if (result.icapMethod !== 'options') {
    lines.push('', 'Known clients would conclude:')
    for (const { client, conclusion, because } of concluded(result))
      lines.push(`  ${client}: ${conclusion} (${because})`)
  }
  if (isBlocked(result)) lines.push('', 'BLOCKED')
  return `${lines.map((line) => line.replace(UNSAFE, '?')).join('\n')}\n`
}
