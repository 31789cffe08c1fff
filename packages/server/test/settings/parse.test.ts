import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { UNSCANNED_REASONS } from '../../src/domain/verdict.ts'
import { faultLine, parseConfig } from '../../src/settings/parse.ts'
import { policyFor } from '../../src/settings/policy.ts'
import { type Config, SETTING_KEYS, SETTINGS } from '../../src/settings/settings.ts'
import { certificateFor, hasOpenssl, keyPem, newKey, PASSPHRASE } from './certificates.ts'

function faultsOf(values: Record<string, unknown>, context = {}): string[] {
  const parsed = parseConfig(values, context)
  return parsed.ok ? [] : parsed.faults.map(faultLine)
}

function configOf(values: Record<string, unknown>, context = {}): Config {
  const parsed = parseConfig(values, context)
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config
}

const group = (parts: object) => ({ 'clients.groups': [{ name: 'g', addresses: ['10.0.0.1'], ...parts }] })

describe('the settings', () => {
  it('are what architecture.md says on a fresh install', () => {
    const config = configOf({})
    assert.equal(config['icap.port'], 1344)
    assert.equal(config['icaps.port'], 11344)
    assert.equal(config['icaps.enabled'], false)
    assert.equal(config['clients.maxConnections'], 1000)
    assert.equal(config['content.mimeExclusion.enabled'], false)
    assert.equal(config['content.mimeValidation'], true)
    const { unscanned, ...policy } = policyFor(config)
    assert.deepEqual(policy, { blockFrom: 'high', classifyPasswordProtected: 'off' })
    const byAction = (action: string) => UNSCANNED_REASONS.filter((reason) => unscanned[reason] === action).sort()
    assert.deepEqual(byAction('block'), ['bomb', 'too-deep'])
    assert.deepEqual(byAction('error'), ['endless', 'engine-down', 'no-space', 'timeout'])
    assert.deepEqual(byAction('allow'), ['encrypted', 'malformed', 'not-unpacked', 'partial', 'too-large'])
  })

  it('have canonical defaults: reading a config gives the same config', () => {
    const config = configOf({})
    assert.deepEqual(configOf(config), config)
    assert.deepEqual(JSON.parse(JSON.stringify(config)), config, 'a config is plain JSON, for the snapshot')
    assert.doesNotMatch(stringify(config), /[&*]a\d/, 'no two settings are one object: YAML would write an alias')
  })

  it('name every fault at once', () => {
    const faults = faultsOf({ 'icap.port': 0, 'icap.enabled': 'yes', 'policy.blockFrom': 'none', 'icap.prot': 1 })
    assert.deepEqual(faults, [
      'icap.prot: unknown setting, did you mean icap.port?',
      'icap.enabled: must be true or false, got "yes"',
      'icap.port: must be a whole number from 1 to 65535, got 0',
      'policy.blockFrom: must be high | medium | low, got "none"',
    ])
  })

  it('take null for the default', () => {
    assert.equal(configOf({ 'icap.port': null })['icap.port'], 1344)
    assert.deepEqual(configOf({ 'pages.urlAccess': null })['pages.urlAccess'], { enabled: true, content: null })
  })
})

