import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { buildListTable, type ListTable, openListTable } from '../../src/domain/list-table.ts'
import type { Sample } from '../../src/domain/sample.ts'
import { decideVerdict, type ScanResult, Unscanned } from '../../src/domain/verdict.ts'
import {
  createPipeline,
  downEngine,
  type Pipeline,
  type PrescanResult,
  type ScanSettings,
} from '../../src/scan/pipeline.ts'
import type { Scanner } from '../../src/scan/scanner.ts'
import { compileRules } from '../../src/scan/scanners/yara/rule-compiler.ts'
import { createYaraEngine, type YaraEngine } from '../../src/scan/scanners/yara/yara-engine.ts'
import { zip } from './archives.ts'
import { EICAR, sampleOf, withSpooled } from './samples.ts'

const CLIENT = { client: '192.0.2.1' }
const TRUSTED = sampleOf('trusted-marker')

const settingsOf = (more: Partial<ScanSettings> = {}): ScanSettings => ({
  engines: new Set(['yara']),
  suspiciousObjects: { enabled: true, list: 'both' },
  userDefinedObjects: true,
  exclusion: { enabled: false, types: [], validate: true },
  timeoutMs: 5000,
  ...more,
})

const lists = (): ListTable =>
  openListTable(
    buildListTable(
      [
        {
          list: 'trusted',
          type: 'sha256',
          value: TRUSTED.sha256,
          risk: 'none',
          expiresMs: 0,
          addedMs: 0,
          source: 't',
          note: 'mine',
        },
        {
          list: 'user-defined',
          type: 'sha256',
          value: sampleOf('listed').sha256,
          risk: 'high',
          expiresMs: 0,
          addedMs: 0,
          source: 't',
          note: '',
        },
      ],
      '3',
    ),
  )

const SETTINGS = settingsOf()

function pipelineOf(
  engines: readonly Scanner[],
  settings = settingsOf(),
  table: ListTable | 'missing' = lists(),
): Pipeline {
  return createPipeline({
    engines,
    cacheEntries: 100,
    // So that the cache can be tried with bodies of a few bytes; see the test of small ones.
    cacheFromBytes: 0,
    settings: () => settings,
    lists: () => (table === 'missing' ? undefined : table),
    now: () => 1,
  })
}

const short = (results: readonly ScanResult[]) =>
  results.map((r) => `${r.engine}: ${r.outcome}${r.outcome === 'unscanned' ? ` ${r.reason}` : ''}`)
const at = (pipeline: Pipeline, sample: Sample): PrescanResult => {
  const result = pipeline.prescan(sample, CLIENT)
  assert.ok(!(result instanceof Promise), 'a small body needs no promise')
  return result
}

/** An engine of one's own, to break. */
const engine = (name: string, scan: Scanner['scan'], more: Partial<Scanner> = {}): Scanner => ({
  name,
  version: '1',
  scan,
  ...more,
})

