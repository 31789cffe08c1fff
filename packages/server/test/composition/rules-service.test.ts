import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createRulesService, type RulesService } from '../../src/composition/rules-service.ts'
import { checkRulesHere } from '../../src/scan/scanners/yara/check-rules.ts'
import { compileRules } from '../../src/scan/scanners/yara/rule-compiler.ts'
import { createYaraEngine } from '../../src/scan/scanners/yara/yara-engine.ts'
import type { Snapshot } from '../../src/supervisor/messages.ts'
import { sampleOf } from '../scan/samples.ts'
import { openStore, type StoreRig } from './store-rig.ts'

const rule = (name: string, body = `strings: $a = "${name}" condition: $a`) => `rule ${name} { ${body} }\n`
// Each start of the run is tried at each byte: 64 KiB of `a` take seconds.
const SLOW = rule('slow_one', 'strings: $a = /a{1,200}.{1,200}a{1,200}.{1,200}b/s condition: $a')

let rig: StoreRig
let service: RulesService
let published: Snapshot[]
let faults: string[]
before(async () => {
  rig = await openStore()
})
after(() => rig.close())
beforeEach(async () => {
  for (const { name } of await rig.writer.rules.list()) await rig.writer.rules.remove(name)
  for (const { name } of await rig.writer.rules.options()) await rig.writer.rules.removeOptions(name)
  ;({ service, published, faults } = newService())
  await service.build()
})

type Options = Parameters<typeof createRulesService>[0]

const compiled = new Map<string, ReturnType<Options['compile']>>()

/** Compiling takes a second; the same files again are the same rules. */
const compileOnce: Options['compile'] = (files) => {
  const key = JSON.stringify(files.map(({ name, source, options }) => [name, source, options]))
  const known = compiled.get(key) ?? compileRules(files)
  compiled.set(key, known)
  return known
}

function newService(store: Options['store'] = rig.writer.rules, compile: Options['compile'] = compileOnce) {
  const published: Snapshot[] = []
  const faults: string[] = []
  const service = createRulesService({
    store,
    compile,
    check: async (file) => checkRulesHere(file),
    hits: () => [{ file: 'eicar.yar', rule: 'some', enforced: 2, shadow: 0 }],
    snapshots: rig.snapshots,
    publish: async (snapshot) => {
      published.push(snapshot)
      // As a worker does: what is published can be loaded.
      const engine = await createYaraEngine({
        blob: readFileSync(join(rig.snapshots, '..', snapshot.path)),
        threads: 1,
      })
      await engine.close()
      return faults.splice(0)
    },
  })
  return { service, published, faults }
}

const by = 'ann'
const stateOf = (name: string) => service.files().find((file) => file.name === name)?.state
const snapshots = () => readdirSync(rig.snapshots).filter((name) => name.startsWith('rules-'))

