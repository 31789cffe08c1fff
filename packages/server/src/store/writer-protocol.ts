import type { StoreErrorCode } from './errors.ts'
import type { FeedImports } from './feeds.ts'
import type { ListSnapshot } from './list-snapshots.ts'
import type { ObjectImports, Store } from './operations.ts'
import type { RetentionLimits, StoreServiceOptions, StoreStatus } from './store-service.ts'

/** What the thread is started with. */
export type WriterThreadData = StoreServiceOptions

/** The calls that cross to the thread, by group. `insertMany` and the like are the thread's own. */
export const CALLS = {
  records: ['get', 'query', 'usage'],
  objects: ['addMany', 'remove', 'removeAll', 'page', 'counts', 'revision'],
  imports: ['begin', 'stage', 'commit', 'drop'],
  settings: ['save', 'latest', 'get', 'list'],
  feeds: ['put', 'list', 'get', 'remove', 'setEnabled', 'claim', 'saveState', 'counts'],
  feedImports: ['begin', 'stage', 'commit', 'drop'],
  rules: ['put', 'setState', 'remove', 'get', 'list', 'all', 'options', 'setOptions', 'removeOptions'],
  recall: ['add', 'page', 'count', 'trim'],
  meta: ['get', 'set', 'increment', 'remove'],
} as const satisfies { readonly [G in keyof Groups]: readonly (keyof Groups[G])[] }

interface Groups extends Store {
  readonly imports: ObjectImports
  readonly feedImports: FeedImports
}

export type CallGroup = keyof typeof CALLS

export type Callable = {
  readonly [G in CallGroup]: Pick<Groups[G], Extract<(typeof CALLS)[G][number], keyof Groups[G]>>
}

export type ToThread =
  | {
      readonly type: 'call'
      readonly id: number
      readonly group: CallGroup
      readonly method: string
      readonly args: unknown[]
    }
  | { readonly type: 'live'; readonly instances: readonly string[] }
  | { readonly type: 'retention'; readonly retention: RetentionLimits }
  | { readonly type: 'flush'; readonly id: number }
  | { readonly type: 'close'; readonly id: number }

export type FromThread =
  | { readonly type: 'started' }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown; readonly status: StoreStatus }
  | { readonly type: 'failed'; readonly id: number; readonly code: StoreErrorCode; readonly text: string }
  | { readonly type: 'status'; readonly status: StoreStatus }
  | { readonly type: 'lists'; readonly snapshot: ListSnapshot }
