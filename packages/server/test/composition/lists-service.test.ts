import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ListEntry } from '../../src/api/contract.ts'
import type { ImportLine } from '../../src/api/deps.ts'
import { importLines } from '../../src/api/import-lines.ts'
import { createListsService } from '../../src/composition/lists-service.ts'
import { createWorkerState } from '../../src/composition/worker-state.ts'
import type { SuspiciousObject } from '../../src/domain/suspicious-object.ts'
import type { Config } from '../../src/settings/settings.ts'
import { openStore, type StoreRig } from './store-rig.ts'

const by = 'ann'
const entry = (value: string, more: Partial<ListEntry> = {}): ListEntry => ({
  list: 'user-defined',
  type: 'url',
  value,
  risk: 'high',
  expiresMs: 0,
  note: '',
  ...more,
})
const SHA256 = 'ab'.repeat(32)

let rig: StoreRig
let publications = 0
const service = () =>
  createListsService({
    store: rig.writer.objects,
    published: async () => {
      publications++
    },
  })
before(async () => {
  rig = await openStore()
})
after(() => rig.close())

async function* batches(lines: readonly ImportLine[], size = 3) {
  for (let at = 0; at < lines.length; at += size) yield lines.slice(at, at + size)
}

async function all(): Promise<SuspiciousObject[]> {
  const objects: SuspiciousObject[] = []
  for await (const page of service().export({ list: 'user-defined' })) objects.push(...page)
  return objects
}

const IMPORT = { list: 'user-defined', type: 'url', risk: 'high', expiresMs: 0, note: '' } as const

describe('one entry', () => {
  it('is made canonical, stored with who added it, and used when the call returns', async () => {
    publications = 0
    assert.deepEqual(await service().add({ ...entry('HTTP://WWW.Example.com:80/a'), by }), { ok: true, changed: 1 })
    assert.equal(publications, 1)
    const [object] = await all()
    assert.deepEqual([object?.value, object?.source], ['http://www.example.com/a', 'ann'])
    const again = await service().add({ ...entry('http://www.example.com/a'), by })
    assert.ok(again.ok)
    assert.deepEqual(await service().remove({ ...entry('http://WWW.example.com/a'), by }), { ok: true, changed: 1 })
    assert.deepEqual(await service().remove({ ...entry('http://www.example.com/a'), by }), { ok: true, changed: 0 })
  })

  const wrong: readonly [string, Partial<ListEntry>, RegExp][] = [
    ['a hash that is none', { type: 'sha256', value: 'zz' }, /sha256|SHA-256|hex/i],
    ['an address that is none', { type: 'ip', value: '10.0.0.300' }, /./],
    ['a trusted URL: only bytes can be trusted', { list: 'trusted', note: 'x' }, /only hashes/],
    ['a trusted hash without a note', { list: 'trusted', type: 'sha256', value: SHA256 }, /needs a note/],
    [
      'a trusted hash with a note of spaces',
      { list: 'trusted', type: 'sha256', value: SHA256, note: '  ' },
      /needs a note/,
    ],
  ]
  for (const [reason, more, fault] of wrong)
    it(`is refused: ${reason}`, async () => {
      publications = 0
      const outcome = await service().add({ ...entry('http://a.example/', more), by })
      assert.match(outcome.ok ? '' : outcome.faults.join(), fault)
      assert.equal(publications, 0)
    })

  it('is taken: a trusted hash with a note', async () => {
    const trusted = entry(SHA256, { list: 'trusted', type: 'sha256', note: 'our own build' })
    assert.deepEqual(await service().add({ ...trusted, by }), { ok: true, changed: 1 })
  })
})