const refusals: { values: Record<string, unknown>; fault: RegExp; because: string }[] = [
  { values: { 'icap.port': 65536 }, fault: /^icap.port: must be a whole number/, because: 'a port has 16 bits' },
  { values: { 'icap.port': '1344' }, fault: /^icap.port: .*got "1344"$/, because: 'text is no number' },
  { values: { 'icap.port': 1344.5 }, fault: /^icap.port/, because: 'a port is whole' },
  { values: { 'icap.port': Number.NaN }, fault: /^icap.port/, because: 'NaN is no number' },
  {
    values: { 'icap.port': 11344 },
    fault: /^icaps.port: is the same port as icap.port/,
    because: 'two listeners cannot share a port',
  },
  {
    values: { 'icap.port': 8080 },
    fault: /^console.port: is the same port as icap.port/,
    because: 'nor can the console',
  },
  {
    values: { 'clients.maxConnections': 0 },
    fault: /from 1 to 65535/,
    because: 'a server without connections serves nobody',
  },
  {
    values: { port: 1 },
    fault: /^port: unknown setting, did you mean icap.port or icaps.port or console.port\?$/,
    because: 'the end of a key is a hint',
  },
  {
    values: { 'content.mimeExclusion': true },
    fault: /is a group of settings, not one/,
    because: 'a group is no setting',
  },
  { values: { ['x'.repeat(10_000)]: 1 }, fault: /^x{80}\.\.\.: unknown setting$/, because: 'a hostile key is cut' },
  { values: { toString: 1 }, fault: /^toString: unknown setting/, because: 'inherited names are no settings' },
  { values: JSON.parse('{"__proto__": 1}'), fault: /^__proto__: unknown setting/, because: 'nor is the prototype' },
  {
    values: { 'policy.unscanned.timeout': 'clean' },
    fault: /must be allow \| block \| error/,
    because: 'nothing makes unscanned clean',
  },
  {
    values: { 'policy.unscanned.boredom': 'allow' },
    fault: /unknown setting/,
    because: 'reasons are those of the domain',
  },
  {
    values: { 'scan.predictive': true },
    fault: /no model is installed/,
    because: 'an engine without a model answers nothing',
  },
  {
    values: { 'scan.suspiciousObjects.list': 'both' },
    fault: /cannot be both: no source/,
    because: 'a list that nobody fills is empty',
  },
  {
    values: { 'scan.suspiciousObjects.list': 'synchronized' },
    fault: /cannot be synchronized: no source/,
    because: 'a list that nobody fills is empty',
  },
  { values: { 'clients.onlyListed': true }, fault: /clients.list is empty/, because: 'it would lock out everyone' },
  {
    values: { 'clients.list': ['10.0.0.1', '10.0.0.999', 'a'] },
    fault: /entry "10.0.0.999", which is not/,
    because: 'the entry is named',
  },
  {
    values: { 'clients.list': ['10.0.0.0/24', '10.0.0.0-10.0.0.255'] },
    fault: /"10.0.0.0-10.0.0.255" twice \(first as "10.0.0.0\/24"\)/,
    because: 'one range is there once, however it is written',
  },
  { values: { 'clients.list': '10.0.0.1' }, fault: /must be a list/, because: 'text is no list' },
  { values: { 'clients.list': [10] }, fault: /entry 10, which is not text/, because: 'a number is no address' },
  {
    values: { 'clients.list': Array.from({ length: 5001 }, () => '10.0.0.1') },
    fault: /5001 entries, more than 5000/,
    because: 'lists have a bound',
  },
  {
    values: { 'content.mimeExclusion.types': ['*/*'] },
    fault: /would exclude every body/,
    because: 'everything is not a type',
  },
  { values: { 'content.mimeExclusion.types': ['image'] }, fault: /TYPE\/SUBTYPE/, because: 'a type has two parts' },
  {
    values: { 'content.mimeExclusion.types': ['image/png; q=1'] },
    fault: /without parameters/,
    because: 'parameters are not compared',
  },
  {
    values: { 'content.mimeExclusion.types': ['image/*', 'IMAGE/*'] },
    fault: /"image\/\*" twice/,
    because: 'case does not tell types apart',
  },
  {
    values: { 'pages.urlAccess': 'x'.repeat(5 * 1024 * 1024) },
    fault: /smaller than 5 MB/,
    because: 'the seed says so',
  },
  { values: { 'pages.urlAccess': '' }, fault: /is empty: use false/, because: 'an empty page helps nobody' },
  { values: { 'pages.urlAccess': 'a\0b' }, fault: /NUL/, because: 'a page is text' },
  { values: { 'pages.urlAccess': '@page.html' }, fault: /nobody has read/, because: 'a file name is not a page' },
  { values: { 'pages.urlAccess': { enabled: 1 } }, fault: /enabled must be true or false/, because: 'one is not true' },
  { values: { 'pages.urlAccess': { html: '<p>' } }, fault: /unknown part "html"/, because: 'a page has two parts' },
  { values: { 'pages.urlAccess': 7 }, fault: /must be a page's text/, because: 'a number is no page' },
  {
    values: { 'icaps.passphrase': 12345 },
    fault: /^icaps.passphrase: must be text: put it in quotes$/,
    because: 'YAML makes digits a number, and 0123 another one',
  },
  {
    values: { 'icaps.passphrase': 'a\nb' },
    fault: /must be one line/,
    because: 'openssl would take the first line only',
  },
  { values: { 'icaps.enabled': true }, fault: /^icaps.certificate: is missing/, because: 'TLS needs a certificate' },
  {
    values: { 'icaps.passphrase': 'a', 'icaps.passphraseConfirmation': 'b' },
    fault: /^icaps.passphraseConfirmation: is not the same/,
    because: 'a typing error shows',
  },
  {
    values: { 'icaps.privateKey': 'hello' },
    fault: /^icaps.privateKey: is not a PEM private key/,
    because: 'a wrong key is refused while ICAPS is off, too',
  },
  {
    values: { 'console.listen': '0.0.0.0' },
    fault: /^console.listen: .*needs TLS/,
    because: 'the console has no TLS yet',
  },
  { values: { 'icap.listen': '10.0.0.0/8' }, fault: /one IP address or \*/, because: 'one listens on an address' },
  {
    values: { 'intake.maxSpoolBytes': 2 ** 40 },
    fault: /more than intake.maxSpoolTotalBytes/,
    because: 'one body cannot have more than all',
  },
  { values: group({ name: '' }), fault: /group 1 "": name must be/, because: 'a group has a name' },
  { values: group({ name: 'Default' }), fault: /is that of the clients in no group/, because: 'records use the name' },
  { values: group({ name: 'a\nb' }), fault: /on one line/, because: 'names stand in logs' },
  { values: group({ addresses: [] }), fault: /addresses is empty/, because: 'a group without clients is a mistake' },
  { values: group({ addresses: ['x'] }), fault: /addresses has the entry "x"/, because: 'the entry is named' },
  { values: group({ services: ['respmod', 'foo'] }), fault: /services must be some of/, because: 'services are fixed' },
  {
    values: group({ policy: { blockFrom: 'none' } }),
    fault: /blockFrom must be/,
    because: 'none would block everything',
  },
  {
    values: group({ policy: { unscanned: { timeout: 'clean' } } }),
    fault: /timeout must be allow/,
    because: 'nothing makes unscanned clean',
  },
  {
    values: group({ policy: { unscanned: { lazy: 'allow' } } }),
    fault: /unknown part "policy.unscanned.lazy"/,
    because: 'a misspelt reason must not pass',
  },
  {
    values: group({ trickle: { enabled: true, afterBytes: -1 } }),
    fault: /trickle.afterBytes must be/,
    because: 'bytes are not negative',
  },
  { values: group({ dialect: 'klingon' }), fault: /dialect must be trend | mcafee/, because: 'no client speaks it' },
  { values: group({ colour: 'red' }), fault: /unknown part "colour"/, because: 'unknown parts are misspelt ones' },
  {
    values: {
      'clients.groups': [
        { name: 'a', addresses: ['10.0.0.1'] },
        { name: 'A', addresses: ['10.0.0.2'] },
      ],
    },
    fault: /two groups named "A"/,
    because: 'people read names without case',
  },
  {
    values: {
      'clients.groups': [
        { name: 'a', addresses: ['10.0.0.0/31'] },
        { name: 'b', addresses: ['10.0.0.0-10.0.0.1'] },
      ],
    },
    fault: /in two groups, "a" and "b"/,
    because: 'neither is more specific',
  },
  {
    values: {
      'clients.groups': Array.from({ length: 6 }, (_, i) => ({ name: `g${i}`, addresses: Array(1000).fill('x') })),
    },
    fault: /6000 addresses in all groups/,
    because: 'groups have a bound together',
  },
  { values: { 'clients.groups': [7] }, fault: /group 1: must be \{name/, because: 'a number is no group' },
]

describe('a bad value', () => {
  for (const { values, fault, because } of refusals) {
    it(`${JSON.stringify(values).slice(0, 70)} is refused: ${because}`, () => {
      const faults = faultsOf(values)
      assert.ok(
        faults.some((line) => fault.test(line)),
        `${fault} is not in ${JSON.stringify(faults)}`,
      )
    })
  }

  it('is never quoted when it may be a secret', () => {
    const faults = faultsOf({
      'icaps.passphrase': 'hush\nhush',
      'icaps.privateKey': 'hush',
      'icaps.certificate': 'hush',
    })
    assert.ok(faults.length >= 3)
    assert.doesNotMatch(faults.join('\n'), /hush/)
  })

  it('costs no more than bounded work and text, however many there are', () => {
    const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`icap.prot${i}`, i]))
    assert.equal(faultsOf(many).length, 200)
    const groups = Array.from({ length: 200 }, () => ({ name: '', addresses: ['x'] }))
    assert.ok(faultsOf({ 'clients.groups': groups }).length <= 21)
  })
})

