import { Worker } from 'node:worker_threads'
import type { FeedObject } from '../domain/feed.ts'
import { FeedFault } from '../feeds/feed-fault.ts'
import type { FeedReading } from '../feeds/read-feed.ts'
import type { FeedJob, FromFeedThread } from './feed-thread.ts'

export interface FeedRun {
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** The next batch waits until it settles. */
  take(objects: readonly FeedObject[]): Promise<void>
}

/** Of JavaScript's heap; the answer's own bytes are bounded by `maxBytes`. */
const MAX_HEAP_MB = 2048

/** Reads a source once on a thread of its own, which is ended when that takes too long. Rejects with FeedFault. */
export async function runFeed(job: FeedJob, { signal, timeoutMs, take }: FeedRun): Promise<FeedReading> {
  const thread = new Worker(new URL('./feed-thread.ts', import.meta.url), {
    workerData: job,
    name: 'feed',
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  const { promise, resolve, reject } = Promise.withResolvers<FeedReading>()
  const giveUp = (fault: FeedFault) => () => reject(fault)
  const onAbort = giveUp(new FeedFault('timeout', 'the server stops'))
  const timer = setTimeout(giveUp(new FeedFault('timeout', `not read in ${timeoutMs / 1000} s`)), timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  let taken: Promise<void> = Promise.resolve()
  let isDone = false
  thread.on('message', (message: FromFeedThread) => {
    if (message.type === 'objects') {
      taken = taken.then(() => take(message.objects))
      taken.catch(reject)
    } else if (message.type === 'done') {
      isDone = true
      taken.then(() => resolve(message.reading), reject)
    } else reject(new FeedFault(message.code, message.text, { retryAfterMs: message.retryAfterMs }))
  })
  thread.on('error', (error) =>
    reject(new FeedFault('too-large', 'reading it took more memory than it may', { cause: error })),
  )
  // It may end while its last batch is still being taken.
  thread.on('exit', () => isDone || reject(new FeedFault('damaged', 'reading it ended early')))
  return promise.finally(async () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    await thread.terminate()
  })
}
