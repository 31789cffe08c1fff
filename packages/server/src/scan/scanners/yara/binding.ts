import type { Detection, Note } from '../../../domain/verdict.ts'
import { loadNativeBinding } from './native-binding.ts'
import { loadWasmBinding } from './wasm-binding.ts'

/** What is wrong in a rule file, for the one who mends it. */
export interface RuleFault {
  /** From 1; 0 where the compiler names none. */
  readonly line: number
  /** YARA-X's own code: E009 unknown identifier, E001 syntax, E044 include; warnings have words. */
  readonly code: string
  readonly text: string
}

/** What the administrator says of a whole file. */
export interface RuleOptions {
  /** Its hits are notes with the sample, never detections. */
  readonly shadow?: boolean
  /** 1-10, for the rules whose meta has none: which of several hits is told first. No risk follows from it. */
  readonly weight?: number
  /** True types or families that it is asked about; absent or empty: all. */
  readonly types?: readonly string[]
}

export type OptionsByFile = Readonly<Record<string, RuleOptions>>

export interface RuleSource {
  /** The file's name below the rules folder: namespace and evidence. */
  readonly name: string
  readonly source: string
  readonly options?: RuleOptions
}

/** What the rules said of one body. Hits of rules in shadow are of a type that no verdict takes. */
export interface RuleHits {
  readonly detections: readonly Detection[]
  readonly notes: readonly Note[]
}

/** Compiled rules of one thread: neither binding may be used from two at once. */
export interface LoadedRules {
  /** Throws Unscanned('timeout') at YARA's limit, Unscanned('engine-down') on anything else. */
  scan(bytes: Uint8Array, timeoutMs: number): RuleHits
  /** The same on an open file; it is mapped or read, its offset is not used. */
  scanFile(fd: number, size: number, timeoutMs: number): RuleHits
}

export type CompiledFile =
  | { readonly rules: LoadedRules; readonly warnings: readonly RuleFault[] }
  | { readonly faults: readonly RuleFault[]; readonly warnings: readonly RuleFault[] }

/** YARA-X behind one face, whichever build of it this machine can load. */
export interface YaraBinding {
  readonly name: BindingName
  readonly version: string
  /** False: a scan costs tens of milliseconds whatever its size, so it never runs on the thread that answers clients. */
  readonly fastInline: boolean
  /** Compiles one file alone. Includes are off: `include "/etc/passwd"` prints that file's first line in its error. */
  compileFile(file: RuleSource): CompiledFile
  /** All files in one go (one by one recompiles each time), into bytes that `load` takes on another thread. */
  serialize(files: readonly RuleSource[]): Buffer
  /** Throws on bytes that are not its own. */
  load(bytes: Buffer, options?: OptionsByFile): LoadedRules
}

export const BINDING_NAMES = ['native', 'wasm'] as const

export type BindingName = (typeof BINDING_NAMES)[number]

const LOADERS = { native: loadNativeBinding, wasm: loadWasmBinding }

/** The native build where there is one (x64 with glibc), else VirusTotal's own WASM build. */
export function loadBinding(only?: BindingName): YaraBinding {
  if (only !== undefined) return LOADERS[only]()
  try {
    return loadNativeBinding()
  } catch {
    return loadWasmBinding()
  }
}
