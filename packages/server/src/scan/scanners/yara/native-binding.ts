import { createRequire } from 'node:module'
import { type Detection, Unscanned } from '../../../domain/verdict.ts'
import type { CompiledFile, LoadedRules, RuleSource, YaraBinding } from './binding.ts'
import { type FaultText, faultOf } from './rule-faults.ts'
import { detectionsOf, type RuleMatch } from './rule-match.ts'

const PACKAGE = '@litko/yara-x-linux-x64-gnu'

interface NativeMatch {
  readonly ruleIdentifier: string
  readonly namespace: string
  readonly meta: Record<string, unknown>
  readonly matches: readonly { readonly offset: number; readonly identifier: string }[]
}

interface NativeRules {
  addRuleSources(files: readonly { namespace: string; source: string }[]): void
  getWarnings(): FaultText[]
  serialize(): Buffer
  setTimeout(ms: number): void
  setMaxMatchesPerPattern(count: number): void
  scan(bytes: Uint8Array): NativeMatch[]
  scanFile(path: string): NativeMatch[]
}

interface NativeModule {
  create(options: object): NativeRules
  compile(source: string, options: object): NativeRules
  validate(source: string, options: object): { errors: FaultText[]; warnings: FaultText[] }
  deserialize(bytes: Buffer): NativeRules
}

const OPTIONS = { enableIncludes: false }
const NOTHING: readonly Detection[] = []

/** YARA's clock ticks once a second, so a limit of one second may stop a scan after no time at all (4 of 180,000 were). */
const MIN_TIMEOUT_MS = 2000
/** Each match becomes an object: a body made of nothing but matches must not become a million of them. */
const MAX_MATCHES = 1000

/** Throws where the package is not installed or does not load (other processors, musl, macOS). */
export function loadNativeBinding(): YaraBinding {
  const require = createRequire(import.meta.url)
  const native = require(PACKAGE) as NativeModule
  const { version } = require(`${PACKAGE}/package.json`) as { version: string }
  return {
    name: 'native',
    version,
    fastInline: true,
    compileFile: (file) => compileFile(native, file),
    serialize(files) {
      const rules = native.create(OPTIONS)
      rules.addRuleSources(files.map(({ name, source }) => ({ namespace: name, source })))
      return rules.serialize()
    },
    load: (bytes) => new NativeLoadedRules(native.deserialize(bytes)),
  }
}

function compileFile(native: NativeModule, { name, source }: RuleSource): CompiledFile {
  const { errors } = native.validate(source, OPTIONS)
  if (errors.length > 0) return { faults: errors.map(faultOf) }
  try {
    const rules = native.create(OPTIONS)
    rules.addRuleSources([{ namespace: name, source }])
    return { rules: new NativeLoadedRules(rules), warnings: rules.getWarnings().map(faultOf) }
  } catch (error) {
    return { faults: [faultOf({ code: '', message: String((error as Error).message) } satisfies FaultText)] }
  }
}

class NativeLoadedRules implements LoadedRules {
  readonly #rules: NativeRules
  #timeoutMs = 0

  constructor(rules: NativeRules) {
    rules.setMaxMatchesPerPattern(MAX_MATCHES)
    this.#rules = rules
  }

  scan(bytes: Uint8Array, timeoutMs: number): readonly Detection[] {
    this.#limit(timeoutMs)
    try {
      const matches = this.#rules.scan(bytes)
      return matches.length === 0 ? NOTHING : detectionsOf(matches.map(matchOf))
    } catch (error) {
      throw unscannedOf(error)
    }
  }

  scanFile(fd: number, _size: number, timeoutMs: number): readonly Detection[] {
    this.#limit(timeoutMs)
    try {
      // Threads share the table of descriptors, and the file has no name: it was unlinked at once.
      return detectionsOf(this.#rules.scanFile(`/proc/self/fd/${fd}`).map(matchOf))
    } catch (error) {
      throw unscannedOf(error)
    }
  }

  /** No scan without a limit: `/(a|aa)+.../` runs for minutes on a few KiB. */
  #limit(timeoutMs: number): void {
    if (timeoutMs === this.#timeoutMs) return
    this.#timeoutMs = timeoutMs
    this.#rules.setTimeout(Math.max(MIN_TIMEOUT_MS, timeoutMs))
  }
}

function matchOf({ ruleIdentifier, namespace, meta, matches }: NativeMatch): RuleMatch {
  return { rule: ruleIdentifier, file: namespace, meta, patterns: matches }
}

function unscannedOf(error: unknown): Unscanned {
  const text = error instanceof Error ? error.message : String(error)
  return /timed out/i.test(text)
    ? new Unscanned('timeout', 'YARA reached its time limit', { cause: error })
    : new Unscanned('engine-down', `YARA: ${text}`, { cause: error })
}
