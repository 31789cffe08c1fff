import assert from 'node:assert/strict'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { needsShared, sharedPath } from '../e2e/needs.ts'
import { waitFor } from '../e2e/programs.ts'
import { plainText } from '../e2e/samples.ts'
import { tinyPe } from '../scan/predictive/tiny-pe.ts'
import { makeZip } from '../unpack/archives/make-zip.ts'
import { assay, cli, detailOf, engineOf, told } from './inside-rig.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const PE = tinyPe()
const ZIPPED = makeZip([{ name: 'tiny.exe', data: PE, how: 'deflate' }])
const TEXT = plainText('predictive', 3000)

describe('the predictive engine of a running server', needsShared('models'), () => {
  let server: Server
  let made = 0
  const ask = async (body: Buffer) => told(await server.respond(`pe-${++made}`, body))
  const last = () => detailOf(server, `pe-${made}`)
  const snapshots = () => {
    const folder = join(server.data, 'worker', 'snapshots')
    return readdirSync(folder).flatMap((name) => (/^models-/.test(name) ? [join(folder, name)] : []))
  }

  before(async () => {
    server = await startServer({ workers: 1, saved: { 'scan.threads': 1 } })
  })
  after(async () => {
    await server?.kill()
    if (server !== undefined) removeFolder(server.data)
  })

  it('is not to be had without a model', async () => {
    const { code, stderr } = await cli(server, ['settings', 'set', 'scan.predictive', 'true'])
    assert.notEqual(code, 0)
    assert.match(stderr, /no model installed|no model is installed/)
    assert.equal(await ask(PE), 'clean')
  })

  it('is, once they are installed; only the newest snapshot is kept', async () => {
    await assay(server, ['models', 'install', sharedPath('models')])
    const models = JSON.parse(await assay(server, ['models', 'list', '--json'])) as { name: string }[]
    assert.deepEqual(models.map(({ name }) => name).sort(), ['pe', 'win32', 'win64'])
    assert.equal(snapshots().length, 1)
    const pairs = ['scan.predictive', 'true', 'predictive.medium', '1', 'predictive.high', '1']
    await assay(server, ['settings', 'set', ...pairs])
    const { state, version } = await engineOf(server, 'predictive')
    assert.equal(state, 'up')
    assert.notEqual(version, '')
  })

  it('notes the score of a program that it does not accuse, shown by the command line', async () => {
    assert.equal(await ask(PE), 'clean')
    const { id } = await last()
    const text = await assay(server, ['transactions', 'show', id])
    assert.match(text, /none: ML\.PE\.Score \(predictive .*\): .*score/)
  })

  it('uses other thresholds from the next message on: 403 with its name', async () => {
    await server.set({ 'predictive.medium': 0, 'predictive.high': 0 })
    assert.equal(await ask(PE), 'blocked: ML.PE.High')
    const { detections } = await last()
    assert.deepEqual(
      detections.map(({ engine, name, risk }) => [engine, name, risk]),
      [['predictive', 'ML.PE.High', 'high']],
    )
    assert.equal(await ask(ZIPPED), 'blocked: ML.PE.High')
    assert.equal((await last()).detections[0]?.member, 'tiny.exe')
    assert.equal(await ask(TEXT), 'clean')
  })

  it('is the same engine for `assay scan`', async () => {
    const path = join(server.data, 'tiny.bin')
    writeFileSync(path, PE)
    const { code, stdout } = await cli(server, ['scan', path, '--json'])
    const { outcome, detections } = JSON.parse(stdout.toString())
    assert.deepEqual([code, outcome, detections[0]?.name], [1, 'detected', 'ML.PE.High'])
  })

  it('between the thresholds it is suspicious, and passes', async () => {
    await server.set({ 'predictive.high': 1 })
    assert.equal(await ask(PE), 'clean')
    const { detections, risk } = await last()
    assert.deepEqual([detections[0]?.name, risk], ['ML.PE.Suspicious', 'medium'])
  })

  it('only notes in monitor mode', async () => {
    await server.set({ 'predictive.high': 0.000_001, 'predictive.monitor': true })
    assert.equal(await ask(PE), 'clean')
    const { detections, evidence } = await last()
    assert.deepEqual(detections, [])
    assert.ok(evidence.nodes[0]?.findings.some(({ name }) => name === 'ML.PE.Score'))
  })

  it('a model that is lost is an engine that is down for programs, and for nothing else; installing it mends it', async () => {
    for (const path of snapshots()) rmSync(path)
    const [old = 0] = await server.pids('worker')
    process.kill(old, 'SIGKILL')
    await waitFor('another worker', async () => {
      const pids = await server.pids('worker')
      return pids.length === 1 && pids[0] !== old
    })
    assert.equal(await ask(PE), '500: Not scanned (engine-down)')
    assert.equal(await ask(ZIPPED), '500: Not scanned (engine-down)')
    assert.equal(await ask(TEXT), 'clean')
    // Workers report once a second.
    await waitFor('the engine to be down', async () => (await engineOf(server, 'predictive')).state === 'down')
    await assay(server, ['models', 'install', sharedPath('models/EMBER2024_PE.model')])
    await waitFor('the engine to be up', async () => (await engineOf(server, 'predictive')).state === 'up')
    assert.equal(await ask(PE), 'clean')
    assert.ok((await last()).evidence.nodes[0]?.findings.some(({ name }) => name === 'ML.PE.Score'))
  })

  it('a server that finds them gone at its start says so, and its other settings can still be changed', async () => {
    assert.equal(await server.stop(), 0, server.log())
    const folder = join(server.data, 'models')
    for (const name of readdirSync(folder)) if (name.endsWith('.model')) rmSync(join(folder, name))
    server = await startServer({ data: server.data, ports: server.ports, workers: 1 })
    const { state, detail } = await engineOf(server, 'predictive')
    assert.deepEqual([state, detail], ['down', 'no model installed'])
    assert.equal(await ask(PE), '500: Not scanned (engine-down)')
    assert.equal(await ask(TEXT), 'clean')
    await server.set({ 'policy.unscanned.engine-down': 'block' })
    assert.equal(await ask(PE), 'blocked: Not scanned (engine-down)')
    await assay(server, ['models', 'install', sharedPath('models/EMBER2024_PE.model')])
    assert.equal(await ask(PE), 'clean')
  })

  it('the models go when it is off, snapshots and all', async () => {
    await server.set({ 'scan.predictive': false })
    assert.equal(await ask(PE), 'clean')
    await assay(server, ['models', 'remove', 'pe'])
    assert.equal(snapshots().length, 0)
    await waitFor('the engine to be off', async () => {
      const { state, detail } = await engineOf(server, 'predictive')
      return state === 'off' && detail === 'no model installed'
    })
  })
})
