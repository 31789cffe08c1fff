import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Unavailable } from '../api/deps.ts'
import { type ListTable, openListTable } from '../domain/list-table.ts'
import type { RecallFinding } from '../domain/recall.ts'
import type { TransactionRecord } from '../domain/transaction-record.ts'
import { createClientList } from '../icap-service/client-list.ts'
import type { Config } from '../settings/settings.ts'
import { clientListOptions } from './client-policies.ts'
import { recheckRecord, type Today } from './recheck.ts'
import { scanSettings } from './scan-settings.ts'

interface ListSnapshot {
  readonly revision: string
  readonly path: string
}

export interface RecheckStore {
  readonly records: {
    query(query: { readonly sinceMs?: number; readonly cursor?: string; readonly limit: number }): Promise<{
      readonly records: readonly TransactionRecord[]
      readonly next: string | null
    }>
  }
  readonly recall: {
    add(findings: readonly RecallFinding[]): Promise<number>
    trim(limits: { readonly beforeMs: number; readonly keep: number }): Promise<void>
  }
  readonly meta: { get(name: string): Promise<string | undefined>; set(name: string, value: string): Promise<void> }
  onLists(callback: (snapshot: ListSnapshot) => void): () => void
  /** Resolves when all that was answered is stored. */
  flush(): Promise<void>
}

export interface RecheckOptions {
  readonly store: RecheckStore
  config(): Config
  log(level: 'info' | 'warn' | 'error', text: string, fields?: object): void
  /** From a new list to the look back: several changes are looked back at once. */
  readonly settleMs?: number
}

export interface RecheckSlice {
  readonly findings: readonly RecallFinding[]
  readonly examined: number
  /** The cursor of the next (older) slice; null: that was the last. */
  readonly next: string | null
}

export interface RecheckService {
  /** Some records as they are judged today; nothing is kept. */
  slice(query: { readonly sinceMs?: number | undefined; readonly cursor?: string | undefined }): Promise<RecheckSlice>
  /** Begins to look back after each new list. */
  start(): void
  close(): Promise<void>
}

const SLICE_RECORDS = 500
/** The store's thread has its hands free for four fifths of the time. */
const PAUSE_FACTOR = 4
const MIN_PAUSE_MS = 20
const SETTLE_MS = 5000
const RETRY_MS = 60_000
const KEPT_FINDINGS = 100_000
const HOUR_MS = 3_600_000
/** The list revision up to which records were looked back at. */
const DONE = 'recheck.lists'

export function createRecheckService(options: RecheckOptions): RecheckService {
  const { store } = options
  const stop = new AbortController()
  let newest: ListSnapshot | undefined
  let opened: { readonly revision: string; readonly table: ListTable } | undefined
  let running: Promise<void> | undefined
  let isStarted = false

  async function today(): Promise<Today> {
    const config = options.config()
    const clients = createClientList(clientListOptions(config))
    return {
      table: await lists(),
      settings: scanSettings(config),
      nowMs: Date.now(),
      bypassUrlInRespmod: config['scan.bypassUrlInRespmod'],
      policyFor: (client, service) => clients.policyFor(client, service).policy,
    }
  }

  async function lists(): Promise<ListTable> {
    // Lists that are away would be engines that are down, and what is blocked for that is no finding.
    if (newest === undefined) throw new Unavailable('no list has been published yet')
    if (opened?.revision !== newest.revision)
      opened = { revision: newest.revision, table: openListTable(await readFile(newest.path)) }
    return opened.table
  }

  async function slice(query: Parameters<RecheckService['slice']>[0], now?: Today): Promise<RecheckSlice> {
    const { sinceMs, cursor } = query
    const page = { ...(sinceMs === undefined ? {} : { sinceMs }), ...(cursor === undefined ? {} : { cursor }) }
    const { records, next } = await store.records.query({ ...page, limit: SLICE_RECORDS })
    const judged = now ?? (await today())
    const findings = records.flatMap((record) => recheckRecord(record, judged) ?? [])
    return { findings, examined: records.length, next }
  }

  function wake(): void {
    if (!isStarted || stop.signal.aborted || running !== undefined) return
    running = lookBack()
      .catch((error: unknown) => {
        options.log('error', 'the records could not be looked back at', { error: String(error) })
        return 'again' as const
      })
      .then(async (outcome) => {
        if (outcome === 'again') await pause(RETRY_MS)
        running = undefined
        if (outcome === 'again' || outcome !== newest?.revision) wake()
      })
  }

  /** Gives the revision that it looked back with. */
  async function lookBack(): Promise<string | undefined> {
    await pause(options.settleMs ?? SETTLE_MS)
    const revision = newest?.revision
    const config = options.config()
    const hours = config['records.recheckHours']
    if (stop.signal.aborted || revision === undefined || hours === 0) return revision
    if ((await store.meta.get(DONE)) === revision) return revision
    await store.flush()
    const sinceMs = Date.now() - hours * HOUR_MS
    const { examined, found } = await lookAtAll(sinceMs, await today())
    if (stop.signal.aborted) return revision
    await store.meta.set(DONE, revision)
    const keptMs = config['records.maxAgeDays'] * 24 * HOUR_MS
    await store.recall.trim({ beforeMs: Date.now() - keptMs, keep: KEPT_FINDINGS })
    if (found > 0) options.log('warn', 'let through before, would be blocked today', { found, examined, revision })
    return revision
  }

  async function lookAtAll(sinceMs: number, now: Today): Promise<{ examined: number; found: number }> {
    const sum = { examined: 0, found: 0 }
    let cursor: string | undefined
    while (!stop.signal.aborted) {
      const before = performance.now()
      const { findings, examined, next } = await slice({ sinceMs, cursor }, now)
      sum.examined += examined
      if (findings.length > 0) sum.found += await store.recall.add(findings)
      if (next === null) break
      cursor = next
      await pause(Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * (performance.now() - before)))
    }
    return sum
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {}) // an abort ends the pause
  }

  const unlisten = store.onLists((snapshot) => {
    newest = snapshot
    wake()
  })
  return {
    slice: (query) => slice(query),
    start() {
      isStarted = true
      wake()
    },
    async close() {
      unlisten()
      stop.abort()
      await running
    },
  }
}
