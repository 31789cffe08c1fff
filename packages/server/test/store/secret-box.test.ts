import assert from 'node:assert/strict'
import { chmodSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { StoreError } from '../../src/store/errors.ts'
import { isSealed, openSecretBox } from '../../src/store/secret-box.ts'
import { makeDir } from './engines.ts'

const dirs: string[] = []
after(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
})

function folder(): string {
  const dir = makeDir()
  dirs.push(dir)
  return dir
}

const hasCode = (code: string) => (error: unknown) => error instanceof StoreError && error.code === code

describe('the secret box', () => {
  it('opens what it sealed, also after a restart, and never seals the same way twice', () => {
    const dir = folder()
    const sealed = openSecretBox(dir).seal('pässphrase\0', 'icaps.passphrase')
    assert.ok(isSealed(sealed) && !sealed.includes('pässphrase'))
    assert.equal(openSecretBox(dir).open(sealed, 'icaps.passphrase'), 'pässphrase\0')
    assert.notEqual(openSecretBox(dir).seal('pässphrase\0', 'icaps.passphrase'), sealed)
    assert.equal(openSecretBox(dir).open(openSecretBox(dir).seal('', 'x'), 'x'), '')
  })

  it('keeps its key to its owner and leaves nothing else behind', () => {
    const dir = folder()
    openSecretBox(dir)
    assert.deepEqual(readdirSync(dir), ['secret.key'])
    assert.equal(statSync(join(dir, 'secret.key')).mode & 0o777, 0o600)
    chmodSync(join(dir, 'secret.key'), 0o644)
    openSecretBox(dir)
    assert.equal(statSync(join(dir, 'secret.key')).mode & 0o777, 0o600)
  })

  it('refuses another purpose, another key and any change', () => {
    const dir = folder()
    const box = openSecretBox(dir)
    const sealed = box.seal('secret', 'a')
    assert.throws(() => box.open(sealed, 'b'), hasCode('SECRET_DAMAGED'))
    assert.throws(() => openSecretBox(folder()).open(sealed, 'a'), hasCode('SECRET_DAMAGED'))
    for (let at = 0; at < sealed.length - 1; at++) {
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      assert.throws(() => box.open(changed, 'a'), hasCode('SECRET_DAMAGED'), `character ${at}`)
      assert.throws(() => box.open(sealed.slice(0, at), 'a'), hasCode('SECRET_DAMAGED'), `cut at ${at}`)
    }
  })

  it('never replaces a key that it cannot use', () => {
    const dir = folder()
    writeFileSync(join(dir, 'secret.key'), 'short')
    assert.throws(() => openSecretBox(dir), hasCode('SECRET_KEY'))
    assert.throws(() => openSecretBox('/dev/null/nowhere'), hasCode('SECRET_KEY'))
  })
})
