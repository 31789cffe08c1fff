import { readFileSync, readSync } from 'node:fs'
import { Compiler, initSync, type Scanner as WasmScanner } from '@virustotal/yara-x'
import type { Content } from '../../../domain/sample.ts'
import { Unscanned } from '../../../domain/verdict.ts'
import type { CompiledFile, LoadedRules, OptionsByFile, RuleHits, RuleSource, YaraBinding } from './binding.ts'
import { type FaultText, faultOf } from './rule-faults.ts'
import { HitReader, type RuleMatch } from './rule-match.ts'

interface WasmMatch {
  readonly identifier: string
  readonly namespace: string
  readonly metadata: readonly { readonly identifier: string; readonly value: unknown }[]
  readonly patterns: readonly {
    readonly identifier: string
    readonly matches: readonly { readonly offset: number }[]
  }[]
}

interface WasmAnswer {
  readonly matches: readonly WasmMatch[]
}

const MAX_MATCHES = 1000
/** There is no mapping of files into WASM memory: a larger file would have to be copied whole. */
const MAX_FILE_BYTES = 256 * 1024 * 1024

let started = false

/** The portable build: the same engine, 12-60 ms a scan. It has no serialised form, so the sources travel. */
export function loadWasmBinding(): YaraBinding {
  const entry = import.meta.resolve('@virustotal/yara-x')
  if (!started) initSync({ module: readFileSync(new URL('yara_x_js_bg.wasm', entry)) })
  started = true
  const { version } = JSON.parse(readFileSync(new URL('../package.json', entry), 'utf8')) as { version: string }
  return {
    name: 'wasm',
    version,
    fastInline: false,
    compileFile,
    serialize: (files) => Buffer.from(JSON.stringify(files)),
    load: (bytes, options) => new WasmLoadedRules(build(JSON.parse(bytes.toString('utf8')) as RuleSource[]), options),
  }
}

function compileFile(file: RuleSource): CompiledFile {
  const compiler = new Compiler()
  try {
    add(compiler, file)
    const rules = compiler.build() // consumes the compiler: its getters throw from here on
    const warnings = rules.warnings.map((message) => faultOf({ code: '', message } satisfies FaultText))
    return { rules: new WasmLoadedRules(rules.scanner()), warnings }
  } catch (error) {
    return { faults: [faultOf({ code: '', message: String(error) })], warnings: [] }
  }
}

function build(files: readonly RuleSource[]): WasmScanner {
  const compiler = new Compiler()
  for (const file of files) add(compiler, file)
  return compiler.build().scanner()
}

function add(compiler: Compiler, { name, source }: RuleSource): void {
  compiler.newNamespace(name)
  compiler.addSource(source)
}

class WasmLoadedRules implements LoadedRules {
  readonly #scanner: WasmScanner
  readonly #hits: HitReader

  constructor(scanner: WasmScanner, options: OptionsByFile = {}) {
    scanner.setMaxMatchesPerPattern(MAX_MATCHES)
    this.#scanner = scanner
    this.#hits = new HitReader(options)
  }

  scan(bytes: Uint8Array, timeoutMs: number): RuleHits {
    const content: Content = {
      kind: 'memory',
      bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    }
    return this.#hits.hitsOf(this.#matches(bytes, timeoutMs).map(matchOf), content)
  }

  #matches(bytes: Uint8Array, timeoutMs: number): readonly WasmMatch[] {
    this.#scanner.setTimeoutMs(Math.max(1, timeoutMs))
    try {
      return (this.#scanner.scan(bytes) as WasmAnswer).matches
    } catch (error) {
      throw unscannedOf(error)
    }
  }

  scanFile(fd: number, size: number, timeoutMs: number): RuleHits {
    if (size > MAX_FILE_BYTES) throw new Unscanned('too-large', `the WASM build scans up to ${MAX_FILE_BYTES} bytes`)
    const bytes = Buffer.allocUnsafe(size)
    let filled = 0
    while (filled < size) {
      const read = readSync(fd, bytes, filled, size - filled, filled)
      if (read === 0) throw new Unscanned('engine-down', 'the spooled file is shorter than its size')
      filled += read
    }
    return this.scan(bytes, timeoutMs)
  }
}

function matchOf({ identifier, namespace, metadata, patterns }: WasmMatch): RuleMatch {
  return {
    rule: identifier,
    file: namespace,
    meta: Object.fromEntries(metadata.map((item) => [item.identifier, item.value])),
    patterns: patterns.flatMap((p) =>
      p.matches[0] ? [{ identifier: p.identifier, offset: p.matches[0].offset }] : [],
    ),
  }
}

function unscannedOf(error: unknown): Unscanned {
  const text = error instanceof Error ? error.message : String(error)
  return /time(d )?out/i.test(text)
    ? new Unscanned('timeout', 'YARA reached its time limit', { cause: error })
    : new Unscanned('engine-down', `YARA: ${text}`, { cause: error })
}
