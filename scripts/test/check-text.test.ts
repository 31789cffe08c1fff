import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findForeignText, foreignText } from '../check-text.ts'

// (Put together here, so that this file passes its own check.)
const registry = ['registry', 'npmjs', 'org'].join('.')
const foreign = foreignText('/srv/checkout/', ['mirror.example.net'])

const cases = [
  { text: `get https://${registry}/x`, found: ['names a package registry'] },
  { text: 'get http://mirror.example.net/debian', found: ['names a package registry'] },
  { text: `see ${'/home'}/jane/x`, found: ['holds a path of one machine'] },
  { text: 'cd /srv/checkout', found: ["holds this checkout's path"] },
  { text: 'cd /srv/checkouts or "$dir"/root/usr, and /homes', found: [] },
]

describe('text of one machine', () => {
  for (const { text, found } of cases)
    it(`${found[0] ?? 'is not'} in: ${text}`, () =>
      assert.deepEqual(
        findForeignText('a', `\n${text}`, foreign),
        found.map((because) => `a:2: ${because}`),
      ))
})