const acceptances: { values: Record<string, unknown>; key: keyof Config; is: unknown; because: string }[] = [
  {
    values: { 'clients.list': ['10.0.0.5/8', '::FFFF:10.0.0.1', '2001:DB8::0-2001:db8::9'] },
    key: 'clients.list',
    is: ['10.0.0.0/8', '10.0.0.1', '2001:db8::-2001:db8::9'],
    because: 'addresses are made canonical',
  },
  {
    values: { 'clients.list': ['10.0.0.1'], 'clients.onlyListed': true },
    key: 'clients.onlyListed',
    is: true,
    because: 'a list with an entry will do',
  },
  {
    values: { 'content.mimeExclusion.types': ['Image/*', 'application/x-foo'] },
    key: 'content.mimeExclusion.types',
    is: ['image/*', 'application/x-foo'],
    because: 'types have no case',
  },
  {
    values: { 'pages.urlAccess': '<h1>%URL%</h1>' },
    key: 'pages.urlAccess',
    is: { enabled: true, content: '<h1>%URL%</h1>' },
    because: 'text is an enabled page',
  },
  {
    values: { 'pages.urlAccess': false },
    key: 'pages.urlAccess',
    is: { enabled: false, content: null },
    because: 'a page can be off',
  },
  {
    values: { 'pages.urlAccess': 'off' },
    key: 'pages.urlAccess',
    is: { enabled: false, content: null },
    because: 'YAML reads off as text',
  },
  {
    values: { 'pages.urlAccess': { enabled: false, content: 'x' } },
    key: 'pages.urlAccess',
    is: { enabled: false, content: 'x' },
    because: 'a page that is off keeps its text',
  },
  {
    values: { 'pages.urlAccess': 'x'.repeat(5 * 1024 * 1024 - 1) },
    key: 'pages.urlAccess',
    is: { enabled: true, content: 'x'.repeat(5 * 1024 * 1024 - 1) },
    because: 'one byte below 5 MB is smaller than 5 MB',
  },
  {
    values: { 'icaps.passphrase': 'a b\n' },
    key: 'icaps.passphrase',
    is: 'a b',
    because: 'echo ends with a line break',
  },
  {
    values: { 'console.listen': 'localhost' },
    key: 'console.listen',
    is: '127.0.0.1',
    because: 'everybody knows localhost',
  },
  {
    values: group({
      addresses: ['10.0.0.1/32', '::1'],
      trickle: true,
      services: ['respmod'],
      policy: { blockFrom: 'low' },
      classifyPasswordProtected: 'block',
      dialect: 'opswat',
    }),
    key: 'clients.groups',
    is: [
      {
        name: 'g',
        addresses: ['10.0.0.1', '::1'],
        services: ['respmod'],
        policy: { blockFrom: 'low', unscanned: {} },
        classifyPasswordProtected: 'block',
        dialect: 'opswat',
        trickle: { enabled: true, afterBytes: 32_768, bytesPerSecond: 1024 },
      },
    ],
    because: 'a group is made whole',
  },
  {
    values: {
      'clients.groups': [
        { name: 'a', addresses: ['10.0.0.0/8'] },
        { name: 'b', addresses: ['10.1.0.0/16'] },
      ],
    },
    key: 'clients.groups',
    is: ['a', 'b'].map((name, i) => ({
      name,
      addresses: [['10.0.0.0/8', '10.1.0.0/16'][i]],
      services: [],
      policy: { unscanned: {} },
      dialect: 'trend',
      trickle: { enabled: false, afterBytes: 32_768, bytesPerSecond: 1024 },
    })),
    because: 'overlapping groups are fine: the smaller range wins',
  },
]

