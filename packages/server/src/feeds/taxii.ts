import type { FeedConfig, FeedCursor } from '../domain/feed.ts'
import type { Collector } from './collector.ts'
import { FeedFault } from './feed-fault.ts'
import { arrayOf, isRecord, jsonOf, type SourceAnswer, type SourceClient, stringOf } from './source-client.ts'
import { readStixObjects } from './stix-bundle.ts'

/** TAXII 2.1, 1.6.8.1. */
const MEDIA_TYPE = 'application/taxii+json;version=2.1'
const PAGE_OBJECTS = 1000
const MAX_PAGES = 20_000
/** Pages in a row that say `more` and bring nothing. */
const MAX_EMPTY_PAGES = 3
const MAX_NEXT = 4096

export interface TaxiiReading {
  readonly config: FeedConfig
  /** Absent: everything is read. */
  readonly since: string | undefined
  readonly client: SourceClient
  readonly collector: Collector
  /** Told of each indicator that came, revoked ones too: what it brought before goes. */
  changed(ref: string): void
}

/** Every object of one collection, or those added since; gives where to go on. Rejects with FeedFault. */
export async function readTaxii(reading: TaxiiReading): Promise<FeedCursor> {
  const { since, client } = reading
  const objects = await findCollection(reading)
  let cursor = since
  let next = ''
  let empty = 0
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = bodyOf(await client({ url: pageUrl(objects, { since, next }), accept: MEDIA_TYPE }))
    const envelope = taxiiOf(answer)
    cursor = later(cursor, answer.header('x-taxii-date-added-last'))
    const found = arrayOf(envelope.objects)
    for (const ref of readStixObjects(found, reading.config, reading.collector)) reading.changed(ref)
    if (envelope.more !== true) return { since: cursor }
    empty = found.length === 0 ? empty + 1 : 0
    const following = stringOf(envelope.next)
    if (following === '' || following.length > MAX_NEXT)
      throw new FeedFault('damaged', 'a page says that there is more, and not where')
    if (following === next || empty > MAX_EMPTY_PAGES) throw new FeedFault('damaged', 'the pages do not come to an end')
    next = following
  }
  throw new FeedFault('too-large', `the collection has more than ${MAX_PAGES} pages`)
}

/** The collection's `objects/`. The URL may name a collection, an API root or the discovery page (TAXII 2.1, 4 and 5). */
async function findCollection({ config, client }: TaxiiReading): Promise<URL> {
  const url = withSlash(new URL(config.url))
  const direct = /^(.*\/collections\/[^/]+\/)(?:objects\/)?$/.exec(url.pathname)?.[1]
  if (direct !== undefined) return new URL('objects/', withPath(url, direct))
  const root = await findApiRoot(url, client)
  const { collections } = taxiiOf(bodyOf(await client({ url: new URL('collections/', root).href, accept: MEDIA_TYPE })))
  const id = chooseCollection(arrayOf(collections).filter(isRecord), config.collection)
  return new URL(`collections/${encodeURIComponent(id)}/objects/`, root)
}

async function findApiRoot(url: URL, client: SourceClient): Promise<URL> {
  const page = taxiiOf(bodyOf(await client({ url: url.href, accept: MEDIA_TYPE })))
  if (Array.isArray(page.versions)) return url
  const roots = arrayOf(page.api_roots).filter((root) => typeof root === 'string')
  const first = stringOf(page.default) || roots[0]
  if (first === undefined)
    throw new FeedFault('wrong-type', 'the URL is neither a TAXII discovery page nor an API root')
  const root = URL.parse(first, url.href)
  if (root === null) throw new FeedFault('damaged', 'the discovery page names no usable API root')
  return withSlash(root)
}

function chooseCollection(collections: readonly Readonly<Record<string, unknown>>[], wanted: string): string {
  const readable = collections.filter(({ id, can_read }) => stringOf(id) !== '' && can_read !== false)
  const titles = readable.slice(0, 20).map(({ id, title }) => `${stringOf(id)} (${stringOf(title)})`)
  const matches = readable.filter(
    ({ id, alias, title }) => wanted === '' || [id, alias, title].some((name) => stringOf(name) === wanted),
  )
  const [chosen] = matches
  if (chosen !== undefined && matches.length === 1) return stringOf(chosen.id)
  const why = matches.length === 0 ? 'no readable collection of that name' : 'several collections: name one'
  throw new FeedFault('not-found', `${why}; there are ${titles.join(', ') || 'none'}`.slice(0, 1000))
}

function pageUrl(objects: URL, { since, next }: { since: string | undefined; next: string }): string {
  const url = new URL(objects)
  url.searchParams.set('limit', String(PAGE_OBJECTS))
  url.searchParams.set('match[type]', 'indicator')
  if (since !== undefined) url.searchParams.set('added_after', since)
  if (next !== '') url.searchParams.set('next', next)
  return url.href
}

function bodyOf(answer: SourceAnswer): Exclude<SourceAnswer, { kind: 'unchanged' }> {
  if (answer.kind === 'unchanged') throw new FeedFault('status', 'the source answers 304 to what was no such question')
  return answer
}

/** By its media type, so that a bundle or an error page is not taken for an empty collection. */
function taxiiOf(answer: Exclude<SourceAnswer, { kind: 'unchanged' }>): Readonly<Record<string, unknown>> {
  const type = answer.header('content-type').toLowerCase()
  if (!/^application\/(?:taxii\+json|vnd\.oasis\.taxii\+json|json)\b/.test(type))
    throw new FeedFault(
      'wrong-type',
      `the source answers with ${JSON.stringify(type.slice(0, 80))}, not with TAXII 2.1`,
    )
  return jsonOf(answer.bytes)
}

/** TAXII 2.1, 3.4: a timestamp in UTC. */
function later(known: string | undefined, given: string): string | undefined {
  if (given.length > 40 || !(Date.parse(given) > 0)) return known
  return known === undefined || Date.parse(given) > Date.parse(known) ? given : known
}

function withSlash(url: URL): URL {
  return url.pathname.endsWith('/') ? url : withPath(url, `${url.pathname}/`)
}

function withPath(url: URL, path: string): URL {
  const made = new URL(url)
  made.pathname = path
  return made
}
