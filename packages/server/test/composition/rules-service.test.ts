import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createRulesService, type RulesService } from '../../src/composition/rules-service.ts'
import { compileRules } from '../../src/scan/scanners/yara/rule-compiler.ts'
import { createYaraEngine } from '../../src/scan/scanners/yara/yara-engine.ts'
import type { Snapshot } from '../../src/supervisor/messages.ts'
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
  ;({ service, published, faults } = newService())
  await service.build()
})

type Options = Parameters<typeof createRulesService>[0]

const compiled = new Map<string, ReturnType<Options['compile']>>()

/** Compiling takes a second; the same files again are the same rules. */
const compileOnce: Options['compile'] = (files) => {
  const key = JSON.stringify(files.map(({ name, source }) => [name, source]))
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
