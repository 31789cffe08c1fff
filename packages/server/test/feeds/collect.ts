import type { FeedConfig, FeedObject, FeedTally } from '../../src/domain/feed.ts'
import { type Collector, createCollector } from '../../src/feeds/collector.ts'
import { feedConfig } from './feed-config.ts'

export const NOW = Date.parse('2026-11-25T00:00:00Z')

export interface Collected {
  readonly objects: readonly FeedObject[]
  /** `type value`, in order. */
  readonly values: readonly string[]
  readonly tally: FeedTally
}

/** What a parser finds, by the real collector. */
export function collect(read: (collector: Collector) => void, changes: Partial<FeedConfig> = {}): Collected {
  const objects: FeedObject[] = []
  const collector = createCollector({
    config: feedConfig(changes),
    nowMs: NOW,
    emit: (object) => void objects.push(object),
  })
  read(collector)
  return { objects, values: objects.map(({ type, value }) => `${type} ${value}`), tally: collector.tally() }
}
