import type { Transaction } from '@assay/icap'
import type { Action } from '../domain/action.ts'
import { reasonText, threatNames } from './description.ts'
import { threatList } from './icap-headers.ts'
import type { Message } from './message.ts'
import { recordedUrl } from './message-url.ts'
import type { NotificationPages, PageEvent } from './notification-page.ts'
import type { ReplyContext } from './reply.ts'

export interface BlockedMessage {
  readonly message: Message
  readonly transaction: Pick<Transaction, 'method' | 'hasBody' | 'startedMs'>
  readonly id: string
  readonly pages: NotificationPages
}

/** The filled-in page of a block; undefined where nothing is blocked or the event's page is switched off. */
export function blockPage(action: Action, { message, transaction, id, pages }: BlockedMessage): ReplyContext['page'] {
  if (action.type !== 'block' && action.type !== 'block-unscanned') return undefined
  const event = pageEvent(action, transaction)
  const page = pages[event]
  if (page === undefined) return undefined
  const { context, saved, claimedClientIp } = message
  const body = page.render({
    url: recordedUrl(context.url),
    threat: threatList(threatNames(action)).replaceAll(',', ', '),
    client: claimedClientIp || context.client,
    user: saved.authenticatedUser ?? saved.clientUsername ?? '',
    timeMs: transaction.startedMs,
    event,
    transaction: id,
    reason: reasonText(action),
  })
  return { headerLines: page.headerLines, body }
}

/** The seed's three events: an address, also where a file stands behind it; what is sent; what is fetched. */
function pageEvent(action: Action, { method, hasBody }: BlockedMessage['transaction']): PageEvent {
  const byUrl = action.type === 'block' && action.causes.every((cause) => cause.about === 'url')
  if (byUrl || (method === 'REQMOD' && !hasBody)) return 'urlAccess'
  return method === 'REQMOD' ? 'fileUpload' : 'fileDownload'
}
