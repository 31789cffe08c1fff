import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildListTable, openListTable } from '../../src/domain/list-table.ts'
import type { ObjectListName, ObjectType, SuspiciousObject } from '../../src/domain/suspicious-object.ts'
import type { ScanResult } from '../../src/domain/verdict.ts'
import type { ListSettings, ObjectLookup } from '../../src/scan/object-lists.ts'
import { askFileLists } from '../../src/scan/scanners/suspicious-objects.ts'
import { rateUrl } from '../../src/scan/url-rating.ts'

const BAD = 'a'.repeat(64)
const EXCEPTED = 'b'.repeat(64)
const TRUSTED = 'c'.repeat(64)
const MEMBER = 'd'.repeat(64)

const entry = (
  list: ObjectListName,
  type: ObjectType,
  value: string,
  risk: SuspiciousObject['risk'] = 'high',
): SuspiciousObject => ({
  list,
  type,
  value,
  risk,
  expiresMs: 0,
  addedMs: 0,
  source: 'test',
  note: 'test',
})

const TABLE = openListTable(
  buildListTable(
    [
      entry('generated', 'sha256', BAD, 'medium'),
      entry('synchronized', 'sha256', MEMBER, 'low'),
      entry('user-defined', 'sha256', EXCEPTED),
      entry('exceptions', 'sha256', EXCEPTED),
      entry('trusted', 'sha256', TRUSTED),
      entry('generated', 'sha256', TRUSTED, 'low'),
      entry('generated', 'url', 'http://bad.example/path', 'low'),
      entry('user-defined', 'domain', '*.listed.example'),
      entry('exceptions', 'domain', 'ok.listed.example'),
      entry('user-defined', 'ip', '192.0.2.0/24'),
    ],
    '7',
  ),
)

const on = (
  more: Partial<ListSettings['suspiciousObjects']> & { userDefinedObjects?: boolean } = {},
): ListSettings => ({
  suspiciousObjects: { enabled: more.enabled ?? true, list: more.list ?? 'both' },
  userDefinedObjects: more.userDefinedObjects ?? true,
})
const short = (results: readonly ScanResult[]) =>
  results.map((result) =>
    result.outcome === 'detected'
      ? `${result.engine}: ${result.detections.map(({ name, risk, member }) => `${name} ${risk}${member ? ` in ${member}` : ''}`).join(', ')}`
      : `${result.engine}: ${result.outcome}${result.outcome === 'unscanned' ? ` ${result.reason}` : ''}`,
  )
const ask = (sha256: string, settings = on(), table: ObjectLookup | undefined = TABLE) =>
  short(askFileLists({ sha256 }, [], { table, settings, nowMs: 1 }))

const FILES = [
  [ask('e'.repeat(64)), ['suspicious-objects: clean', 'user-defined-objects: clean'], 'the hash is on no list'],
  [
    ask(BAD),
    ['suspicious-objects: SuspiciousObject.File medium', 'user-defined-objects: clean'],
    'a generated object carries its own risk',
  ],
  [
    ask(MEMBER),
    ['suspicious-objects: SuspiciousObject.File high', 'user-defined-objects: clean'],
    'a synchronized one is high',
  ],
  [
    ask(BAD, on({ list: 'synchronized' })),
    ['suspicious-objects: clean', 'user-defined-objects: clean'],
    'the generated list is not chosen',
  ],
  [ask(EXCEPTED), ['suspicious-objects: clean', 'user-defined-objects: clean'], 'an exception takes the match away'],
  [
    ask(TRUSTED),
    ['suspicious-objects: SuspiciousObject.File low', 'user-defined-objects: clean'],
    'trust stands above engines, not above lists',
  ],
  [ask(BAD, on({ enabled: false })), ['user-defined-objects: clean'], 'the box is not ticked'],
  [
    ask(BAD, on({ enabled: false, userDefinedObjects: false })),
    ['object-lists: clean'],
    'no box is ticked, so nothing is required',
  ],
  [
    short(askFileLists({ sha256: BAD }, [], { table: undefined, settings: on(), nowMs: 1 })),
    ['suspicious-objects: unscanned engine-down', 'user-defined-objects: unscanned engine-down'],
    'the snapshot is missing',
  ],
] as const

