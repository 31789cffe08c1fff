import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type FeedConfig, type FeedObject, NEW_FEED } from '../../src/domain/feed.ts'
import { openDatabase } from '../../src/store/database.ts'
import { StoreError } from '../../src/store/errors.ts'
import { feedImports } from '../../src/store/feeds.ts'
import { storeIn } from '../../src/store/operations.ts'
import { feedConfig } from '../feeds/feed-config.ts'
import { forEachStore, type StoreUnderTest } from './engines.ts'

const NOW = 1_700_000_000_000
const HASH = (n: number) => n.toString(16).padStart(64, '0')

async function fresh(test: StoreUnderTest) {
  const database = await openDatabase(await test.another())
  const store = storeIn(database)
  return {
    ...store,
    imports: feedImports(() => store.feeds),
    put: (name: string, more: Partial<FeedConfig> = {}, putMs = 1) =>
      store.feeds.put({ config: feedConfig({ name, ...more }), secret: '', enabled: true, putMs }),
    whole: (source: string, objects: readonly FeedObject[], nowMs = NOW) =>
      store.feeds.change({ source, putMs: 1, mode: 'whole', objects, nowMs }, DONE),
    changes: (source: string, objects: readonly FeedObject[], refs: readonly string[], nowMs = NOW) =>
      store.feeds.change({ source, putMs: 1, mode: 'changes', objects, refs, nowMs }, DONE),
    listed: async () =>
      (await store.objects.page({ list: 'synchronized', limit: 1000 })).map(
        ({ type, value, risk, expiresMs, source }) => `${type} ${value} ${risk} ${expiresMs} ${source}`,
      ),
    [Symbol.asyncDispose]: () => database.close(),
  }
}

const DONE = { cursor: { etag: '"1"' }, state: { ...NEW_FEED, successMs: NOW } }

function domain(value: string, more: Partial<FeedObject> = {}): FeedObject {
  return { type: 'domain', value, risk: 'high', expiresMs: 0, ref: '', note: '', ...more }
}

