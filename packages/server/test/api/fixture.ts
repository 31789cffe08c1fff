import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import {
  type FeedView,
  feedConfigSchema,
  type ModelView,
  type RecallView,
  type RuleCheckView,
  type RuleFile,
  type Status,
} from '../../src/api/contract.ts'
import type { ApiDeps, ImportLine } from '../../src/api/deps.ts'
import { recordWithTree } from '../../src/domain/evidence-tree.ts'
import type { SuspiciousObject } from '../../src/domain/suspicious-object.ts'
import type { TransactionRecord } from '../../src/domain/transaction-record.ts'

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'assay-api-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function sampleStatus(changes: Partial<Status> = {}): Status {
  return {
    version: '9.8.7',
    node: '24.0.0',
    startedMs: 1_700_000_000_000,
    nowMs: 1_700_000_100_000,
    settingsRevision: 3,
    readiness: { ready: true, reasons: [] },
    processes: [{ role: 'supervisor', pid: 10, state: 'running', uid: 0 }],
    engines: [
      { engine: 'yara', state: 'up', version: '1.20.0', detail: '' },
      { engine: 'clamav', state: 'off', version: '', detail: '' },
    ],
    rules: { loaded: 12, quarantined: [], slow: [] },
    lists: [{ list: 'user-defined', type: 'sha256', count: 4 }],
    isTags: { respmod: 'abc' },
    listeners: [{ name: 'icap', address: '0.0.0.0:1344', state: 'listening', detail: '' }],
    connections: { inUse: 5, max: 1000 },
    journal: { backlogRecords: 7, backlogBytes: 700, maxBytes: 1_000_000 },
    store: { kind: 'sqlite', state: 'up', detail: '' },
    counters: { transactions_total: 42 },
    cpuSeconds: 1.5,
    memory: { rssBytes: 100_000_000 },
    ...changes,
  }
}

export function sampleRecord(changes: Partial<TransactionRecord> = {}): TransactionRecord {
  return {
    id: 'a1',
    timeMs: 1_700_000_000_000,
    client: '10.0.0.1',
    clientGroup: 'default',
    mode: 'RESPMOD',
    service: 'respmod',
    httpMethod: 'GET',
    httpStatus: 200,
    url: 'http://example.com/a.exe',
    fileName: 'a.exe',
    saved: { authenticatedUser: 'ann' },
    sha256: '0'.repeat(64),
    sha1: '',
    size: 12,
    declaredType: 'application/octet-stream',
    trueType: 'application/x-dosexec',
    outcome: 'detected',
    risk: 'high',
    reasons: [],
    details: [],
    detections: [{ engine: 'yara', name: 'Eicar', risk: 'high', about: 'file', offset: 0 }],
    action: 'block',
    icapStatus: 200,
    stagesMs: { read: 1, scan: 2, total: 4 },
    cached: false,
    engines: 'yara@1',
    ...changes,
  }
}

export function sampleModel(name: ModelView['name']): ModelView {
  return { name, sha256: 'ab'.repeat(32), bytes: 3, trees: 500, source: 'a file', addedMs: 1_700_000_000_000 }
}

