type Severity = 'info' | 'warn' | 'error'
type LogLine = (level: Severity, text: string, fields?: object) => void

export interface LogRate {
  /** Lines of one severity that may come at once, and each second from then on. */
  readonly burst: number
  readonly perSecond: number
  /** Monotonic ms. */
  now?(): number
}

const USUAL: LogRate = { burst: 50, perSecond: 10 }

interface Bucket {
  tokens: number
  atMs: number
  leftOut: number
}

/**
 * A client that makes one fault after another must fill neither the disk nor the supervisor, through which every line goes.
 * What is left out is counted, and told with the next line that is not; each severity has a rate of its own.
 */
export function withinRate(
  log: LogLine,
  { burst, perSecond, now = () => performance.now() }: LogRate = USUAL,
): LogLine {
  const buckets = new Map<Severity, Bucket>()

  function refilled(level: Severity): Bucket {
    const atMs = now()
    const before = buckets.get(level) ?? { tokens: burst, atMs, leftOut: 0 }
    const tokens = Math.min(burst, before.tokens + ((atMs - before.atMs) / 1000) * perSecond)
    const bucket = { tokens, atMs, leftOut: before.leftOut }
    buckets.set(level, bucket)
    return bucket
  }

  return (level, text, fields) => {
    const bucket = refilled(level)
    if (bucket.tokens < 1) {
      bucket.leftOut++
      return
    }
    bucket.tokens--
    if (bucket.leftOut > 0) log('warn', 'log lines left out', { severity: level, count: bucket.leftOut })
    bucket.leftOut = 0
    log(level, text, fields)
  }
}
