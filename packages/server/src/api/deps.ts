import type { SuspiciousObject } from '../domain/suspicious-object.ts'
import type {
  AddFeed,
  AddModel,
  AddRuleFile,
  FeedPreview,
  FeedView,
  FetchModel,
  HistoryEntry,
  ListChanged,
  ListCount,
  ListEntry,
  ListEntryKey,
  ListExport,
  ListImport,
  ModelView,
  PreviewFeed,
  Readiness,
  RecallPage,
  RecallQuery,
  RecheckSliceView,
  RuleCheckView,
  RuleFile,
  RuleFileDetail,
  RuleHitCount,
  RuleOptionsChange,
  SaveSettings,
  SettingsSaved,
  SettingsView,
  Status,
  SyncFeed,
  TransactionDetail,
  TransactionsPage,
  TransactionsQuery,
} from './contract.ts'

/** A change that was made, or every fault that kept it from being made (and then nothing changed). */
export type Outcome<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly faults: readonly string[] }

/** One line of an import file: its number (from 1) and its entry, or what is wrong with it. */
export type ImportLine =
  | { readonly line: number; readonly entry: ListEntry }
  | { readonly line: number; readonly fault: string }

/** Throw it from any function below when what it needs is away (the store, every worker): answered 503, not 500. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** What the two faces need of the rest; the composition root supplies it. */
export interface ApiDeps {
  status(): Promise<Status>
  readiness(): Promise<Readiness>
  /** Prometheus text format 0.0.4. */
  metricsText(): Promise<string>

  /** Secrets already masked. */
  readSettings(): Promise<SettingsView>
  /** Resolves when every worker uses the change. */
  saveSettings(save: SaveSettings & { by: string }): Promise<Outcome<SettingsSaved>>
  /** `text` is YAML. */
  applySettings(apply: { text: string; by: string }): Promise<Outcome<SettingsSaved>>
  /** YAML, secrets left out. */
  exportSettings(): Promise<string>
  /** Newest first. */
  settingsHistory(): Promise<readonly HistoryEntry[]>
  /** Makes the settings as they were at that revision, as a new revision. */
  rollbackSettings(rollback: { revision: number; by: string }): Promise<Outcome<SettingsSaved>>

  transactions(query: TransactionsQuery): Promise<TransactionsPage>
  /** Undefined: no record has this id. */
  transaction(id: string): Promise<TransactionDetail | undefined>

  readonly recall: {
    list(query: RecallQuery): Promise<RecallPage>
    /** Nothing is kept of it. */
    recheck(query: Omit<RecallQuery, 'limit'>): Promise<RecheckSliceView>
  }

  readonly lists: {
    /** Faults: the value is not one of its type, an exception without a note, ... */
    add(entry: ListEntry & { by: string }): Promise<Outcome<ListChanged>>
    remove(entry: ListEntryKey & { by: string }): Promise<Outcome<ListChanged>>
    /** All lines or none. Batches come as the file streams in; a rejection of `batches` (peer gone) changes nothing. */
    import(
      options: ListImport & { by: string },
      batches: AsyncIterable<readonly ImportLine[]>,
    ): Promise<Outcome<ListChanged>>
    export(options: ListExport): AsyncIterable<readonly SuspiciousObject[]>
    counts(): Promise<readonly ListCount[]>
  }

  readonly models: {
    /** `text` is the model's file as it comes. */
    add(
      model: AddModel & { by: string },
      text: AsyncIterable<Buffer>,
    ): Promise<Outcome<{ models: readonly ModelView[] }>>
    download(model: FetchModel & { by: string }): Promise<Outcome<{ models: readonly ModelView[] }>>
    list(): Promise<readonly ModelView[]>
    remove(model: { name: ModelView['name']; by: string }): Promise<Outcome<{ removed: boolean }>>
  }

  readonly feeds: {
    /** Faults: the name is taken, the secret is missing, ... */
    add(feed: AddFeed & { by: string }): Promise<Outcome<{ feed: FeedView }>>
    list(): Promise<readonly FeedView[]>
    get(name: string): Promise<FeedView | undefined>
    remove(feed: { name: string; by: string }): Promise<Outcome<{ removed: boolean }>>
    setEnabled(feed: { name: string; enabled: boolean; by: string }): Promise<Outcome<{ feed: FeedView }>>
    /** Resolves at once: `running` and `attemptMs` tell when it is done. */
    sync(feed: SyncFeed & { name: string; by: string }): Promise<Outcome<{ feed: FeedView }>>
    preview(feed: PreviewFeed): Promise<Outcome<FeedPreview>>
    previewOf(name: string): Promise<Outcome<FeedPreview>>
  }

  readonly rules: {
    /** A file that does not compile is kept and comes back as `quarantined` with its faults; ok:false is a file that was not taken. */
    add(file: AddRuleFile & { by: string }): Promise<Outcome<{ file: RuleFile }>>
    list(): Promise<readonly RuleFile[]>
    /** What each rule of it costs, measured now; undefined: no file has this name. */
    show(name: string): Promise<RuleFileDetail | undefined>
    remove(file: { name: string; by: string }): Promise<Outcome<{ removed: boolean }>>
    /** Of any file, also one that comes with the program. */
    setOptions(file: RuleOptionsChange & { name: string; by: string }): Promise<Outcome<{ file: RuleFile }>>
    /** Nothing is installed. */
    check(file: { name: string; text: string }): Promise<Outcome<{ check: RuleCheckView }>>
    /** Since the start, most first. */
    hits(): Promise<readonly RuleHitCount[]>
  }
}
