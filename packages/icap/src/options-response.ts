import { reasonPhrase } from './errors.ts'
import { headerLines } from './reply-heads.ts'
import type { OptionsAnswer } from './service.ts'

/**
 * The whole answer to OPTIONS (RFC 3507 4.10.2). `commonLines` = ISTag, Server and Date.
 * Never sent: Opt-body-type, and `trailers` in Allow (g3proxy reads each Allow item as a number and drops the service otherwise).
 */
export function optionsResponse(answer: OptionsAnswer, commonLines: string, keepAlive: boolean): string {
  return (
    `ICAP/1.0 ${answer.status} ${reasonPhrase(answer.status)}\r\n` +
    commonLines +
    headerLines(optionsHeaders(answer)) +
    `Connection: ${keepAlive ? 'keep-alive' : 'close'}\r\nEncapsulated: null-body=0\r\n\r\n`
  )
}

function optionsHeaders(answer: OptionsAnswer): Record<string, string> {
  return {
    Methods: answer.methods.join(', '),
    Service: answer.serviceText,
    'Service-ID': answer.serviceId,
    'Max-Connections': String(Math.max(1, Math.floor(answer.maxConnections))),
    'Options-TTL': String(Math.max(0, Math.floor(answer.optionsTtlS))),
    Allow: answer.allow206 ? '204, 206' : '204',
    ...previewHeaders(answer.preview),
    ...(answer.xInclude === undefined || answer.xInclude.length === 0
      ? {}
      : { 'X-Include': answer.xInclude.join(', ') }),
  }
}

/** Exactly one Transfer- list holds `*`; without it Squid sends no preview at all (its default list is Transfer-Complete). */
function previewHeaders(preview: number | undefined): Record<string, string> {
  return preview === undefined ? {} : { Preview: String(preview), 'Transfer-Preview': '*' }
}
