import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { errorsDocument } from '../errors-doc.ts'

it('docs/errors.md is what scripts/errors-doc.ts makes', () => {
  assert.equal(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8'), errorsDocument())
})
