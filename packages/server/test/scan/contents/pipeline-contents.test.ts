import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Evidence } from '../../../src/domain/evidence.ts'
import { decideVerdict, type ScanResult, Unscanned } from '../../../src/domain/verdict.ts'
import type { ContentsScanner } from '../../../src/scan/contents/contents-scanner.ts'
import type { ContentsResult } from '../../../src/scan/contents/walk.ts'
import { createPipeline, type PrescanResult, type ScanSettings } from '../../../src/scan/pipeline.ts'
import type { Scanner } from '../../../src/scan/scanner.ts'
import { zip } from '../archives.ts'
import { sampleOf } from '../samples.ts'

const NODE = { path: '', parent: -1, type: 'zip', size: 1, sha256: '', ms: 1, findings: [], limits: [] }
const TREE: Evidence = { nodes: [NODE], omitted: 0 }
const CLEAN: ContentsResult = {
  results: [{ outcome: 'clean', engine: 'unpack' }],
  members: [{ path: 'a', sha256: 'ab'.repeat(32) }],
  evidence: TREE,
}
const quiet: Scanner = { name: 'yara', version: '5', scanNow: () => [], scan: () => [] }

interface Rig {
  readonly contents?: Partial<ContentsScanner> | 'none'
  readonly engines?: readonly string[]
  readonly timeoutMs?: number
}

/** A pipeline whose contents scanner wants archives and programs, and answers as told. */
function rigOf({ contents = {}, engines = ['yara'], timeoutMs = 5000 }: Rig = {}) {
  const settings: ScanSettings = {
    engines: new Set(engines),
    suspiciousObjects: { enabled: false, list: 'both' },
    userDefinedObjects: false,
    exclusion: { enabled: false, types: [], validate: true },
    timeoutMs,
  }
  const pipeline = createPipeline({
    engines: [quiet],
    cacheEntries: 100,
    settings: () => settings,
    lists: () => undefined,
    now: () => 1,
  })
  let scans = 0
  const scanner: ContentsScanner = {
    version: '1',
    wants: (_, __, type) => type.packed || type.name === 'pe',
    async scan() {
      scans++
      return CLEAN
    },
    health: () => ({ state: 'up', detail: '' }),
    engineHealth: () => undefined,
    close: async () => {},
  }
  if (contents !== 'none') pipeline.useContents({ ...scanner, ...contents })
  const ask = async (bytes: Buffer, more = {}): Promise<PrescanResult> =>
    await pipeline.prescan(sampleOf(bytes, more), { client: '192.0.2.1' })
  return { pipeline, ask, scans: () => scans }
}

const ARCHIVE = zip([{ name: 'a.txt', data: Buffer.from('hello') }])
const PROGRAM = Buffer.concat([
  Buffer.from('MZ'),
  Buffer.alloc(58),
  Buffer.from([64, 0, 0, 0]),
  Buffer.from('PE\0\0'),
  Buffer.alloc(200),
])

const reasons = (results: readonly ScanResult[]) => {
  const verdict = decideVerdict(results)
  return verdict.state === 'unscanned' ? verdict.reasons : []
}

describe('the pipeline with what looks inside', () => {
  it('gives members and tree of an archive, and calls it clean once it was opened', async () => {
    const { results, members, evidence } = await rigOf().ask(ARCHIVE)
    assert.deepEqual(reasons(results), [])
    assert.deepEqual(members, CLEAN.members)
    assert.deepEqual(evidence, TREE)
  })

  it('does not ask it of what it does not want: the answer is there at once', () => {
    const { pipeline, scans } = rigOf()
    const result = pipeline.prescan(sampleOf('plain text'), { client: '' })
    assert.ok(!(result instanceof Promise))
    assert.equal(scans(), 0)
  })

  it('remembers a whole answer with its members, by name too', async () => {
    const { ask, scans } = rigOf()
    await ask(ARCHIVE, { fileName: 'a.zip' })
    const again = await ask(ARCHIVE, { fileName: 'a.zip' })
    assert.deepEqual([again.cached, again.members, again.evidence], [true, CLEAN.members, TREE])
    await ask(ARCHIVE, { fileName: 'password is 123.zip' })
    assert.equal(scans(), 2)
  })

  it('does not remember one that is unscanned', async () => {
    const locked: ScanResult = { outcome: 'unscanned', engine: 'unpack', reason: 'encrypted' }
    let scans = 0
    const { ask } = rigOf({ contents: { scan: async () => (scans++ < 0 ? CLEAN : { ...CLEAN, results: [locked] }) } })
    assert.deepEqual(reasons((await ask(ARCHIVE)).results), ['encrypted'])
    await ask(ARCHIVE)
    assert.equal(scans, 2)
  })

  it('is unscanned where what looks inside fails, or is not there', async () => {
    const timeout = rigOf({ contents: { scan: () => Promise.reject(new Unscanned('timeout', 'too slow')) } })
    assert.deepEqual(reasons((await timeout.ask(ARCHIVE)).results), ['timeout'])
    const broken = rigOf({ contents: { scan: () => Promise.reject(new Error('a fault of ours')) } })
    assert.deepEqual(reasons((await broken.ask(ARCHIVE)).results), ['engine-down'])
    assert.deepEqual(reasons((await rigOf({ contents: 'none' }).ask(ARCHIVE)).results), ['not-unpacked'])
  })

  it('needs the predictive engine of a program while it is on, whoever runs it', async () => {
    const engines = ['yara', 'predictive']
    assert.deepEqual(reasons((await rigOf({ engines }).ask(PROGRAM)).results), ['engine-down'])
    assert.deepEqual(reasons((await rigOf({ engines, contents: 'none' }).ask(PROGRAM)).results), ['engine-down'])
    const looked: ContentsResult = { ...CLEAN, results: [{ outcome: 'clean', engine: 'predictive' }] }
    assert.deepEqual(
      reasons((await rigOf({ engines, contents: { scan: async () => looked } }).ask(PROGRAM)).results),
      [],
    )
    assert.deepEqual(reasons((await rigOf({ engines }).ask(Buffer.from('a text'))).results), [])
  })

  it('never calls clean what only an opener looked at', async () => {
    assert.deepEqual(reasons((await rigOf({ engines: [] }).ask(ARCHIVE)).results), ['engine-down'])
  })

  it("puts the sample's own findings at the root of the tree, with the engine's version", async () => {
    const { pipeline, ask } = rigOf()
    const found = { engine: 'yara', name: 'Bad', risk: 'high', about: 'file' } as const
    pipeline.swap({ ...quiet, version: '6', scanNow: () => [found], scan: () => [found] })
    const { evidence } = await ask(ARCHIVE)
    assert.deepEqual(evidence?.nodes[0]?.findings, [{ engine: 'yara', engineVersion: '6', name: 'Bad', risk: 'high' }])
  })

  it('cancels the walk when the deadline has passed', async () => {
    const { ask } = rigOf({
      timeoutMs: 30,
      contents: {
        scan: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Unscanned('timeout', 'told to stop')))
          }),
      },
    })
    assert.deepEqual(reasons((await ask(ARCHIVE)).results), ['timeout'])
  })

  it('changes its version with that of what looks inside', () => {
    const { pipeline } = rigOf()
    const before = pipeline.version
    pipeline.useContents(undefined)
    assert.notEqual(pipeline.version, before)
  })
})
