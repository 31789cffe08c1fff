import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { readSettingsFile } from '../../src/settings/file.ts'
import { parseSettingsText } from '../../src/settings/file-text.ts'
import { faultLine } from '../../src/settings/parse.ts'

function faultsOf(text: string): string[] {
  return parseSettingsText(text, 's.yaml').faults.map(faultLine)
}

const good = [
  { text: '', values: {}, because: 'an empty file says nothing' },
  { text: '# all of it\n# is comment\n', values: {}, because: 'comments say nothing' },
  { text: 'icap:\n  # port: 1\n', values: {}, because: 'a group of comments says nothing' },
  { text: 'icap.port: 1345', values: { 'icap.port': 1345 }, because: 'keys may be dotted' },
  { text: 'icap:\n  port: 1345', values: { 'icap.port': 1345 }, because: 'keys may be nested' },
  { text: 'policy:\n  unscanned.timeout: block', values: { 'policy.unscanned.timeout': 'block' }, because: 'or both' },
  { text: '{"icap": {"port": 1345}}', values: { 'icap.port': 1345 }, because: 'JSON is YAML' },
  { text: 'icap.port:', values: { 'icap.port': null }, because: 'an empty value is the default' },
  {
    text: 'pages.urlAccess: {enabled: false}',
    values: { 'pages.urlAccess': { enabled: false } },
    because: 'a value may be an object',
  },
  { text: 'workers: 2', values: { workers: 2 }, because: 'a key may have no group' },
  {
    text: 'pages.urlAccess: |\n  <p>\n  %URL%\n',
    values: { 'pages.urlAccess': '<p>\n%URL%\n' },
    because: 'texts may have lines',
  },
]

const bad = [
  {
    text: 'icap:\n  prot: 1',
    fault: /^s.yaml line 2: icap.prot: unknown setting, did you mean icap.port\?$/,
    because: 'unknown keys are named with their line',
  },
  {
    text: 'a: 1\nicap.port: 1\nicap.port: 2',
    fault: /^s.yaml line 3: icap.port: is given twice/,
    because: 'one value is meant',
  },
  {
    text: 'icap.port: 1\nicap:\n  port: 2',
    fault: /^s.yaml line 3: icap.port: is given twice \(first in line 1\)/,
    because: 'dotted and nested are one key',
  },
  {
    text: 'clients.groups:\n- name: a\n  name: b',
    fault: /^s.yaml line 3: name: is given twice/,
    because: 'inside values, too',
  },
  { text: 'icap: 5', fault: /^s.yaml line 1: icap: is a group/, because: 'a group has no value' },
  { text: 'icap:\n\tport: 1', fault: /^s.yaml line 2: Tabs are not allowed/, because: 'YAML errors name their line' },
  { text: 'icap: {port: 1', fault: /^s.yaml line 1/, because: 'an open bracket is an error' },
  { text: 'icap.port: !!js/function x', fault: /Unresolved tag/, because: 'tags are not run' },
  { text: 'icap.port: 1\n---\nicap.port: 2', fault: /multiple documents/, because: 'a file is one document' },
  { text: '- icap.port', fault: /must be a list of KEY: VALUE/, because: 'a list has no keys' },
  { text: 'hello', fault: /must be a list of KEY: VALUE/, because: 'a text has no keys' },
  { text: '? [a, b]\n: 1', fault: /a key that is not text/, because: 'keys are text' },
  { text: 'a: &a 1\nb: *a', fault: /^s.yaml line 2: aliases/, because: 'aliases make bombs' },
  { text: `a: ${'['.repeat(100)}`, fault: /nested more than 32 deep/, because: 'depth is bounded' },
  {
    text: `a: ${'['.repeat(1_000_000)}`,
    fault: /nested more than 32 deep/,
    because: 'before the parser spends 11 s on it',
  },
  {
    text: Array.from({ length: 100_000 }, (_, i) => `k${i}: v`).join('\n'),
    fault: /too many entries/,
    because: 'entries are bounded',
  },
  { text: `x: "${'x'.repeat(24 * 1024 * 1024)}"`, fault: /larger than 25165824 bytes/, because: 'size is bounded' },
  {
    text: '__proto__: {icap.port: 1}',
    fault: /^s.yaml line 1: __proto__: unknown setting/,
    because: 'the prototype is no setting',
  },
  {
    text: 'constructor: 1',
    fault: /^s.yaml line 1: constructor: unknown setting/,
    because: 'inherited names are no settings',
  },
]

