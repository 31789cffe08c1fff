import type { HistoryEntry, SettingsSaved, SettingsView, SettingView } from '../api/contract.ts'
import { type Outcome, Unavailable } from '../api/deps.ts'
import { type PlannedChange, planChange } from '../settings/apply.ts'
import { exportYaml } from '../settings/export.ts'
import { parseSettingsText } from '../settings/file-text.ts'
import { valueFromText } from '../settings/from-text.ts'
import { describeChanges, planRollback } from '../settings/history.ts'
import type { LoadedSettings, Overrides, Source } from '../settings/load.ts'
import { type Fault, faultLine } from '../settings/parse.ts'
import type { ConfigContext } from '../settings/rules.ts'
import type { SecretBox } from '../settings/secrets.ts'
import { type Config, isSecret, SETTING_KEYS, SETTINGS, type SettingKey, type Values } from '../settings/settings.ts'

/** The saved revisions, as the store keeps them. */
export interface RevisionStore {
  save(revision: {
    readonly savedMs: number
    readonly by: string
    readonly values: Readonly<Record<string, unknown>>
    readonly changed: readonly string[]
    readonly basedOn?: number | undefined
  }): Promise<{ readonly id: number }>
  get(id: number): Promise<SavedRevision | undefined>
  latest(): Promise<SavedRevision | undefined>
  list(query: { limit: number }): Promise<readonly Omit<SavedRevision, 'values'>[]>
}

export interface SavedRevision {
  readonly id: number
  readonly savedMs: number
  readonly by: string
  readonly values: Values
  readonly changed: readonly string[]
}

/** What is in force, and from where. */
export interface SettingsInForce {
  readonly revision: number
  readonly saved: Values
  readonly config: Config
  readonly overrides: Overrides
  readonly sources: Readonly<Record<SettingKey, Source>>
}

export interface SettingsServiceOptions {
  readonly initial: SettingsInForce
  readonly store: RevisionStore
  readonly box: SecretBox
  context(): ConfigContext
  /** What only this machine can tell: a port that somebody else has. */
  check(next: Config, before: Config): Promise<readonly Fault[]>
  /** Makes all workers use it; gives the faults they met. */
  publish(config: Config, revision: number): Promise<readonly string[]>
}

export interface SettingsService {
  readonly inForce: SettingsInForce
  view(): SettingsView
  save(updates: Values, by: string): Promise<Outcome<SettingsSaved>>
  applyText(text: string, by: string): Promise<Outcome<SettingsSaved>>
  rollback(revision: number, by: string): Promise<Outcome<SettingsSaved>>
  /** Overrides read anew (SIGHUP): used by every worker, or refused with every fault. */
  override(load: (saved: Values) => LoadedSettings): Promise<readonly string[]>
  exportText(): string
  history(): Promise<readonly HistoryEntry[]>
}

const HISTORY_SHOWN = 50

