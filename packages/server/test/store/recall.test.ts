import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { RecallFinding } from '../../src/domain/recall.ts'
import { openDatabase } from '../../src/store/database.ts'
import { storeIn } from '../../src/store/operations.ts'
import { sampleFinding } from '../api/fixture.ts'
import { forEachStore, type StoreUnderTest } from './engines.ts'

async function fresh(test: StoreUnderTest) {
  const database = await openDatabase(await test.another())
  return { ...storeIn(database), [Symbol.asyncDispose]: () => database.close() }
}

const finding = (n: number, changes: Partial<RecallFinding> = {}): RecallFinding => ({
  ...sampleFinding(String(n).padStart(4, '0')),
  timeMs: n,
  ...changes,
})

forEachStore('the recall list', (test) => {
  it('keeps each finding once, as it was found first', async () => {
    await using store = await fresh(test)
    assert.equal(await store.recall.add([finding(1), finding(2)]), 2)
    assert.equal(await store.recall.add([finding(2, { user: 'bob' }), finding(3)]), 1)
    assert.equal(await store.recall.add([]), 0)
    const { findings, next } = await store.recall.page({ limit: 10 })
    assert.deepEqual([findings, next], [[finding(3), finding(2), finding(1)], null])
  })

  it('gives pages, the latest messages first', async () => {
    await using store = await fresh(test)
    await store.recall.add([1, 2, 3, 4, 5].map((n) => finding(n)))
    const first = await store.recall.page({ limit: 2, sinceMs: 2 })
    assert.deepEqual(
      first.findings.map(({ timeMs }) => timeMs),
      [5, 4],
    )
    const second = await store.recall.page({ limit: 2, sinceMs: 2, cursor: first.next ?? '' })
    assert.deepEqual([second.findings.map(({ timeMs }) => timeMs), second.next], [[3, 2], null])
  })

  it('is trimmed by age and by number', async () => {
    await using store = await fresh(test)
    await store.recall.add([1, 2, 3, 4, 5].map((n) => finding(n)))
    await store.recall.trim({ beforeMs: 2, keep: 100 })
    assert.equal(await store.recall.count(), 4)
    await store.recall.trim({ beforeMs: 0, keep: 3 })
    const { findings } = await store.recall.page({ limit: 10 })
    assert.deepEqual(
      findings.map(({ timeMs }) => timeMs),
      [5, 4, 3],
    )
  })
})
