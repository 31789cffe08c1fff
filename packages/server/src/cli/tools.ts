import type { Readable } from 'node:stream'
import type { RuleCheckView, ScanLine } from '../api/contract.ts'

export interface ServeOptions {
  /** Absolute. */
  readonly data: string
  /** Absolute path of the YAML settings file. */
  readonly settingsFile: string | undefined
  /** As given, unchecked: icapPort, icapListen, icapsPort, consolePort, consoleListen, workers, logLevel. */
  readonly flags: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface ScanOptions {
  readonly data: string
  readonly settingsFile: string | undefined
  /** Regular files, one after the other. */
  readonly files: AsyncIterable<string>
}

export interface ScannedFile {
  readonly line: ScanLine
  /** Its risk reaches `policy.blockFrom`. */
  readonly reachesThreshold: boolean
}

export interface RetroOptions {
  readonly rules: { readonly name: string; readonly source: string }
  /** Regular files, one after the other. */
  readonly files: AsyncIterable<string>
}

export interface RetroFile {
  readonly path: string
  readonly sha256: string
  readonly size: number
  readonly type: string
  readonly hits: readonly {
    readonly rule: string
    /** Where it hit: '' for the file itself. */
    readonly member: string
    readonly offset?: number
    readonly detail: string
  }[]
  /** What could not be scanned, and why. */
  readonly unscanned: readonly string[]
  /** Wall time of the whole scan, unpacking included. */
  readonly ms: number
}

export interface DatabaseCheck {
  readonly reachable: boolean
  /** Kind and version, or why not. */
  readonly detail: string
}

export interface ModelFeatures {
  readonly features: readonly number[]
  /** By model; -1 where there is none. */
  readonly scores: Readonly<Record<string, number>>
  readonly risk: string
  readonly topFeatures: readonly { readonly name: string; readonly contribution: number }[]
  /** Who signed it, and whether the file is still what was signed. */
  readonly signature: string
}

/** What the command line cannot do itself: the composition root's entry points. */
export interface CliTools {
  /** The exit code once the server has stopped; a bad flag, variable or settings file is 64 and names every fault. */
  serve(options: ServeOptions): Promise<number>
  scan(options: ScanOptions): AsyncIterable<ScannedFile>
  /** Rejects with one sentence where the compiler itself dies. */
  checkRules(file: { readonly name: string; readonly source: string }): Promise<RuleCheckView>
  /** Scans with that one rule file, in shadow; rejects where it does not compile. */
  retroScan(options: RetroOptions): AsyncIterable<RetroFile>
  /** Opens the store that a server with this data folder would open, without changing it. */
  checkDatabase(data: string): Promise<DatabaseCheck>
  /** Confines a native tool once; why that cannot be done, undefined when it can. */
  readonly confineTool?: () => Promise<string | undefined>
  /** Rejects with the system's error where a file cannot be read. */
  modelFeatures(query: { data: string; file: string; models?: string | undefined }): Promise<ModelFeatures>
}

/** The process as the commands see it. */
export interface Io {
  readonly stdin: Readable
  /** Resolves when there is room for more. */
  write(text: string): Promise<void>
  warn(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
}
