import type { FeedConfig, FeedCursor, FeedObject, FeedTally } from '../domain/feed.ts'
import { type Collector, createCollector } from './collector.ts'
import { readCsvList } from './csv-list.ts'
import { readMispApi } from './misp-api.ts'
import { readMispFeed } from './misp-feed.ts'
import { checkMostlyGood, readHostsFile, readTextList } from './plain-lists.ts'
import { createSourceClient, type Fetch, type SourceClient } from './source-client.ts'
import { readStixBundle } from './stix-bundle.ts'
import { isXml, readStix1 } from './stix1.ts'
import { readTaxii } from './taxii.ts'

export interface ReadFeedOptions {
  readonly config: FeedConfig
  readonly secret: string
  /** Of the last reading; empty: everything is read. */
  readonly cursor: FeedCursor
  /** The administrator said that the source may have become small or bad. */
  readonly confirmed: boolean
  readonly fetch: Fetch
  readonly signal: AbortSignal
  readonly nowMs: number
  emit(object: FeedObject): void
}

export type FeedReading =
  /** The source has nothing new: what it gave before stands. */
  | { readonly outcome: 'unchanged' }
  /** What was emitted is all that the source has. */
  | { readonly outcome: 'whole'; readonly cursor: FeedCursor; readonly tally: FeedTally }
  /** What was emitted takes the place of what came of these refs. */
  | {
      readonly outcome: 'changes'
      readonly refs: readonly string[]
      readonly cursor: FeedCursor
      readonly tally: FeedTally
    }

/** Reads a source once. Rejects with FeedFault; what was emitted before is then worth nothing. */
export async function readFeed(options: ReadFeedOptions): Promise<FeedReading> {
  const { config, secret, fetch, signal, nowMs, emit } = options
  const collector = createCollector({ config, nowMs, emit })
  const client = createSourceClient({ config, secret, fetch, signal })
  switch (config.kind) {
    case 'taxii':
    case 'misp':
    case 'misp-feed':
      return readIncrementally(options, { client, collector })
    case 'text':
    case 'csv':
    case 'hosts':
    case 'stix':
      return readFile(options, { client, collector })
  }
}

interface Parts {
  readonly client: SourceClient
  readonly collector: Collector
}

async function readIncrementally(
  { config, cursor, confirmed }: ReadFeedOptions,
  { client, collector }: Parts,
): Promise<FeedReading> {
  const refs = new Set<string>()
  const { since } = cursor
  const reading = { config, since, client, collector, confirmed, changed: (ref: string) => void refs.add(ref) }
  const read = { taxii: readTaxii, misp: readMispApi, 'misp-feed': readMispFeed }[config.kind as 'taxii']
  const next = await read(reading)
  const done = { cursor: next, tally: collector.tally() }
  if (since !== undefined) return { outcome: 'changes', refs: [...refs], ...done }
  // Of a few changes all may be bad; of everything not.
  if (!confirmed) checkMostlyGood(done.tally)
  return { outcome: 'whole', ...done }
}

const ACCEPTED = {
  text: 'text/plain, */*;q=0.5',
  hosts: 'text/plain, */*;q=0.5',
  csv: 'text/csv, text/plain, */*;q=0.5',
  stix: 'application/stix+json;version=2.1, application/json;q=0.9, application/xml;q=0.8, */*;q=0.5',
} as const

async function readFile(
  { config, cursor, confirmed }: ReadFeedOptions,
  { client, collector }: Parts,
): Promise<FeedReading> {
  const accept = ACCEPTED[config.kind as keyof typeof ACCEPTED]
  const answer = await client({ url: config.url, accept, unless: cursor })
  if (answer.kind === 'unchanged') return { outcome: 'unchanged' }
  readBytes(answer.bytes, config, collector)
  if (!confirmed) checkMostlyGood(collector.tally())
  return { outcome: 'whole', cursor: answer.validators, tally: collector.tally() }
}

function readBytes(bytes: Buffer, config: FeedConfig, collector: Collector): void {
  if (config.kind === 'text') readTextList(bytes, config, collector)
  else if (config.kind === 'csv') readCsvList(bytes, config, collector)
  else if (config.kind === 'hosts') readHostsFile(bytes, collector)
  else if (isXml(bytes)) readStix1(bytes, collector)
  else readStixBundle(bytes, config, collector)
}
