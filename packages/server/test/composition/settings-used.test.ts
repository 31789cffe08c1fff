import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { SETTING_KEYS } from '../../src/settings/settings.ts'

const SOURCES = join(import.meta.dirname, '../../src')

const POLICY = /^policy\.|^scan\.classifyPasswordProtected$/

describe('settings', () => {
  it('are all used by something outside settings/: a switch that does nothing is a lie', () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('settings/') && !name.startsWith('cli/'))
      .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
    const text = files.join('\n')
    const unused = SETTING_KEYS.filter((key) => {
      // `policy.unscanned.<reason>` are read as one family.
      if (POLICY.test(key)) return !text.includes('policyFor(')
      // Compared with the passphrase where settings are checked; nothing else may want it.
      if (key === 'icaps.passphraseConfirmation') return false
      return !text.includes(`config['${key}']`) && !text.includes(`config.${key}`) && !text.includes(`next['${key}']`)
    })
    assert.deepEqual(unused, [])
  })
})
