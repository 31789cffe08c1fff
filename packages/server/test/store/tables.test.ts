import assert from 'node:assert/strict'
import { it } from 'node:test'
import { recordIdFloor } from '../../src/domain/record-id.ts'
import type { SuspiciousObject } from '../../src/domain/suspicious-object.ts'
import { transactionIds } from '../../src/domain/transaction-id.ts'
import type { TransactionRecord } from '../../src/domain/transaction-record.ts'
import { openDatabase } from '../../src/store/database.ts'
import { StoreError } from '../../src/store/errors.ts'
import { storeIn } from '../../src/store/operations.ts'
import { KEPT_REVISIONS } from '../../src/store/settings-revisions.ts'
import { forEachStore, type StoreUnderTest } from './engines.ts'
import { recordOf } from './sample-record.ts'

const START = 1_700_000_000_000

/** Records one second apart, oldest first. */
function series(count: number, more: (i: number) => Partial<TransactionRecord> = () => ({})): TransactionRecord[] {
  let now = START
  const nextId = transactionIds('w1', () => now)
  return Array.from({ length: count }, (_, i) => {
    now = START + i * 1000
    return recordOf(nextId(), { timeMs: now, ...more(i) })
  })
}

async function fresh(test: StoreUnderTest) {
  const database = await openDatabase(await test.another())
  return { ...storeIn(database), [Symbol.asyncDispose]: () => database.close() }
}

