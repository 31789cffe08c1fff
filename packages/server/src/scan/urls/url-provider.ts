import { RISK_LEVELS, type RiskLevel } from '../../domain/risk.ts'
import type { Detection, ScanResult } from '../../domain/verdict.ts'
import { Recent } from './recent.ts'
import { URL_RATING } from './signal-rating.ts'

export interface ProviderRating {
  /** `none`: known and harmless, or unknown. */
  readonly risk: RiskLevel
  /** The threat's name, as it shall stand in X-Virus-ID after `SuspiciousURL.`; absent: `Rated`. */
  readonly name?: string
  /** One line for people: category, since when. */
  readonly detail?: string
}

/** A service that knows URLs: a reputation feed's server, a list of one's own. Its requests go through `egress.ts`. */
export interface UrlRatingProvider {
  readonly name: string
  /** Changes whenever the same URL could get a new rating at once. */
  readonly version: string
  /** Rejects where it cannot say. The signal is aborted when the time is over: nobody waits any longer. */
  rate(url: string, signal: AbortSignal): Promise<ProviderRating>
}

export interface ProviderOptions {
  /** Failures are unscanned('engine-down'); otherwise they are passed over. */
  readonly required?: boolean
  /** For one question; 2 s. */
  readonly timeoutMs?: number
  /** Questions under way; 16. More wait, within their time. */
  readonly concurrency?: number
  /** Ratings kept; 20,000. */
  readonly cacheEntries?: number
  /** How long a rating is kept; 1 h. */
  readonly ttlMs?: number
  /** How long it is kept that nothing was known; 5 min. */
  readonly noneTtlMs?: number
  /** How long a failure is kept, so that a service that is down is not asked for every message; 5 s. */
  readonly failureTtlMs?: number
  /** Unix ms. */
  now?(): number
}

export interface ProviderRater {
  readonly name: string
  readonly version: string
  /** A value where it is known already. Never throws, never rejects. */
  rate(url: string, signal?: AbortSignal): ScanResult | Promise<ScanResult>
}

type Known = { readonly rating: ProviderRating } | { readonly fault: string }

const CLEAN: ScanResult = Object.freeze({ outcome: 'clean', engine: URL_RATING })
const MAX_URL_CHARS = 2048
const MAX_WAITING = 1000
const MAX_WORDS = 200

export function createProviderRater(provider: UrlRatingProvider, options: ProviderOptions = {}): ProviderRater {
  return new Rater(provider, options)
}

class Rater implements ProviderRater {
  readonly #provider: UrlRatingProvider
  readonly #options: ProviderOptions
  readonly #known: Recent<Known>
  readonly #asked = new Map<string, Promise<Known>>()
  readonly #places: Places
  #version: string

  constructor(provider: UrlRatingProvider, options: ProviderOptions) {
    this.#provider = provider
    this.#options = options
    this.#version = provider.version
    this.#known = new Recent(options.cacheEntries ?? 20_000)
    this.#places = new Places(options.concurrency ?? 16)
  }

  get name(): string {
    return this.#provider.name
  }

  get version(): string {
    return this.#provider.version
  }

  rate(url: string, signal?: AbortSignal): ScanResult | Promise<ScanResult> {
    if (url === '') return CLEAN
    if (url.length > MAX_URL_CHARS) return this.#result({ fault: 'the URL is too long to be asked for' })
    const known = this.#recall(url)
    if (known !== undefined) return this.#result(known)
    return until(this.#askOnce(url), signal).then((answer) => this.#result(answer))
  }

  #recall(url: string): Known | undefined {
    if (this.#version !== this.#provider.version) {
      this.#version = this.#provider.version
      this.#known.clear()
    }
    return this.#known.get(url, this.#now())
  }

  /** One question for all who want to know the same. */
  #askOnce(url: string): Promise<Known> {
    const before = this.#asked.get(url)
    if (before !== undefined) return before
    const { version } = this.#provider
    const asked = this.#ask(url)
      .catch((error: unknown): Known => ({ fault: error instanceof Error ? error.message : String(error) }))
      .then((known) => {
        if (version === this.#provider.version) this.#known.set(url, known, this.#now() + this.#ttlOf(known))
        return known
      })
      .finally(() => this.#asked.delete(url))
    this.#asked.set(url, asked)
    return asked
  }

  async #ask(url: string): Promise<Known> {
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(), this.#options.timeoutMs ?? 2_000)
    try {
      await this.#places.enter(timeout.signal)
      return await until(this.#askProvider(url, timeout.signal), timeout.signal)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Its place stays taken until it really ends: a service that does not let go gets no more questions at once. */
  async #askProvider(url: string, signal: AbortSignal): Promise<Known> {
    try {
      return { rating: checked(await this.#provider.rate(url, signal)) }
    } finally {
      this.#places.leave()
    }
  }

  #ttlOf(known: Known): number {
    const { ttlMs = 3_600_000, noneTtlMs = 300_000, failureTtlMs = 5_000 } = this.#options
    if ('fault' in known) return failureTtlMs
    return known.rating.risk === 'none' ? noneTtlMs : ttlMs
  }

  #result(known: Known): ScanResult {
    const { name } = this.#provider
    if ('rating' in known) return resultOf(name, known.rating)
    if (this.#options.required !== true) return CLEAN
    return { outcome: 'unscanned', engine: URL_RATING, reason: 'engine-down', detail: `${name}: ${known.fault}` }
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now()
  }
}

function resultOf(provider: string, { risk, name = 'Rated', detail }: ProviderRating): ScanResult {
  if (risk === 'none') return CLEAN
  const evidence = detail === undefined ? provider : `${provider}: ${detail}`
  const detection: Detection = { engine: URL_RATING, name: `SuspiciousURL.${name}`, risk, about: 'url', evidence }
  return { outcome: 'detected', engine: URL_RATING, detections: [detection] }
}

/** What a service says is as hostile as the line that it comes over. Throws an Error where it is no rating. */
function checked(answer: unknown): ProviderRating {
  const { risk, name, detail } = (answer ?? {}) as Partial<Record<keyof ProviderRating, unknown>>
  if (!isRisk(risk)) throw new Error('the answer is no rating')
  const words = typeof name === 'string' ? name.replace(/[^A-Za-z0-9.-]/g, '').slice(0, 60) : ''
  return {
    risk,
    ...(words === '' ? {} : { name: words }),
    ...(typeof detail !== 'string' ? {} : { detail: detail.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_WORDS) }),
  }
}

function isRisk(value: unknown): value is RiskLevel {
  return RISK_LEVELS.some((risk) => risk === value)
}

/** The value, or the fault that the time is over. Leaves no listener behind. */
function until(work: Promise<Known>, signal: AbortSignal | undefined): Promise<Known> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve({ fault: 'no answer in time' })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Lets so many in at once. */
class Places {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(places: number) {
    this.#free = places
  }

  /** Rejects where too many wait, or the signal is aborted first. */
  enter(signal: AbortSignal): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1
      return Promise.resolve()
    }
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(new Error('too many wait for it'))
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1)
        reject(new Error('no answer in time'))
      }
      const go = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(go)
    })
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
