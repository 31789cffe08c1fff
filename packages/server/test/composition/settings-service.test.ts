import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openPortFaults } from '../../src/composition/port-check.ts'
import {
  createSettingsService,
  type RevisionStore,
  type SettingsService,
} from '../../src/composition/settings-service.ts'
import { parseSettingsText } from '../../src/settings/file-text.ts'
import { type LoadedSettings, loadSettings } from '../../src/settings/load.ts'
import type { SecretBox } from '../../src/settings/secrets.ts'
import type { Config, Values } from '../../src/settings/settings.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { openSecretBox } from '../../src/store/secret-box.ts'
import { settingsRevisionsIn } from '../../src/store/settings-revisions.ts'
import { certificateFor, hasOpenssl, keyPem, newKey, PASSPHRASE } from '../settings/certificates.ts'

const tlsNeeds = hasOpenssl() ? {} : { skip: 'openssl is not installed' }

/** The settings as main.ts puts them together, with the workers' answers in the test's hand. */
interface Rig {
  readonly service: SettingsService
  readonly published: Config[]
  readonly box: SecretBox
  /** What the workers answer to the next configurations, one each; none when it is empty. */
  readonly faults: string[][]
  load(saved: Values, environment?: Readonly<Record<string, string>>): LoadedSettings
}

interface RigOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly store?: (real: RevisionStore) => RevisionStore
}

interface Store {
  readonly folder: string
  readonly database: Database
  readonly settings: ReturnType<typeof settingsRevisionsIn>
}

const stores: Store[] = []
after(async () => {
  for (const { folder, database } of stores) {
    await database.close().catch(() => {})
    rmSync(folder, { recursive: true, force: true })
  }
})

async function newStore(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-settings-'))
  const database = await openDatabase({ dataDir: folder })
  const store = { folder, database, settings: settingsRevisionsIn(database) }
  stores.push(store)
  return store
}

async function startService(options: RigOptions = {}, existing?: Store): Promise<Rig & { readonly rig: Store }> {
  const rig = existing ?? (await newStore())
  const sealed = openSecretBox(rig.folder)
  const box: SecretBox = {
    seal: (text) => sealed.seal(text, 'settings'),
    open: (text) => sealed.open(text, 'settings'),
  }
  const load = (saved: Values, environment: Readonly<Record<string, string>> = {}) =>
    loadSettings({ saved, box, environment, flags: {}, context: {} })
  const latest = await rig.settings.latest()
  const initial = load(latest?.values ?? {}, options.environment)
  assert.ok(initial.ok)
  const published: Config[] = []
  const faults: string[][] = []
  const service = createSettingsService({
    initial: { ...initial, revision: latest?.id ?? 0, saved: latest?.values ?? {} },
    store: options.store?.(rig.settings) ?? rig.settings,
    box,
    context: () => ({}),
    check: openPortFaults,
    publish: async (config) => {
      published.push(config)
      return faults.shift() ?? []
    },
  })
  return { service, published, box, faults, load, rig }
}

function shown(service: SettingsService, key: string) {
  const setting = service.view().settings.find((one) => one.key === key)
  assert.ok(setting, key)
  return setting
}

