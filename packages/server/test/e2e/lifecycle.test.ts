import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import {
  type Assay,
  choosePorts,
  newDataFolder,
  type Ports,
  removeFolder,
  startAssay,
  startMovableAssay,
} from './assay.ts'
import { type Certificates, icapsSettings, makeCertificates } from './certificates.ts'
import { cIcapClient } from './icap-client.ts'
import { needs, TOP } from './needs.ts'
import { processesMarked } from './process-table.ts'
import { CLEAN_ENV, endWithUs, freePorts, isListening, runProgram, waitFor } from './programs.ts'
import { ConnectionEnded, connectIcap, exchange, OPTIONS, respmod } from './raw-icap.ts'
import { EICAR, plainText } from './samples.ts'

const BODY = plainText('lifecycle', 5000)
const message = (name: string): Buffer => respmod({ url: `http://www.example.com/${name}`, body: BODY })

describe('npm start', needs('git', 'npm', 'c-icap-client'), () => {
  const folder = newDataFolder()
  const clone = join(folder, 'clone')
  after(() => removeFolder(folder))

  it('serves from a fresh clone; SIGTERM drains, exits 0 and leaves nothing; the second start works too', async () => {
    const cloned = await runProgram('git', ['clone', '--quiet', '--no-hardlinks', TOP, clone])
    assert.equal(cloned.code, 0, cloned.stderr)
    const ports = await choosePorts()
    // The first installs what the lock names; the second finds it there.
    for (const attempt of [1, 2]) await startAndStop(clone, ports, attempt)
  })
})

async function startAndStop(clone: string, ports: Ports, attempt: number): Promise<void> {
  const mark = `npm-start-${process.pid}-${attempt}`
  const flags = ['--icap-port', ports.icap, '--icaps-port', ports.icaps, '--console-port', ports.console].map(String)
  const env = { ...CLEAN_ENV, ASSAY_E2E: mark, ASSAY_DATA: join(clone, '..', 'data') }
  const npm = spawn('npm', ['start', '--', ...flags], { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] })
  endWithUs(npm)
  let output = ''
  for (const stream of [npm.stdout, npm.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const ended = (): boolean => npm.exitCode !== null || npm.signalCode !== null
  await waitFor('npm start to be ready', () => /^ready$/m.test(output) || ended(), 300_000)
  assert.ok(!ended(), `npm start ended:\n${output.slice(-4000)}`)
  const infected = await cIcapClient({ port: ports.icap, service: 'avscan', file: EICAR })
  assert.match(infected.httpLine, /^HTTP\/1\.1 403 /)
  const clean = await cIcapClient({ port: ports.icap, service: 'avscan', file: BODY })
  assert.ok(clean.status === 204 || clean.body?.equals(BODY))

  const underWay = await connectIcap(ports.icap)
  const bytes = message(`npm-start-${attempt}`)
  underWay.send(bytes.subarray(0, 2000))
  await sleep(300)
  npm.kill('SIGTERM')
  await waitFor('the port to close', async () => !(await isListening(ports.icap)))
  underWay.send(bytes.subarray(2000))
  assert.equal((await underWay.answer()).status, 204, 'what was under way is answered')
  await waitFor('npm to end', ended, 60_000)
  assert.equal(npm.exitCode, 0, `npm start ended with ${npm.exitCode ?? npm.signalCode}:\n${output.slice(-4000)}`)
  await waitFor('no process to be left', () => processesMarked(`ASSAY_E2E=${mark}`).length === 0, 5000)
}

describe('a running server', needs('openssl'), () => {
  const files = newDataFolder()
  let assay: Assay
  let certificates: Certificates
  before(async () => {
    certificates = await makeCertificates(files, 'first')
    assay = await startMovableAssay()
  })
  after(async () => {
    await assay.stop()
    removeFolder(assay.data)
    removeFolder(files)
  })

  it('refuses a second one on its data folder and goes on', async () => {
    await assert.rejects(startAssay({ data: assay.data }), /ended/)
    assert.equal((await exchange(assay.ports.icap, message('second'))).status, 204)
  })

  const badValues = [
    { pairs: { 'icap.port': '99999' }, names: 'icap.port', because: 'there is no such port' },
    { pairs: { 'icap.prot': '1344' }, names: 'icap.prot', because: 'there is no such key' },
    { pairs: { 'icaps.enabled': 'true' }, names: 'icaps', because: 'it has no certificate' },
    { pairs: { 'icaps.certificate': 'not PEM' }, names: 'icaps.certificate', because: 'it is no certificate' },
    { pairs: { 'clients.list': '["300.1.1.1"]' }, names: 'clients.list', because: 'it is no address' },
    {
      pairs: { 'headers.send.virusId': 'false', 'icaps.port': '0' },
      names: 'icaps.port',
      because: 'one of two is bad',
    },
  ]
  for (const { pairs, names, because } of badValues)
    it(`refuses ${Object.keys(pairs).join(' and ')} and changes nothing: ${because}`, async () => {
      const before = await assay.status()
      const { code, stderr, stdout } = await assay.tryCli(['settings', 'set', ...Object.entries(pairs).flat()])
      assert.notEqual(code, 0)
      assert.ok(`${stderr}${stdout.toString()}`.includes(names), `names ${names}: ${stderr}`)
      const after = await assay.status()
      assert.deepEqual(
        [after.settingsRevision, after.isTags, after.listeners],
        [before.settingsRevision, before.isTags, before.listeners],
      )
      assert.ok(
        (await exchange(assay.ports.icap, respmod({ url: 'http://a.example/', body: EICAR }))).headers.has(
          'x-virus-id',
        ),
      )
    })

  it('moves its port under load without a failed transaction', async () => {
    const [next = 0] = await freePorts(1)
    const load = startLoad([assay.ports.icap, next])
    await waitFor('load', () => load.answered() > 50)
    await assay.set({ 'icap.port': String(next) })
    const moved = load.answered()
    await waitFor('load on the new port', () => load.answered() > moved + 50)
    await assay.set({ 'icap.port': String(assay.ports.icap) })
    const back = load.answered()
    await waitFor('load on the old port', () => load.answered() > back + 50)
    assert.deepEqual(await load.stop(), [])
    assert.equal(await isListening(next), false)
  })

  it('takes a new certificate: new connections get it, old ones live on', async () => {
    await assay.set(icapsSettings(certificates))
    const old = await connectIcap(assay.ports.icaps, { tls: true })
    assert.equal(nameOf(old.socket as TLSSocket), 'first')
    await assay.set(icapsSettings(await makeCertificates(files, 'second')))
    const fresh = connectTls({ host: '127.0.0.1', port: assay.ports.icaps, rejectUnauthorized: false })
    await new Promise((resolve, reject) => fresh.once('secureConnect', resolve).once('error', reject))
    assert.equal(nameOf(fresh), 'second')
    fresh.destroy()
    old.send(message('old-connection'))
    assert.equal((await old.answer()).status, 204)
    old.close()
  })

  it('keeps its settings over a restart', async () => {
    await assay.set({ 'headers.send.infectionFound': 'false' })
    const { data, ports } = assay
    await assay.stop()
    assay = await startAssay({ data, ports })
    const answer = await exchange(ports.icap, respmod({ url: 'http://a.example/', body: EICAR }))
    assert.deepEqual([answer.headers.has('x-virus-id'), answer.headers.has('x-infection-found')], [true, false])
  })
})

describe('SIGTERM', () => {
  it('lets what is under way end, twice signalled or not, and leaves the data folder as it should be', async () => {
    const assay = await startAssay()
    mkdirSync(assay.data, { recursive: true })
    const connection = await connectIcap(assay.ports.icap)
    const bytes = message('drained')
    connection.send(bytes.subarray(0, 3000))
    await sleep(300)
    process.kill(assay.pid, 'SIGTERM')
    await waitFor('the port to close', async () => !(await isListening(assay.ports.icap)))
    process.kill(assay.pid, 'SIGTERM')
    await sleep(300)
    assert.equal(assay.exited(), false, 'it waits for what is under way')
    connection.send(bytes.subarray(3000))
    const answer = await connection.answer()
    assert.equal(answer.status, 204)
    assert.match(answer.headers.get('connection') ?? '', /close/i, 'and says that it closes')
    await assay.stop()
    const again = await startAssay({ data: assay.data, ports: assay.ports })
    const [record] = await waitFor('its record', async () => (await again.transactions('/drained')).slice(0, 1))
    assert.equal(record?.action, 'allow-clean')
    await again.stop()
    removeFolder(assay.data)
  })

  it('does not wait for connections without a request', async () => {
    const assay = await startAssay()
    const idle = await connectIcap(assay.ports.icap)
    idle.send(OPTIONS('response'))
    assert.equal((await idle.answer()).status, 200)
    await assay.stop()
    assert.equal(idle.closed(), true)
    removeFolder(assay.data)
  })
})

function nameOf(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject.CN)
}

