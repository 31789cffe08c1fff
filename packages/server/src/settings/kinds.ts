import { readAddresses, readListenAddress } from './addresses.ts'
import { type ClientGroup, readClientGroups } from './client-groups.ts'
import { type LinesSetting, readLines } from './lines.ts'
import { readMediaTypes } from './media-types.ts'
import { type NotificationPage, readPage } from './pages.ts'
import { quote, type Reading, refused, taken } from './reading.ts'

/** The seed page's eleven steps; a setting of none of them is ours. */
export type SeedStep = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11

interface About {
  /** One or two sentences; what the value means, and its unit. */
  readonly help: string
  readonly step?: SeedStep
  /** Used only from the next start on; everything else is applied live. */
  readonly restart?: true
  /** The command-line flag without dashes: `icap-port`, and so `ASSAY_ICAP_PORT`. */
  readonly flag?: string
}

/** A whole value of each kind, and what bounds it. `fallback` is canonical: what a reader would return for it. */
export type Setting = About &
  (
    | { readonly kind: 'boolean'; readonly fallback: boolean }
    | { readonly kind: 'integer'; readonly min: number; readonly max: number; readonly fallback: number }
    /** A number with decimals. */
    | { readonly kind: 'fraction'; readonly min: number; readonly max: number; readonly fallback: number }
    | ({ readonly kind: 'lines'; readonly fallback: readonly string[] } & LinesSetting)
    | { readonly kind: 'choice'; readonly of: readonly string[]; readonly fallback: string }
    /** Public PEM text. */
    | { readonly kind: 'pem'; readonly maxBytes: number; readonly fallback: '' }
    /** Sealed in the store, masked everywhere else. `line` is one line of text, `pem` a key. */
    | { readonly kind: 'secret'; readonly form: 'line' | 'pem'; readonly maxBytes: number; readonly fallback: '' }
    | { readonly kind: 'page'; readonly fallback: NotificationPage }
    | { readonly kind: 'addresses'; readonly fallback: readonly string[] }
    | { readonly kind: 'listen'; readonly fallback: string }
    | { readonly kind: 'media-types'; readonly fallback: readonly string[] }
    | { readonly kind: 'client-groups'; readonly fallback: readonly ClientGroup[] }
  )

interface ValueOfKind {
  readonly boolean: boolean
  readonly integer: number
  readonly fraction: number
  readonly lines: readonly string[]
  readonly pem: string
  readonly secret: string
  readonly page: NotificationPage
  readonly addresses: readonly string[]
  readonly listen: string
  readonly 'media-types': readonly string[]
  readonly 'client-groups': readonly ClientGroup[]
}

export type ValueOf<S extends Setting> = S extends { readonly kind: 'choice'; readonly of: readonly (infer C)[] }
  ? C
  : S['kind'] extends keyof ValueOfKind
    ? ValueOfKind[S['kind']]
    : never

/** Checks one value by itself and makes it canonical. Reading a canonical value gives it back. */
export function readValue(setting: Setting, value: unknown): Reading<unknown> {
  switch (setting.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? taken(value) : refused(`must be true or false, got ${quote(value)}`)
    case 'integer':
      return readInteger(setting, value)
    case 'fraction':
      return readFraction(setting, value)
    case 'lines':
      return readLines(setting, value)
    case 'choice':
      return setting.of.some((choice) => choice === value)
        ? taken(value)
        : refused(`must be ${setting.of.join(' | ')}, got ${quote(value)}`)
    case 'pem':
      return readText(setting.maxBytes, value)
    case 'secret':
      return setting.form === 'pem' ? readText(setting.maxBytes, value) : readLine(setting.maxBytes, value)
    case 'page':
      return readPage(value)
    case 'addresses':
      return readAddresses(value)
    case 'listen':
      return readListenAddress(value)
    case 'media-types':
      return readMediaTypes(value)
    case 'client-groups':
      return readClientGroups(value)
  }
}

function readInteger({ min, max }: { min: number; max: number }, value: unknown): Reading<number> {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return taken(value)
  return refused(`must be a whole number from ${min} to ${max}, got ${quote(value)}`)
}

function readFraction({ min, max }: { min: number; max: number }, value: unknown): Reading<number> {
  if (typeof value === 'number' && value >= min && value <= max) return taken(value)
  return refused(`must be a number from ${min} to ${max}, got ${quote(value)}`)
}

// The value is not quoted here: it may be a key.
function readText(maxBytes: number, value: unknown): Reading<string> {
  if (typeof value !== 'string') return refused('must be text: put it in quotes')
  if (Buffer.byteLength(value) > maxBytes) return refused(`is longer than ${maxBytes} bytes`)
  return value.includes('\0') || !value.isWellFormed() ? refused('has a NUL or broken Unicode') : taken(value)
}

function readLine(maxBytes: number, value: unknown): Reading<string> {
  // What comes from a file or from `echo` ends with a line break that nobody meant.
  const line = typeof value === 'string' ? value.replace(/\r?\n$/, '') : value
  return typeof line === 'string' && /[\r\n]/.test(line) ? refused('must be one line') : readText(maxBytes, line)
}
