import { createRequire } from 'node:module'
import type { Content } from '../../../domain/sample.ts'
import { Unscanned } from '../../../domain/verdict.ts'
import type { CompiledFile, LoadedRules, OptionsByFile, RuleHits, RuleSource, YaraBinding } from './binding.ts'
import { type FaultText, faultOf } from './rule-faults.ts'
import { HitReader, NO_HITS, type RuleMatch } from './rule-match.ts'

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
    load: (bytes, options) => new NativeLoadedRules(native.deserialize(bytes), options),
  }
}

function compileFile(native: NativeModule, { name, source }: RuleSource): CompiledFile {
  const { errors, warnings } = native.validate(source, OPTIONS)
  if (errors.length > 0) return { faults: errors.map(faultOf), warnings: warnings.map(faultOf) }
  try {
    const rules = native.create(OPTIONS)
    rules.addRuleSources([{ namespace: name, source }])
    return { rules: new NativeLoadedRules(rules), warnings: rules.getWarnings().map(faultOf) }
  } catch (error) {
    const fault: FaultText = { code: '', message: String((error as Error).message) }
    return { faults: [faultOf(fault)], warnings: [] }
  }
}

class NativeLoadedRules implements LoadedRules {
  readonly #rules: NativeRules
  readonly #hits: HitReader
  #timeoutMs = 0

  constructor(rules: NativeRules, options: OptionsByFile = {}) {
    rules.setMaxMatchesPerPattern(MAX_MATCHES)
    this.#rules = rules
    this.#hits = new HitReader(options)
  }

  scan(bytes: Uint8Array, timeoutMs: number): RuleHits {
    const matches = this.#matches(timeoutMs, () => this.#rules.scan(bytes))
    if (matches.length === 0) return NO_HITS
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.#hitsOf(matches, { kind: 'memory', bytes: whole })
  }

  scanFile(fd: number, size: number, timeoutMs: number): RuleHits {
    // Threads share the table of descriptors, and the file has no name: it was unlinked at once.
    const matches = this.#matches(timeoutMs, () => this.#rules.scanFile(`/proc/self/fd/${fd}`))
    return matches.length === 0 ? NO_HITS : this.#hitsOf(matches, { kind: 'file', fd, size })
  }

  #hitsOf(matches: readonly NativeMatch[], content: Content): RuleHits {
    return this.#hits.hitsOf(matches.map(matchOf), content)
  }

  #matches(timeoutMs: number, scan: () => readonly NativeMatch[]): readonly NativeMatch[] {
    this.#limit(timeoutMs)
    try {
      return scan()
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