describe('saving settings', () => {
  it('makes every worker use them before they are saved, and keeps them', async () => {
    const { service, published, rig } = await startService()
    const saved = await service.save({ 'policy.blockFrom': 'low', 'icap.optionsTtlS': '60' }, 'ann')
    assert.deepEqual(saved, { ok: true, revision: 1, changed: ['icap.optionsTtlS', 'policy.blockFrom'], warnings: [] })
    assert.equal(published.length, 1)
    assert.equal(published[0]?.['icap.optionsTtlS'], 60)
    assert.deepEqual(
      [shown(service, 'policy.blockFrom').value, shown(service, 'policy.blockFrom').source],
      ['low', 'saved'],
    )
    const again = await startService({}, rig)
    assert.equal(again.service.inForce.config['icap.optionsTtlS'], 60)
    assert.equal(again.service.inForce.revision, 1)
  })

  const refused: readonly [string, Values, RegExp][] = [
    ['one wrong value among good ones', { 'policy.blockFrom': 'low', 'icap.port': '99999' }, /icap\.port/],
    ['a name that is none', { 'icap.prot': '1' }, /icap\.prot/],
    ['a name from the prototype', { __proto__x: 1, constructor: 'x' }, /constructor/],
    ['onlyListed with nobody listed', { 'clients.onlyListed': 'on' }, /would refuse every client/],
    ['two ports that are one', { 'icap.port': '8080' }, /same port/],
  ]
  for (const [reason, updates, fault] of refused)
    it(`refuses ${reason} and changes nothing`, async () => {
      const { service, published } = await startService()
      const outcome = await service.save(updates, 'ann')
      assert.equal(outcome.ok, false)
      assert.match(outcome.ok ? '' : outcome.faults.join('\n'), fault)
      assert.deepEqual(published, [])
      assert.equal(service.inForce.revision, 0)
      assert.deepEqual(await service.history(), [])
    })

  it('names every fault at once', async () => {
    const { service } = await startService()
    const outcome = await service.save({ 'icap.port': '0', 'log.level': 'loud', 'scan.yara': 'perhaps' }, 'ann')
    assert.equal(outcome.ok ? 0 : outcome.faults.length, 3)
  })

  it('gives the workers the old settings back where one of them met a fault', async () => {
    const { service, published, faults } = await startService()
    faults.push(['port 4 is in use', 'port 4 is in use'])
    const outcome = await service.save({ 'icap.optionsTtlS': 60 }, 'ann')
    assert.deepEqual(outcome, { ok: false, faults: ['port 4 is in use'] })
    assert.deepEqual(
      published.map((config) => config['icap.optionsTtlS']),
      [60, 300],
    )
    assert.equal(service.inForce.config['icap.optionsTtlS'], 300)
    assert.deepEqual(await service.history(), [])
    assert.ok((await service.save({ 'icap.optionsTtlS': 60 }, 'ann')).ok, 'and the next change is not held up')
  })

  it('gives the workers the old settings back where the store does not take the new ones', async () => {
    const { service, published, rig } = await startService()
    await rig.database.close()
    await assert.rejects(service.save({ 'icap.optionsTtlS': 60 }, 'ann'), { name: 'Unavailable' })
    assert.deepEqual(
      published.map((config) => config['icap.optionsTtlS']),
      [60, 300],
    )
    assert.equal(service.inForce.revision, 0)
  })

  it('does not overwrite what another server saved meanwhile; it takes that over, and the next save is based on it', async () => {
    const { service, published, rig } = await startService()
    const other = await startService({}, rig)
    assert.ok((await other.service.save({ 'icap.optionsTtlS': 60 }, 'bob')).ok)
    await assert.rejects(service.save({ 'policy.blockFrom': 'low' }, 'ann'), { name: 'Unavailable' })
    assert.equal(published.at(-1)?.['policy.blockFrom'], 'high')
    assert.equal(published.at(-1)?.['icap.optionsTtlS'], 60)
    const outcome = await service.save({ 'policy.blockFrom': 'low' }, 'ann')
    assert.deepEqual([outcome.ok, service.inForce.revision], [true, 2])
    assert.equal(service.inForce.config['icap.optionsTtlS'], 60)
  })

  it('takes over a revision that the store saved although its answer came too late', async () => {
    const { service } = await startService({
      store: (real) => ({
        ...real,
        save: async (revision) => {
          const saved = await real.save(revision)
          if (saved.id === 1) throw new Error('STORE_TIMEOUT')
          return saved
        },
      }),
    })
    await assert.rejects(service.save({ 'icap.optionsTtlS': 60 }, 'ann'), { name: 'Unavailable' })
    const outcome = await service.save({ 'policy.blockFrom': 'low' }, 'ann')
    assert.equal(outcome.ok, true)
  })

  it('does one change after the other, each on what the one before left', async () => {
    const { service, published } = await startService()
    const saves = Array.from({ length: 20 }, (_, n) =>
      service.save(n % 2 === 0 ? { 'icap.optionsTtlS': 100 + n } : { 'icap.previewBytes': n }, `user ${n}`),
    )
    const outcomes = await Promise.all(saves)
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok && outcome.revision),
      Array.from({ length: 20 }, (_, n) => n + 1),
    )
    assert.equal(published.length, 20)
    const { config } = service.inForce
    assert.deepEqual([config['icap.optionsTtlS'], config['icap.previewBytes']], [118, 19])
  })

  it('saves nothing where nothing differs', async () => {
    const { service, published } = await startService()
    await service.save({ 'icap.optionsTtlS': 60 }, 'ann')
    const outcome = await service.save({ 'icap.optionsTtlS': ' 60 ' }, 'ann')
    assert.deepEqual(outcome, { ok: true, revision: 1, changed: [], warnings: [] })
    assert.equal(published.length, 1)
  })
})

