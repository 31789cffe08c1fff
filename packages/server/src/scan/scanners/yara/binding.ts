import type { Detection } from '../../../domain/verdict.ts'
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

export interface RuleSource {
  /** The file's name below the rules folder: namespace and evidence. */
  readonly name: string
  readonly source: string
}

/** Compiled rules of one thread: neither binding may be used from two at once. */
export interface LoadedRules {
  /** Throws Unscanned('timeout') at YARA's limit, Unscanned('engine-down') on anything else. */
  scan(bytes: Uint8Array, timeoutMs: number): readonly Detection[]
  /** The same on an open file; it is mapped or read, its offset is not used. */
  scanFile(fd: number, size: number, timeoutMs: number): readonly Detection[]
}

export type CompiledFile =
  | { readonly rules: LoadedRules; readonly warnings: readonly RuleFault[] }
  | { readonly faults: readonly RuleFault[] }

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
  load(bytes: Buffer): LoadedRules
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