describe('rule files', () => {
  it('are compiled, published and stored; the snapshot of before goes', async () => {
    const [first] = snapshots()
    const added = await service.deps.add({ name: 'own.yar', text: rule('one'), by })
    assert.ok(added.ok)
    assert.deepEqual([added.file.state, added.file.rules, added.file.builtIn], ['loaded', 1, false])
    assert.equal(published.length, 1)
    assert.equal(snapshots().length, 1)
    assert.notDeepEqual(snapshots(), [first])
    assert.equal((await rig.writer.rules.get('own.yar'))?.source, rule('one'))
  })

  it('that are bad are quarantined with their faults; the others are loaded', async () => {
    await service.deps.add({ name: 'good.yar', text: rule('good'), by })
    const added = await service.deps.add({
      name: 'bad.yar',
      text: `${rule('fine')}rule broken { condition: $nowhere }\n`,
      by,
    })
    assert.ok(added.ok)
    assert.equal(added.file.state, 'quarantined')
    assert.match(added.file.faults.join(), /^line 2: /)
    assert.equal(stateOf('good.yar'), 'loaded')
    assert.ok(service.files().some(({ builtIn, state }) => builtIn && state === 'loaded'))
    const again = newService().service
    await again.build()
    assert.equal(again.files().find(({ name }) => name === 'bad.yar')?.state, 'quarantined', 'after a restart too')
  })

  it('with one rule name twice: the second file is quarantined', async () => {
    await service.deps.add({ name: 'a.yar', text: rule('twice'), by })
    const added = await service.deps.add({ name: 'b.yar', text: rule('twice'), by })
    assert.ok(added.ok && added.file.state !== 'loaded' ? added.file.faults.length > 0 : true)
    assert.equal(stateOf('a.yar'), 'loaded')
  })

  it('take the place of a built-in one of their name until they are removed', async () => {
    const added = await service.deps.add({ name: 'eicar.yar', text: rule('mine'), by })
    assert.deepEqual(added.ok && [added.file.builtIn, added.file.rules], [false, 1])
    assert.equal(service.files().filter(({ name }) => name === 'eicar.yar').length, 1)
    assert.deepEqual(await service.deps.remove({ name: 'eicar.yar', by }), { ok: true, removed: true })
    assert.equal(service.files().find(({ name }) => name === 'eicar.yar')?.builtIn, true)
  })

  it('that come with the program cannot be removed; those that are not there are no fault', async () => {
    const kept = await service.deps.remove({ name: 'eicar.yar', by })
    assert.match(kept.ok ? '' : kept.faults.join(), /comes with the program/)
    assert.deepEqual(await service.deps.remove({ name: 'never.yar', by }), { ok: true, removed: false })
    assert.deepEqual(published, [])
  })

  it('that are slow are shown as slow', async () => {
    const added = await service.deps.add({ name: 'slow.yar', text: SLOW, by })
    assert.ok(added.ok)
    assert.equal(added.file.state, 'slow', JSON.stringify(added.file))
    assert.match(added.file.faults.join(), /takes \d+ ms of CPU/)
  })

  it('that a worker refuses are not taken: not stored, not shown, the old ones published again', async () => {
    const [before] = snapshots()
    faults.push('the scan threads did not start', 'the scan threads did not start')
    const added = await service.deps.add({ name: 'own.yar', text: rule('one'), by })
    assert.deepEqual(added, { ok: false, faults: ['the scan threads did not start'] })
    assert.equal(stateOf('own.yar'), undefined)
    assert.equal(await rig.writer.rules.get('own.yar'), undefined)
    assert.equal(published.at(-1)?.path, join('snapshots', before ?? ''))
    assert.deepEqual(snapshots(), [before])
  })

  it('that take the compiler down are not taken, and the next ones are', async () => {
    const dead = 'the rules could not be compiled: the compiler ended (SIGSEGV)'
    const { service } = newService(rig.writer.rules, (files) =>
      files.some(({ source }) => source.includes('deadly')) ? Promise.reject(new Error(dead)) : compileOnce(files),
    )
    await service.build()
    assert.deepEqual(await service.deps.add({ name: 'own.yar', text: 'deadly', by }), { ok: false, faults: [dead] })
    assert.equal(await rig.writer.rules.get('own.yar'), undefined, 'or the next start would fail')
    assert.ok((await service.deps.add({ name: 'own.yar', text: rule('one'), by })).ok)
  })

  it('that the store refuses are not used', async () => {
    const { service, published } = newService({
      ...rig.writer.rules,
      put: () => Promise.reject(new Error('STORE_UNAVAILABLE')),
    })
    const first = await service.build()
    await assert.rejects(service.deps.add({ name: 'own.yar', text: rule('one'), by }), /STORE_UNAVAILABLE/)
    assert.equal(published.at(-1)?.revision, first.revision)
    assert.ok(!service.files().some(({ name }) => name === 'own.yar'))
  })

  it('of many at once are all there in the end', async () => {
    const names = ['a', 'b']
    const added = await Promise.all(
      names.map((name) => service.deps.add({ name: `${name}.yar`, text: rule(name), by })),
    )
    assert.ok(added.every(({ ok }) => ok))
    assert.deepEqual(
      names.map((name) => stateOf(`${name}.yar`)),
      names.map(() => 'loaded'),
    )
    assert.equal(snapshots().length, 1)
  })

  it('are never written through a link that lies in the workers’ folder', async () => {
    const secret = join(rig.folder, 'secret')
    writeFileSync(secret, 'root’s')
    const { revision } = await service.build()
    rmSync(join(rig.snapshots, `rules-${revision}.bin`))
    symlinkSync(secret, join(rig.snapshots, `rules-${revision}.bin.new`))
    await service.build()
    assert.equal(readFileSync(secret, 'utf8'), 'root’s')
    assert.deepEqual(snapshots(), [`rules-${revision}.bin`])
  })
})