describe('ports', () => {
  let busy: Server
  let port: number
  before(async () => {
    busy = createServer().listen(0)
    await new Promise((resolve) => busy.once('listening', resolve))
    port = (busy.address() as { port: number }).port
  })
  after(() => busy.close())

  it('that somebody else has are a fault, before any worker is asked', async () => {
    const { service, published } = await startService()
    const outcome = await service.save({ 'icap.port': port }, 'ann')
    assert.match(outcome.ok ? '' : outcome.faults.join(), /icap\.port.*EADDRINUSE/)
    assert.deepEqual(published, [])
  })

  it('are not asked for where they stay: a server has its own ports open', tlsNeeds, async () => {
    const { service } = await startService()
    const key = newKey('rsa')
    const tls = {
      'icaps.certificate': certificateFor(key),
      'icaps.privateKey': keyPem(key, 'pkcs8', PASSPHRASE),
      'icaps.passphrase': PASSPHRASE,
      'icaps.passphraseConfirmation': PASSPHRASE,
    }
    const free = await freePort()
    assert.ok((await service.save({ ...tls, 'icaps.enabled': true, 'icaps.port': free }, 'ann')).ok)
    const ours = createServer().listen(free)
    await new Promise((resolve) => ours.once('listening', resolve))
    try {
      const outcome = await service.save({ 'icap.previewBytes': 1000 }, 'ann')
      assert.deepEqual(outcome.ok || outcome.faults, true)
      const other = await service.save({ 'icap.port': await freePort() }, 'ann')
      assert.deepEqual(other.ok || other.faults, true)
    } finally {
      ours.close()
    }
  })

  it('are tried on SIGHUP too', async () => {
    const { service, load, published } = await startService()
    const faults = await service.override((saved) => load(saved, { ASSAY_ICAP_PORT: String(port) }))
    assert.match(faults.join(), /icap\.port.*EADDRINUSE/)
    assert.deepEqual(published, [])
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('rolling back', () => {
  it('makes old settings a new revision, which can be rolled back itself', async () => {
    const { service, published } = await startService()
    await service.save({ 'icap.optionsTtlS': 60 }, 'ann')
    await service.save({ 'icap.optionsTtlS': 90, 'policy.blockFrom': 'low' }, 'ann')
    const back = await service.rollback(1, 'bob')
    assert.deepEqual(back.ok && [back.revision, back.changed], [3, ['icap.optionsTtlS', 'policy.blockFrom']])
    assert.equal(service.inForce.config['icap.optionsTtlS'], 60)
    const forth = await service.rollback(2, 'bob')
    assert.deepEqual(forth.ok && forth.revision, 4)
    assert.equal(published.at(-1)?.['icap.optionsTtlS'], 90)
    const entries = await service.history()
    assert.deepEqual(
      entries.map(({ revision, by }) => [revision, by]),
      [
        [4, 'bob'],
        [3, 'bob'],
        [2, 'ann'],
        [1, 'ann'],
      ],
    )
    assert.deepEqual(
      entries[0]?.changes.map(({ key }) => key),
      ['icap.optionsTtlS', 'policy.blockFrom'],
    )
  })

  for (const revision of [0, 7, -1, 1.5])
    it(`to revision ${revision}, which there is not, is refused`, async () => {
      const { service } = await startService()
      const outcome = await service.rollback(revision, 'bob')
      assert.deepEqual(outcome, { ok: false, faults: [`there is no revision ${revision}`] })
    })

  it('to a port that somebody has taken since changes nothing', async () => {
    const { service } = await startService()
    const server = createServer().listen(0)
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    await service.save({ 'icap.port': port }, 'ann')
    await service.save({ 'icap.port': await freePort() }, 'ann')
    const thief = createServer().listen(port)
    await new Promise((resolve) => thief.once('listening', resolve))
    const outcome = await service.rollback(1, 'ann')
    assert.deepEqual([outcome.ok, service.inForce.revision], [false, 2])
    thief.close()
  })
})

describe('export and apply', () => {
  it('an export that is applied changes nothing', async () => {
    const { service, published } = await startService()
    await service.save(
      { 'pages.urlAccess': 'line one\r\n%URL% "quoted" # no comment\n', 'clients.list': '10.0.0.0/8, ::1' },
      'ann',
    )
    const text = service.exportText()
    const outcome = await service.applyText(text, 'ann')
    assert.deepEqual(outcome, { ok: true, revision: 1, changed: [], warnings: [] })
    assert.equal(published.length, 1)
    assert.equal(service.exportText(), text)
  })

  it('an export of one server makes another the same', async () => {
    const first = await startService()
    await first.service.save({ 'icap.optionsTtlS': 60, 'policy.blockFrom': 'medium', 'pages.fileUpload': 'off' }, 'ann')
    const second = await startService()
    assert.ok((await second.service.applyText(first.service.exportText(), 'ann')).ok)
    assert.deepEqual(second.service.inForce.config, first.service.inForce.config)
  })

  const broken: readonly [string, string][] = [
    ['no YAML', 'icap: [1, 2'],
    ['an alias bomb', `a: &a [x,x,x]\n${Array.from({ length: 30 }, (_, n) => `b${n}: [*a,*a,*a]`).join('\n')}`],
    ['an unknown key', 'icap:\n  prot: 1\n'],
    ['a list', '- 1\n'],
    ['a key twice', 'icap.port: 1345\nicap.port: 1346\n'],
  ]
  for (const [reason, text] of broken)
    it(`refuses ${reason}`, async () => {
      const { service, published } = await startService()
      const outcome = await service.applyText(text, 'ann')
      assert.equal(outcome.ok, false)
      assert.deepEqual(published, [])
    })
})

describe('secrets', tlsNeeds, () => {
  it('stand in no view, export, history or store', async () => {
    const { service, rig } = await startService()
    const key = newKey('ec')
    const privateKey = keyPem(key, 'pkcs8', PASSPHRASE)
    const outcome = await service.save(
      {
        'icaps.certificate': certificateFor(key),
        'icaps.privateKey': privateKey,
        'icaps.passphrase': PASSPHRASE,
        'icaps.passphraseConfirmation': PASSPHRASE,
      },
      'ann',
    )
    assert.ok(outcome.ok)
    const line = privateKey.split('\n')[2] ?? ''
    const stored = JSON.stringify(await rig.settings.latest())
    const visible = [service.view(), service.exportText(), await service.history(), outcome, stored]
    for (const one of visible) {
      assert.ok(!JSON.stringify(one).includes(PASSPHRASE))
      assert.ok(!JSON.stringify(one).includes(line))
    }
    assert.equal(shown(service, 'icaps.passphrase').value, '(set)')
    assert.ok((await service.applyText(service.exportText(), 'ann')).ok)
    assert.equal(service.inForce.config['icaps.passphrase'], PASSPHRASE, 'an export that is applied keeps them')
  })
})

describe('overrides', () => {
  it('are read-only, and named', async () => {
    const { service, published } = await startService({ environment: { ASSAY_ICAP_PORT: '21344' } })
    const view = shown(service, 'icap.port')
    assert.deepEqual([view.value, view.source, view.readOnly], [21_344, 'environment', true])
    const outcome = await service.save({ 'icap.port': 21_345, 'policy.blockFrom': 'low' }, 'ann')
    assert.match(outcome.ok ? '' : outcome.faults.join(), /icap\.port.*ASSAY_ICAP_PORT/)
    assert.deepEqual(published, [])
    assert.ok((await service.applyText(service.exportText(), 'ann')).ok, 'their own value is no change')
  })

  it('read again replace those of before; what was saved counts again when they are gone', async () => {
    const { service, load, published } = await startService()
    await service.save({ 'log.level': 'warn' }, 'ann')
    assert.deepEqual(await service.override((saved) => load(saved, { ASSAY_LOG_LEVEL: 'error' })), [])
    assert.equal(published.at(-1)?.['log.level'], 'error')
    assert.equal(shown(service, 'log.level').source, 'environment')
    assert.equal((await service.save({ 'log.level': 'info' }, 'ann')).ok, false)
    assert.deepEqual(await service.override((saved) => load(saved)), [])
    assert.equal(published.at(-1)?.['log.level'], 'warn')
    assert.equal(shown(service, 'log.level').source, 'saved')
  })

  it('that are wrong change nothing', async () => {
    const { service, load, published } = await startService()
    const faults = await service.override((saved) => load(saved, { ASSAY_ICAP_PORT: 'http', ASSAY_LOG_LEVEL: 'loud' }))
    assert.equal(faults.length, 2)
    assert.match(faults.join('\n'), /ASSAY_ICAP_PORT/)
    assert.deepEqual(published, [])
    assert.equal(service.inForce.config['icap.port'], 1344)
  })

  it('that a worker cannot use are taken back', async () => {
    const { service, load, published, faults } = await startService()
    faults.push(['port 21344 may not be opened by this user'])
    const met = await service.override((saved) => load(saved, { ASSAY_ICAP_PORT: '21344' }))
    assert.deepEqual(met, ['port 21344 may not be opened by this user'])
    assert.equal(published.at(-1)?.['icap.port'], 1344)
    assert.equal(shown(service, 'icap.port').source, 'default')
  })

  it('that cannot be read at all are a fault and no crash', async () => {
    const { service } = await startService()
    const faults = await service.override(() => {
      throw new Error('the disk is gone')
    })
    assert.deepEqual(faults, ['the disk is gone'])
    assert.ok((await service.save({ 'policy.blockFrom': 'low' }, 'ann')).ok)
  })

  it('of a file keep their place in it', async () => {
    const { service, box } = await startService()
    const file = parseSettingsText('policy:\n  blockFrom: low\n', 'settings.yaml')
    assert.deepEqual(await service.override((saved) => loadSettings({ saved, box, file, context: {} })), [])
    const outcome = await service.save({ 'policy.blockFrom': 'medium' }, 'ann')
    assert.match(outcome.ok ? '' : outcome.faults.join(), /settings\.yaml line 2/)
  })
})

describe('pages of five megabytes', () => {
  it('are saved, exported, applied and shown in a history that stays small', async () => {
    const { service } = await startService()
    const page = `<p>%URL%</p>${'é'.repeat(2_600_000)}`
    for (const suffix of ['a', 'b', 'c']) {
      const pages = { 'pages.urlAccess': page + suffix, 'pages.fileUpload': page + suffix, 'pages.fileDownload': page }
      assert.ok((await service.save(pages, 'ann')).ok)
    }
    const entries = await service.history()
    assert.equal(entries.length, 3)
    assert.ok(JSON.stringify(entries).length < 10_000)
    const outcome = await service.applyText(service.exportText(), 'ann')
    assert.deepEqual(outcome.ok || outcome.faults, true)
  })
})