/** A server in memory, which keeps every call it got in `calls`. */
export function memoryServer(changes: Partial<ApiDeps> = {}) {
  const calls: { name: string; input: unknown }[] = []
  const objects: SuspiciousObject[] = []
  const values: Record<string, unknown> = { 'icap.port': 1344, 'pages.urlAccess': 'blocked', 'icaps.passphrase': null }
  const seen = (name: string, input: unknown) => calls.push({ name, input })
  let revision = 1
  const deps: ApiDeps = {
    status: async () => sampleStatus(),
    readiness: async () => ({ ready: true, reasons: [] }),
    metricsText: async () => 'assay_ready 1\n',
    readSettings: async () => ({
      revision,
      settings: Object.entries(values).map(([key, value]) => ({
        key,
        value: key === 'icaps.passphrase' && value !== null ? '(secret)' : value,
        source: 'saved' as const,
        readOnly: false,
        secret: key === 'icaps.passphrase',
        help: '',
      })),
    }),
    async saveSettings(save) {
      seen('save', save)
      const given = save.updates
      const faults = Object.keys(given).flatMap((key) => (key in values ? [] : [`${key}: unknown setting`]))
      if (faults.length > 0) return { ok: false, faults }
      Object.assign(values, given)
      return { ok: true, revision: ++revision, changed: Object.keys(given), warnings: [] }
    },
    async applySettings(apply) {
      seen('apply', apply)
      if (apply.text.includes('bad')) return { ok: false, faults: ['line 2: unknown setting bad'] }
      return { ok: true, revision: ++revision, changed: ['icap.port'], warnings: ['the certificate ends soon'] }
    },
    exportSettings: async () => 'icap:\n  port: 1344\n',
    settingsHistory: async () => [
      { revision: 2, timeMs: 5, by: 'cli', changes: [{ key: 'icap.port', from: 1344, to: 1345 }] },
    ],
    async rollbackSettings(rollback) {
      seen('rollback', rollback)
      if (rollback.revision > revision) return { ok: false, faults: [`no revision ${rollback.revision}`] }
      return { ok: true, revision: ++revision, changed: [], warnings: [] }
    },
    async transactions(query) {
      seen('transactions', query)
      const from = Number(query.cursor ?? 0)
      const records = Array.from({ length: Math.min(query.limit, 1500 - from) }, (_, i) =>
        sampleRecord({ id: `t${from + i}` }),
      )
      return { records, next: from + records.length < 1500 ? String(from + records.length) : null }
    },
    async transaction(id) {
      seen('transaction', id)
      return id === 'a1' ? recordWithTree(sampleRecord()) : undefined
    },
    lists: {
      async add({ by, ...entry }) {
        seen('add', { by, ...entry })
        if (entry.value === 'nonsense') return { ok: false, faults: ['value: is not one of its type'] }
        objects.push({ ...entry, addedMs: 0, source: by })
        return { ok: true, changed: 1 }
      },
      async remove({ list, type, value }) {
        seen('remove', { list, type, value })
        const at = objects.findIndex((each) => each.list === list && each.type === type && each.value === value)
        if (at === -1) return { ok: true, changed: 0 }
        objects.splice(at, 1)
        return { ok: true, changed: 1 }
      },
      async import(options, batches) {
        seen('import', options)
        const lines: ImportLine[] = []
        for await (const batch of batches) lines.push(...batch)
        const faults = lines.flatMap((line) => ('fault' in line ? [`line ${line.line}: ${line.fault}`] : []))
        if (faults.length > 0) return { ok: false, faults }
        for (const line of lines) if ('entry' in line) objects.push({ ...line.entry, addedMs: 0, source: options.by })
        return { ok: true, changed: lines.length }
      },
      async *export({ list }) {
        yield objects.filter((each) => each.list === list)
      },
      counts: async () => [{ list: 'user-defined', type: 'sha256', count: objects.length }],
    },
    models: {
      async add({ name, source, sha256, by }, text) {
        let bytes = 0
        for await (const piece of text) bytes += piece.length
        seen('models.add', { name, source, sha256, bytes, by })
        return bytes === 0 ? { ok: false, faults: ['it is no model'] } : { ok: true, models: [sampleModel(name)] }
      },
      async download(query) {
        seen('models.fetch', query)
        return { ok: true, models: [sampleModel('pe')] }
      },
      list: async () => [sampleModel('pe')],
      remove: async ({ name }) => ({ ok: true, removed: name === 'pe' }),
    },
    feeds: memoryFeeds(seen),
    recall: {
      async list(query) {
        seen('recall.list', query)
        return query.cursor === undefined
          ? { findings: [sampleFinding('2')], next: '2' }
          : { findings: [sampleFinding('1')], next: null }
      },
      async recheck(query) {
        seen('recall.recheck', query)
        return query.cursor === undefined
          ? { findings: [], examined: 500, next: '2' }
          : { findings: [sampleFinding('1')], examined: 7, next: null }
      },
    },
    rules: {
      async add({ name, text, by, options }) {
        seen('rules.add', { name, by, ...(options === undefined ? {} : { options }) })
        const bad = text.includes('bad')
        const faults = bad ? ['line 1: syntax error'] : []
        return {
          ok: true,
          file: sampleRuleFile({ name, state: bad ? 'quarantined' : 'loaded', rules: bad ? 0 : 1, faults }),
        }
      },
      list: async () => [sampleRuleFile({ builtIn: true })],
      async show(name) {
        if (name !== 'a.yar') return undefined
        return { file: sampleRuleFile({}), check: sampleRuleCheck(''), hits: RULE_HITS }
      },
      async setOptions({ name, by, ...change }) {
        seen('rules.setOptions', { name, by, ...change })
        if (name !== 'a.yar') return { ok: false, faults: [`no rule file is called ${name}`] }
        const { enabled = true, shadow = false, types = [] } = change
        return { ok: true, file: sampleRuleFile({ state: enabled ? 'loaded' : 'disabled', shadow, types }) }
      },
      check: async ({ text }) => ({ ok: true, check: sampleRuleCheck(text) }),
      hits: async () => RULE_HITS,
      async remove({ name }) {
        if (name === 'builtin.yar') return { ok: false, faults: ['builtin.yar comes with the program'] }
        return { ok: true, removed: name === 'a.yar' }
      },
    },
    ...changes,
  }
  return { deps, calls, objects, values }
}

