import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readSettingsFile } from '../../src/settings/file.ts'
import { parseSettingsText } from '../../src/settings/file-text.ts'
import { valueFromText } from '../../src/settings/from-text.ts'
import { FLAGS, loadSettings, type SettingsLayers } from '../../src/settings/load.ts'
import { faultLine } from '../../src/settings/parse.ts'
import { SETTINGS } from '../../src/settings/settings.ts'
import { testBox } from './box.ts'

const box = testBox()

function load(layers: Omit<SettingsLayers, 'box'>) {
  const loaded = loadSettings({ box, ...layers })
  return { ...loaded, lines: loaded.ok ? [] : loaded.faults.map(faultLine) }
}

const file = (text: string) => parseSettingsText(text, 's.yaml')

describe('loading settings', () => {
  it('lets each layer win over those before it', () => {
    const layers = {
      saved: { 'icap.port': 1, 'icaps.port': 1, 'console.port': 1, 'log.level': 'warn' },
      file: file('icap.port: 2\nicaps.port: 2\nconsole.port: 2'),
      environment: { ASSAY_ICAPS_PORT: '3', ASSAY_CONSOLE_PORT: '4', ASSAY_WORKERS: '' },
      flags: { consolePort: '5', 'icap-listen': '127.0.0.1' },
    }
    const loaded = load(layers)
    assert.ok(loaded.ok)
    const { config, sources, overrides } = loaded
    assert.deepEqual(
      [config['icap.port'], config['icaps.port'], config['console.port'], config['icap.listen']],
      [2, 3, 5, '127.0.0.1'],
    )
    assert.equal(config['log.level'], 'warn')
    const { 'icap.port': a, 'icaps.port': b, 'console.port': c, 'log.level': d, workers: e } = sources
    assert.deepEqual([a, b, c, d, e], ['file', 'environment', 'flag', 'saved', 'default'])
    assert.deepEqual(overrides.origins, {
      'icap.port': 's.yaml line 1',
      'icaps.port': 'ASSAY_ICAPS_PORT',
      'console.port': '--console-port',
      'icap.listen': '--icap-listen',
    })
  })

  it('names the place of every fault', () => {
    const loaded = load({
      saved: { 'clients.maxConnections': 0 },
      file: file('icap:\n  enabled: 7\nfoo: 1'),
      environment: { ASSAY_ICAP_PORT: 'many' },
      flags: { logLevel: 'loud' },
    })
    assert.equal(loaded.ok, false)
    assert.deepEqual(loaded.lines.sort(), [
      '--log-level: log.level: must be fatal | error | warn | info | debug | trace | silent, got "loud"',
      'ASSAY_ICAP_PORT: icap.port: must be a whole number from 1 to 65535, got "many"',
      's.yaml line 2: icap.enabled: must be true or false, got 7',
      's.yaml line 3: foo: unknown setting',
      'saved settings: clients.maxConnections: must be a whole number from 1 to 65535, got 0',
    ])
  })

  it('opens saved secrets, and says which cannot be opened', () => {
    const saved = { 'icaps.passphrase': `sealed:${box.seal('hush')}` }
    const loaded = load({ saved })
    assert.equal(loaded.ok && loaded.config['icaps.passphrase'], 'hush')
    for (const broken of ['sealed:rubbish', 'hush', 7]) {
      const { lines } = load({ saved: { 'icaps.passphrase': broken } })
      assert.match(lines.join(), /^saved settings: icaps.passphrase: is sealed and cannot be opened/)
      assert.doesNotMatch(lines.join(), /hush/)
    }
  })

  it('leaves out, loudly, what another version saved', () => {
    const loaded = load({ saved: { 'icap.oldPort': 5 } })
    assert.ok(loaded.ok)
    assert.match(loaded.warnings.map(faultLine).join(), /icap.oldPort: is saved, but this version has no such setting/)
  })

  it('takes a masked secret in a file for what is stored', () => {
    const loaded = load({
      saved: { 'icaps.passphrase': `sealed:${box.seal('hush')}` },
      file: file('icaps.passphrase: (secret)'),
    })
    assert.ok(loaded.ok)
    assert.equal(loaded.config['icaps.passphrase'], 'hush')
    assert.equal(loaded.sources['icaps.passphrase'], 'saved')
  })

  it('takes the example file with its pages', () => {
    const example = readSettingsFile(fileURLToPath(new URL('../../../../examples/settings.yaml', import.meta.url)))
    assert.deepEqual(example.faults, [])
    const loaded = load({ file: example })
    assert.deepEqual(loaded.lines, [])
    assert.ok(loaded.ok)
    for (const page of ['pages.urlAccess', 'pages.fileUpload', 'pages.fileDownload'] as const) {
      assert.match(loaded.config[page].content ?? '', /<!DOCTYPE html>.*%URL%.*%TRANSACTION%/s)
    }
    assert.equal(loaded.config['clients.groups'][0]?.policy.blockFrom, 'medium')
  })

  it('has the flags and variables that architecture.md fixes', () => {
    const flags = FLAGS.map(({ flag }) => flag)
    for (const flag of [
      'icap-port',
      'icaps-port',
      'icap-listen',
      'console-port',
      'console-listen',
      'workers',
      'log-level',
    ]) {
      assert.ok(flags.includes(flag), flag)
    }
    assert.ok(FLAGS.every(({ key, variable }) => key in SETTINGS && /^ASSAY_[A-Z_]+$/.test(variable)))
  })
})