describe('file lists', () => {
  for (const [got, expected, because] of FILES) it(`when ${because}`, () => assert.deepEqual(got, expected))

  it('are asked for each member, by hash, URL and host, and name it', () => {
    const members = [
      { path: 'a/b.exe', sha256: MEMBER },
      { path: 'c.lnk', sha256: 'e'.repeat(64), urls: ['http://bad.example/path'], hosts: ['x.listed.example'] },
    ]
    assert.deepEqual(
      short(askFileLists({ sha256: 'f'.repeat(64) }, members, { table: TABLE, settings: on(), nowMs: 1 })),
      [
        'suspicious-objects: SuspiciousObject.File high in a/b.exe, SuspiciousObject.URL low in c.lnk',
        'user-defined-objects: UserDefinedObject.Domain high in c.lnk',
      ],
    )
  })

  it('are engine-down when a look-up fails', () => {
    const broken: ObjectLookup = {
      revision: 'x',
      findFile() {
        throw new Error('torn')
      },
      findUrl: () => [],
      findHost: () => [],
    }
    assert.deepEqual(ask(BAD, on(), broken), [
      'suspicious-objects: unscanned engine-down',
      'user-defined-objects: unscanned engine-down',
    ])
  })
})

const rate = (url: string, host = '', claimedServerIp = '', settings = on()) =>
  short(rateUrl({ url, host, claimedServerIp }, { table: TABLE, settings, nowMs: 1 }))
const CLEAN = ['suspicious-objects: clean', 'user-defined-objects: clean', 'url-rating: clean']

const URLS = [
  [rate('http://good.example/'), CLEAN, 'nothing is known'],
  [rate(''), CLEAN, 'there is no URL'],
  [
    rate('http://bad.example/path'),
    ['suspicious-objects: SuspiciousObject.URL low', ...CLEAN.slice(1)],
    'the URL is listed',
  ],
  [
    rate('http://a.listed.example/x'),
    [CLEAN[0], 'user-defined-objects: UserDefinedObject.Domain high', CLEAN[2]],
    'its domain is listed',
  ],
  [rate('http://ok.listed.example/x'), CLEAN, 'its domain is excepted'],
  [
    rate('', 'a.listed.example'),
    [CLEAN[0], 'user-defined-objects: UserDefinedObject.Domain high', CLEAN[2]],
    'only a host is known (CONNECT)',
  ],
  [
    rate('http://good.example/', 'good.example', '192.0.2.9'),
    [CLEAN[0], 'user-defined-objects: UserDefinedObject.IP high', CLEAN[2]],
    'the server address is listed',
  ],
  [
    rate('http://x.example/', '', '', on({ enabled: false, userDefinedObjects: false })),
    ['object-lists: clean', 'url-rating: clean'],
    'no list is on',
  ],
  [
    rate('http://3325256705/a'),
    [...CLEAN.slice(0, 2), 'url-rating: SuspiciousURL.ObfuscatedAddress medium'],
    'the address is one number',
  ],
  [
    rate('http://x.example/invoice.pdf.exe?x=1'),
    [...CLEAN.slice(0, 2), 'url-rating: SuspiciousURL.DoubleExtension low'],
    'a program calls itself a document',
  ],
  [
    rate('http://x.example/a%E2%80%AEfdp.exe'),
    [...CLEAN.slice(0, 2), 'url-rating: SuspiciousURL.RightToLeft medium'],
    'the name runs backwards',
  ],
  [rate('http://x.example/archive.tar.gz'), CLEAN, 'two extensions may be honest'],
] as const

describe('URL rating', () => {
  for (const [got, expected, because] of URLS) it(`when ${because}`, () => assert.deepEqual(got, expected))
})
