import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recheckRecord, type Today } from '../../src/composition/recheck.ts'
import type { Policy } from '../../src/domain/action.ts'
import { buildListTable, openListTable } from '../../src/domain/list-table.ts'
import type { SuspiciousObject } from '../../src/domain/suspicious-object.ts'
import type { TransactionRecord } from '../../src/domain/transaction-record.ts'
import { UNSCANNED_REASONS } from '../../src/domain/verdict.ts'
import { sampleRecord } from '../api/fixture.ts'

const NOW = 1_700_000_000_000
const OWN = 'aa'.repeat(32)
const INSIDE = 'bb'.repeat(32)
const node = { parent: -1, type: '', size: 1, ms: 0, findings: [], limits: [] }
const TREE = {
  nodes: [
    { ...node, path: '', sha256: OWN },
    { ...node, path: 'a.zip!/b.exe', parent: 0, sha256: INSIDE },
  ],
  omitted: 0,
}

const PASSED: TransactionRecord = {
  ...sampleRecord(),
  action: 'allow-clean',
  outcome: 'clean',
  risk: 'none',
  reasons: [],
  details: [],
  detections: [],
  mode: 'RESPMOD',
  url: 'http://files.example/a.zip',
  sha256: OWN,
  sha1: '',
  saved: { authenticatedUser: 'ann' },
  evidence: TREE,
}

function today(
  objects: readonly Partial<SuspiciousObject>[],
  change: Partial<Today> & { policy?: Partial<Policy> } = {},
): Today {
  const { policy, ...more } = change
  const base = { list: 'user-defined', risk: 'high', expiresMs: 0, addedMs: 1, source: 't', note: 'n' } as const
  const table = buildListTable(
    objects.map((object) => ({ ...base, ...object }) as SuspiciousObject),
    '7',
  )
  return {
    table: openListTable(table),
    settings: { suspiciousObjects: { enabled: true, list: 'both' }, userDefinedObjects: true },
    nowMs: NOW,
    bypassUrlInRespmod: false,
    policyFor: () => ({ ...POLICY, ...policy }),
    ...more,
  }
}

const POLICY: Policy = {
  blockFrom: 'high',
  unscanned: Object.fromEntries(UNSCANNED_REASONS.map((reason) => [reason, 'allow'])) as Policy['unscanned'],
  classifyPasswordProtected: 'off',
}
const medium = { engine: 'documents', name: 'Macro', risk: 'medium', about: 'file' } as const

interface Row {
  readonly because: string
  readonly record?: Partial<TransactionRecord>
  readonly now: Today
  /** Names of the causes; undefined: it would pass today too. */
  readonly causes?: readonly string[]
}

const ROWS: readonly Row[] = [
  { because: 'nothing has changed', now: today([]) },
  { because: 'its hash is listed', now: today([{ type: 'sha256', value: OWN }]), causes: ['UserDefinedObject.File'] },
  {
    because: 'a member’s hash is listed',
    now: today([{ type: 'sha256', value: INSIDE }]),
    causes: ['UserDefinedObject.File'],
  },
  {
    because: 'its SHA-1 is listed',
    record: { sha1: 'cc'.repeat(20) },
    now: today([{ type: 'sha1', value: 'cc'.repeat(20) }]),
    causes: ['UserDefinedObject.File'],
  },
  {
    because: 'its host is listed',
    now: today([{ type: 'domain', value: 'files.example' }]),
    causes: ['UserDefinedObject.Domain'],
  },
  {
    because: 'the address that it came from is listed',
    record: { saved: { serverIp: '203.0.113.9' } },
    now: today([{ type: 'ip', value: '203.0.113.9' }]),
    causes: ['UserDefinedObject.IP'],
  },
  {
    because: 'URLs of responses are not rated',
    now: today([{ type: 'domain', value: 'files.example' }], { bypassUrlInRespmod: true }),
  },
  { because: 'the entry has expired', now: today([{ type: 'sha256', value: OWN, expiresMs: NOW - 1 }]) },
  {
    because: 'an exception stands beside it',
    now: today([
      { type: 'sha256', value: OWN },
      { type: 'sha256', value: OWN, list: 'exceptions' },
    ]),
  },
  {
    because: 'the list is off',
    now: today([{ type: 'sha256', value: OWN }], {
      settings: { suspiciousObjects: { enabled: true, list: 'both' }, userDefinedObjects: false },
    }),
  },
  {
    because: 'it was blocked then',
    record: { action: 'block', outcome: 'detected' },
    now: today([{ type: 'sha256', value: OWN }]),
  },
  {
    because: 'policy blocks from medium on now',
    record: { detections: [medium] },
    now: today([], { policy: { blockFrom: 'medium' } }),
    causes: ['Macro'],
  },
  { because: 'what was found then is below the threshold still', record: { detections: [medium] }, now: today([]) },
  {
    because: 'a list’s words of then count no more',
    record: { detections: [{ ...medium, engine: 'suspicious-objects', risk: 'high' }] },
    now: today([]),
  },
  {
    because: 'policy blocks now what could not be scanned',
    record: { action: 'allow-unscanned', reasons: ['encrypted'] },
    now: today([], { policy: { unscanned: { ...POLICY.unscanned, encrypted: 'block' } } }),
    causes: ['Not scanned (encrypted)'],
  },
  {
    because: 'an error is no block',
    record: { action: 'allow-unscanned', reasons: ['timeout'] },
    now: today([], { policy: { unscanned: { ...POLICY.unscanned, timeout: 'error' } } }),
  },
  {
    because: 'what was excluded is blocked by its hash',
    record: { action: 'allow-excluded', outcome: 'excluded' },
    now: today([{ type: 'sha256', value: OWN }]),
    causes: ['UserDefinedObject.File'],
  },
  {
    because: 'a message without body is known by its URL',
    record: { sha256: '', size: -1, url: 'http://files.example:8080/x' },
    now: today([{ type: 'domain', value: 'files.example' }]),
    causes: ['UserDefinedObject.Domain'],
  },
  { because: 'a URL that is none is nothing', record: { url: 'not a url', sha256: '' }, now: today([]) },
]

describe('a record judged anew', () => {
  for (const { because, record = {}, now, causes } of ROWS)
    it(`${causes === undefined ? 'passes' : 'would be blocked'}: ${because}`, () => {
      const whole = { ...PASSED, ...record }
      const finding = recheckRecord(
        record.sha256 === '' ? { ...whole, evidence: { nodes: [], omitted: 0 } } : whole,
        now,
      )
      assert.deepEqual(
        finding?.causes.map(({ name }) => name),
        causes,
      )
    })

  it('says who, what, when and why', () => {
    const finding = recheckRecord(PASSED, today([{ type: 'sha256', value: INSIDE }]))
    assert.deepEqual(finding, {
      id: PASSED.id,
      timeMs: PASSED.timeMs,
      foundMs: NOW,
      client: PASSED.client,
      clientGroup: PASSED.clientGroup,
      mode: 'RESPMOD',
      url: PASSED.url,
      fileName: PASSED.fileName,
      sha256: OWN,
      action: 'allow-clean',
      user: 'ann',
      causes: [
        {
          engine: 'user-defined-objects',
          name: 'UserDefinedObject.File',
          risk: 'high',
          member: 'a.zip!/b.exe',
          evidence: `user-defined list: sha256 ${INSIDE}`,
        },
      ],
    })
  })
})
