import type { ApiDeps } from '../api/deps.ts'
import type { Listening } from '../api/http-server.ts'
import { recordWithoutTree, recordWithTree } from '../domain/evidence-tree.ts'
import { createProcessMetrics, type MergedMetrics } from '../metrics.ts'
import type { Writer } from '../store/writer.ts'
import type { WorkerPool } from '../supervisor/worker-pool.ts'
import type { FeedsService } from './feeds-service.ts'
import { createListsService } from './lists-service.ts'
import type { ModelsService } from './models-service.ts'
import type { RecheckService } from './recheck-service.ts'
import type { RulesService } from './rules-service.ts'
import { type ServerFacts, serverReadiness, serverStatus } from './server-status.ts'
import type { SettingsService } from './settings-service.ts'
import type { WorkerState } from './worker-state.ts'

/** A server that runs, as those see it who answer for it. */
export interface Server {
  readonly version: string
  readonly writer: Writer
  readonly pool: WorkerPool
  readonly settings: SettingsService
  readonly state: WorkerState
  readonly rules: RulesService
  readonly recheck: RecheckService
  readonly models: ModelsService
  readonly feeds: FeedsService
  readonly metrics: MergedMetrics
  readonly startedMs: number
  readonly storeKind: 'sqlite' | 'postgresql'
  readonly faces: readonly Listening[]
}

/** The store is away: a number that is not known is no zero. */
const none = () => undefined

/** What the two faces need, out of the server's parts. */
export function apiDeps(parts: Server): ApiDeps {
  const { writer, state, settings, rules, models, feeds, metrics } = parts
  const own = createProcessMetrics('supervisor')
  const status = async () => serverStatus(factsOf(parts, await writer.objects.counts().catch(() => [])))
  return {
    status,
    readiness: async () => serverReadiness(factsOf(parts, [])),
    async metricsText() {
      metrics.take(own.snapshot())
      return metrics.text({
        ...(await status()),
        feeds: feeds.summary(),
        recall: await writer.recall.count().catch(none),
      })
    },
    readSettings: async () => settings.view(),
    saveSettings: ({ updates, by }) => settings.save(updates, by),
    applySettings: ({ text, by }) => settings.applyText(text, by),
    exportSettings: async () => settings.exportText(),
    settingsHistory: () => settings.history(),
    rollbackSettings: ({ revision, by }) => settings.rollback(revision, by),
    async transactions(query) {
      // What has been answered is in a journal at least: nobody shall miss it because the writer is a moment behind.
      await writer.flush()
      const { records, next } = await writer.records.query(query)
      return { records: records.map(recordWithoutTree), next }
    },
    async transaction(id) {
      await writer.flush()
      const record = await writer.records.get(id)
      return record && recordWithTree(record)
    },
    lists: createListsService({ store: writer.objects, published: () => state.listsPublished() }),
    rules: rules.deps,
    recall: {
      list: (query) => writer.recall.page(query),
      async recheck(query) {
        if (query.cursor === undefined) await writer.flush()
        return parts.recheck.slice(query)
      },
    },
    models: models.deps,
    feeds: feeds.deps,
  }
}

function factsOf(
  { version, startedMs, writer, pool, settings, rules, metrics, storeKind, faces }: Server,
  lists: ListCounts,
): ServerFacts {
  const workers = pool.reports()
  const { config, revision } = settings.inForce
  return {
    version,
    startedMs,
    settingsRevision: revision,
    config,
    workers,
    ruleFiles: rules.files(),
    listCounts: lists,
    listeners: [...listenersOf(workers[0]?.listeners ?? []), ...facesOf(faces)],
    store: writer.status(),
    storeKind,
    counters: metrics.totals(),
    rssBytes: process.memoryUsage.rss() + metrics.rssBytes(),
  }
}

type ListCounts = ServerFacts['listCounts']

function facesOf(faces: readonly Listening[]): ServerFacts['listeners'] {
  return faces.map(({ address, port }) => ({
    name: port === 0 ? 'api' : 'console',
    address,
    state: 'listening',
    detail: '',
  }))
}

function listenersOf(described: readonly string[]): ServerFacts['listeners'] {
  return described.map((line) => {
    const [name = 'icap', address = ''] = line.split(' ')
    return { name: name as 'icap' | 'icaps', address, state: 'listening', detail: '' }
  })
}