describe('a good value', () => {
  for (const { values, key, is, because } of acceptances) {
    it(`of ${key} is taken: ${because}`, () => {
      const config = configOf(values)
      assert.deepEqual(config[key], is)
      assert.deepEqual(configOf(config), config, 'reading what was read gives the same')
    })
  }

  it('is taken where its need is met', () => {
    assert.deepEqual(faultsOf({ 'scan.predictive': true }, { hasModel: true }), [])
    assert.deepEqual(faultsOf({ 'scan.suspiciousObjects.list': 'both' }, { hasSynchronizedSource: true }), [])
  })

  it('may earn a warning', () => {
    const parsed = parseConfig({ 'content.mimeExclusion.enabled': true, 'scan.timeoutMs': 500 })
    assert.deepEqual(parsed.ok && parsed.warnings.map(({ key }) => key), [
      'scan.yaraTimeoutMs',
      'content.mimeExclusion.enabled',
    ])
  })

  it('of a group overrides the policy, only where the group says so', () => {
    const config = configOf(group({ policy: { unscanned: { timeout: 'block' } }, classifyPasswordProtected: 'label' }))
    const policy = policyFor(config, config['clients.groups'][0])
    assert.equal(policy.unscanned.timeout, 'block')
    assert.equal(policy.unscanned['engine-down'], 'error')
    assert.equal(policy.blockFrom, 'high')
    assert.equal(policy.classifyPasswordProtected, 'label')
  })
})