forEachStore('sources of the synchronized list', (test) => {
  it('are kept as they were set up, and begin anew when they are set up anew', async () => {
    await using store = await fresh(test)
    await store.put('a', { url: 'https://h.example/"\\é' })
    assert.equal(await store.feeds.claim({ name: 'a', putMs: 1, attemptMs: 0, nowMs: 5 }), true)
    await store.whole('a', [domain('one.example')])
    const kept = await store.feeds.get('a')
    assert.equal(kept?.config.url, 'https://h.example/"\\é')
    assert.deepEqual([kept?.attemptMs, kept?.cursor, kept?.state.successMs], [5, { etag: '"1"' }, NOW])
    await store.put('a', {}, 2)
    const anew = await store.feeds.get('a')
    assert.deepEqual([anew?.putMs, anew?.attemptMs, anew?.cursor, anew?.state], [2, 0, {}, NEW_FEED])
    assert.equal((await store.feeds.list()).length, 1)
    assert.equal(await store.feeds.get('b'), undefined)
  })

  it('are attempted by one node only', async () => {
    await using store = await fresh(test)
    await store.put('a')
    const claims = [7, 8, 9].map((nowMs) => store.feeds.claim({ name: 'a', putMs: 1, attemptMs: 0, nowMs }))
    assert.equal((await Promise.all(claims)).filter(Boolean).length, 1)
  })

  it('replace what they gave before, as one change', async () => {
    await using store = await fresh(test)
    await store.put('a')
    const first = await store.whole('a', [domain('one.example'), domain('two.example'), domain('one.example')])
    assert.deepEqual(first, { added: 2, removed: 0, entries: 2 })
    const revision = await store.objects.revision()
    const second = await store.whole('a', [domain('two.example'), domain('three.example')])
    assert.deepEqual(second, { added: 1, removed: 1, entries: 2 })
    assert.equal(await store.objects.revision(), revision + 1)
    assert.deepEqual(await store.listed(), ['domain three.example high 0 a', 'domain two.example high 0 a'])
  })

  it('change nothing where they say the same again', async () => {
    await using store = await fresh(test)
    await store.put('a')
    await store.whole('a', [domain('one.example')])
    const revision = await store.objects.revision()
    assert.deepEqual(await store.whole('a', [domain('one.example')], NOW + 5), { added: 0, removed: 0, entries: 0 })
    assert.equal(await store.objects.revision(), revision)
  })

  it('keep an entry together until all of them drop it', async () => {
    await using store = await fresh(test)
    for (const name of ['a', 'b']) await store.put(name)
    await store.whole('a', [domain('x.example', { risk: 'low', expiresMs: NOW + 10 })])
    await store.whole('b', [domain('x.example', { risk: 'medium', expiresMs: NOW + 5 })])
    assert.deepEqual(await store.listed(), [`domain x.example medium ${NOW + 10} a, b`])
    await store.whole('a', [])
    assert.deepEqual(await store.listed(), [`domain x.example medium ${NOW + 5} b`])
    assert.equal(await store.feeds.remove('b'), true)
    assert.deepEqual(await store.listed(), [])
    assert.equal(await store.feeds.remove('b'), false)
  })

  it('never touch another list', async () => {
    await using store = await fresh(test)
    await store.put('a')
    const { type, value, risk, expiresMs, note } = domain('x.example')
    const own = { list: 'user-defined', type, value, risk, expiresMs, note, addedMs: 0, source: 'cli' } as const
    await store.objects.addMany([own])
    await store.whole('a', [domain('x.example')])
    await store.whole('a', [])
    assert.deepEqual(
      (await store.objects.counts()).map(({ list, count }) => [list, count]),
      [['user-defined', 1]],
    )
  })

  it('change only what is under the changed refs', async () => {
    await using store = await fresh(test)
    await store.put('a')
    await store.whole('a', [
      domain('one.example', { ref: 'i1' }),
      domain('both.example', { ref: 'i1' }),
      domain('both.example', { ref: 'i2' }),
      domain('two.example', { ref: 'i2' }),
    ])
    assert.equal((await store.feeds.counts()).find(({ source }) => source === 'a')?.count, 3)
    const changed = await store.changes('a', [domain('new.example', { ref: 'i1' })], ['i1'])
    assert.deepEqual(changed, { added: 1, removed: 2, entries: 2 })
    const values = (await store.listed()).map((line) => line.split(' ')[1])
    assert.deepEqual(values, ['both.example', 'new.example', 'two.example'])
  })

  it('lose what has expired when they change', async () => {
    await using store = await fresh(test)
    await store.put('a')
    await store.whole('a', [
      domain('old.example', { ref: 'i1', expiresMs: NOW + 1 }),
      domain('two.example', { ref: 'i2' }),
    ])
    await store.changes('a', [], [], NOW + 1)
    assert.deepEqual(await store.listed(), ['domain two.example high 0 a'])
  })

  it('whose reading ends after they were removed or set up anew change nothing', async () => {
    await using store = await fresh(test)
    const refused = (error: unknown) => error instanceof StoreError && error.code === 'STORE_CONFLICT'
    await assert.rejects(store.whole('a', [domain('one.example')]), refused)
    await store.put('a', {}, 2)
    await assert.rejects(store.whole('a', [domain('one.example')]), refused)
    assert.deepEqual(await store.listed(), [])
  })

  it('take many entries in one change, and give them back', async () => {
    await using store = await fresh(test)
    await store.put('a')
    const many = Array.from(
      { length: 12_000 },
      (_, n): FeedObject => ({ ...domain(''), type: 'sha256', value: HASH(n) }),
    )
    const id = await store.imports.begin()
    for (let at = 0; at < many.length; at += 5000) await store.imports.stage(id, many.slice(at, at + 5000))
    const changed = await store.imports.commit(id, { source: 'a', putMs: 1, mode: 'whole', nowMs: NOW, ...DONE })
    assert.deepEqual(changed, { added: 12_000, removed: 0, entries: 12_000 })
    const half = await store.whole(
      'a',
      many.filter((_, n) => n % 2 === 0),
    )
    assert.deepEqual(half, { added: 0, removed: 6000, entries: 6000 })
    assert.deepEqual(await store.objects.counts(), [{ list: 'synchronized', type: 'sha256', count: 6000 }])
    await assert.rejects(store.imports.stage(id, many), /no import/)
  })
})
