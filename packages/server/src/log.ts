import pino from 'pino'

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

type Severity = 'info' | 'warn' | 'error'

export interface Log {
  (level: Severity, text: string, fields?: object): void
  setLevel(level: LogLevel): void
}

/** JSON lines on stderr (stdout belongs to `ready` and to commands). No URL, user or body is ever given to it. */
export function createLog(level: LogLevel): Log {
  // Synchronous: the last lines before a crash are the ones that matter.
  const logger = pino({ level, base: { app: 'assay' } }, pino.destination({ fd: 2, sync: true }))
  const log = (severity: Severity, text: string, fields: object = {}) => logger[severity](fields, text)
  return Object.assign(log, {
    setLevel(next: LogLevel) {
      logger.level = next
    },
  })
}
