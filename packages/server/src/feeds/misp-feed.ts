import type { FeedConfig, FeedCursor } from '../domain/feed.ts'
import type { Collector } from './collector.ts'
import { FeedFault } from './feed-fault.ts'
import { hasTag } from './misp-api.ts'
import { secondsOf, takeMispAttribute } from './misp-attributes.ts'
import { arrayOf, isRecord, jsonOf, type SourceClient, stringOf } from './source-client.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const MAX_EVENTS = 20_000
const MAX_OBJECTS = 100_000

export interface MispFeedReading {
  readonly config: FeedConfig
  /** JSON of event uuid -> timestamp, as it was read; absent: nothing was. */
  readonly since: string | undefined
  readonly client: SourceClient
  readonly collector: Collector
  /** Told of each event that is read again or gone: what it brought before goes. */
  changed(ref: string): void
  /** The administrator said that it may shrink. */
  readonly confirmed: boolean
}

/**
 * A folder in MISP's feed format: `manifest.json` tells the events and when each changed; those that did are read. Its
 * `hashes.csv` has only MD5 sums of the values, from which no list can be made. An event that cannot be read is told of and
 * tried again next time.
 */
export async function readMispFeed(reading: MispFeedReading): Promise<FeedCursor> {
  const base = new URL(reading.config.url.replace(/(?:manifest\.json|\/)?$/, '/').replace(/\/+$/, '/'))
  const manifest = await readManifest(base, reading)
  const known = knownEvents(reading.since)
  const gone = [...known.keys()].filter((uuid) => !manifest.has(uuid))
  if (!reading.confirmed && gone.length > known.size * 0.9)
    throw new FeedFault('shrunk', `the manifest lacks ${gone.length} of ${known.size} events that it had`)
  for (const uuid of gone) reading.changed(uuid)
  const read = new Map<string, number>()
  let failed = 0
  for (const [uuid, timestamp] of manifest) {
    if (known.get(uuid) === timestamp || (await readEvent(base, uuid, reading))) read.set(uuid, timestamp)
    else if (++failed > 10 && failed > read.size) throw new FeedFault('damaged', 'most of its events cannot be read')
  }
  if (failed > 0 && read.size === 0) throw new FeedFault('damaged', 'none of its events can be read')
  return { since: JSON.stringify(Object.fromEntries(read)) }
}

async function readManifest(base: URL, { client, config, collector }: MispFeedReading): Promise<Map<string, number>> {
  const answer = await client({ url: new URL('manifest.json', base).href, accept: 'application/json' })
  if (answer.kind === 'unchanged') throw new FeedFault('status', 'the source answers 304 to what was no such question')
  const events = new Map<string, number>()
  for (const [uuid, event] of Object.entries(jsonOf(answer.bytes))) {
    if (!UUID.test(uuid) || !isRecord(event))
      collector.bad('manifest', `${JSON.stringify(uuid.slice(0, 60))} is no event`)
    else if (hasTag(event.Tag, config.tags)) events.set(uuid, secondsOf(event.timestamp))
    if (events.size > MAX_EVENTS) throw new FeedFault('too-large', `the manifest has more than ${MAX_EVENTS} events`)
  }
  return events
}

function knownEvents(since: string | undefined): Map<string, number> {
  const known: unknown = since === undefined ? {} : JSON.parse(since)
  return new Map(Object.entries(isRecord(known) ? known : {}).map(([uuid, timestamp]) => [uuid, Number(timestamp)]))
}

/** False: it is told of as damaged, and what it brought before stays. */
async function readEvent(base: URL, uuid: string, reading: MispFeedReading): Promise<boolean> {
  const { client, collector, changed } = reading
  try {
    const answer = await client({ url: new URL(`${uuid}.json`, base).href, accept: 'application/json' })
    const { Event: event } = answer.kind === 'body' ? jsonOf(answer.bytes) : {}
    if (!isRecord(event)) throw new FeedFault('wrong-type', 'is JSON, but no MISP event')
    changed(uuid)
    takeEvent(event, uuid, collector)
    return true
  } catch (error) {
    if (!(error instanceof FeedFault) || !['damaged', 'not-found', 'wrong-type', 'status'].includes(error.code))
      throw error
    collector.bad(`event ${uuid}`, error.message)
    return false
  }
}

function takeEvent(event: Readonly<Record<string, unknown>>, uuid: string, collector: Collector): void {
  const place = { ref: uuid, note: stringOf(event.info), where: `event ${uuid}` }
  for (const attribute of arrayOf(event.Attribute)) takeMispAttribute(attribute, place, collector)
  for (const object of arrayOf(event.Object).slice(0, MAX_OBJECTS))
    if (isRecord(object))
      for (const attribute of arrayOf(object.Attribute)) takeMispAttribute(attribute, place, collector)
}
