import assert from 'node:assert/strict'
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

it('frees buffers that nobody holds', () => {
  const spent = createReadGarbage(1)
  spent(1)
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 100; n++) Buffer.allocUnsafeSlow(100_000)
  const full = process.memoryUsage().arrayBuffers
  spent(1)
  const after = process.memoryUsage().arrayBuffers
  assert.ok(after - before < (full - before) / 2, `${before} ${full} ${after}`)
})
