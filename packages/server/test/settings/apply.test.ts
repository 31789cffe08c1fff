import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ChangeRequest, planChange } from '../../src/settings/apply.ts'
import { exportYaml } from '../../src/settings/export.ts'
import { parseSettingsText } from '../../src/settings/file-text.ts'
import { describeChanges, planRollback } from '../../src/settings/history.ts'
import { loadSettings } from '../../src/settings/load.ts'
import { faultLine, parseConfig } from '../../src/settings/parse.ts'
import { MASK, maskSecrets } from '../../src/settings/secrets.ts'
import { testBox } from './box.ts'

const box = testBox()

function plan(saved: Record<string, unknown>, updates: Record<string, unknown>, rest: Partial<ChangeRequest> = {}) {
  const planned = planChange({ saved, updates, box, ...rest })
  assert.ok(planned.ok, JSON.stringify(planned))
  return planned
}

function faultsOf(
  saved: Record<string, unknown>,
  updates: Record<string, unknown>,
  rest: Partial<ChangeRequest> = {},
): string[] {
  const planned = planChange({ saved, updates, box, ...rest })
  return planned.ok ? [] : planned.faults.map(faultLine)
}

function overridden(text: string, environment = {}) {
  const { overrides } = loadSettings({ box, file: parseSettingsText(text, 's.yaml'), environment })
  return { overrides }
}

describe('a change of settings', () => {
  it('gives what is to be saved, what is in force and what differs', () => {
    const { values, config, changed } = plan(
      { 'icap.port': 1345 },
      { 'clients.list': ['10.0.0.9/8'], 'icap.port': 1345, 'log.level': 'info' },
    )
    assert.deepEqual(values, { 'icap.port': 1345, 'clients.list': ['10.0.0.0/8'], 'log.level': 'info' })
    assert.equal(config['icap.port'], 1345)
    assert.deepEqual(changed, ['clients.list'])
  })

  it('goes back to the default by null', () => {
    const { values, config, changed } = plan({ 'icap.port': 1345 }, { 'icap.port': null })
    assert.deepEqual(values, {})
    assert.equal(config['icap.port'], 1344)
    assert.deepEqual(changed, ['icap.port'])
  })

  it('changes nothing when one value is bad, and names every one', () => {
    const faults = faultsOf({}, { 'icap.port': 0, 'log.level': 'loud', 'icap.idle': 1, 'scan.yara': false })
    assert.equal(faults.length, 3)
  })

  it('is refused where file, environment or flag hold the setting, naming them', () => {
    const rest = overridden('icap.port: 1400', { ASSAY_LOG_LEVEL: 'warn' })
    assert.deepEqual(faultsOf({}, { 'icap.port': 1401, 'log.level': null, 'scan.yara': false }, rest), [
      'icap.port: is read-only here: it is set by s.yaml line 1',
      'log.level: is read-only here: it is set by ASSAY_LOG_LEVEL',
    ])
  })

  it('may name an overridden setting at its very value, as an export does', () => {
    const { values, changed } = plan(
      { 'icap.port': 1399 },
      { 'icap.port': 1400, 'scan.yara': false },
      overridden('icap.port: 1400'),
    )
    assert.deepEqual(values, { 'icap.port': 1399, 'scan.yara': false })
    assert.deepEqual(changed, ['scan.yara'])
  })

  it('is checked against what the overrides say', () => {
    const faults = faultsOf({}, { 'icap.port': 1500 }, overridden('icaps.port: 1500'))
    assert.deepEqual(faults, ['icaps.port: is the same port as icap.port, 1500'])
  })

  it('keeps the text of a page that is switched off and on', () => {
    const custom = plan({}, { 'pages.urlAccess': '<p>mine' }).values
    const off = plan(custom, { 'pages.urlAccess': false })
    assert.deepEqual(off.config['pages.urlAccess'], { enabled: false, content: '<p>mine' })
    const on = plan(off.values, { 'pages.urlAccess': { enabled: true } })
    assert.deepEqual(on.config['pages.urlAccess'], { enabled: true, content: '<p>mine' })
    assert.deepEqual(plan(on.values, { 'pages.urlAccess': null }).config['pages.urlAccess'], {
      enabled: true,
      content: null,
    })
  })
})

describe('a secret', () => {
  const stored = plan({}, { 'icaps.passphrase': 'hush' }).values

  it('is saved sealed only', () => {
    assert.match(String(stored['icaps.passphrase']), /^sealed:/)
    assert.doesNotMatch(JSON.stringify(stored), /hush/)
    assert.equal(plan(stored, {}).config['icaps.passphrase'], 'hush')
  })

  it('keeps its seal while it is not changed', () => {
    for (const updates of [{}, { 'icaps.passphrase': MASK }, { 'icaps.passphrase': 'hush' }, { 'icap.port': 1345 }]) {
      assert.equal(plan(stored, updates).values['icaps.passphrase'], stored['icaps.passphrase'])
    }
  })

  it('is replaced, and taken away', () => {
    const { values, config, changed } = plan(stored, { 'icaps.passphrase': 'new' })
    assert.notEqual(values['icaps.passphrase'], stored['icaps.passphrase'])
    assert.equal(config['icaps.passphrase'], 'new')
    assert.deepEqual(changed, ['icaps.passphrase'])
    assert.deepEqual(plan(stored, { 'icaps.passphrase': null }).values, {})
  })

  it('cannot be kept where none is', () => {
    assert.match(faultsOf({}, { 'icaps.passphrase': MASK }).join(), /nothing is stored/)
  })

  it('that looks sealed is sealed like any other', () => {
    const { values, config } = plan({}, { 'icaps.passphrase': 'sealed:abc' })
    assert.notEqual(values['icaps.passphrase'], 'sealed:abc')
    assert.equal(config['icaps.passphrase'], 'sealed:abc')
  })

  it('that does not open any more stands in the way until it is set again', () => {
    const lost = { 'icaps.passphrase': `sealed:${testBox().seal('hush')}` }
    assert.match(faultsOf(lost, { 'icap.port': 1345 }).join(), /icaps.passphrase: is sealed and cannot be opened/)
    assert.equal(plan(lost, { 'icaps.passphrase': 'again' }).config['icaps.passphrase'], 'again')
  })

  it('is masked, set or saved; an empty one is shown empty', () => {
    const masked = maskSecrets({
      ...stored,
      'icaps.privateKey': 'PEM',
      'icaps.passphraseConfirmation': '',
      'icap.port': 1,
    })
    assert.deepEqual(masked, {
      'icaps.passphrase': MASK,
      'icaps.privateKey': MASK,
      'icaps.passphraseConfirmation': '',
      'icap.port': 1,
    })
  })
})