interface Load {
  answered(): number
  /** What went wrong. */
  stop(): Promise<readonly string[]>
}

/**
 * Clients that know two ports and keep their connections. One that finds its connection closed, or a port that refuses, takes the next
 * port; a request that was sent and is not answered is a failure, and so is no port at all.
 */
function startLoad(ports: readonly number[]): Load {
  const faults: string[] = []
  let going = true
  let count = 0
  const client = async (): Promise<void> => {
    while (going) {
      const connection = await connectAny(ports)
      if (connection === undefined) return void faults.push('no port accepts')
      try {
        while (going && !connection.closed()) {
          connection.send(message(`load-${count}`))
          const { status, headers } = await connection.answer()
          if (status !== 204) faults.push(`ICAP ${status}`)
          count++
          if (/close/i.test(headers.get('connection') ?? '')) break
        }
      } catch (error) {
        if (!isCloseOfIdle(error)) faults.push(String(error))
      } finally {
        connection.close()
      }
    }
  }
  const all = Promise.all(Array.from({ length: 4 }, client))
  return {
    answered: () => count,
    stop: async () => {
      going = false
      await all
      return faults
    },
  }
}

/** The server closed an idle connection while the request was on its way: no byte of an answer, so a client sends it again. */
function isCloseOfIdle(error: unknown): boolean {
  return error instanceof ConnectionEnded && error.bytesOfAnswer === 0
}

async function connectAny(ports: readonly number[]) {
  // Twice: the first may refuse just before it opens, and the second just after it closed.
  for (const port of [...ports, ...ports]) {
    try {
      return await connectIcap(port)
    } catch {
      // Refused: the other one is open by then.
    }
  }
  return undefined
}