forEachStore('transaction records', (test) => {
  it('gives back what was put in, hostile text included', async () => {
    await using store = await fresh(test)
    const record = recordOf(transactionIds('w1', () => START)(), {
      url: 'http://h.example/\u0000\ud800"\\\n\u2028<é>\u{1f600}',
      client: 'a\0b',
      fileName: "'; drop table transaction_record; --",
      saved: { authenticatedUser: 'DOMAIN\\joe', clientUsername: '' },
      reasons: ['timeout'],
      details: ['yara: "slow"'],
      detections: [{ engine: 'yara', name: 'X\u0000Y', risk: 'high', about: 'file', member: 'a/b', offset: 7 }],
      cached: true,
    })
    assert.equal(await store.records.insertMany([record]), 1)
    assert.deepEqual(await store.records.get(record.id), record)
  })

  it('is idempotent by id, also within one batch and in mixed ones', async () => {
    await using store = await fresh(test)
    const records = series(300)
    assert.equal(await store.records.insertMany(records.slice(0, 200)), 200)
    const usage = await store.records.usage()
    assert.equal(await store.records.insertMany(records.slice(0, 200)), 0)
    assert.deepEqual(await store.records.usage(), usage)
    assert.equal(await store.records.insertMany([...records.slice(100), ...records.slice(250)]), 100)
    assert.equal((await store.records.usage()).records, 300)
    assert.equal(await store.records.insertMany([]), 0)
  })

  it('pages newest first, without gaps or repeats', async () => {
    await using store = await fresh(test)
    const records = series(105)
    await store.records.insertMany(records)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.records.query({ limit: 10, cursor })
      seen.push(...page.records.map((record) => record.id))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    assert.deepEqual(seen, records.map((record) => record.id).reverse())
  })

  it('says so when a page is the last, full or not', async () => {
    await using store = await fresh(test)
    await store.records.insertMany(series(10))
    assert.equal((await store.records.query({ limit: 10 })).next, null)
    assert.equal((await store.records.query({ limit: 11 })).next, null)
    assert.notEqual((await store.records.query({ limit: 9 })).next, null)
  })

  it('finds by time, words and columns', async () => {
    await using store = await fresh(test)
    const sha256 = 'cd'.repeat(32)
    const records = series(60, (i) => ({
      ...(i % 2 === 0 ? { mode: 'REQMOD' } : { httpMethod: 'REQMOD' }),
      ...(i % 3 === 0 ? { outcome: 'detected', action: 'block' } : {}),
      ...(i === 30 ? { sha256, url: 'http://h.example/100%_É/x' } : {}),
      ...(i === 31 ? { fileName: 'Invoice.EXE' } : {}),
      client: `192.0.2.${i % 5}`,
    }))
    await store.records.insertMany(records)
    const cases = [
      [{ sinceMs: START + 50_000 }, 10],
      [{ untilMs: START + 10_000 }, 10],
      [{ sinceMs: START + 10_000, untilMs: START + 20_000 }, 10],
      [{ mode: 'REQMOD' }, 30],
      [{ outcome: 'detected' }, 20],
      [{ action: 'block', client: '192.0.2.0' }, 4],
      [{ sha256 }, 1],
      [{ contains: 'invoice.exe' }, 1],
      [{ contains: '100%_é' }, 1],
      [{ contains: '%' }, 1],
      [{ contains: 'RESPMOD' }, 0],
      [{ contains: 'nowhere' }, 0],
      [{ client: "' or 1=1" }, 0],
    ] as const
    for (const [filter, count] of cases) {
      const page = await store.records.query({ limit: 100, ...filter })
      assert.equal(page.records.length, count, JSON.stringify(filter))
      assert.equal(page.next, null)
    }
  })

  it('finds the one record far back', async () => {
    await using store = await fresh(test)
    await store.records.insertMany(series(12_000, (i) => (i === 3 ? { fileName: 'needle' } : {})))
    const page = await store.records.query({ limit: 5, contains: 'needle' })
    assert.deepEqual(
      page.records.map((record) => record.timeMs),
      [START + 3000],
    )
  })

  it('keeps an id that does not sort by time in its place in time', async () => {
    await using store = await fresh(test)
    await store.records.insertMany([
      recordOf('zzz', { timeMs: START }),
      recordOf('aaa', { timeMs: START + 5000 }),
      recordOf(`${recordIdFloor(START + 9000)}-w1-000`, { timeMs: START + 9000 }),
    ])
    const page = await store.records.query({ limit: 10, sinceMs: START + 1000 })
    assert.deepEqual(
      page.records.map((record) => record.timeMs),
      [START + 9000, START + 5000],
    )
  })

  it('retains by age and by bytes, in slices', async () => {
    await using store = await fresh(test)
    await store.records.insertMany(series(100))
    const nowMs = START + 100_000
    const byAge = { nowMs, maxAgeMs: 70_000, maxBytes: Number.MAX_SAFE_INTEGER, sliceRows: 20 }
    assert.deepEqual(await store.records.retain(byAge), { deleted: 20, more: true })
    assert.deepEqual(await store.records.retain(byAge), { deleted: 10, more: false })
    const { bytes, records } = await store.records.usage()
    assert.equal(records, 70)
    const byBytes = { nowMs, maxAgeMs: 1e12, maxBytes: bytes / 2, sliceRows: 20 }
    for (let i = 0; i < 10 && (await store.records.retain(byBytes)).more; i++);
    const after = await store.records.usage()
    assert.ok(after.bytes <= bytes / 2 && after.bytes > bytes / 2 - 2000, `${after.bytes} of ${bytes}`)
    const oldest = (await store.records.query({ limit: 100 })).records.at(-1)
    assert.equal(oldest?.timeMs, START + (100 - after.records) * 1000, 'the oldest went first')
    assert.equal(await store.records.deleteOlderThan(nowMs + 1, 1000), after.records)
    assert.deepEqual(await store.records.usage(), { records: 0, bytes: 0 })
  })
})

function object(value: string, more: Partial<SuspiciousObject> = {}): SuspiciousObject {
  const rest = { list: 'generated', type: 'domain', risk: 'high', expiresMs: 0, addedMs: START } as const
  return { ...rest, value, source: 'test', note: '', ...more }
}