describe('ICAPS', { skip: !hasOpenssl() }, () => {
  const key = newKey('ec')
  const good = {
    'icaps.enabled': true,
    'icaps.certificate': certificateFor(key),
    'icaps.privateKey': keyPem(key, 'pkcs8', PASSPHRASE),
    'icaps.passphrase': PASSPHRASE,
    'icaps.passphraseConfirmation': PASSPHRASE,
  }

  it('is switched on by certificate, key, passphrase and confirmation', () => {
    const config = configOf(good)
    assert.deepEqual(configOf(config), config)
  })

  for (const part of ['icaps.certificate', 'icaps.privateKey', 'icaps.passphrase', 'icaps.passphraseConfirmation']) {
    it(`is refused without ${part}`, () => {
      assert.deepEqual(faultsOf({ ...good, [part]: null }), [`${part}: is missing, and icaps.enabled needs it`])
    })
  }

  it('is refused with an unencrypted key, on or off', () => {
    for (const enabled of [true, false]) {
      const faults = faultsOf({ ...good, 'icaps.enabled': enabled, 'icaps.privateKey': keyPem(key, 'pkcs8') })
      assert.match(
        faults.join(),
        /^icaps.privateKey: opens without a passphrase; only encrypted private keys are accepted/,
      )
    }
  })

  it('is refused with another key, a wrong passphrase, or both wrongly typed', () => {
    assert.match(
      faultsOf({ ...good, 'icaps.certificate': certificateFor(newKey('ec')) }).join(),
      /icaps.privateKey: does not fit the certificate/,
    )
    const typo = { 'icaps.passphrase': 'x', 'icaps.passphraseConfirmation': 'x' }
    assert.deepEqual(faultsOf({ ...good, ...typo }), ['icaps.passphrase: does not open icaps.privateKey'])
  })

  it('warns of an expired certificate, and of a switch without effect', () => {
    const later = Date.now() + 60 * 86_400_000
    const parsed = parseConfig({ ...good, 'icap.enabled': false }, { nowMs: later })
    assert.ok(parsed.ok)
    assert.deepEqual(
      parsed.warnings.map(({ key }) => key),
      ['icaps.certificate', 'icaps.enabled'],
    )
  })
})

describe('any values', () => {
  const key = fc.oneof(fc.constantFrom(...SETTING_KEYS), fc.string())
  it('give a config or faults, never a throw', () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.anything()), (values) => {
        const parsed = parseConfig(values)
        assert.ok(parsed.ok || parsed.faults.length > 0)
        if (parsed.ok) assert.deepEqual(configOf(parsed.config), parsed.config)
      }),
      { numRuns: 300 },
    )
  })

  it('within their bounds are taken', () => {
    const integers = SETTING_KEYS.flatMap((name) => {
      const setting = SETTINGS[name]
      return setting.kind === 'integer' && !name.endsWith('port') && !name.startsWith('intake.max')
        ? [{ name, setting }]
        : []
    })
    for (const { name, setting } of integers) {
      for (const value of [setting.min, setting.max]) assert.equal(configOf({ [name]: value })[name], value)
      for (const value of [setting.min - 1, setting.max + 1]) assert.equal(faultsOf({ [name]: value }).length, 1)
    }
  })
})
