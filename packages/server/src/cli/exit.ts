/** Exit codes, after sysexits.h where it has a word for it. */
export const EXIT = {
  ok: 0,
  /** Refused, or (scan) something was found. */
  refused: 1,
  /** scan: something could not be scanned. */
  unscanned: 2,
  usage: 64,
  noInput: 66,
  /** No server runs on this data folder. */
  unavailable: 69,
  internal: 70,
  timeout: 75,
  noPermission: 77,
  /** Whoever read our output went away: what a shell reports for SIGPIPE. */
  outputClosed: 141,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends a command with one plain sentence (and its faults, a line each). */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode
  readonly faults: readonly string[]

  constructor(exitCode: ExitCode, text: string, options: ErrorOptions & { faults?: readonly string[] } = {}) {
    super(text, options)
    this.exitCode = exitCode
    this.faults = options.faults ?? []
  }
}

export function usageError(text: string): CliError {
  return new CliError(EXIT.usage, text)
}
