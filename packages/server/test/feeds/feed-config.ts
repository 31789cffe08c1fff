import type { FeedConfig } from '../../src/domain/feed.ts'
import { OBJECT_TYPES } from '../../src/domain/suspicious-object.ts'

/** A source with nothing special about it. */
export function feedConfig(changes: Partial<FeedConfig> = {}): FeedConfig {
  return {
    name: 'source',
    kind: 'text',
    url: 'https://feed.example/list',
    collection: '',
    tags: [],
    column: '1',
    delimiter: ',',
    auth: 'none',
    user: '',
    header: '',
    scheduleMinutes: 60,
    expiryDays: 0,
    risk: 'high',
    types: OBJECT_TYPES,
    minConfidence: 0,
    maxEntries: 1_000_000,
    maxBytes: 1_000_000,
    ca: '',
    ...changes,
  }
}