forEachStore('suspicious objects', (test) => {
  it('adds, changes, counts and removes, and each change is a new revision', async () => {
    await using store = await fresh(test)
    assert.equal(await store.objects.revision(), 0)
    assert.equal(await store.objects.addMany([object('a.example'), object('b.example', { list: 'trusted' })]), 2)
    assert.equal(await store.objects.revision(), 1)
    assert.equal(await store.objects.addMany([object('a.example')]), 0, 'the same again')
    assert.equal(await store.objects.revision(), 1)
    assert.equal(
      await store.objects.addMany([object('a.example', { risk: 'low' }), object('a.example')]),
      0,
      'the last counts',
    )
    assert.equal(await store.objects.addMany([object('a.example', { risk: 'low' })]), 1)
    assert.equal(await store.objects.revision(), 2)
    assert.deepEqual(await store.objects.counts(), [
      { list: 'generated', type: 'domain', count: 1 },
      { list: 'trusted', type: 'domain', count: 1 },
    ])
    assert.equal(await store.objects.remove([object('a.example'), object('c.example')]), 1)
    assert.equal(await store.objects.removeAll('trusted'), 1)
    assert.equal(await store.objects.removeAll('trusted'), 0)
    assert.equal(await store.objects.revision(), 4)
  })

  it('pages through a list', async () => {
    await using store = await fresh(test)
    const values = Array.from({ length: 250 }, (_, i) => `d${String(i).padStart(3, '0')}.example`)
    await store.objects.addMany([...values.map((value) => object(value)), object('x', { list: 'exceptions' })])
    const seen: string[] = []
    let after: SuspiciousObject | undefined
    for (;;) {
      const page = await store.objects.page({ list: 'generated', type: 'domain', limit: 100, after })
      seen.push(...page.map((entry) => entry.value))
      if (page.length < 100) break
      after = page.at(-1)
    }
    assert.deepEqual(seen, values)
    assert.equal((await store.objects.page({ limit: 1000 })).length, 251)
    assert.deepEqual(await store.objects.page({ list: 'trusted', limit: 1 }), [])
  })

  it('refuses more than the appliance holds, and then changes nothing', async () => {
    await using store = await fresh(test)
    const many = Array.from({ length: 25_000 }, (_, i) => object(`d${i}.example`, { list: 'user-defined' }))
    assert.equal(await store.objects.addMany(many), 25_000)
    const more = [object('one.more.example', { list: 'user-defined' }), object('other.example')]
    await assert.rejects(
      store.objects.addMany(more),
      (error) => error instanceof StoreError && error.code === 'LIST_FULL',
    )
    assert.equal(await store.objects.revision(), 1)
    assert.deepEqual(await store.objects.counts(), [{ list: 'user-defined', type: 'domain', count: 25_000 }])
    assert.equal(await store.objects.addMany([object('d7.example', { list: 'user-defined', note: 'x' })]), 1)
  })

  it('sweeps what has expired', async () => {
    await using store = await fresh(test)
    await store.objects.addMany([object('a', { expiresMs: START }), object('b', { expiresMs: START + 1 }), object('c')])
    assert.equal(await store.objects.deleteExpired(START + 1, 100), 1)
    assert.deepEqual(
      (await store.objects.page({ limit: 10 })).map((entry) => entry.value),
      ['b', 'c'],
    )
  })
})

forEachStore('settings revisions', (test) => {
  it('saves whole revisions, and lists them newest first', async () => {
    await using store = await fresh(test)
    assert.equal(await store.settings.latest(), undefined)
    const values = { 'icap.port': 1344, 'pages.urlAccess': '<é\0>'.replace('\0', ''), list: [1, null] }
    const first = await store.settings.save({ savedMs: START, by: 'cli', values, changed: ['icap.port'], basedOn: 0 })
    assert.equal(first.id, 1)
    assert.deepEqual(await store.settings.latest(), first)
    const second = await store.settings.save({ savedMs: START + 1, by: 'api', values: {}, changed: ['list'] })
    assert.deepEqual(await store.settings.get(1), first)
    assert.deepEqual(
      (await store.settings.list({ limit: 10 })).map((entry) => entry.id),
      [2, 1],
    )
    assert.deepEqual(
      (await store.settings.list({ limit: 10, beforeId: 2 })).map((entry) => entry.changed),
      [['icap.port']],
    )
    assert.deepEqual(await store.settings.latest(), second)
  })

  it('lets one of two savers win', async () => {
    await using store = await fresh(test)
    const save = (basedOn?: number) => store.settings.save({ savedMs: 1, by: 'x', values: {}, changed: [], basedOn })
    const results = await Promise.allSettled([save(0), save(0), save(0)])
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
    for (const result of results) {
      if (result.status === 'rejected') assert.equal((result.reason as StoreError).code, 'STORE_CONFLICT')
    }
  })

  it('keeps the newest hundred', async () => {
    await using store = await fresh(test)
    for (let i = 0; i < KEPT_REVISIONS + 2; i++)
      await store.settings.save({ savedMs: i, by: 'x', values: {}, changed: [] })
    const kept = await store.settings.list({ limit: 1000 })
    assert.deepEqual([kept.length, kept.at(-1)?.id], [KEPT_REVISIONS, 3])
  })
})