/** Changes settings: planned whole, checked, used by every worker, then saved; if one of these fails nothing has changed. */
export function createSettingsService(options: SettingsServiceOptions): SettingsService {
  let inForce = options.initial
  let last: Promise<unknown> = Promise.resolve()

  /** One change at a time: each is planned on what the one before left. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work, work)
    last = done
    return done
  }

  async function carryOut(plan: PlannedChange, by: string): Promise<Outcome<SettingsSaved>> {
    if (!plan.ok) return { ok: false, faults: plan.faults.map(faultLine) }
    const { values, config, changed } = plan
    // An export names every setting: what stands at its default anyway is no change.
    if (changed.length === 0) return { ok: true, revision: inForce.revision, changed: [], warnings: [] }
    const faults = await options.check(config, inForce.config)
    if (faults.length > 0) return { ok: false, faults: faults.map(faultLine) }
    const met = await options.publish(config, inForce.revision + 1)
    if (met.length > 0) return takeBack(met)
    try {
      const basedOn = inForce.revision
      const { id } = await options.store.save({ savedMs: Date.now(), by, values, changed, basedOn })
      inForce = { ...inForce, revision: id, saved: values, config, sources: sourcesAfter(values) }
      return { ok: true, revision: id, changed: [...changed], warnings: plan.warnings.map(faultLine) }
    } catch (error) {
      throw new Unavailable(await undo(), { cause: error })
    }
  }

  /**
   * The store's word counts: it may hold a revision that we do not know, of another server or of a save whose answer came too
   * late. Without taking that over no later save would ever be based on it.
   */
  async function undo(): Promise<string> {
    const latest = await options.store.latest().catch(() => undefined)
    const known = latest !== undefined && latest.id > inForce.revision ? takenOver(latest) : undefined
    inForce = known ?? inForce
    await options.publish(inForce.config, inForce.revision)
    return known === undefined
      ? 'the store did not take the settings: nothing has changed'
      : `the store has revision ${known.revision}, which was not made here: it is in force now, make the change again`
  }

  /** Undefined where those settings cannot be used here. */
  function takenOver({ id, values }: SavedRevision): SettingsInForce | undefined {
    const plan = planChange({ ...request(), saved: values, updates: {} })
    if (!plan.ok) return undefined
    return { ...inForce, revision: id, saved: values, config: plan.config, sources: sourcesAfter(values) }
  }

  async function takeBack(faults: readonly string[]): Promise<{ ok: false; faults: readonly string[] }> {
    await options.publish(inForce.config, inForce.revision)
    return { ok: false, faults: [...new Set(faults)] }
  }

  function sourcesAfter(values: Values): SettingsInForce['sources'] {
    const isOverridden = (key: SettingKey) => Object.hasOwn(inForce.overrides.values, key)
    const sources = SETTING_KEYS.map((key) => [
      key,
      isOverridden(key) ? inForce.sources[key] : Object.hasOwn(values, key) ? 'saved' : 'default',
    ])
    return Object.fromEntries(sources) as SettingsInForce['sources']
  }

  /** Where the model is lost while its engine is on, other settings can still be changed. */
  function contextNow(): ConfigContext {
    const context = options.context()
    return { ...context, hasModel: context.hasModel === true || inForce.config['scan.predictive'] }
  }

  const request = () => ({
    saved: inForce.saved,
    overrides: inForce.overrides,
    box: options.box,
    context: contextNow(),
  })

  const save = (updates: Values, by: string) => inTurn(() => carryOut(planChange({ ...request(), updates }), by))

  return {
    get inForce() {
      return inForce
    },
    view: () => ({ revision: inForce.revision, settings: SETTING_KEYS.map((key) => settingView(key, inForce)) }),
    save: (updates, by) => save(typed(updates), by),
    applyText(text, by) {
      const file = parseSettingsText(text, 'settings')
      if (file.faults.length > 0) return Promise.resolve({ ok: false, faults: file.faults.map(faultLine) })
      return save(file.values, by)
    },
    rollback: (revision, by) =>
      inTurn(async () => {
        const old = await options.store.get(revision)
        if (old === undefined) return { ok: false, faults: [`there is no revision ${revision}`] }
        return carryOut(planRollback({ ...request(), revision: old.values }), by)
      }),
    override: (load) =>
      inTurn(async () => {
        const loaded = attempt(() => load(inForce.saved))
        if (typeof loaded === 'string') return [loaded]
        if (!loaded.ok) return loaded.faults.map(faultLine)
        const closed = await options.check(loaded.config, inForce.config)
        if (closed.length > 0) return closed.map(faultLine)
        const faults = await options.publish(loaded.config, inForce.revision)
        if (faults.length > 0) return (await takeBack(faults)).faults
        inForce = { ...inForce, config: loaded.config, overrides: loaded.overrides, sources: loaded.sources }
        return []
      }),
    exportText: () => exportYaml(withoutSecrets(inForce.config)),
    history: () => history(options.store),
  }
}

/** A settings file may be anything, and nobody waits for an answer to SIGHUP: a throw is a fault like others. */
function attempt<T>(work: () => T): T | string {
  try {
    return work()
  } catch (error) {
    return (error as Error).message
  }
}

function settingView(key: SettingKey, { config, sources, overrides }: SettingsInForce): SettingView {
  const { help } = SETTINGS[key]
  const value = config[key]
  const secret = isSecret(key)
  return {
    key,
    value: (secret ? (value === '' ? null : '(set)') : value) as SettingView['value'],
    source: sources[key],
    readOnly: overrides.origins[key] !== undefined,
    secret,
    help,
  }
}

/** What is left out of an export stays as it is when that is applied. */
function withoutSecrets(config: Config): Values {
  return Object.fromEntries(SETTING_KEYS.filter((key) => !isSecret(key)).map((key) => [key, config[key]]))
}

/** Text as a person types it: `off`, `10.0.0.0/8, ::1`. */
function typed(updates: Values): Values {
  return Object.fromEntries(
    Object.entries(updates).map(([key, value]) => [key, typeof value === 'string' ? valueFromText(key, value) : value]),
  )
}

/** Each revision is read once: three pages of 5 MB may stand in it. */
async function history(store: RevisionStore): Promise<readonly HistoryEntry[]> {
  const summaries = await store.list({ limit: HISTORY_SHOWN })
  const entries: HistoryEntry[] = []
  let after: SavedRevision | undefined
  for (const { id, savedMs, by } of summaries) {
    const revision = after?.id === id ? after : await store.get(id)
    const before = await store.get(id - 1)
    const changes = describeChanges(before?.values ?? {}, revision?.values ?? {})
    entries.push({ revision: id, timeMs: savedMs, by, changes })
    after = before
  }
  return entries
}
