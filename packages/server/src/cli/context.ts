import { resolve } from 'node:path'
import type { ApiClient } from './api-client.ts'
import type { ExitCode } from './exit.ts'
import type { CliTools, Io } from './tools.ts'

/** What a command gets; it prints by `io` and tells its exit code by `exit`. */
export interface CommandContext {
  readonly io: Io
  readonly tools: CliTools
  /** Absolute; known once the arguments are parsed. */
  dataFolder(): string
  /** The server of that data folder. */
  api(): ApiClient
  exit(code: ExitCode): void
}

/** `data` beside the program's package.json. */
export const DEFAULT_DATA = resolve(import.meta.dirname, '../../../../data')

/** An empty variable counts as unset. */
export function variable(io: Io, name: string): string | undefined {
  return io.env[name] || undefined
}
