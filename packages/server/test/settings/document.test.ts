import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { settingsDocument, undocumentedKeys } from '../../src/settings/document.ts'
import type { Setting } from '../../src/settings/kinds.ts'
import { PAGE_TOKENS } from '../../src/settings/pages.ts'
import { SETTING_KEYS, SETTINGS } from '../../src/settings/settings.ts'

const root = new URL('../../../../', import.meta.url)

describe('docs/settings.md', () => {
  it('is what scripts/settings-doc.ts writes (run it)', () => {
    assert.equal(readFileSync(new URL('docs/settings.md', root), 'utf8'), settingsDocument())
  })

  it('has every setting', () => assert.deepEqual(undocumentedKeys(), []))

  it('has tables that hold: no cell breaks its row', () => {
    const rows = settingsDocument()
      .split('\n')
      .filter((line) => line.startsWith('| `') && line.includes('` |'))
    for (const key of SETTING_KEYS) {
      const row = rows.find((line) => line.startsWith(`| \`${key}\` |`))
      assert.equal(row?.split(' | ').length, 5, key)
    }
  })

  it('has every step of the seed that sets something', () => {
    const steps = new Set(Object.values<Setting>(SETTINGS).map(({ step }) => step ?? 0))
    assert.deepEqual(
      [...steps].sort((a, b) => a - b),
      [0, 2, 3, 4, 5, 6, 7, 8, 9],
    )
  })
})

describe('the example pages', () => {
  for (const name of ['url-access', 'file-upload', 'file-download']) {
    it(`${name}.html uses only tokens that there are`, () => {
      const page = readFileSync(new URL(`examples/pages/${name}.html`, root), 'utf8')
      const used = new Set(page.match(/%[A-Z]+%/g))
      assert.deepEqual([...used].sort(), Object.keys(PAGE_TOKENS).sort())
    })
  }
})