// Nine levels of nine aliases: 387 million values if anybody followed them.
const BOMB = [
  'a0: &a0 [x,x,x,x,x,x,x,x,x]',
  ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`),
].join('\n')

describe('the text of a settings file', () => {
  for (const { text, values, because } of good) {
    it(`${JSON.stringify(text).slice(0, 40)} is read: ${because}`, () => {
      const file = parseSettingsText(text, 's.yaml')
      assert.deepEqual(file.faults, [])
      assert.deepEqual(file.values, values)
    })
  }
  for (const { text, fault, because } of bad) {
    it(`${JSON.stringify(text).slice(0, 40)} is refused: ${because}`, () => {
      const faults = faultsOf(text)
      assert.ok(
        faults.some((line) => fault.test(line)),
        `${fault} is not in ${JSON.stringify(faults.slice(0, 5))}`,
      )
    })
  }

  it('is refused when it is an alias bomb', () => {
    const file = parseSettingsText(BOMB, 's.yaml')
    assert.match(file.faults.map(faultLine).join('\n'), /aliases \(\*name\) are not taken/)
    assert.deepEqual(file.values, {})
  })

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => void parseSettingsText(text, 's.yaml')),
      { numRuns: 500 },
    )
    const yaml = fc.array(
      fc.constantFrom(
        'icap',
        ': ',
        '\n',
        '  ',
        '- ',
        '[',
        ']',
        '{',
        '}',
        '|',
        '&a ',
        '*a ',
        '"',
        '? ',
        '#',
        ',',
        'port',
        '1',
      ),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(yaml, (parts) => void parseSettingsText(parts.join(''), 's.yaml')),
      { numRuns: 500 },
    )
  })
})

describe('a settings file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-settings-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 's.yaml')
  const read = (text: string | Buffer) => {
    writeFileSync(file, text)
    const { values, faults } = readSettingsFile(file)
    return { values, faults: faults.map(faultLine) }
  }

  it('names texts of other files from its own folder on', () => {
    writeFileSync(join(folder, 'page.html'), '<h1>no</h1>')
    const { values, faults } = read('pages.urlAccess: "@page.html"\nicaps.passphrase: "@@home"\n')
    assert.deepEqual(faults, [])
    assert.deepEqual(values, { 'pages.urlAccess': '<h1>no</h1>', 'icaps.passphrase': '@home' })
  })

  it('says which file it cannot read, and where it is named', () => {
    const { values, faults } = read('icap.port: 1345\npages.urlAccess: "@no.html"\nicaps.privateKey: "@/dev/zero"\n')
    assert.deepEqual(values, { 'icap.port': 1345 })
    assert.equal(faults.length, 2)
    assert.match(faults[0] ?? '', /s.yaml line 3: icaps.privateKey: .*\/dev\/zero is larger than/)
    assert.match(faults[1] ?? '', /s.yaml line 2: pages.urlAccess: cannot read .*no.html \(ENOENT\)/)
  })

  it('must be there, be text and be bounded', () => {
    assert.match(
      readSettingsFile(join(folder, 'none.yaml')).faults.map(faultLine).join(),
      /none.yaml: cannot read .* \(ENOENT\)/,
    )
    assert.match(readSettingsFile(folder).faults.map(faultLine).join(), /\(EISDIR\)/)
    assert.match(read(Buffer.from([0xff, 0xfe, 0x41])).faults.join(), /is not UTF-8 text/)
    assert.match(read(Buffer.alloc(24 * 1024 * 1024 + 1, 0x23)).faults.join(), /larger than 25165824 bytes/)
  })
})