describe('an export', () => {
  const change = fc.record(
    {
      'icap.port': fc.integer({ min: 2000, max: 8000 }),
      'scan.yara': fc.boolean(),
      'clients.list': fc.uniqueArray(fc.ipV4(), { maxLength: 5 }),
      'content.mimeExclusion.types': fc.subarray(['image/*', 'audio/*', 'application/x-foo']),
      'pages.fileUpload': fc.record({
        enabled: fc.boolean(),
        content: fc.string({ minLength: 1 }).map((text) => `<p>${text.replaceAll('\0', '')}`),
      }),
      'icaps.passphrase': fc.string({ minLength: 1 }).filter((text) => /^[^\r\n\0]+$/.test(text) && text !== MASK),
      'policy.unscanned.timeout': fc.constantFrom('allow', 'block', 'error'),
    },
    { requiredKeys: [] },
  )

  it('applied to where it comes from changes nothing', () => {
    fc.assert(
      fc.property(change, (updates) => {
        const first = plan({}, updates)
        const file = parseSettingsText(exportYaml(first.config), 'export.yaml')
        assert.deepEqual(file.faults, [])
        const again = plan(first.values, file.values)
        assert.deepEqual(again.changed, [])
        assert.deepEqual(again.config, first.config)
      }),
      { numRuns: 100 },
    )
  })

  it('applied elsewhere gives the same settings but for the secrets', () => {
    fc.assert(
      fc.property(change, ({ 'icaps.passphrase': _, ...updates }) => {
        const first = plan({}, updates)
        const parsed = parseConfig(parseSettingsText(exportYaml(first.config), 'export.yaml').values)
        assert.deepEqual(parsed.ok && parsed.config, first.config)
      }),
      { numRuns: 100 },
    )
  })

  it('keeps what it does not name', () => {
    const { config } = plan({ 'icap.port': 1345, 'scan.yara': false }, { 'scan.yara': true })
    assert.equal(config['icap.port'], 1345)
  })
})

describe('the history', () => {
  const page = `<p>${'x'.repeat(1000)}`
  const first = plan({}, { 'icap.port': 1345, 'pages.urlAccess': page, 'icaps.passphrase': 'hush' }).values
  const second = plan(first, {
    'icap.port': null,
    'scan.yara': false,
    'icaps.passphrase': 'new',
    'pages.urlAccess': `${page}y`,
  }).values

  it('says what changed: masked, and long texts told apart', () => {
    const changes = describeChanges(first, second)
    const byKey = Object.fromEntries(changes.map(({ key, from, to }) => [key, [from, to]]))
    assert.deepEqual(Object.keys(byKey), ['icap.port', 'icaps.passphrase', 'pages.urlAccess', 'scan.yara'])
    assert.deepEqual(byKey['icap.port'], ['1345', 'default (1344)'])
    assert.deepEqual(byKey['scan.yara'], ['default (true)', 'false'])
    assert.deepEqual(byKey['icaps.passphrase'], [MASK, MASK])
    const [from, to] = byKey['pages.urlAccess'] ?? []
    assert.match(from ?? '', /^\{"enabled":true.*\.\.\. \(\d+ bytes, sha256 [0-9a-f]{12}\)$/)
    assert.notEqual(from, to)
    assert.doesNotMatch(JSON.stringify(changes), /hush|"new"/)
  })

  it('goes back by a new change with the old values', () => {
    const back = planRollback({ saved: second, revision: first, box })
    assert.ok(back.ok)
    assert.equal(back.config['icap.port'], 1345)
    assert.equal(back.config['scan.yara'], true)
    assert.equal(back.config['icaps.passphrase'], 'hush')
    assert.deepEqual(
      describeChanges(first, back.values).map(({ key }) => key),
      ['icaps.passphrase'],
      'only the seal is new',
    )
    assert.deepEqual(back.skipped, [])
  })

  it('leaves alone what is overridden now, and says so', () => {
    const back = planRollback({ saved: second, revision: first, box, ...overridden('icap.port: 1400') })
    assert.ok(back.ok)
    assert.deepEqual(back.skipped, ['icap.port'])
    assert.equal(back.config['icap.port'], 1400)
  })

  it('does not go back to what is wrong today', () => {
    const back = planRollback({ saved: {}, revision: { 'scan.predictive': true }, box })
    assert.match(back.ok ? '' : back.faults.map(faultLine).join(), /no model is installed/)
  })
})