describe('the pre-scan', () => {
  let yara: YaraEngine
  before(async () => {
    const source = `rule eicar { strings: $a = "${EICAR.replaceAll('\\', '\\\\')}" condition: $a }
rule trusted { strings: $a = "trusted-marker" condition: $a }`
    yara = await createYaraEngine({ blob: (await compileRules([{ name: 'test.yar', source }])).blob })
  })
  after(() => yara.close())

  it('answers small bodies at once, and the second time from the cache', () => {
    const pipeline = pipelineOf([yara])
    for (const [sample, outcome] of [
      [sampleOf('nothing'), 'yara: clean'],
      [sampleOf(`x${EICAR}x`), 'yara: detected'],
    ] as const) {
      const first = at(pipeline, sample)
      const second = at(pipeline, { ...sample })
      assert.deepEqual([short(first.results), first.cached], [[outcome], false])
      assert.deepEqual([second.results, second.cached], [first.results, true])
    }
  })

  it('remembers no body that is scanned as fast as it is looked up, and every larger one', () => {
    const pipeline = createPipeline({
      engines: [yara],
      cacheEntries: 100,
      settings: () => SETTINGS,
      lists,
      now: () => 1,
    })
    for (const [size, cached] of [
      [4095, false],
      [4096, true],
    ] as const) {
      const sample = sampleOf('x'.repeat(size))
      assert.equal(at(pipeline, sample).cached, false)
      assert.equal(at(pipeline, { ...sample }).cached, cached, `${size} bytes`)
    }
  })

  it('answers large and spooled bodies later, and remembers them too', async () => {
    const pipeline = pipelineOf([yara])
    const bytes = Buffer.alloc(200_000, '.')
    bytes.write(EICAR, 150_000)
    await withSpooled(bytes, async (sample) => {
      const first = await pipeline.prescan(sample, CLIENT)
      const second = at(pipeline, sample)
      assert.deepEqual([short(first.results), first.trueType, first.cached], [['yara: detected'], 'text/plain', false])
      assert.equal(second.cached, true)
    })
  })

  for (const [words, sample, expected] of [
    [
      'an archive is not unpacked',
      sampleOf(zip([{ name: 'a', data: Buffer.from('x') }])),
      ['yara: clean', 'unpack: unscanned not-unpacked'],
    ],
    [
      'a locked archive is encrypted',
      sampleOf(zip([{ name: 'a', data: Buffer.from('x'), encrypted: true }])),
      ['yara: clean', 'unpack: unscanned encrypted'],
    ],
    [
      'a locked document is encrypted',
      sampleOf('%PDF-1.7 << /Encrypt 1 0 R >>'),
      ['yara: clean', 'unpack: unscanned encrypted'],
    ],
    ['a document is looked at as it is', sampleOf('%PDF-1.7 << >>'), ['yara: clean']],
    [
      'what is found in a packed file counts',
      sampleOf(zip([{ name: 'a', data: Buffer.from(EICAR) }])),
      ['yara: detected', 'unpack: unscanned not-unpacked'],
    ],
    ['a part is not the whole', sampleOf('part', { partial: true }), ['yara: clean', 'sample: unscanned partial']],
    ['a trusted file needs no engine', TRUSTED, ['trusted-objects: clean']],
    [
      'a part of a trusted file is a part',
      { ...TRUSTED, partial: true },
      ['trusted-objects: clean', 'sample: unscanned partial'],
    ],
  ] as const) {
    it(words, () => {
      const pipeline = pipelineOf([yara])
      assert.deepEqual(short(at(pipeline, sample).results), expected)
      assert.deepEqual(short(at(pipeline, { ...sample }).results), expected, 'the second time')
    })
  }

  it('names the trusted entry as evidence', () => {
    assert.equal(at(pipelineOf([yara]), TRUSTED).trusted?.value, TRUSTED.sha256)
    assert.deepEqual(short(at(pipelineOf([yara], settingsOf(), 'missing'), TRUSTED).results), ['yara: detected'])
  })

  it('is never clean when an engine that is on is missing, broken, or throws anything', async () => {
    const cases: readonly (readonly [readonly Scanner[], string])[] = [
      [[], 'engine-down'],
      [[downEngine('yara', 'why')], 'engine-down'],
      [[engine('yara', () => Promise.reject(new Error('x')))], 'engine-down'],
      [[engine('yara', () => Promise.reject('x'))], 'engine-down'],
      [
        [
          engine('yara', () => {
            throw new Unscanned('no-space', 'x')
          }),
        ],
        'no-space',
      ],
      [
        [
          engine('yara', () => [], {
            scanNow: () => {
              throw new Unscanned('timeout', 'x')
            },
          }),
        ],
        'timeout',
      ],
      [
        [
          engine('yara', () => [], {
            scanNow: () => {
              throw new TypeError('x')
            },
          }),
        ],
        'engine-down',
      ],
    ]
    for (const [engines, reason] of cases) {
      const { results } = await pipelineOf(engines).prescan(sampleOf('x'), CLIENT)
      const verdict = decideVerdict(results)
      assert.deepEqual(verdict.state === 'unscanned' && verdict.reasons, [reason])
    }
  })

  it('keeps what one engine found beside what another could not look at, and asks again next time', async () => {
    const settings = settingsOf({ engines: new Set(['yara', 'broken']) })
    let asked = 0
    const broken = engine('broken', () => {
      asked++
      throw new Unscanned('too-large', 'x')
    })
    const pipeline = pipelineOf([yara, broken], settings)
    for (let i = 0; i < 2; i++) {
      const { results, cached } = await pipeline.prescan(sampleOf(EICAR), CLIENT)
      assert.deepEqual([short(results), cached], [['broken: unscanned too-large', 'yara: detected'], false])
    }
    assert.equal(asked, 2)
  })

  it('is timeout at the deadline, and when the client is gone, for an engine that hangs', async () => {
    const signals: AbortSignal[] = []
    const hung = engine('yara', (_, signal) => {
      signals.push(signal)
      return new Promise(() => {})
    })
    const late = pipelineOf([hung], settingsOf({ timeoutMs: 50 })).prescan(sampleOf('x'), CLIENT)
    const gone = pipelineOf([hung]).prescan(sampleOf('x'), CLIENT, { signal: AbortSignal.timeout(50) })
    const before = pipelineOf([hung]).prescan(sampleOf('x'), CLIENT, { signal: AbortSignal.abort() })
    for (const scan of [late, gone, before]) assert.deepEqual(short((await scan).results), ['yara: unscanned timeout'])
    assert.ok(
      signals.every((signal) => signal.aborted),
      'the engine is told to stop',
    )
  })

  it('calls no body clean when all content engines are off, nor what it cannot read', async () => {
    const off = pipelineOf([yara], settingsOf({ engines: new Set() }))
    assert.deepEqual(short(at(off, sampleOf(EICAR)).results), ['content-engines: unscanned engine-down'])
    const gone = sampleOf('', { content: { kind: 'file', fd: 999_999, size: 10 } })
    for (const [pipeline, expected] of [
      [off, 'true-file-type: unscanned engine-down'],
      [pipelineOf([yara]), 'yara: unscanned engine-down'],
    ] as const)
      assert.deepEqual(short((await pipeline.prescan(gone, CLIENT)).results), [expected])
  })

  it('tells contexts apart where an engine uses them', async () => {
    const seen: string[] = []
    const picky = engine(
      'yara',
      (sample) => {
        seen.push(sample.fileName)
        return []
      },
      { usesContext: true },
    )
    const pipeline = pipelineOf([picky])
    for (const fileName of ['a', 'b', 'a']) await pipeline.prescan(sampleOf('x', { fileName }), CLIENT)
    assert.deepEqual(seen, ['a', 'b'])
  })

  it('forgets and changes its version when an engine is swapped, and keeps no answer of the old one', async () => {
    let release: (() => void) | undefined
    const old = engine(
      'yara',
      () =>
        new Promise((resolve) => {
          release = () => resolve([])
        }),
    )
    const pipeline = pipelineOf([old])
    const version = pipeline.version
    const underWay = pipeline.prescan(sampleOf(EICAR), CLIENT)
    assert.equal(pipeline.swap(yara), old)
    assert.notEqual(pipeline.version, version)
    release?.()
    assert.deepEqual(short((await underWay).results), ['yara: clean'])
    const next = at(pipeline, sampleOf(EICAR))
    assert.deepEqual([short(next.results), next.cached], [['yara: detected'], false])
  })

  it('asks the lists apart, every time, and excluded bodies by their true type', () => {
    const settings = settingsOf({ exclusion: { enabled: true, types: ['image/*'], validate: true } })
    const pipeline = pipelineOf([yara], settings)
    const listed = sampleOf('listed')
    assert.deepEqual(short(at(pipeline, listed).results), ['yara: clean'])
    assert.deepEqual(short(pipeline.lists(listed, [])), ['suspicious-objects: clean', 'user-defined-objects: detected'])
    const png = sampleOf('\x89PNG\r\n\x1a\n', { declaredType: 'image/png' })
    const lie = sampleOf(EICAR, { declaredType: 'image/png' })
    const excluded = [png, lie].map((sample) => pipeline.excluded(sample, { compressed: false }))
    assert.deepEqual([...excluded, pipeline.excluded(png, { compressed: true })], [true, false, false])
  })

  it('tells what is ready, down and off', () => {
    const settings = settingsOf({ engines: new Set(['yara', 'predictive']), userDefinedObjects: false })
    const pipeline = pipelineOf([yara, downEngine('clamav', 'no socket')], settings)
    const states = Object.fromEntries(pipeline.readiness().map(({ engine: name, state }) => [name, state]))
    assert.deepEqual(states, {
      yara: 'up',
      clamav: 'off',
      predictive: 'down',
      'suspicious-objects': 'up',
      'user-defined-objects': 'off',
      unpack: 'off',
      'true-file-type': 'up',
    })
    const noLists = pipelineOf([yara], settings, 'missing').readiness()
    assert.equal(noLists.find(({ engine: name }) => name === 'suspicious-objects')?.state, 'down')
  })
})