const texts = [
  { key: 'icap.port', text: '1345', is: 1345, because: 'digits are a number' },
  { key: 'icap.port', text: 'many', is: 'many', because: 'what is no number is left to be refused' },
  { key: 'icap.port', text: 'default', is: null, because: 'default is the default' },
  { key: 'icap.enabled', text: 'off', is: false, because: 'people write off' },
  { key: 'icap.enabled', text: 'True', is: 'True', because: 'but only what is meant for sure' },
  { key: 'policy.blockFrom', text: 'low', is: 'low', because: 'a choice is text' },
  { key: 'policy.blockFrom', text: '"low"', is: 'low', because: 'or JSON' },
  { key: 'scan.classifyPasswordProtected', text: 'off', is: 'off', because: 'off is a choice here' },
  { key: 'clients.list', text: '["10.0.0.1"]', is: ['10.0.0.1'], because: 'lists are JSON' },
  { key: 'clients.list', text: '10.0.0.1, 10.0.0.2\n::1\n', is: ['10.0.0.1', '10.0.0.2', '::1'], because: 'or words' },
  { key: 'clients.list', text: '', is: [], because: 'or nothing' },
  { key: 'clients.list', text: 'null', is: null, because: 'null is the default' },
  { key: 'icaps.passphrase', text: '0123', is: '0123', because: 'a passphrase of digits is text' },
  { key: 'icaps.passphrase', text: '"x"', is: '"x"', because: 'quotes are part of it' },
  { key: 'icaps.passphrase', text: 'null', is: null, because: 'it can be taken away' },
  { key: 'pages.urlAccess', text: 'off', is: false, because: 'a page can be switched off' },
  { key: 'pages.urlAccess', text: '{"enabled":false}', is: { enabled: false }, because: 'in JSON, too' },
  { key: 'pages.urlAccess', text: '{ %URL% }', is: '{ %URL% }', because: 'a page may begin with a brace' },
  { key: 'pages.urlAccess', text: '<p>1</p>\n', is: '<p>1</p>\n', because: 'a page is text' },
  { key: 'no.such', text: '1', is: '1', because: 'unknown keys are refused elsewhere' },
]

describe('a value typed as text', () => {
  for (const { key, text, is, because } of texts) {
    it(`${key} ${JSON.stringify(text)}: ${because}`, () => assert.deepEqual(valueFromText(key, text), is))
  }
})
