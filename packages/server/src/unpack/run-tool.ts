import type { Content } from '../domain/sample.ts'

/** One run of a native tool behind bubblewrap. */
export interface ToolJob {
  /** The program's absolute path outside; it is bound read-only with what it needs. */
  readonly program: string
  /** Never a password: `stdin` carries that. The sample stands at `INPUT_PATH`. */
  readonly args: readonly string[]
  readonly input: Content
  readonly stdin?: string
  /** Most bytes that the tool may leave in its own tmpfs at `OUTPUT_PATH`; 0 = none. */
  readonly outputBytes: number
  /** Taken as it comes; back-pressure by its promise. */
  onStdout(chunk: Buffer): void | Promise<void>
  readonly maxStdoutBytes: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface ToolEnd {
  /** The exit code, or why there is none. */
  readonly end: { readonly code: number } | { readonly stopped: 'timeout' | 'output-limit' | 'killed' | 'not-started' }
  /** At most 4 KiB. */
  readonly stderr: string
}

/** Never rejects on what the tool does; rejects with Unscanned('engine-down') where it could not be started. */
export type RunTool = (job: ToolJob) => Promise<ToolEnd>
