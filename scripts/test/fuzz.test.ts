import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Mutator } from '../fuzz/mutator.ts'
import { fuzzTarget } from '../fuzz/runner.ts'
import { shrink } from '../fuzz/shrink.ts'
import { plainSeed } from '../fuzz/target.ts'
import { TARGETS, targetNamed } from '../fuzz/targets.ts'

const PLAN = { seed: 7, from: 0, inputs: 400, forMs: 120_000, largeBytes: 0 }

function run(name: string, more: Partial<typeof PLAN> & { hangTimes?: number } = {}) {
  const target = targetNamed(name)
  assert.ok(target !== undefined)
  return fuzzTarget(target, { ...PLAN, ...more })
}

describe('the fuzzer', () => {
  const faults = [
    { name: 'trial-throws', kind: 'exception', what: /TypeError: a parser gave up/, inputs: 200 },
    { name: 'trial-rejects', kind: 'exception', what: /nobody waits for this/, inputs: 100 },
    { name: 'trial-waits', kind: 'death', what: /the process died: code 13/, inputs: 6 },
    { name: 'trial-dies', kind: 'death', what: /the process died: SIGSEGV/, inputs: 6 },
    { name: 'trial-hangs', kind: 'hang', what: /still running after \d+ ms/, inputs: 6 },
    { name: 'trial-grows', kind: 'memory', what: /memory grew by \d+ MiB/, inputs: 6 },
  ]
  for (const { name, kind, what, inputs } of faults) {
    it(`finds what ${name} does, and goes on behind it`, async () => {
      const { findings } = await run(name, { inputs, hangTimes: name === 'trial-grows' ? 10 : 0.3 })
      assert.ok(findings.length > 0)
      for (const finding of findings) assert.deepEqual([finding.kind, what.test(finding.what)], [kind, true])
      assert.ok(new Set(findings.map(({ index }) => index)).size === findings.length)
    })
  }

  it('makes the same input for the same number, whatever was made before', () => {
    const prepared = { seeds: [plainSeed('a', 'some words <b> 123 </b>\n'.repeat(9))], tokens: ['<a>'], run: () => {} }
    const [one, other] = [new Mutator('x', prepared), new Mutator('x', prepared)]
    const made = Array.from({ length: 200 }, (_, index) => one.make(5, index).bytes.toString('latin1'))
    for (const index of [199, 0, 77, 3]) assert.equal(other.make(5, index).bytes.toString('latin1'), made[index])
    assert.ok(new Set(made).size > 180)
    assert.notEqual(other.make(6, 0).bytes.toString('latin1'), made[0])
  })

  it('leaves out what a finding does not need', async () => {
    const bytes = Buffer.from(`${'x'.repeat(500)}BAD${'y'.repeat(300)}`)
    const short = await shrink(bytes, async (fewer) => fewer.includes('BAD'))
    assert.equal(short.toString(), 'BAD')
  })

  for (const { name, prepare } of TARGETS.filter((target) => target.name !== 'seven-zip'))
    it(`finds nothing in its seeds, and in a few inputs to ${name}`, async () => {
      const prepared = await prepare()
      const mutator = new Mutator(name, prepared)
      assert.ok(prepared.seeds.length > 0)
      for (let index = 0; index < 30; index++) await prepared.run(mutator.make(PLAN.seed, index))
      prepared.close?.()
    })
})