forEachStore('rule files and meta', (test) => {
  it('keeps rule files by name', async () => {
    await using store = await fresh(test)
    const file = {
      name: 'a.yar',
      source: 'rule a { condition: true }',
      enabled: true,
      addedMs: 1,
      status: 'new',
      fault: '',
    }
    const stored = await store.rules.put(file)
    assert.match(stored.sha256, /^[0-9a-f]{64}$/)
    assert.deepEqual(await store.rules.get('a.yar'), stored)
    assert.equal(
      await store.rules.setState('a.yar', { status: 'quarantined', fault: 'line 1: no', enabled: false }),
      true,
    )
    assert.equal(await store.rules.setState('b.yar', { status: 'loaded' }), false)
    assert.equal(await store.rules.setState('b.yar', {}), false)
    const { source, ...summary } = { ...stored, status: 'quarantined', fault: 'line 1: no', enabled: false }
    assert.deepEqual(await store.rules.list(), [summary])
    assert.deepEqual(await store.rules.all(), [{ ...summary, source }])
    const replaced = await store.rules.put({ ...file, source: 'rule b { condition: false }' })
    assert.notEqual(replaced.sha256, stored.sha256)
    assert.equal((await store.rules.all()).length, 1)
    assert.equal(await store.rules.remove('a.yar'), true)
    assert.equal(await store.rules.remove('a.yar'), false)
  })

  it('keeps what is said of rule files, whoever they come from', async () => {
    await using store = await fresh(test)
    const said = { name: 'built-in.yar', enabled: false, shadow: true, weight: 7, types: ['pe', 'script'] }
    await store.rules.setOptions(said)
    const plain = { name: 'a.yar', enabled: true, shadow: false, types: [] }
    await store.rules.setOptions({ ...plain, shadow: true, weight: 3 })
    await store.rules.setOptions(plain)
    assert.deepEqual(await store.rules.options(), [plain, said])
    assert.equal(await store.rules.removeOptions('built-in.yar'), true)
    assert.equal(await store.rules.removeOptions('built-in.yar'), false)
    assert.deepEqual(await store.rules.options(), [plain])
  })

  it('keeps small facts', async () => {
    await using store = await fresh(test)
    assert.equal(await store.meta.get('x'), undefined)
    await store.meta.set('x', '1\0')
    await store.meta.set('x', '2')
    assert.equal(await store.meta.get('x'), '2')
    assert.deepEqual((await Promise.all([1, 2, 3].map(() => store.meta.increment('n')))).sort(), [1, 2, 3])
    await store.meta.remove('x')
    assert.equal(await store.meta.get('x'), undefined)
  })
})

forEachStore('the database', (test) => {
  it('opens again with everything in it; nodes may migrate at once', async () => {
    const location = await test.another()
    const others = test.engine === 'postgresql' ? [openDatabase(location), openDatabase(location)] : []
    const [first, ...more] = await Promise.all([openDatabase(location), ...others])
    await storeIn(first).meta.set('x', 'y')
    for (const database of [first, ...more]) await database.close()
    const again = await openDatabase(location)
    assert.equal(await storeIn(again).meta.get('x'), 'y')
    await again.close()
  })

  it('fails by name where there is none', async () => {
    const nowhere =
      test.engine === 'sqlite' ? { dataDir: '/dev/null/nowhere' } : { databaseUrl: 'postgres://x@/x?host=/nowhere' }
    await assert.rejects(
      openDatabase(nowhere),
      (error) => error instanceof StoreError && error.code === 'STORE_UNAVAILABLE',
    )
  })
})