export function sampleFinding(id: string): RecallView {
  return {
    id,
    timeMs: 1_700_000_000_000,
    foundMs: 1_700_000_100_000,
    client: '192.0.2.1',
    clientGroup: 'default',
    mode: 'RESPMOD',
    url: 'http://files.example/a.zip',
    fileName: 'a.zip',
    sha256: 'ab'.repeat(32),
    action: 'allow-clean',
    user: 'ann',
    causes: [{ engine: 'user-defined-objects', name: 'UserDefinedObject.File', risk: 'high', member: 'b.exe' }],
  }
}

const RULE_HITS = [{ file: 'a.yar', rule: 'one', enforced: 3, shadow: 1 }]

function sampleRuleFile(changes: Partial<RuleFile>): RuleFile {
  return {
    name: 'a.yar',
    state: 'loaded',
    rules: 3,
    faults: [],
    builtIn: false,
    shadow: false,
    types: [],
    cost: { meanMs: 0.1, worstMs: 1.5, share: 0.25 },
    ...changes,
  }
}

export function sampleRuleCheck(text: string): RuleCheckView {
  const fault = { line: 1, code: 'E001', text: 'syntax error' }
  const warnings = [{ line: 2, code: 'slow_pattern', text: 'slow pattern' }]
  if (text.includes('bad')) return { name: 'a.yar', faults: [fault], warnings, rules: [] }
  const rule = { name: 'one', risk: 'high', weight: 7, cost: { meanMs: 0.1, worstMs: 1.5 }, share: 1 } as const
  return { name: 'a.yar', faults: [], warnings, rules: [rule, { name: 'two', risk: 'low' }] }
}

export function sampleFeed(name: string, changes: Partial<FeedView> = {}): FeedView {
  return {
    feed: feedConfigSchema.parse({ name, kind: 'text', url: 'https://feed.example/list' }),
    hasSecret: false,
    state: 'ok',
    running: false,
    attemptMs: 1_700_000_000_000,
    successMs: 1_700_000_000_000,
    nextMs: 1_700_000_003_600,
    failures: 0,
    fault: '',
    tally: { taken: 3, bad: 1, faults: ['line 4: "?" is no object that is known here'], ignored: { private: 2 } },
    counts: { sha256: 2, domain: 1 },
    ...changes,
  }
}

/** One source `good`, one `broken` whose reading takes a while and fails. */
function memoryFeeds(seen: (name: string, input: unknown) => void): ApiDeps['feeds'] {
  const feeds = new Map([
    ['good', sampleFeed('good')],
    ['broken', sampleFeed('broken', { state: 'failing', failures: 2, fault: 'busy: the source is busy (503)' })],
  ])
  const outcome = (name: string, changes: Partial<FeedView> = {}) => {
    const feed = feeds.get(name)
    if (feed === undefined) return { ok: false as const, faults: [`there is no source ${name}`] }
    return { ok: true as const, feed: { ...feed, ...changes } }
  }
  const objects = [{ type: 'domain', value: 'bad.example', risk: 'high', expiresMs: 0, note: 'a note' }] as const
  const preview = { ok: true, tally: sampleFeed('x').tally, counts: { domain: 1 }, objects } as const
  return {
    async add({ secret, ...rest }) {
      seen('feeds.add', { ...rest, secret: secret.length })
      return {
        ok: true,
        feed: { ...sampleFeed(rest.feed.name), feed: rest.feed, hasSecret: secret !== '', state: 'new' },
      }
    },
    list: async () => [...feeds.values()],
    get: async (name) => feeds.get(name),
    remove: async ({ name }) => ({ ok: true, removed: feeds.has(name) }),
    async setEnabled(change) {
      seen('feeds.enabled', change)
      return outcome(change.name, { state: change.enabled ? 'ok' : 'disabled' })
    },
    async sync(change) {
      seen('feeds.sync', change)
      return outcome(change.name, { running: true })
    },
    async preview({ feed }) {
      seen('feeds.preview', feed)
      return preview
    },
    previewOf: async (name) => (feeds.has(name) ? preview : outcome(name)) as typeof preview,
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

interface Call {
  readonly socketPath?: string
  readonly port?: number
  readonly method?: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer | Readable
}

export async function call({ body, headers = {}, ...where }: Call): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = request({ host: '127.0.0.1', agent: false, headers, ...where }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
  })
  sent.on('error', reject)
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) sent.end(body)
  else body.pipe(sent)
  return promise
}

export function jsonCall(socketPath: string, method: string, path: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  return call({ socketPath, method, path, headers, body: typeof body === 'string' ? body : JSON.stringify(body) })
}
