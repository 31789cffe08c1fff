import assert from 'node:assert/strict'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { it } from 'node:test'
import { createReadGarbage } from '../../src/composition/read-garbage.ts'

it('collects once for so many bytes, whatever pieces they come in', () => {
  let collections = 0
  const spent = createReadGarbage(1000, () => {
    collections++
  })
  for (let n = 0; n < 99; n++) spent(10)
  assert.equal(collections, 0)
  spent(10)
  assert.equal(collections, 1)
  spent(5000)
  assert.equal(collections, 2)
})

// What is freed is counted on another thread and V8 may collect by itself meanwhile, so the collections are looked at, not the bytes.
it('collects the young generation', async () => {
  const kinds: (number | undefined)[] = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push((entry as { detail?: { kind?: number } }).detail?.kind)
  })
  observer.observe({ entryTypes: ['gc'] })
  const spent = createReadGarbage(1)
  for (let n = 0; n < 20; n++) spent(1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  observer.disconnect()
  const young = kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR)
  assert.ok(young.length >= 20, `collections: ${kinds.join()}`)
})
