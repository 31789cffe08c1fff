import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { needs } from '../e2e/needs.ts'
import { waitFor } from '../e2e/programs.ts'
import { plainText } from '../e2e/samples.ts'
import { type Clamd, MARKER, startClamd } from '../scan/clamav/clamd.ts'
import { makeZip } from '../unpack/archives/make-zip.ts'
import { assay, detailOf, engineOf, told } from './inside-rig.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const CLEAN = plainText('clamav', 2000)
const BAD = Buffer.concat([CLEAN, MARKER])
/** clamd has no password: what is inside, it sees only as we hand it over. */
const LOCKED = makeZip([{ name: 'inner.txt', data: BAD, password: { text: 'infected', how: 'ae2' } }])
const WAIT_MS = 40_000

describe('ClamAV as an engine of a running server', needs('clamd', 'sigtool'), () => {
  let clamd: Clamd
  let server: Server
  let made = 0
  const ask = async (body: Buffer) => told(await server.respond(`clamav-${++made}`, body))
  const found = async () =>
    (await detailOf(server, `clamav-${made}`)).detections.map(({ engine, name, member }) => [engine, name, member])
  const readyz = async () => {
    const answer = await fetch(`http://127.0.0.1:${server.ports.console}/readyz`)
    return { status: answer.status, text: await answer.text() }
  }
  const isUp = () => waitFor('clamd to be up', async () => (await engineOf(server, 'clamav')).state === 'up', WAIT_MS)

  before(async () => {
    ;[clamd, server] = await Promise.all([startClamd(), startServer({ workers: 1, saved: { 'scan.threads': 1 } })])
  })
  after(async () => {
    await server?.kill()
    await clamd?.stop()
    if (server !== undefined) removeFolder(server.data)
  })

  it('is off until an endpoint is named, and required from then on', async () => {
    assert.equal((await engineOf(server, 'clamav').catch(() => ({ state: 'off' }))).state, 'off')
    assert.equal(await ask(BAD), 'clean')
    const before = (await server.options()).headers.get('istag')
    await assay(server, ['settings', 'set', 'clamav.endpoints', JSON.stringify([clamd.tcp])])
    await isUp()
    assert.equal(await ask(BAD), 'blocked: Assay.Marker.UNOFFICIAL')
    assert.notEqual((await server.options()).headers.get('istag'), before)
    assert.deepEqual(await found(), [['clamav', 'Assay.Marker.UNOFFICIAL', undefined]])
    assert.equal(await ask(CLEAN), 'clean')
  })

  it('is asked about the members of what it cannot open itself', async () => {
    assert.equal(await ask(LOCKED), 'blocked: Assay.Marker.UNOFFICIAL')
    assert.deepEqual(await found(), [['clamav', 'Assay.Marker.UNOFFICIAL', 'inner.txt']])
  })

  it('new signatures change the ISTag, and what was clean is asked again', async () => {
    const news = plainText('assay-daily-27001', 5000)
    assert.equal(await ask(news), 'clean')
    const before = (await server.options()).headers.get('istag')
    await clamd.publish(27_001)
    await waitFor(
      'another ISTag',
      async () => (await server.options()).headers.get('istag') !== before && (await ask(news)) !== 'clean',
      WAIT_MS,
    )
    assert.equal(await ask(news), 'blocked: Assay.Daily.UNOFFICIAL')
  })

  it('frozen: unscanned (timeout) within the deadline; thawed, it answers again', async () => {
    await server.set({ 'scan.timeoutMs': 1500 })
    clamd.signal('SIGSTOP')
    const answer = await ask(Buffer.concat([BAD, Buffer.from('frozen')]))
    clamd.signal('SIGCONT')
    assert.equal(answer, '500: Not scanned (timeout)')
    await server.set({ 'scan.timeoutMs': null })
    await isUp()
    assert.equal(await ask(CLEAN), 'clean')
  })

  it('killed: engine-down, not ready by HTTP and by OPTIONS; back: ready again', async () => {
    const died = new Promise((resolve) => clamd.process.once('exit', resolve))
    clamd.signal('SIGKILL')
    await died
    assert.equal(await ask(Buffer.concat([BAD, Buffer.from('killed')])), '500: Not scanned (engine-down)')
    assert.equal(await ask(Buffer.concat([LOCKED, Buffer.from('killed')])), '500: Not scanned (engine-down)')
    await waitFor('not ready', async () => (await readyz()).status === 503)
    assert.match((await readyz()).text, /clamav is down/)
    assert.equal((await server.options()).status, 503)
    await clamd.restart()
    await waitFor('ready', async () => (await readyz()).status === 200, WAIT_MS)
    assert.equal((await server.options()).status, 200)
    assert.equal(await ask(BAD), 'blocked: Assay.Marker.UNOFFICIAL')
  })

  it('is off again when no endpoint is named', async () => {
    await assay(server, ['settings', 'set', 'clamav.endpoints', '[]'])
    assert.equal((await engineOf(server, 'clamav')).state, 'off')
    assert.equal(await ask(BAD), 'clean')
    assert.equal(await ask(LOCKED), 'clean')
    assert.equal((await readyz()).status, 200)
  })
})
