import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Mutator } from './mutate.ts'
import { fuzzParsers } from './parsers.ts'
import { fuzzSockets } from './sockets.ts'

/** `npm run fuzz -- --seconds N --seed S` goes on from here. */
const SEED = 3507

describe('fuzz, shortly', () => {
  it('mutates the same way for the same seed', () => {
    const row = (seed: number) => {
      const mutator = new Mutator(seed, ['OPTIONS icap://h/s ICAP/1.0\r\n\r\n'])
      return Array.from({ length: 50 }, () => mutator.next())
    }
    assert.deepEqual(row(1), row(1))
    assert.notDeepEqual(row(1), row(2))
  })

  it('C1: parsers accept or refuse any bytes, the same at every cut', () => {
    const { inputs, findings } = fuzzParsers(SEED, 1_000)
    assert.deepEqual(findings, [])
    assert.ok(inputs > 100)
  })

  it('H7: S1: a server gives defined answers to any bytes, closes in time, and goes on serving', async () => {
    const { inputs, findings } = await fuzzSockets(SEED, 2_000)
    assert.deepEqual(findings, [])
    assert.ok(inputs > 50)
  })
})
