/** A snapshot file, its path relative to the worker's folder. */
export interface Snapshot {
  readonly revision: string
  readonly path: string
}

/**
 * All that a worker must look like. The supervisor sends the whole of it with a rising `seq`; a worker that has applied
 * it answers `applied` with that number, so one mechanism serves start, change, rollback and replaced workers.
 */
export interface DesiredState<Config = unknown> {
  readonly seq: number
  /** Settings in force. TLS keys are in it: they go over IPC only, never into a file of the worker's. */
  readonly config: Config
  readonly lists: Snapshot | undefined
  readonly rules: Snapshot | undefined
  /** Undefined: no model is installed. */
  readonly models: Snapshot | undefined
}

export interface EngineReport {
  readonly engine: string
  readonly state: 'up' | 'down' | 'off'
  readonly version: string
  readonly detail: string
}

/** What a worker says of itself once a second. */
export interface WorkerReport {
  readonly pid: number
  readonly uid: number
  readonly seq: number
  readonly connections: number
  readonly engines: readonly EngineReport[]
  readonly isTags: Readonly<Record<string, string>>
  readonly listeners: readonly string[]
  readonly listRevision: string
  readonly ruleRevision: string
  readonly journalFull: boolean
  readonly metrics: unknown
}

export type ToWorker<Config = unknown> =
  | { readonly type: 'instance'; readonly instance: string }
  | { readonly type: 'state'; readonly state: DesiredState<Config> }
  | { readonly type: 'ping'; readonly id: number; readonly connectionsInUse: number }
  | { readonly type: 'grant'; readonly count: number }
  | { readonly type: 'recall'; readonly keep: number }
  | { readonly type: 'drain'; readonly timeoutMs: number }

export type FromWorker =
  | { readonly type: 'applied'; readonly seq: number; readonly fault?: string }
  | { readonly type: 'pong'; readonly id: number; readonly report: WorkerReport }
  | { readonly type: 'want' }
  | { readonly type: 'give-back'; readonly count: number; readonly asked: boolean }
  | { readonly type: 'drained' }
  /** It cannot be mended from inside (a scan thread died): start another, then drain this one. */
  | { readonly type: 'replace'; readonly detail: string }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly text: string; readonly fields: object }
