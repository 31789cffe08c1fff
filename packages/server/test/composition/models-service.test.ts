import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { createModelsService, packModels, unpackModels } from '../../src/composition/models-service.ts'
import type { Snapshot } from '../../src/supervisor/messages.ts'

const root = mkdtempSync(join(tmpdir(), 'assay-models-'))
after(() => rmSync(root, { recursive: true, force: true }))

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
let folder = ''
let workerFaults: string[] = []
let published: (Snapshot | undefined)[] = []
let inUse = false
let count = 0

beforeEach(() => {
  folder = join(root, String(count++))
  mkdirSync(join(folder, 'worker', 'snapshots'), { recursive: true })
  workerFaults = []
  published = []
  inUse = false
})

const service = () =>
  createModelsService({
    folder: join(folder, 'models'),
    snapshots: join(folder, 'worker', 'snapshots'),
    check(bytes, wanted) {
      if (!bytes.includes('tree')) throw new Error('it is no model')
      if (wanted !== undefined && wanted !== sha256(bytes)) throw new Error('its SHA-256 is another')
      return { sha256: sha256(bytes), trees: 1 }
    },
    pinned: [{ name: 'pe', url: 'https://publisher.example/pe', sha256: sha256(Buffer.from('tree of pe')) }],
    download: async (url) => Buffer.from(`tree of ${url.split('/').at(-1)}`),
    async publish(snapshot) {
      published.push(snapshot)
      return workerFaults
    },
    isInUse: () => inUse,
  })

async function* text(words: string): AsyncGenerator<Buffer> {
  yield Buffer.from(words)
}

const add = (words: string, more: object = {}) =>
  service().deps.add({ name: 'pe', source: 'a file', by: 'cli', ...more }, text(words))

describe('models', () => {
  it('are used by the workers and are there at the next start', async () => {
    assert.equal((await add('a tree')).ok, true)
    const again = service()
    assert.equal(again.hasModel(), true)
    const [model] = await again.deps.list()
    assert.deepEqual([model?.name, model?.sha256], ['pe', sha256(Buffer.from('a tree'))])
    const snapshot = await again.build()
    assert.equal(snapshot?.revision, published[0]?.revision)
    const pack = unpackModels(readFileSync(join(folder, 'worker', snapshot?.path ?? '')))
    assert.deepEqual(pack, [{ name: 'pe', bytes: Buffer.from('a tree') }])
  })

  it('stay as they were where a worker refuses the new ones', async () => {
    await add('a tree')
    workerFaults = ['it does not load']
    const outcome = await add('another tree')
    assert.deepEqual(outcome, { ok: false, faults: ['it does not load'] })
    assert.equal((await service().deps.list())[0]?.sha256, sha256(Buffer.from('a tree')))
    assert.equal(published.at(-1)?.revision, published[0]?.revision)
  })

  it('are refused where they are none, or others than those that were meant', async () => {
    assert.equal((await add('nonsense')).ok, false)
    assert.equal((await add('a tree', { sha256: '0'.repeat(64) })).ok, false)
    assert.equal(service().hasModel(), false)
    assert.deepEqual(published, [])
  })

  it('leave nothing of the one that they take the place of', async () => {
    await add('a tree')
    await add('another tree')
    assert.deepEqual(readdirSync(join(folder, 'models')).sort(), [
      `${sha256(Buffer.from('another tree'))}.model`,
      'models.json',
    ])
  })

  it('come from their publisher pinned, and from anywhere else only with a SHA-256', async () => {
    assert.equal((await service().deps.download({ from: 'ember2024', by: 'cli' })).ok, true)
    const unpinned = await service().deps.download({ from: 'https://a.example/m', name: 'win32', by: 'cli' })
    assert.match(String(unpinned.ok === false && unpinned.faults[0]), /SHA-256/)
    const other = {
      from: 'https://a.example/m',
      name: 'win32',
      sha256: sha256(Buffer.from('tree of m')),
      by: 'cli',
    } as const
    assert.equal((await service().deps.download(other)).ok, true)
    assert.deepEqual(
      (await service().deps.list()).map(({ name }) => name),
      ['pe', 'win32'],
    )
  })

  it('go, but not the last one while the engine is on', async () => {
    await add('a tree')
    inUse = true
    assert.equal((await service().deps.remove({ name: 'pe', by: 'cli' })).ok, false)
    inUse = false
    assert.deepEqual(await service().deps.remove({ name: 'pe', by: 'cli' }), { ok: true, removed: true })
    assert.equal(published.at(-1), undefined)
    assert.deepEqual(readdirSync(join(folder, 'models')), ['models.json'])
  })

  it('are not installed once their file is lost', async () => {
    await add('a tree')
    for (const name of readdirSync(join(folder, 'models')))
      if (name.endsWith('.model')) rmSync(join(folder, 'models', name))
    assert.equal(service().hasModel(), false)
  })

  it('are told from damaged packs', () => {
    const pack = packModels([{ name: 'pe', bytes: Buffer.from('tree') }])
    assert.throws(() => unpackModels(pack.subarray(0, pack.length - 1)), /cut short/)
    assert.throws(() => unpackModels(Buffer.from('junk')), /not a pack/)
  })
})
