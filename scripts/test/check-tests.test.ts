import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findUntestedFiles } from '../check-tests.ts'

const TEST = 'packages/a/test/a.test.ts'
const CODE = 'export const a = 1'

const cases = [
  { files: { [TEST]: "import '../src/a.ts'", 'packages/a/src/a.ts': CODE }, untested: 0, because: 'a test imports it' },
  { files: { [TEST]: '', 'packages/a/src/a.ts': CODE }, untested: 1, because: 'no test imports it' },
  {
    files: { [TEST]: "import '../src/b.ts'", 'packages/a/src/b.ts': "import './a.ts'", 'packages/a/src/a.ts': CODE },
    untested: 0,
    because: 'it is reached through another',
  },
  {
    files: { [TEST]: "const u = new URL('../src/a.ts', import.meta.url)", 'packages/a/src/a.ts': CODE },
    untested: 0,
    because: 'a test starts it',
  },
  {
    files: { [TEST]: "import type { A } from '../src/a.ts'", 'packages/a/src/a.ts': CODE },
    untested: 1,
    because: 'an erased import loads nothing',
  },
  {
    files: { [TEST]: "import type { A } from '../src/a.ts'", 'packages/a/src/a.ts': 'export type A = 1' },
    untested: 0,
    because: 'types alone cannot be loaded',
  },
  {
    files: { 'packages/a/test/harness.ts': "import '../src/a.ts'", 'packages/a/src/a.ts': CODE },
    untested: 1,
    because: 'a harness without a test runs nothing',
  },
]

describe('files without a test', () => {
  for (const { files, untested, because } of cases)
    it(`are ${untested} when ${because}`, () =>
      assert.equal(findUntestedFiles(new Map(Object.entries(files)), new Map()).length, untested))
})
