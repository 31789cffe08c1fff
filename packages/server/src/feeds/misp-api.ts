import type { FeedConfig, FeedCursor } from '../domain/feed.ts'
import type { Collector } from './collector.ts'
import { FeedFault } from './feed-fault.ts'
import { MISP_TYPES, secondsOf, takeMispAttribute } from './misp-attributes.ts'
import { isRecord, jsonOf, type SourceClient, stringOf } from './source-client.ts'

const PAGE_ATTRIBUTES = 5000
const MAX_PAGES = 2000
/** Changes that were saved while the last page was on its way. */
const OVERLAP_S = 300

export interface MispReading {
  readonly config: FeedConfig
  /** Unix seconds; absent: everything is read. */
  readonly since: string | undefined
  readonly client: SourceClient
  readonly collector: Collector
  /** Told of each attribute that came: what it brought before goes. */
  changed(ref: string): void
}

/**
 * The attributes of a MISP server by `/attributes/restSearch` (MISP OpenAPI, "Attributes"), page by page: those of published
 * events, less what its warning lists name. Once it is known, only what changed since, deleted ones included.
 */
export async function readMispApi({ config, since, client, collector, changed }: MispReading): Promise<FeedCursor> {
  const url = new URL('attributes/restSearch', config.url.endsWith('/') ? config.url : `${config.url}/`).href
  let newest = secondsOf(since)
  for (let page = 1; page <= MAX_PAGES; page++) {
    const answer = await client({ url, accept: 'application/json', json: question({ config, since, page }) })
    if (answer.kind === 'unchanged') throw new FeedFault('status', 'the source answers 304 to a POST')
    const attributes = attributesOf(jsonOf(answer.bytes))
    for (const [index, attribute] of attributes.entries()) {
      const where = `page ${page}, attribute ${index + 1}`
      const ref = isRecord(attribute) ? stringOf(attribute.uuid) : ''
      if (ref !== '') changed(ref)
      takeMispAttribute(attribute, { ref, note: noteOf(attribute), where }, collector)
      newest = Math.max(newest, isRecord(attribute) ? secondsOf(attribute.timestamp) : 0)
    }
    if (attributes.length < PAGE_ATTRIBUTES) return { since: String(newest) }
  }
  throw new FeedFault('too-large', `the server has more than ${MAX_PAGES} pages of attributes`)
}

function question({ config, since, page }: { config: FeedConfig; since: string | undefined; page: number }): unknown {
  const seconds = secondsOf(since)
  return {
    returnFormat: 'json',
    type: MISP_TYPES,
    published: true,
    enforceWarninglist: true,
    limit: PAGE_ATTRIBUTES,
    page,
    ...(config.tags.length > 0 ? { tags: config.tags } : {}),
    // An attribute that is no longer meant for detection, or is deleted, must be seen to be taken out.
    ...(seconds > 0 ? { timestamp: String(Math.max(0, seconds - OVERLAP_S)), deleted: [0, 1] } : { to_ids: true }),
  }
}

function attributesOf(answer: Readonly<Record<string, unknown>>): readonly unknown[] {
  const response = isRecord(answer.response) ? answer.response : answer
  if (Array.isArray(response.Attribute)) return response.Attribute
  // An answer without any is an empty array in some versions.
  if (Array.isArray(answer.response) && answer.response.length === 0) return []
  throw new FeedFault('wrong-type', 'the answer is JSON, but none of MISP')
}

function noteOf(attribute: unknown): string {
  const event = isRecord(attribute) && isRecord(attribute.Event) ? attribute.Event : {}
  return stringOf(event.info)
}

/** Has one of the wanted tags, or none is wanted. */
export function hasTag(tags: unknown, wanted: readonly string[]): boolean {
  if (wanted.length === 0) return true
  const names = Array.isArray(tags) ? tags.map((tag) => (isRecord(tag) ? stringOf(tag.name) : '')) : []
  return names.some((name) => wanted.includes(name))
}