describe('an import', () => {
  it('names every wrong line by its number and changes nothing', async () => {
    const before = await all()
    const lines = Array.from({ length: 20 }, (_, n): ImportLine => {
      if (n === 4) return { line: 5, fault: 'has five columns' }
      return { line: n + 1, entry: entry(n === 11 ? 'http://[::zz]/' : `http://import.example/${n}`) }
    })
    const outcome = await service().import({ ...IMPORT, by }, batches(lines))
    assert.equal(outcome.ok, false)
    const faults = outcome.ok ? [] : outcome.faults
    assert.equal(faults.length, 2)
    assert.equal(faults[0], 'line 5: has five columns')
    assert.match(faults[1] ?? '', /^line 12: /)
    assert.deepEqual(await all(), before)
  })

  it('counts what is more than fifty', async () => {
    const lines = Array.from({ length: 200 }, (_, n): ImportLine => ({ line: n + 1, fault: 'is wrong' }))
    const outcome = await service().import({ ...IMPORT, by }, batches(lines))
    const faults = outcome.ok ? [] : outcome.faults
    assert.deepEqual([faults.length, faults.at(-1)], [51, 'and 150 more wrong lines'])
  })

  it('whose sender goes away changes nothing', async () => {
    const before = await all()
    async function* broken() {
      yield [{ line: 1, entry: entry('http://broken.example/1') }]
      throw new Error('aborted')
    }
    await assert.rejects(service().import({ ...IMPORT, by }, broken()), /aborted/)
    assert.deepEqual(await all(), before)
  })

  it('that is larger than the list may be is refused whole', async () => {
    const before = await all()
    async function* many() {
      for (let block = 0; block < 26; block++)
        yield Array.from({ length: 1000 }, (_, n) => ({
          line: block * 1000 + n + 1,
          entry: entry(`http://many.example/${block}/${n}`),
        }))
    }
    const outcome = await service().import({ ...IMPORT, by }, many())
    assert.match(outcome.ok ? '' : outcome.faults.join(), /full/)
    assert.deepEqual(await all(), before)
  })

  it('of a file is taken line by line, with its notes', async () => {
    async function* file() {
      yield Buffer.from('http://file.example/1\tlow\t0\tfrom a fi')
      yield Buffer.from('le\n\nhttp://file.example/2\n')
    }
    const outcome = await service().import({ ...IMPORT, by }, importLines(file(), IMPORT))
    assert.deepEqual(outcome, { ok: true, changed: 2 })
    const notes = (await all()).filter(({ value }) => value.includes('file.example')).map(({ note }) => note)
    assert.deepEqual(notes.sort(), ['', 'from a file'])
  })
})

describe('publishing lists to the workers', () => {
  const rules = { revision: 'r', path: 'snapshots/r' }
  const config = { 'icap.enabled': true, 'icap.listen': '*', 'icap.port': 1, 'icaps.enabled': false } as Config

  it('waits for the snapshot that has the change', async () => {
    const state = createWorkerState({
      config,
      rules,
      models: undefined,
      apply: async () => [],
      onLists: (callback) => rig.writer.onLists(callback),
      listRevision: () => rig.writer.objects.revision(),
    })
    assert.deepEqual(await state.started, [])
    const lists = createListsService({ store: rig.writer.objects, published: () => state.listsPublished() })
    assert.deepEqual(await lists.add({ ...entry('http://published.example/'), by }), { ok: true, changed: 1 })
    await state.listsPublished()
    state.close()
  })

  it('that a worker cannot use is told to whoever waits', async () => {
    let faults: string[] = []
    const state = createWorkerState({
      config,
      rules,
      models: undefined,
      apply: async () => faults,
      onLists: (callback) => rig.writer.onLists(callback),
      listRevision: () => rig.writer.objects.revision(),
    })
    await state.started
    faults = ['the list table is damaged']
    const lists = createListsService({ store: rig.writer.objects, published: () => state.listsPublished() })
    await assert.rejects(lists.add({ ...entry('http://unpublished.example/'), by }), {
      name: 'Unavailable',
      message: /stored, but not used by every worker: the list table is damaged/,
    })
    state.close()
  })
})
