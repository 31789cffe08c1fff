import type { Content } from '../../domain/sample.ts'
import type { ContentsResult, WalkSample } from './walk.ts'

/** One walk for a thread. A file's descriptor is this process's: threads share them. */
export interface WalkJob {
  readonly type: 'walk'
  readonly id: number
  readonly sample: WalkSample & { readonly content: Content }
  readonly timeoutMs: number
}

export type ToContentsThread = WalkJob | { readonly type: 'cancel'; readonly id: number }

export type FromContentsThread =
  /** `detail`: what it cannot open, and why; '' where there is nothing. */
  | { readonly type: 'ready'; readonly detail: string }
  | { readonly type: 'done'; readonly id: number; readonly result: ContentsResult }
