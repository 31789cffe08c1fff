import { parentPort, workerData } from 'node:worker_threads'
import type { FeedConfig, FeedCursor, FeedObject } from '../domain/feed.ts'
import { createEgress } from '../egress.ts'
import { FeedFault, type FeedFaultCode } from '../feeds/feed-fault.ts'
import { type FeedReading, readFeed } from '../feeds/read-feed.ts'

/** What one reading is started with. */
export interface FeedJob {
  readonly config: FeedConfig
  /** In the clear: it goes to this thread only. */
  readonly secret: string
  readonly cursor: FeedCursor
  readonly confirmed: boolean
}

export type FromFeedThread =
  | { readonly type: 'objects'; readonly objects: readonly FeedObject[] }
  | { readonly type: 'done'; readonly reading: FeedReading }
  | {
      readonly type: 'fault'
      readonly code: FeedFaultCode
      readonly text: string
      readonly retryAfterMs: number
    }

const BATCH = 5000

/** Entry point of the thread that reads one source: what the source sends is parsed where it can take nobody with it. */
async function run(job: FeedJob): Promise<void> {
  const { config } = job
  // The one host that the administrator typed may be inside; where it sends us may not.
  const fetch = createEgress({ namedHosts: [new URL(config.url).hostname], ...(config.ca !== '' && { ca: config.ca }) })
  let batch: FeedObject[] = []
  const send = () => {
    if (batch.length > 0) say({ type: 'objects', objects: batch })
    batch = []
  }
  const emit = (object: FeedObject) => {
    batch.push(object)
    if (batch.length === BATCH) send()
  }
  const signal = new AbortController().signal
  const reading = await readFeed({ ...job, fetch, signal, nowMs: Date.now(), emit })
  send()
  say({ type: 'done', reading })
}

function say(message: FromFeedThread): void {
  parentPort?.postMessage(message)
}

try {
  await run(workerData as FeedJob)
} catch (error) {
  const fault = error instanceof FeedFault ? error : new FeedFault('damaged', 'it could not be read', { cause: error })
  say({ type: 'fault', code: fault.code, text: fault.message, retryAfterMs: fault.retryAfterMs })
}