describe('the options of a rule file', () => {
  const fileOf = (name: string) => service.files().find((file) => file.name === name)

  it('disable and enable a file that comes with the program, also over a restart', async () => {
    const off = await service.deps.setOptions({ name: 'eicar.yar', enabled: false, by })
    assert.deepEqual(off.ok && [off.file.state, off.file.builtIn, off.file.rules], ['disabled', true, 0])
    const again = newService().service
    const snapshot = await again.build()
    assert.equal(again.files().find(({ name }) => name === 'eicar.yar')?.state, 'disabled')
    const engine = await createYaraEngine({ blob: readFileSync(join(rig.snapshots, '..', snapshot.path)) })
    assert.deepEqual(namesFound(engine, EICAR), [])
    await engine.close()
    const on = await service.deps.setOptions({ name: 'eicar.yar', enabled: true, by })
    assert.equal(on.ok && on.file.state, 'loaded')
  })

  it('are those a file is added with, from its first scan on', async () => {
    const options = { shadow: true, weight: 7, types: ['text', 'script'] }
    const added = await service.deps.add({ name: 'own.yar', text: rule('one'), options, by })
    assert.ok(added.ok)
    const { shadow, weight, types, state } = added.file
    assert.deepEqual({ shadow, weight, types, state }, { ...options, state: 'loaded' })
    assert.equal(published.length, 1, 'never enforced for a moment')
  })

  it('stay when the file is replaced, and go with it', async () => {
    await service.deps.add({ name: 'own.yar', text: rule('one'), options: { shadow: true }, by })
    await service.deps.add({ name: 'own.yar', text: rule('two'), by })
    assert.equal(fileOf('own.yar')?.shadow, true)
    await service.deps.remove({ name: 'own.yar', by })
    await service.deps.add({ name: 'own.yar', text: rule('three'), by })
    assert.equal(fileOf('own.yar')?.shadow, false)
  })

  it('change one by one, each with a version of its own', async () => {
    await service.deps.add({ name: 'own.yar', text: rule('one'), by })
    await service.deps.setOptions({ name: 'own.yar', weight: 9, by })
    await service.deps.setOptions({ name: 'own.yar', shadow: true, by })
    assert.deepEqual([fileOf('own.yar')?.weight, fileOf('own.yar')?.shadow], [9, true])
    await service.deps.setOptions({ name: 'own.yar', weight: null, by })
    assert.deepEqual([fileOf('own.yar')?.weight, fileOf('own.yar')?.shadow], [undefined, true])
    assert.equal(new Set(published.map(({ revision }) => revision)).size, published.length)
  })

  it('are refused for types that do not exist and files that are not there; nothing changes', async () => {
    const bad = await service.deps.setOptions({ name: 'eicar.yar', types: ['pe', 'exe'], by })
    assert.deepEqual(bad, { ok: false, faults: ['types: no true type or family is called exe'] })
    const missing = await service.deps.setOptions({ name: 'never.yar', enabled: false, by })
    assert.deepEqual(missing, { ok: false, faults: ['no rule file is called never.yar'] })
    assert.deepEqual([published, await rig.writer.rules.options()], [[], []])
  })

  it('that a worker refuses are not kept', async () => {
    faults.push('no')
    const refused = await service.deps.setOptions({ name: 'eicar.yar', shadow: true, by })
    assert.deepEqual(refused, { ok: false, faults: ['no'] })
    assert.deepEqual([fileOf('eicar.yar')?.shadow, await rig.writer.rules.options()], [false, []])
  })

  it('are shown with what the file costs, its hits and its rules', async () => {
    const detail = await service.deps.show('eicar.yar')
    assert.ok(detail !== undefined && detail.check.rules.length > 0 && detail.hits.length === 1)
    const shares = service.files().map(({ cost }) => cost?.share ?? 0)
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 0.05, `${shares}`)
    assert.equal(await service.deps.show('never.yar'), undefined)
    const checked = await service.deps.check({ name: 'x.yar', text: 'rule x {' })
    assert.ok(checked.ok && checked.check.faults.length > 0)
    assert.equal(stateOf('x.yar'), undefined, 'nothing is installed')
  })
})

const EICAR = ['X5O!P%@AP[4', 'PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('\\')

function namesFound(engine: Awaited<ReturnType<typeof createYaraEngine>>, text: string) {
  return engine.scanNow(sampleOf(text))?.map(({ name }) => name)
}
